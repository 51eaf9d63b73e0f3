import { ownershipProblems } from "../../../providers/kinds/interim-fixes/node-checks.js";
import { standingRefusals } from "../../../providers/kinds/interim-fixes/preflight.js";
import type { Ownership } from "../../../providers/targets/wsadmin/ownership.js";
import { Driver, declaration } from "../../model/driver.js";
import { MemoryCell } from "../../support/memory-cell.js";

const KEPT = { journal: null, found: [], wentBack: null, durations: {} };
const owned = (more: Partial<Ownership>): Ownership => ({
  owner: "wasadmin",
  files: [],
  processes: [],
  complete: true,
  ...more,
});

/** What keeps a rollout over two such nodes from beginning. */
async function refused(change: (cell: MemoryCell) => void, settings: Record<string, unknown> = {}): Promise<string[]> {
  const cell = new MemoryCell(2);
  change(cell);
  const driver = new Driver(cell, declaration(cell, settings));
  const problems = standingRefusals(driver.desired, await driver.observe("preview"), KEPT);
  return problems.map(({ where, found }) => `${where}: ${found}`);
}

test("a profile in which root left files is refused, and they are named", async () => {
  const files = Array.from({ length: 7 }, (_, index) => ({ user: "root", path: `logs/${index}` }));
  expect(await refused((cell) => cell.owned.set("node2", owned({ files })))).toEqual([
    "node2: profile: files that are not its owner's: logs/0 (root), logs/1 (root), logs/2 (root), logs/3 (root), logs/4 (root) and more",
  ]);
  const [first] = files;
  expect(await refused((cell) => cell.owned.set("dmgr", owned({ files: first ? [first] : [] })))).toEqual([
    "deployment manager: profile: files that are not its owner's: logs/0 (root)",
  ]);
});

test("the advice names the folders: a chown of the whole profile would reach what servers run", () => {
  const files = [{ user: "root", path: "logs/0" }];
  expect(ownershipProblems("node1", owned({ files })).map(({ next }) => next)).toEqual([
    expect.stringMatching(/in the profile's folder.*: chown -Rh wasadmin config logs temp$/),
  ]);
});

test("a server that another user runs is refused", async () => {
  const processes = [{ user: "root", server: "nodeagent" }];
  expect(await refused((cell) => cell.owned.set("node1", owned({ processes })))).toEqual([
    "node1: profile: not run by its owner: nodeagent (root)",
  ]);
});

test("a look that was cut short proves nothing", async () => {
  expect(await refused((cell) => cell.owned.set("node1", owned({ complete: false })))).toEqual([
    "node1: profile: there was no time to look at the owner of every file",
  ]);
});

test("a temp folder that a link leads away from is refused before anything is stopped", async () => {
  const change = (cell: MemoryCell) => cell.linkedTemp.set("node2", "/scratch");
  expect(await refused(change)).toEqual(["node2: it leads to /scratch"]);
});

describe("what a starting agent would do to members", () => {
  test.each(["RUNNING", "PREVIOUS", "unknown"] as const)(
    "%s is refused: it would start them too early",
    async (state) => {
      const change = (cell: MemoryCell) => cell.restartStates.set("node1_AppsCluster", state);
      expect(await refused(change)).toEqual([
        `node1_AppsCluster of node1: its monitoring policy has nodeRestartState ${state}`,
      ]);
      expect(await refused(change, { strategy: "offline" })).toEqual([]);
    },
  );

  test("STOPPED is as it has to be", async () => {
    expect(await refused((cell) => cell.restartStates.set("node1_AppsCluster", "STOPPED"))).toEqual([]);
  });
});

describe("node agents as services", () => {
  test("an agent is started again by what it was started by, and the plan names its service", async () => {
    const cell = new MemoryCell(3);
    cell.services.set("node2", "was-node2.service");
    const driver = new Driver(cell, declaration(cell));
    const { steps } = await driver.plan();
    expect(steps.map(({ title }) => title)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^stop the node agent of node2 \(the service was-node2.service\)/),
        expect.stringMatching(/^stop the node agent of node3, so/),
      ]),
    );
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect(cell.agentStarts).toEqual(["node2: was-node2.service", "node3: null"]);
  });
});

describe("what the cell says of all", () => {
  type Observation = Awaited<ReturnType<ReturnType<MemoryCell["estate"]>["cell"]["observe"]>>;
  async function seen(change: (observation: Observation) => Observation) {
    const cell = new MemoryCell(2);
    const driver = new Driver(cell, declaration(cell), (id) => {
      const estate = cell.estate(id);
      const observe = async () => change(await estate.cell.observe());
      return { ...estate, cell: { ...estate.cell, observe, snapshot: observe } };
    });
    return driver.plan();
  }

  test("promise 19: a temp folder outside of the profile is refused before anything is stopped", async () => {
    const variables = [{ name: "WAS_TEMP_DIR", value: "/var/tmp", scope: { node: "node1" } }];
    const { refusals } = await seen((found) => ({ ...found, topology: { ...found.topology, variables } }));
    expect(refusals.map(({ found }) => found)).toContain("it is not cleared: it lies outside of the profile");
  });

  test.each([
    [{ automatic: true as const }, true],
    [{ automatic: "unknown" as const }, true],
    [{ automatic: true as const, due: "some day" }, true],
    [{ automatic: true as const, due: "2026-12-24T00:00:00Z" }, false],
    [{ automatic: false as const }, false],
  ])("promise 10: key generation of %j: refused %s", async (keys, refuses) => {
    const keyGeneration = [{ group: "NodeLTPAKeySetGroup", ...keys }];
    const { refusals } = await seen((found) => ({ ...found, settings: { ...found.settings, keyGeneration } }));
    expect(refusals.some(({ where }) => where === "LTPA keys")).toBe(refuses);
  });
});
