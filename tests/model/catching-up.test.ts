import type { MemoryCell } from "../support/memory-cell.js";
import { NO_FAULTS, type Node } from "../support/memory-cell-parts.js";
import { Driver, declaration } from "./driver.js";
import { everywhere, expectSettled, KINDS, recover, SETTINGS, watched } from "./watched.js";

/** Generous, since the machine may be busy: every index is a whole rollout and its recovery. */
jest.setTimeout(300_000);

const MINUTE = 60_000;

type Standing = keyof typeof STANDINGS;

/** How a node may stand when somebody installed the fix by hand an hour ago. */
const STANDINGS = {
  current: () => undefined,
  "not restarted": ({ members }: Node, { now }: MemoryCell) => {
    for (const member of members) Object.assign(member, { temp: 0, startedAt: now - 600 * MINUTE });
  },
  "agent down": (node: Node, { now, stoppedAgents }: MemoryCell) => {
    node.agent = "stopped";
    stoppedAgents.add(node.name);
    older(node, now);
  },
  "not synchronized": (node: Node, { now }: MemoryCell) => {
    // Its agent does not synchronize by itself.
    node.nextSync = Number.POSITIVE_INFINITY;
    older(node, now);
  },
} as const;

function older(node: Node, now: number): void {
  Object.assign(node, { level: 0, expanded: 0, distributedAt: now - 700 * MINUTE });
  for (const member of node.members) Object.assign(member, { level: 0, temp: 0, startedAt: now - 600 * MINUTE });
}

/** A cell in which the fix is installed, and each node stands as named. */
function byHand(...standings: readonly Standing[]): MemoryCell {
  const cell = watched(standings.length);
  cell.fixes.add("LO66666");
  cell.level = 1;
  cell.changedAt = cell.now - 60 * MINUTE;
  cell.versions.set("files", 1);
  for (const webServer of cell.webServers) webServer.generated = webServer.inForce = 1;
  for (const [index, node] of cell.nodes.entries()) {
    Object.assign(node, { level: 1, expanded: 1, distributedAt: cell.now - 50 * MINUTE });
    for (const member of node.members) Object.assign(member, { level: 1, temp: 1, startedAt: cell.now - 40 * MINUTE });
    STANDINGS[standings[index] ?? "current"](node, cell);
  }
  return cell;
}

/** Nothing is installed, so HCL's missing support of that is nothing to accept. */
const SUPPORTED = { acceptUnsupported: false };
const openOn = (cell: MemoryCell, settings = {}) => new Driver(cell, declaration(cell, { ...SUPPORTED, ...settings }));
const touchedNodes = ({ written }: MemoryCell) =>
  [
    ...new Set(written.flatMap((change) => /^(?:stop|start|clear|sync) (?:agent )?(node\d)/.exec(change)?.[1] ?? [])),
  ].sort();

