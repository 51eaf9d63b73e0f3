import { interimFixes } from "../../providers/kinds/interim-fixes/kind.js";
import type { MemoryCell } from "../support/memory-cell.js";
import { NO_FAULTS, type Node } from "../support/memory-cell-parts.js";
import { Driver, declaration } from "./driver.js";
import { everywhere, expectSettled, KINDS, recover, watched } from "./watched.js";

/** Generous, since the machine may be busy: every index is a whole rollout and its recovery. */
jest.setTimeout(300_000);

const SUPPORTED = { acceptUnsupported: false };
const DAY = 86_400_000;

/** A cell that has the fix for long. */
function installed(nodes = 2): MemoryCell {
  const cell = watched(nodes);
  cell.fixes.add("LO66666");
  return cell;
}

/** A backup program comes by at night, or somebody gives the files to their owner once more. */
function touch({ now }: MemoryCell, ...nodes: readonly Node[]): void {
  for (const node of nodes) node.touchedAt = now;
}

/** By hand: an update of the application and a synchronization of the node; its members are not started anew. */
function distribute(cell: MemoryCell, ...nodes: readonly Node[]): void {
  cell.level++;
  cell.changedAt = cell.now;
  for (const webServer of cell.webServers) webServer.generated = webServer.inForce = cell.level;
  for (const node of cell.nodes) {
    const isLeft = nodes.includes(node);
    Object.assign(node, { level: cell.level, expanded: cell.level, distributedAt: cell.now });
    for (const member of node.members) {
      member.level = cell.level;
      if (!isLeft) Object.assign(member, { temp: cell.level, startedAt: cell.now + 60_000 });
    }
  }
  cell.now += 120_000;
}

async function seen(driver: Driver) {
  const live = await driver.observe("preview");
  const kept = driver.kept ?? interimFixes.adopt(live);
  const { steps, refusals, notes } = interimFixes.plan(driver.desired, live, kept);
  const { deviations } = interimFixes.describe(driver.desired, live, kept);
  return { deviations, refusals, notes, due: steps.length > 0 };
}

const NOTHING = { deviations: {}, refusals: [], notes: [], due: false };
/** Beside the lock and the record. */
const changed = ({ written }: MemoryCell) =>
  written.filter((change) => !change.includes("/var/lib/pulumi-connections/"));
const treated = ({ written }: MemoryCell) => written.filter((change) => change.startsWith("clear node")).sort();

/** Adopted as found, and the first thing that ever happened. */
async function adopted(cell: MemoryCell): Promise<Driver> {
  const driver = new Driver(cell, declaration(cell, SUPPORTED));
  expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
  expect(changed(cell)).toEqual([]);
  return driver;
}

describe.each([
  ["the times of that moment", false],
  ["the times of their archive", true],
])("what is expanded gets %s", (_name, keepsTimes) => {
  test("promise 1: files that were touched after members started are no drift, day by day", async () => {
    const cell = installed();
    cell.keepsTimes = keepsTimes;
    const driver = await adopted(cell);
    for (let day = 0; day < 3; day++) {
      cell.now += DAY;
      touch(cell, ...cell.nodes);
      expect(await seen(driver)).toEqual(NOTHING);
    }
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect(changed(cell)).toEqual([]);
  });

  test("promise 3: a distribution by hand is, also once its files were touched, and is brought to members", async () => {
    const cell = installed();
    cell.keepsTimes = keepsTimes;
    const driver = await adopted(cell);
    distribute(cell, cell.node("node2"));
    touch(cell, ...cell.nodes.slice(1));
    expect(await seen(driver)).toMatchObject({
      deviations: { "node2 node2_AppsCluster": expect.stringMatching(/^runs since .* before files was distributed/) },
      due: true,
    });
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
    expect(treated(cell)).toEqual(["clear node2"]);
    expect(cell.installerRuns).toEqual([]);
  });

  test("what a rollout proved is known afterwards", async () => {
    const cell = watched(2);
    cell.keepsTimes = keepsTimes;
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    cell.now += DAY;
    touch(cell, ...cell.nodes);
    expect(await seen(driver)).toMatchObject({ deviations: {}, due: false });
    expect((await seen(driver)).notes.join()).not.toMatch(/not known whether the fixes are in force/);
    distribute(cell, cell.node("node1"));
    expect(await seen(driver)).toMatchObject({ due: true });
  });

  test("while a rollout is open, files that change their status have their node treated once more", async () => {
    const cell = watched(2);
    cell.keepsTimes = keepsTimes;
    const driver = new Driver(cell, declaration(cell));
    const after = (change: string) => {
      if (change === "clear node2") cell.node("node1").touchedAt = cell.now;
    };
    expect(await driver.up({ ...NO_FAULTS, after })).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
    expect(treated(cell)).toEqual(["clear node1", "clear node1", "clear node2"]);
    expect(cell.installerRuns).toHaveLength(1);
  });
});

