import { type Lab, startLab } from "../../lab/lab.js";
import { startLoad } from "../../lab/load.js";
import { FIX } from "../../lab/was/rollout.js";
import { everything } from "../support/as-found.js";
import { leftOf } from "../support/rollout-left.js";
import { COMMANDS, type KillAt, rolloutProcess } from "../support/rollout-process.js";
import { Serving } from "../support/serving.js";

/** Some forty rollouts there and back; generous, since the machine may be busy. */
const MOST_SECONDS = 7_200;
jest.setTimeout(MOST_SECONDS * 1_000);

/** Side by side, for a rollout mostly waits: two keep two cores busy. */
const LABS = 2;
/** As short as the lab goes, with one cluster beside the others that no step touches. */
const BRIEF = { untouched: ["PushCluster"], drain: { time: "1s" } };

/** Most of an hour on two cores, so only where it is asked for: all of it, or a part, "13-24" by the numbers that it prints. */
const ASKED = process.env.KILL_AT_EVERY_STEP;
const everyStep = ASKED ? test : test.skip;
const [FIRST = 1, LAST = Number.POSITIVE_INFINITY] = (/^(\d+)-(\d+)$/.exec(ASKED ?? "") ?? []).slice(1).map(Number);

interface Point {
  readonly number: number;
  readonly title: string;
  readonly at: KillAt;
  /** Another declaration each time: what went back is not tried again by itself. */
  readonly absent: readonly string[];
}

/** From here on users have everything, and nothing is left but to let go: that is finished, not taken back. */
const OVER = /^(give the routing|close the rollout)/;

everyStep("promise 6: killed at any single step, and in any command, a rollout goes back by the next run", async () => {
  const all = await pointsOf();
  const points = all.filter(({ number }) => number >= FIRST && number <= LAST);
  const failures: string[] = [];
  const work = async (): Promise<void> => {
    let lab: Lab | undefined;
    for (let point = points.shift(); point; point = points.shift()) {
      lab ??= await startLab({ cell: "2.1" });
      const name = `${point.number}: ${point.at} of "${point.title}"`;
      try {
        await killedAndTakenBack(lab, point);
        process.stderr.write(`taken back from ${name}\n`);
      } catch (error) {
        failures.push(`${name}: ${error}`);
        process.stderr.write(`${failures.at(-1)}\n`);
        await lab.stop(); // the next one finds everything as it has to be
        lab = undefined;
      }
    }
    await lab?.stop();
  };
  await Promise.all(Array.from({ length: LABS }, work));
  expect(failures).toEqual([]);
  expect(all).toHaveLength(40);
});

/** Every step of a rollout, as it is planned, and every command. */
async function pointsOf(): Promise<Point[]> {
  const lab = await startLab({ cell: "2.1" });
  try {
    const { planned } = await rolloutProcess(lab, BRIEF, () => "beginning");
    expect(await leftOf(lab)).toEqual([]); // nothing had begun, so there is nothing to go back from
    const kills = planned
      .slice(1)
      .flatMap((title) => [
        { title, at: "beginning" as const },
        ...(COMMANDS.test(title) ? [{ title, at: "command" as const }] : []),
      ]);
    return kills.map((kill, index) => ({ ...kill, number: index + 1, absent: [`LO${90_000 + index}`] }));
  } finally {
    await lab.stop();
  }
}

async function killedAndTakenBack(lab: Lab, { title, at, absent }: Point): Promise<void> {
  const found = await everything(lab);
  const settings = { ...BRIEF, absent };
  const ends = await served(lab, async () => {
    const killed = await rolloutProcess(lab, settings, (step) => (step === title ? at : undefined));
    return [killed, await rolloutProcess(lab, { ...settings, onInterrupted: "roll back" })];
  });
  const back = { code: 1, output: expect.stringMatching(/close the rollout, which went back/) };
  const on = { code: 0 };
  expect(ends).toEqual([
    expect.objectContaining({ code: null }),
    expect.objectContaining(OVER.test(title) ? on : back),
  ]);
  expect(await leftOf(lab)).toEqual([]);
  if (OVER.test(title)) {
    expect(await rolloutProcess(lab, { ...BRIEF, fixes: {}, absent: [FIX] })).toMatchObject({ code: 0 });
  }
  expect(await everything(lab)).toEqual(found);
}

/** Users get an answer at every request meanwhile, and never fewer than all nodes but one are up. */
async function served<T>(lab: Lab, work: () => Promise<T>): Promise<T> {
  const serving = new Serving(lab);
  const load = startLoad(lab, { sticky: 1, users: 1 });
  const [done] = await Promise.allSettled([work()]);
  const [{ failures, requests }, nodes] = await Promise.all([load.stop(), serving.stop()]);
  if (done?.status !== "fulfilled") throw done?.reason;
  expect([failures, nodes >= 1, requests > 100]).toEqual([{}, true, true]);
  return done.value;
}
