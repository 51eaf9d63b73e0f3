import { type Lab, startLab } from "../../lab/lab.js";
import { type Load, startLoad } from "../../lab/load.js";
import { levels } from "../../lab/was/rollout.js";
import { rolloutProcess } from "../support/rollout-process.js";
import { Serving } from "../support/serving.js";

/** Two processes of one rollout; generous, since the machine may be busy. */
const MOST_SECONDS = 600;
jest.setTimeout(MOST_SECONDS * 1_000);

let lab: Lab;
let serving: Serving;
let load: Load;

beforeAll(async () => {
  lab = await startLab({ cell: "2.1" });
  serving = new Serving(lab);
  load = startLoad(lab, { sticky: 1, users: 1, mostSeconds: MOST_SECONDS });
});

afterAll(async () => {
  await Promise.all([serving?.stop(), load?.stop().catch(() => undefined)]); // the test has judged them, if it came so far
  await lab?.stop();
});

/** Users got an answer at every request; so many nodes had all their members up at every look. */
async function expectServed(nodes: number): Promise<void> {
  const { failures, requests } = await load.stop();
  expect(failures).toEqual({});
  expect(requests).toBeGreaterThan(100);
  expect(await serving.stop()).toBe(nodes);
}

/** Nothing of the rollout is left but its record. */
async function expectTidy(): Promise<void> {
  for (const [folder, host] of [
    ["holds", "web1"],
    ["jobs", "node1"],
    ["jobs", "node2"],
    ["jobs", "dmgr"],
    ["rollouts", "dmgr"],
  ] as const) {
    const stateDirectory = lab.hosts[host]?.connection.stateDirectory;
    const { stdout } = await lab.run(host, ["ls", `${stateDirectory}/${folder}`]);
    expect([host, folder, stdout.trim()]).toEqual([host, folder, ""]);
  }
}

test("promise 6: killed before the installer, a rollout goes back by the next run, and no member was stopped", async () => {
  const before = await levels(lab);
  const died = await rolloutProcess(lab, {}, (title) => /^route and prove .* but node1\b/.test(title));
  expect([died.code, died.output]).toEqual([null, expect.stringContaining("stop the node agent of node2")]);
  const { code, output } = await rolloutProcess(lab, { onInterrupted: "roll back" });
  // What was asked for is not there, which is no success; everything is as it was found.
  expect([code, output]).toEqual([1, expect.stringMatching(/close the rollout, which went back/)]);
  expect(await levels(lab)).toEqual(before);
  await expectServed(2);
  await expectTidy();
});