describe("members whose files were touched before anything was proved", () => {
  const UNTOLD = /^not known whether the fixes are in force in node2 node2_AppsCluster: .*cannot be told, until it is/;

  test("it is said that it cannot be told, nothing is done, and a start ends it", async () => {
    const cell = installed();
    touch(cell, cell.node("node2"));
    const driver = await adopted(cell);
    expect(await seen(driver)).toEqual({ ...NOTHING, notes: [expect.stringMatching(UNTOLD)] });
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect(changed(cell)).toEqual([]);
    cell.now += DAY;
    cell.member("node2_AppsCluster").startedAt = cell.now;
    expect(await seen(driver)).toEqual(NOTHING);
  });

  test("the same of what an older version remembers; what is written anew shows all the same", async () => {
    const cell = installed();
    const driver = await adopted(cell);
    const live = await driver.observe("preview");
    const { seen: _seen, ...older } = interimFixes.adopt(live);
    touch(cell, cell.node("node2"));
    const plan = async () => interimFixes.plan(driver.desired, await driver.observe("preview"), older);
    expect(await plan()).toEqual({ steps: [], refusals: [], notes: [expect.stringMatching(UNTOLD)] });
    distribute(cell, cell.node("node2"));
    expect((await plan()).steps).not.toEqual([]);
  });

  test("what an application wrote beside its files is not taken for a touch, nor for a distribution", async () => {
    const cell = installed();
    const driver = await adopted(cell);
    cell.ownFiles.set("files", "a page");
    expect(await seen(driver)).toEqual(NOTHING);
    touch(cell, cell.node("node2"));
    expect(await seen(driver)).toEqual({ ...NOTHING, notes: [expect.stringMatching(UNTOLD)] });
  });
});

describe("a node that is brought to what is installed, beside one whose files were touched", () => {
  /** node2 was touched, after it was proved or before; then node1 gets a distribution by hand. */
  function both(isProved: boolean): MemoryCell {
    const cell = installed();
    if (!isProved) touch(cell, cell.node("node2"));
    return cell;
  }
  function befall(cell: MemoryCell): void {
    cell.now += DAY;
    cell.node("node1").distributedAt = cell.now;
    touch(cell, cell.node("node2"));
  }

  test.each([true, false])("promise 10: the other one is left alone (proved before: %s)", async (isProved) => {
    const cell = both(isProved);
    const driver = await adopted(cell);
    befall(cell);
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
    expect(treated(cell)).toEqual(["clear node1"]);
    const last = driver.said.filter((line) => line.includes("node2 node2_AppsCluster: ")).at(-1);
    expect(last).toMatch(isProved ? /runs what was distributed, since/ : /not proved: .*cannot be told/);
    expect((await seen(driver)).notes).toHaveLength(isProved ? 0 : 1);
  });

  test.each(KINDS)("%s at any change of that", async (kind) => {
    const cellOf = () => {
      const cell = both(false);
      befall(cell);
      return cell;
    };
    const reached = await everywhere(cellOf, kind, SUPPORTED, async (driver) => {
      await recover(driver);
      expect(treated(driver.cell).filter((change) => change === "clear node2")).toEqual([]);
    });
    expect(reached).toBeGreaterThan(20);
  });
});
