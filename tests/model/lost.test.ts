import type { Settings } from "../../providers/kinds/interim-fixes/schema.js";
import type { MemoryCell } from "../support/memory-cell.js";
import { NO_FAULTS } from "../support/memory-cell-parts.js";
import { Driver, declaration, killedAfter } from "./driver.js";
import { watched } from "./watched.js";

/** Generous, since the machine may be busy. */
jest.setTimeout(300_000);

const BECAUSE = "burnt down";
const OF_THE_RECORD = /^dmgr /;

/** Ours, of a run: what it noted on the deployment manager's host is left out. */
const actsSince = (cell: MemoryCell, from: number) =>
  cell.written.slice(from).filter((change) => !OF_THE_RECORD.test(change));

/** A rollout in which `name` burns down at the index-th change, so that the run ends there; undefined when it had ended before. */
async function burnt(
  cell: MemoryCell,
  name: string,
  index: number,
  settings: Partial<Settings> = {},
  driver = new Driver(cell, declaration(cell, settings)),
) {
  let changes = 0;
  let isBurnt = false;
  const before = () => {
    if (changes++ < index) return;
    if (!isBurnt) cell.burn(name);
    isBurnt = true;
    throw new Error("the fire");
  };
  await driver.up({ ...NO_FAULTS, before });
  cell.advance(600_000);
  return isBurnt ? driver : undefined;
}

const withLost = (cell: MemoryCell, lost: Record<string, string>, settings: object = {}) =>
  declaration(cell, { ...settings, lost });

/** The rest of the cell is as after any rollout, and no user is sent to what burnt. */
function expectEndedWithout(driver: Driver, name: string): void {
  const { cell, kept } = driver;
  expect([...cell.violations]).toEqual([]);
  expect(kept?.journal).toBeNull();
  for (const node of cell.nodes.filter((each) => each.name !== name)) {
    expect([node.agent, node.level]).toEqual(["started", cell.level]);
    for (const member of node.members) expect([member.state, member.level]).toEqual(["started", cell.level]);
  }
  for (const webServer of cell.webServers.filter((each) => each.name !== name)) {
    expect(webServer.hold).toBeNull();
    expect(webServer.followed).toEqual(webServer.file);
  }
  expect([...cell.fixes]).toEqual(kept?.wentBack ? [] : ["LO66666"]);
}

function expectNobodySentTo(cell: MemoryCell, name: string): void {
  for (const { primary, backup } of cell.webServers.flatMap(({ file }) => Object.values(file))) {
    expect(primary.length).toBeGreaterThan(0);
    expect(primary.filter((server) => server.startsWith(`${name}_`))).toEqual([]);
    expect(backup.filter((server) => !server.startsWith(`${name}_`))).toEqual([]);
  }
}