describe("promise 10: members that do not run what is installed are brought to it node by node, without the installer", () => {
  test.each<readonly [readonly Standing[], readonly string[]]>([
    [["not restarted", "current"], ["node1"]],
    [["current", "not restarted"], ["node2"]],
    [["current", "agent down"], ["node2"]],
    [["agent down", "current"], ["node1"]],
    [["current", "not synchronized"], ["node2"]],
    [
      ["not synchronized", "not restarted"],
      ["node1", "node2"],
    ],
    [
      ["current", "agent down", "not restarted"],
      ["node2", "node3"],
    ],
    [
      ["not restarted", "current", "agent down", "not synchronized"],
      ["node1", "node3", "node4"],
    ],
  ])("%j: %j and no other node", async (standings, due) => {
    const cell = byHand(...standings);
    const driver = openOn(cell);
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
    expect(cell.installerRuns).toEqual([]);
    expect(touchedNodes(cell)).toEqual(due);
    expect(cell.written.filter((change) => change.startsWith("generate"))).toEqual([]);
    const after = await driver.plan();
    expect([after.steps, after.refusals, after.notes]).toEqual([[], [], []]);
  });

  test.each(KINDS)("%s at any change: it goes on, whatever is declared about going back", async (kind) => {
    for (const [, settings] of SETTINGS) {
      const cellOf = () => byHand("current", "agent down", "not restarted");
      const reached = await everywhere(cellOf, kind, { ...SUPPORTED, ...settings }, async (driver) => {
        await recover(driver);
        expect(driver.kept?.wentBack).toBeNull();
        expect(driver.cell.installerRuns).toEqual([]);
        expect((await driver.plan()).steps).toEqual([]);
      });
      expect(reached).toBeGreaterThan(40);
    }
  });

  test("the classic order is for installations: users are routed past a node that is brought to what is installed", async () => {
    const driver = openOn(byHand("current", "agent down"), { order: "classic" });
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expectSettled(driver);
  });

  test("offline, its members are stopped before its agent starts", async () => {
    const cell = byHand("current", "agent down");
    cell.invariants.length = cell.changeInvariants.length = 0;
    expect(await openOn(cell, { strategy: "offline" }).up()).toMatchObject({ ended: "converged" });
    const order = cell.written.filter((change) => /^(stop|start) /.test(change));
    expect(order.slice(0, 3)).toEqual(["stop node2_AppsCluster", "stop node2_InfraCluster", "start agent node2"]);
    expect(touchedNodes(cell)).toEqual(["node2"]);
  });

  test("the steps, in order", async () => {
    const { steps } = await openOn(byHand("not restarted", "agent down")).plan();
    expect(steps.map(({ title, impact }) => `${title} [${impact}]`)).toMatchSnapshot();
  });

  test("a request to go back is not followed: there is nothing to take back", async () => {
    const cell = byHand("current", "not restarted");
    const driver = openOn(cell);
    const after = (change: string) => {
      if (change === "stop node2_AppsCluster") cell.request = { request: "roll back", reason: "lunch" };
    };
    expect(await driver.up({ ...NO_FAULTS, after })).toMatchObject({ ended: "converged" });
    expectSettled(driver);
  });

  test("an agent of a node behind that comes back freezes it, before users are let down by its synchronization", async () => {
    const cell = byHand("not restarted", "agent down");
    cell.invariants.length = 0;
    const before = (change: string) => {
      if (change === "clear node1") cell.node("node2").agent = "started";
    };
    const outcome = await openOn(cell).up({ ...NO_FAULTS, before });
    expect(outcome).toMatchObject({ ended: "failed", message: expect.stringMatching(/node2.*node agent runs again/s) });
    expect(cell.written.filter((change) => change.startsWith("start"))).toEqual([]);
  });

  test("a fix that is declared besides waits for its own rollout", async () => {
    const cell = byHand("current", "agent down");
    const more = { fixes: { LO66666: { readme: "reviewed" }, LO77777: { readme: "reviewed" } } };
    const { refusals } = await new Driver(cell, declaration(cell, {}, more)).plan();
    expect(refusals).toEqual([]);
    const driver = openOn(cell);
    await driver.up({ ...NO_FAULTS, before: (change) => failAt(/^clear node2/, change) });
    driver.desired = declaration(cell, SUPPORTED, more);
    expect((await driver.plan()).refusals.map(({ found }) => found)).toEqual([
      expect.stringMatching(/the declaration was changed while rollout .* is unfinished/),
    ]);
  });
});

function failAt(which: RegExp, change: string): void {
  if (which.test(change)) throw new Error(`failed before ${change}`);
}

describe("the last check of a rollout looks at every member's start and at its node's files", () => {
  /** While the last node is cleared, somebody has the application distributed to one of them again. */
  function redistributed(node: string): MemoryCell {
    const cell = watched(2);
    let done = false;
    cell.changeInvariants.push((change) => {
      if (!done && change === "clear node2") cell.node(node).distributedAt = cell.now + 3 * MINUTE;
      done ||= change === "clear node2";
      return undefined;
    });
    return cell;
  }

  test.each(["node1", "node2"])(
    "%s fell behind: it is treated once more, and the installer is not run again",
    async (node) => {
      const cell = redistributed(node);
      const driver = new Driver(cell, declaration(cell));
      expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
      expectSettled(driver);
      expect(cell.written.filter((change) => change === `clear ${node}`)).toHaveLength(2);
      expect(cell.installerRuns).toHaveLength(1);
      expect(driver.said.join()).not.toMatch(/somebody sent users elsewhere/);
      expect((await driver.plan()).steps).toEqual([]);
    },
  );

  test.each(KINDS)("%s at any change of that", async (kind) => {
    for (const node of ["node1", "node2"]) {
      expect(await everywhere(() => redistributed(node), kind, {}, recover)).toBeGreaterThan(60);
    }
  });
});
