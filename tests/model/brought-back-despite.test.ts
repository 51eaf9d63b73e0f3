import type { MemoryCell } from "../support/memory-cell.js";
import { type Faults, INSTALL_MS, NO_FAULTS, TICK_MS } from "../support/memory-cell-parts.js";
import { reboot, restoreConfiguration } from "../support/memory-cell-reboot.js";
import { Driver, declaration, killedAfter } from "./driver.js";
import { expectSettled, watched } from "./watched.js";

jest.setTimeout(300_000);

const INSTALLING = /^install /;
const LOST = { lost: { node2: "burnt down" } };

const asks = (cell: MemoryCell, request: "stop" | "resume" | "roll back") => {
  cell.request = { request, reason: "as asked" };
};

/** node1 is out, its rollout's process died right before that change, and node2's host is dead. */
async function burntBefore(change: RegExp, settings: Record<string, unknown> = {}, cell = watched(2)) {
  const driver = new Driver(cell, declaration(cell, settings));
  const before = (name: string) => {
    if (change.test(name)) throw new Error("killed");
  };
  expect(await driver.up({ ...NO_FAULTS, before })).toMatchObject({ ended: "failed" });
  cell.burn("node2");
  cell.advance(60_000);
  expect(cell.serving()).toEqual([]);
  return { cell, driver };
}

/** Whatever is wrong with users is node2's death; from here on it counts again. */
function powerBack(cell: MemoryCell): void {
  cell.gone.delete("node2");
  const { members, expanded } = cell.node("node2");
  for (const member of members) Object.assign(member, { state: "started", level: expanded, startedAt: cell.now });
  cell.advance(60_000);
  cell.violations.clear();
}

describe("promise 10: a node that is out is brought back, whatever else stands in the way", () => {
  test.each([
    ["other fixes are declared", (cell: MemoryCell) => declaration(cell, {}, { fixes: { LO77777: {} } })],
    ["a foundation is changed", (cell: MemoryCell) => declaration(cell, { ignoreWebServers: ["another"] })],
    [
      "a plug-in file lost a cluster that is probed",
      (cell: MemoryCell) => {
        const declared = declaration(cell);
        const [webServer] = cell.webServers;
        if (webServer) delete webServer.file.InfraCluster;
        return declared;
      },
    ],
  ])("%s", async (_, change) => {
    const { cell, driver } = await burntBefore(INSTALLING);
    driver.desired = change(cell);
    const { notes } = await driver.plan();
    expect(notes.filter((note) => note.startsWith("refused after that: ")).length).toBeGreaterThan(1);
    expect(await driver.up()).toMatchObject({ ended: "failed" });
    expect(cell.serving()).toEqual(["node1"]);
    expect(cell.installerRuns).toEqual([]);
    expect(driver.kept?.journal?.nodes).toEqual({});
  });

  test("an update installer that nobody has seen to; its work does not reach the node that serves", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    const lost = () => reboot(cell, "dmgr");
    const after = (name: string) => {
      if (INSTALLING.test(name)) cell.at(cell.now + INSTALL_MS / 2 + 3 * TICK_MS, lost);
    };
    expect((await driver.up({ ...NO_FAULTS, after })).message).toMatch(/may be written half-way/);
    cell.burn("node2");
    const { message } = await driver.up();
    expect(message).toMatch(/may be written half-way[\s\S]*node2: its host is not reached/);
    expect(cell.serving()).toEqual(["node1"]);
    expect(cell.node("node1").agent).toBe("stopped");
    expect(driver.kept?.journal?.halfWay).toBeTruthy();
    powerBack(cell);
    restoreConfiguration(cell);
    expect((await driver.up()).message).toMatch(/may be written half-way/);
    expect(cell.installerRuns).toHaveLength(1);
    asks(cell, "resume");
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    cell.violations.delete("the installer ran twice"); // as a person had it run again
    expectSettled(driver);
  });

  test("but not what an installer may have left half-way, for some more capacity: while one other node serves everybody, it stays out", async () => {
    const cell = watched(3);
    const driver = new Driver(cell, declaration(cell));
    const after = (name: string) => {
      if (INSTALLING.test(name)) cell.at(cell.now + INSTALL_MS / 2 + 3 * TICK_MS, () => reboot(cell, "dmgr"));
    };
    expect((await driver.up({ ...NO_FAULTS, after })).message).toMatch(/may be written half-way/);
    cell.burn("node3");
    const from = cell.written.length;
    expect((await driver.up()).message).toMatch(/may be written half-way/);
    expect(cell.written.slice(from).filter((change) => change.includes("node1"))).toEqual([]);
    expect(cell.serving()).toEqual(["node2"]);
    for (const { state } of cell.node("node2").members) expect(state).toBe("started");
    Object.assign(cell.node("node2").members[0] ?? {}, { state: "stopped" });
    await driver.up();
    expect(cell.serving()).toContain("node1");
  });

  test("an agent that does not run when all nodes are proven, as its host restarted, is started before the end", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    const before = () => {
      if (driver.kept?.journal?.nodes.node2 === "proven") throw new Error("killed");
    };
    await driver.up({ ...NO_FAULTS, before });
    cell.node("node2").agent = "stopped";
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect(cell.written.filter((change) => change === "start agent node2")).toHaveLength(2);
    expectSettled(driver);
  });

  test("a synchronization that does not come about: it serves as it is, and is not proven", async () => {
    const cell = watched(2);
    cell.expansionMs = Number.POSITIVE_INFINITY;
    const { driver } = await burntBefore(/^sync node1/, { limits: { synchronize: "1m" } }, cell);
    expect(await driver.up()).toMatchObject({ ended: "failed" });
    expect(cell.serving()).toEqual(["node1"]);
    expect(driver.said.join("\n")).toMatch(/it is brought back all the same, as it is: .*waited 1m for applications/);
    expect(driver.kept?.journal?.nodes).toEqual({});
    cell.expansionMs = 0;
    cell.distribute(cell.node("node1"));
    powerBack(cell);
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
  });

  test("but not where a person has stopped the rollout: that is said, with the ways on", async () => {
    const { cell, driver } = await burntBefore(INSTALLING);
    asks(cell, "stop");
    const from = cell.written.length;
    expect((await driver.up()).message).toMatch(
      /node1: the rollout has it out of service, and node2 does not serve either[\s\S]*resume \(or roll-back\)/,
    );
    expect(cell.written.slice(from).filter((change) => !change.startsWith("dmgr "))).toEqual([]);
    asks(cell, "resume");
    await driver.up();
    expect(cell.serving()).toEqual(["node1"]);
  });
});