describe("promise 10: a node that burns down while a rollout is open", () => {
  interface Fire {
    readonly settings?: Partial<Settings>;
    /** What is asked for when it burnt. */
    readonly ask?: "roll back";
    /** The cell that the fire meets, and the rollout that is open there; without it, none is. */
    readonly opened?: (cell: MemoryCell) => Promise<Driver>;
  }

  /** At every index: refused as long as nobody says so, and ended without it then. */
  async function atEveryChange(nodes: number, name: string, { settings = {}, ask, opened }: Fire): Promise<number> {
    let brought = 0;
    const offline = settings.strategy === "offline";
    for (let index = 0; ; index++) {
      const cell = watched(nodes);
      // Nobody serves while everything is stopped, and nobody is let finish.
      if (offline) cell.invariants.length = cell.changeInvariants.length = 0;
      const driver = await burnt(cell, name, index, settings, await opened?.(cell));
      if (!driver) {
        // The first one to be treated is out for long, and the other one burnt.
        if (nodes === 2 && name === "node2" && !offline && !ask && !opened) expect(brought).toBeGreaterThan(2);
        return index;
      }
      if (!driver.kept?.journal) continue;
      try {
        // Beside what may be done at once: a node that is out is brought back.
        const alone = await driver.plan();
        expect([...alone.refusals.map(({ found }) => found), ...alone.notes].join()).toMatch(/no way to this host/);
        expect(alone.steps.filter((step) => !step.bringsBack)).toEqual([]);
        if (ask) cell.request = { request: ask, reason: "the fire" };
        driver.desired = withLost(cell, { [name]: BECAUSE }, settings);
        const open = driver.kept.journal;
        let { steps, refusals } = await driver.plan();
        if (steps.some((step) => step.do === "end run")) {
          expect((await driver.up()).message).toMatch(/it serves again, and no other node does: the run ends here/);
          expect(cell.serving()).toHaveLength(1);
          ({ steps, refusals } = await driver.plan());
          brought++;
        }
        expect(refusals).toEqual([]);
        const outages = steps.filter(({ impact }) => impact === "outage").map(({ key }) => key);
        const stops = steps.filter((step) => step.do === "stop members").map(({ key }) => key);
        // Nobody is left to serve in two nodes' stead, and nowhere to send users.
        expect(outages).toEqual(nodes === 2 || offline ? stops : []);
        if (nodes === 2 || offline)
          expect(steps.filter((step) => "target" in step && "without" in step.target)).toEqual([]);
        // What the plan calls an outage is one.
        if (outages.length > 0) cell.invariants.length = cell.changeInvariants.length = 0;
        const { ended, message } = await driver.up();
        // What went back is not tried again by itself.
        if (!driver.kept?.wentBack) expect([ended, message]).toEqual(["converged", ""]);
        expectEndedWithout(driver, name);
        // Once all was checked, routing is the rollout's no more; offline it never was.
        if (!open.finallyChecked && !offline) expectNobodySentTo(cell, name);
        if (ask && !open.finallyChecked) expect(driver.kept?.wentBack).not.toBeNull();
        expect(driver.kept?.gaveUp).toMatchObject({ rollout: open.rollout, lost: { [name]: BECAUSE } });
        expect(driver.said.join("\n")).toContain(`${name} is given up: ${BECAUSE}`);
        expect((await driver.plan()).steps).toEqual([]);
      } catch (error) {
        throw new Error(`${name} at change ${index} (${actsSince(cell, 0).join(" | ")}): ${error}`);
      }
    }
  }

  test.each([
    [2, "node1"],
    [2, "node2"],
    [3, "node1"],
    [3, "node2"],
    [3, "node3"],
  ])("%i nodes, %s at every change: the rollout ends without it", async (nodes, name) => {
    expect(await atEveryChange(nodes, name, {})).toBeGreaterThan(40);
  });

  test.each([
    [2, "node1"],
    [3, "node2"],
  ])("%i nodes, %s at every change: the rollout goes back without it", async (nodes, name) => {
    expect(await atEveryChange(nodes, name, { ask: "roll back" })).toBeGreaterThan(40);
  });

  const OFFLINE = { strategy: "offline", acceptUnsupported: false } as const;

  test.each([
    [2, "node1", undefined],
    [3, "node2", undefined],
    [2, "node2", "roll back"],
    [3, "node1", "roll back"],
  ] as const)("offline, %i nodes, %s at every change (asked: %s): it ends without it", async (nodes, name, ask) => {
    expect(await atEveryChange(nodes, name, { settings: OFFLINE, ask })).toBeGreaterThan(20);
  });

  /** A rollout that was interrupted when its first node had everything, and goes back by the next run. */
  const goingBack = (settings: Partial<Settings>) => async (cell: MemoryCell) => {
    const driver = new Driver(cell, declaration(cell, settings));
    await driver.up(killedAfter(/^start node1_InfraCluster$/));
    expect(driver.kept?.journal?.accepted).toBe(true);
    cell.advance(600_000);
    return driver;
  };

  test.each([
    [2, "node1", {}],
    [2, "node2", {}],
    [3, "node1", {}],
    [3, "node3", {}],
    [2, "node1", OFFLINE],
    [3, "node3", OFFLINE],
  ] as const)(
    "%i nodes, %s at every change of the way back %j: it comes to its end without it",
    async (nodes, name, how) => {
      const settings: Partial<Settings> = { ...how, onInterrupted: "roll back" };
      expect(await atEveryChange(nodes, name, { settings, opened: goingBack(settings) })).toBeGreaterThan(20);
    },
  );
});

