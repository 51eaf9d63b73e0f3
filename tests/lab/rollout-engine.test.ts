import { type Load, startLoad } from "../../lab/load.js";
import { FIX, fixesValues, levels } from "../../lab/was/rollout.js";
import { ENGINE_TEST_MS, Engine } from "../support/engine.js";
import { kill, processesOf, providersOf } from "../support/engine-processes.js";
import { rollout } from "../support/rollout-command.js";

/**
 * One rollout through the whole engine, in the middle of which the provider's process or the whole command is killed at named
 * steps, one after the other; what the messages say is done, and each next `up` goes on.
 */
const ROLLOUT_TEST_MS = 1_500_000;
const STEP_MS = 240_000;
const UP = ["up", "--yes", "--skip-preview"];
const CHECKPOINTS = { env: { PULUMI_SKIP_CHECKPOINTS: "false" } };
let engine: Engine;
let load: Load;

beforeAll(async () => {
  engine = await Engine.start({ cell: "2.1" });
  await engine.configure(() => fixesValues(engine.lab));
  load = startLoad(engine.lab, { sticky: 1, mostSeconds: ROLLOUT_TEST_MS / 1_000 });
}, ENGINE_TEST_MS);
afterAll(async () => {
  await load?.stop().catch(() => undefined); // the test has judged it, if it came so far
  await engine?.stop();
}, ENGINE_TEST_MS);

const at = (title: string) => (output: string) => new RegExp(`\\[dmgr \\d+/\\d+\\] ${title}`).test(output);

async function providerKilledAt(title: string): Promise<void> {
  const killProvider = () => kill(providersOf(engine.workspace));
  const { code } = await engine.during(UP, at(title), killProvider, { withinMs: STEP_MS });
  expect(code).not.toBe(0);
}

/** With all that it started, as when its machine dies: it leaves a lock on the state behind, and says how to be rid of it. */
async function commandKilledAt(title: string): Promise<void> {
  const killAll = () => kill(processesOf(engine.workspace));
  await engine.during(UP, at(title), killAll, { ...CHECKPOINTS, withinMs: STEP_MS });
  const locked = await engine.pulumi(UP);
  expect(locked.code).not.toBe(0);
  expect(locked.output).toContain("pulumi cancel");
  await engine.expect(0, ["cancel", "--yes"]);
}

test(
  "promise 6: a rollout freezes once and is killed at seven steps, and the next up goes on each time",
  async () => {
    await providerKilledAt("stop the node agent of node2");
    await providerKilledAt("route and prove by CloneIDs on every web server that users reach every node but node1");
    await engine.lab.fault("install-lies", true);
    expect((await engine.pulumi(UP)).output).toMatch(
      /its text says that it is done[\s\S]*is frozen at "install LO66666/,
    );
    await engine.lab.fault("install-lies", false);

    // What it remembers is not thrown away.
    const destroyed = await engine.pulumi(["destroy", "--yes", "--skip-preview"]);
    expect(destroyed.code).not.toBe(0);
    expect(destroyed.output).toMatch(/rollout \S+ is unfinished/);

    // The routing belongs to the rollout meanwhile: alone, or with everything else, it plans no step and says so.
    await engine.route("node2");
    const { deployment } = JSON.parse(await engine.expect(0, ["stack", "export"])) as {
      deployment: { resources: { urn: string; type: string }[] };
    };
    const routing = deployment.resources.find(({ type }) => type.endsWith("ihs:PluginRouting"))?.urn ?? "";
    const output = await engine.expect(0, [...UP, "--target", routing]);
    expect(output).toMatch(/held by an unfinished rollout, step "/);
    expect(output).not.toMatch(/waiting for the lock|\[web1 1\//);

    // What is not proved is not tried again by itself.
    expect((await engine.pulumi(UP)).output).toMatch(/its list does not have LO66666; its text says that it is done/);
    expect(await rollout(engine, "resume")).toMatchObject({ code: 0 });
    await commandKilledAt("install LO66666");
    await providerKilledAt("synchronize node1");
    await commandKilledAt("start the members of node1");
    await providerKilledAt("start the node agent of node2");
    await providerKilledAt("generate the plug-in files again");

    expect(await engine.up()).toMatch(/take up the rollout/);
    expect(await levels(engine.lab)).toEqual({ node1: FIX, node2: FIX });
    // Free again: what was declared for the routing meanwhile is done now.
    await engine.up();
    expect(await engine.served()).toBe("node2");
    await engine.settled();
    expect((await load.stop()).failures).toEqual({});
  },
  ROLLOUT_TEST_MS,
);
