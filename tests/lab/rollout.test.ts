import { type Load, startLoad } from "../../lab/load.js";
import { FIX, fixesValues, levels } from "../../lab/was/rollout.js";
import { ENGINE_TEST_MS, Engine } from "../support/engine.js";
import { rollout as command } from "../support/rollout-command.js";

/** A rollout through the whole engine, while users ask: what an operator asks of it by `npm run rollout`. */
const ROLLOUT_TEST_MS = 900_000;
const STEP_MS = 240_000;
let engine: Engine;
let load: Load;

beforeAll(async () => {
  engine = await Engine.start({ cell: "2.1" });
  await engine.configure(() => fixesValues(engine.lab));
  load = startLoad(engine.lab, { mostSeconds: 3 * (ROLLOUT_TEST_MS / 1_000) });
}, ENGINE_TEST_MS);
afterAll(async () => {
  await load?.stop().catch(() => undefined); // a test before the one that judges it may have failed
  await engine?.stop();
}, ENGINE_TEST_MS);

/** `npm run rollout`. */
const rollout = (...args: readonly string[]) => command(engine, ...args);

const UP = ["up", "--yes", "--skip-preview"];

test(
  "promise 6: stop ends a running up before its next step, status says where, and the next up is refused until resume",
  async () => {
    expect(await rollout("stop")).toEqual({ code: 1, output: expect.stringContaining("no rollout is open") });
    await engine.lab.fault("install-hang", true);
    const stopped = await engine.during(
      UP,
      (output) => output.includes("Updating application Files"),
      async () => {
        expect(await rollout("stop", "--reason", "the board meets")).toMatchObject({ code: 0 });
        const { output } = await rollout("status");
        expect(output).toMatch(/: its routing is held by rollout \d+T\d+Z of [\w-]+\/[\w-]+\/[\w-]+, by /);
        expect(output).toMatch(/rollout \S+ of [^/ ]+\/[^/ ]+\/\S+, forward, begun .* by /);
        expect(output).toMatch(/: its routing is held by rollout \S+ of [^/ ]+\/[^/ ]+\/\S+, by .*, at "install /);
        expect(output).toMatch(/ {2}node1: not begun; agent running; members stopped; no users are sent to it\n/);
        expect(output).toMatch(
          / {2}node2: not begun; agent stopped; members running; users are sent to it by webserver1\n/,
        );
        expect(output).toMatch(/\n {2}left: install, accept-changes, /);
        expect(output).toMatch(/ {2}asked: stop, by .+ at .+: the board meets/);
        await engine.lab.fault("install-hang", false);
      },
      { withinMs: STEP_MS },
    );
    expect(stopped.code).not.toBe(0);
    expect(stopped.output).toContain(
      'stopped on request before "see which applications the installer changed, and that no other cluster runs them": the board meets',
    );
    expect((await rollout("status")).output).toMatch(/ {2}left: accept-changes, /);
    expect(await engine.expect(1, UP)).toContain("the rollout was stopped on request: the board meets");
  },
  ROLLOUT_TEST_MS,
);

test(
  "promise 6: after resume the next up goes on where the rollout stopped, and converges",
  async () => {
    expect(await rollout("resume")).toEqual({ code: 0, output: expect.stringContaining("Now run pulumi up.") });
    expect(await engine.up()).toMatch(/take up the rollout/);
    expect((await rollout("status")).output).toContain("no rollout is open");
    expect(await levels(engine.lab)).toEqual({ node1: FIX, node2: FIX });
    await engine.settled();
  },
  ROLLOUT_TEST_MS,
);

test(
  "promise 9: roll-back takes a stopped rollout back to how everything was found, and it is not tried again by itself",
  async () => {
    const before = await levels(engine.lab);
    const another = { LO77777: { readme: "reviewed" } };
    await engine.configure((values) => {
      const { fixes, ...others } = values.interimFixes as { fixes: object };
      return { ...values, interimFixes: { ...others, fixes: { ...fixes, ...another } } };
    });
    const stopped = await engine.during(
      UP,
      (output) => output.includes("stop the node agent of node2"),
      async () => {
        expect(await rollout("stop")).toMatchObject({ code: 0 });
      },
      { withinMs: STEP_MS },
    );
    expect(stopped.output).toContain("stopped on request before");
    const asked = await rollout("roll-back", "--reason", "not today");
    expect(asked).toEqual({ code: 0, output: expect.stringContaining("asked to roll back") });
    await engine.pulumi(UP);
    const { output } = await rollout("status");
    expect(output).toMatch(/no rollout is open\n {2}the last one went back on .*: not today/);
    expect(await levels(engine.lab)).toEqual(before);
    expect(await engine.expect(1, UP)).toContain("went back");
  },
  ROLLOUT_TEST_MS,
);

test("promise 10: in all of it no request failed", async () => {
  const report = await load.stop();
  expect(report.failures).toEqual({});
  expect(report.failed).toBe(0);
});
