import type { MemoryCell } from "../support/memory-cell.js";
import { Driver, declaration } from "./driver.js";
import { expectSettled, watched } from "./watched.js";

/** Nobody serves in this order, and nobody is let finish. */
function offline(prepare: (cell: MemoryCell) => void): Driver {
  const cell = watched(2);
  cell.invariants.length = cell.changeInvariants.length = 0;
  prepare(cell);
  return new Driver(cell, declaration(cell, { strategy: "offline", acceptUnsupported: false }));
}

describe("promise 10: the offline order begins from a cell in which users get no answers, too", () => {
  test("members and agents that somebody stopped beforehand run at its end, as the plan says", async () => {
    const driver = offline(({ nodes }) => {
      for (const node of nodes) {
        node.agent = "stopped";
        for (const member of node.members) member.state = "stopped";
      }
    });
    expect((await driver.plan()).notes).toContainEqual(
      "offline ends with everything running, as HCL's procedure does, also what is stopped now: nodeagent, node1_AppsCluster, node1_InfraCluster of node1; nodeagent, node2_AppsCluster, node2_InfraCluster of node2",
    );
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
    expect(driver.cell.written.filter((change) => /^stop node/.test(change))).toEqual([]);
  });

  test("a member that gives no right answer is said, and decides nothing before the end", async () => {
    const driver = offline((cell) => {
      cell.member("node2_InfraCluster").restartingUntil = cell.now + 240_000;
    });
    expect((await driver.plan()).notes.filter((note) => note.startsWith("offline ends"))).toEqual([]);
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
    expect(driver.said.join("\n")).toMatch(
      /users did not get every answer before, which decides nothing offline: .*no answer/,
    );
  });
});

test("promise 10: in service, nothing is changed where a member gives no right answer", async () => {
  const cell = watched(2);
  cell.member("node2_InfraCluster").restartingUntil = cell.now + 240_000;
  cell.invariants.length = 0;
  const { message } = await new Driver(cell, declaration(cell)).up();
  expect(message).toMatch(/no answer.*frozen at "check, before anything is changed/s);
  expect(cell.written.filter((change) => /^(plug-in|back|route|stop|install)/.test(change))).toEqual([]);
});
