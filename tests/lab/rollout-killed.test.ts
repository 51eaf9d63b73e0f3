import { type Lab, startLab } from "../../lab/lab.js";
import { type Load, startLoad } from "../../lab/load.js";
import { FIX, levels } from "../../lab/was/rollout.js";
import { leftOf } from "../support/rollout-left.js";
import { COMMANDS, type KillAt, type RolloutEnd, rolloutProcess } from "../support/rollout-process.js";
import { Serving } from "../support/serving.js";

/** Three rollouts and some hundred processes that are killed in them; generous, since the machine may be busy. */
const MOST_SECONDS = 1_500;
jest.setTimeout(MOST_SECONDS * 1_000);

let lab: Lab;
let serving: Serving;
let load: Load;

beforeAll(async () => {
  lab = await startLab({ cell: "2.1" });
});

afterAll(() => lab?.stop());

beforeEach(() => {
  serving = new Serving(lab);
  load = startLoad(lab, { sticky: 1, users: 1, mostSeconds: MOST_SECONDS });
});

afterEach(async () => {
  await Promise.all([serving.stop(), load.stop().catch(() => undefined)]); // the test has judged them, if it came so far
});

/** Users got an answer at every request; so many nodes had all their members up at every look. */
async function expectServed(nodes: number): Promise<void> {
  const { failures, requests } = await load.stop();
  expect(failures).toEqual({});
  expect(requests).toBeGreaterThan(100);
  expect(await serving.stop()).toBe(nodes);
}

/** Only where a process comes through the installer and past it; one that died there proves the routing before anything else. */
const AFTER_INSTALLER = /^prove again, after the installer/;

interface Killed {
  /** Of the only process that was not killed. */
  readonly last: RolloutEnd;
  /** Steps that a process was killed at, by their titles: before anything of it was done, and while its command ran. */
  readonly beginnings: ReadonlySet<string>;
  readonly commands: ReadonlySet<string>;
  /** Steps that some process planned and none was killed at. */
  readonly spared: readonly string[];
}

/** Process after process, until one comes to its end: each dies at the first step that none has died at, or in its command. */
async function killedEverywhere(settings: Readonly<Record<string, unknown>>): Promise<Killed> {
  const beginnings = new Set<string>();
  const commands = new Set<string>();
  const planned = new Set<string>();
  const killAt = (title: string): KillAt | undefined => {
    if (!beginnings.has(title)) {
      beginnings.add(title);
      return "beginning";
    }
    if (commands.has(title) || !COMMANDS.test(title)) return undefined;
    commands.add(title);
    return "command";
  };
  for (;;) {
    const last = await rolloutProcess(lab, settings, killAt);
    for (const title of last.planned) planned.add(title);
    const spared = [...planned].filter((title) => !beginnings.has(title));
    if (last.code !== null) return { last, beginnings, commands, spared };
  }
}

/** Some hundred processes, one after the other: nine minutes on two cores, so only where they are asked for. */
const everyStep = process.env.KILL_AT_EVERY_STEP ? test : test.skip;

async function dies(settings: Readonly<Record<string, unknown>>, at: RegExp): Promise<void> {
  const { code, output } = await rolloutProcess(lab, settings, (title) => (at.test(title) ? "beginning" : undefined));
  if (code !== null) throw new Error(`it was to die at ${at}:\n${output}`);
}

test("promise 6: killed before the installer, a rollout goes back by the next run, and no member was stopped", async () => {
  const found = await levels(lab);
  const settings = { absent: ["LO00001"] }; // another declaration each time: what went back is not tried again by itself
  await dies(settings, /^route and prove .* but node1\b/);
  const { code, output } = await rolloutProcess(lab, { ...settings, onInterrupted: "roll back" });
  expect([code, output]).toEqual([1, expect.stringMatching(/close the rollout, which went back/)]);
  expect(await levels(lab)).toEqual(found);
  await expectServed(2);
  expect(await leftOf(lab)).toEqual([]);
});

everyStep(
  "promise 6: killed after the installer and at the very end, a rollout goes back; killed at every step of that, and in its commands, each next run goes on",
  async () => {
    const found = await levels(lab);
    const settings = { absent: ["LO00002"] };
    await dies(settings, AFTER_INSTALLER);
    await dies(settings, /^check once more/);
    const { last, beginnings, commands, spared } = await killedEverywhere({ ...settings, onInterrupted: "roll back" });
    // What was asked for is not there, which is no success; everything is as it was found.
    expect([last.code, last.output]).toEqual([1, expect.stringMatching(/close the rollout, which went back/)]);
    expect(spared).toEqual([expect.stringMatching(AFTER_INSTALLER)]);
    expect([beginnings.size, commands.size]).toEqual([28, 7]);
    expect(await levels(lab)).toEqual(found);
    await expectServed(1);
    expect(await leftOf(lab)).toEqual([]);
  },
);

everyStep(
  "promise 6: the provider's process is killed at every step, and again while a step's command runs; each next run goes on",
  async () => {
    const { last, beginnings, commands, spared } = await killedEverywhere({});
    expect([last.code, last.output]).toEqual([0, expect.any(String)]);
    expect(spared).toEqual([expect.stringMatching(AFTER_INSTALLER)]);
    expect([beginnings.size, commands.size]).toEqual([33, 8]);
    expect(await levels(lab)).toEqual({ node1: FIX, node2: FIX });
    await expectServed(1);
    expect(await leftOf(lab)).toEqual([]);
  },
);