describe("promise 13: what still runs is not given up", () => {
  const INSTALLING = 30;
  const opened = async (nodes = 3) => {
    const cell = watched(nodes);
    const driver = await burnt(cell, "node3", INSTALLING);
    if (!driver?.kept?.journal) throw new Error("no rollout is open");
    // The node that is out is brought back, and nothing else is done.
    expect((await driver.up()).message).toMatch(/node3: its host is not reached, while rollout/);
    return { cell, driver };
  };
  const refusalsOf = async (driver: Driver) => {
    const { steps, refusals } = await driver.plan();
    expect(steps).toEqual([]);
    return refusals.map(({ where, found }) => `${where}: ${found}`).join("\n");
  };

  test("a host that answers is refused, before and after it was given up, and nothing is done", async () => {
    const { cell, driver } = await opened();
    driver.desired = withLost(cell, { node3: BECAUSE });
    cell.gone.delete("node3");
    expect(await refusalsOf(driver)).toMatch(/lost\.node3: it still answers: node3 by SSH/);
    const from = cell.written.length;
    expect(await driver.up()).toMatchObject({ ended: "failed" });
    expect(actsSince(cell, from)).toEqual([]);
    cell.gone.add("node3");
    await driver.up({
      ...NO_FAULTS,
      before: (change) => {
        if (/^route/.test(change)) throw new Error("frozen");
      },
    });
    expect(driver.kept?.journal?.lost).toEqual({ node3: BECAUSE });
    cell.gone.delete("node3");
    expect(await refusalsOf(driver)).toMatch(/it still answers/);
    cell.gone.add("node3");
    driver.desired = declaration(cell);
    expect(await refusalsOf(driver)).toMatch(/lost\.node3: taken off lost, while the rollout that gave it up is open/);
  });

  test("an agent that the deployment manager sees counts, though this machine reaches nothing", async () => {
    const { cell, driver } = await opened();
    driver.desired = withLost(cell, { node3: BECAUSE });
    cell.node("node3").agent = "started";
    expect(await refusalsOf(driver)).toMatch(/nodeagent runs, says the deployment manager/);
  });

  test("names that are unknown, all of the nodes, and a rollout that is not open are refused", async () => {
    const { cell, driver } = await opened();
    driver.desired = withLost(cell, { nod3: BECAUSE });
    expect(await refusalsOf(driver)).toMatch(
      /lost\.nod3: no node and no web server is called so; did you mean node3\?/,
    );
    for (const name of ["node1", "node2"]) cell.burn(name);
    driver.desired = withLost(cell, { node1: BECAUSE, node2: BECAUSE, node3: BECAUSE });
    expect(await refusalsOf(driver)).toMatch(/no node, or no web server, is left/);
    const fresh = watched(3);
    fresh.burn("node3");
    expect(await refusalsOf(new Driver(fresh, withLost(fresh, { node3: BECAUSE })))).toMatch(
      /lost: node3, and no rollout is open/,
    );
  });
});

test("promise 10: a web server that burns down is given up with its hold, and the others are put right", async () => {
  for (let index = 0; ; index++) {
    const cell = watched(2, ["web1", "web2"]);
    const driver = await burnt(cell, "web2", index);
    if (!driver) return expect(index).toBeGreaterThan(40);
    if (!driver.kept?.journal) continue;
    driver.desired = withLost(cell, { web2: BECAUSE });
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect([...cell.violations]).toEqual([]);
    expect(driver.kept?.journal).toBeNull();
    const left = cell.webServer("web1");
    expect([left.hold, left.generation, left.propagation]).toEqual([null, "automatic", "automatic"]);
    expect(Object.values(left.file).every(({ backup }) => backup.length === 0)).toBe(true);
  }
});