describe("promise 10: the only node that is left", () => {
  /** Where the outage has begun that the plan said. */
  async function inOutage(faultsOf: (cell: MemoryCell) => Faults = () => killedAfter(INSTALLING)) {
    const { cell, driver } = await burntBefore(/^stop node1_InfraCluster/);
    cell.invariants.length = cell.changeInvariants.length = 0;
    driver.desired = declaration(cell, LOST);
    expect((await driver.up()).message).toMatch(/node1: it serves again, and no other node does: the run ends here/);
    expect(cell.serving()).toEqual(["node1"]);
    const { steps, notes } = await driver.plan();
    expect(steps.filter(({ impact }) => impact === "outage").map(({ key }) => key)).toEqual(["stop-members node1"]);
    expect(notes.join("\n")).toMatch(
      /nobody serves from "stop the members of node1.*" until "start the members of node1.*": the update installer takes 3h at most/,
    );
    expect(await driver.up(faultsOf(cell))).not.toMatchObject({ ended: "converged" });
    expect(cell.serving()).toEqual([]);
    return { cell, driver };
  }

  test("is started before the installer, and users go on being sent to it until the outage that the plan announces", async () => {
    const { cell, driver } = await burntBefore(INSTALLING);
    driver.desired = declaration(cell, LOST);
    await driver.up();
    for (const { followed } of cell.webServers)
      expect(Object.values(followed).map(({ primary }) => primary)).toEqual([
        ["node1_AppsCluster"],
        ["node1_InfraCluster"],
      ]);
    expect(cell.installerRuns).toEqual([]);
  });

  test("an outage that was interrupted comes to its end: it is not begun a second time", async () => {
    const { cell, driver } = await inOutage();
    expect((await driver.plan()).notes.join("\n")).toMatch(
      /nobody serves now, nor until the update installer has ended/,
    );
    const from = cell.written.length;
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect(cell.written.slice(from).filter((change) => /^stop node1_/.test(change))).toEqual([]);
    expect(cell.installerRuns).toHaveLength(1);
  });

  test("an outage whose installer failed ends with the next run; by the one after that it is tried again", async () => {
    const { cell, driver } = await inOutage((failing) => {
      Object.assign(failing, { installerLies: true, installerSays: "Fix installation failed." });
      return NO_FAULTS;
    });
    expect(driver.kept?.journal).toMatchObject({ frozen: true, outage: "node1" });
    expect((await driver.up()).message).toMatch(/node1: it serves again, and no other node does/);
    expect(cell.serving()).toEqual(["node1"]);
    Object.assign(cell, { installerLies: false, installerSays: "Fix installation completed successfully." });
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
  });
});
