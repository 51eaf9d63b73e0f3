import type { MemoryCell } from "../support/memory-cell.js";
import { NO_FAULTS, TICK_MS } from "../support/memory-cell-parts.js";
import { Driver, declaration, FaultAt } from "./driver.js";
import { expectSettled, recover, watched } from "./watched.js";

/** Generous, since the machine may be busy: every instant is a whole rollout and its recovery. */
jest.setTimeout(300_000);

const DURATION_MS = (nodes: number) => 1_000_000 * nodes;

/** Steps' own changes after an index of `written`, without what is only noted down. */
const actsSince = (cell: MemoryCell, from: number): string[] =>
  cell.written.slice(from).filter((change) => !/^(dmgr|webserver\d) /.test(change));

function failAt(which: RegExp, change: string): void {
  if (which.test(change)) throw new Error(`failed before ${change}`);
}

/** Something happens that is no doing of ours, at every instant of a rollout; answers how many rollouts that were. */
async function atEveryInstant(nodes: number, then: (cell: MemoryCell, instant: number) => Promise<void>) {
  for (let instant = 0; instant < DURATION_MS(nodes); instant += TICK_MS) {
    const cell = watched(nodes);
    const ends = cell.now + instant;
    try {
      await then(cell, ends);
    } catch (error) {
      throw new Error(`${instant / 1_000} s after its begin (${actsSince(cell, 0).join(" | ")}): ${error}`);
    }
    if (cell.now < ends) return;
  }
  throw new Error("a rollout without an end");
}

describe("promise 10: a node agent that was stopped comes back by itself, at any instant", () => {
  test.each([2, 3])("%i nodes: the rollout freezes before anything else is done to a node", async (nodes) => {
    let frozen = 0;
    await atEveryInstant(nodes, async (cell, instant) => {
      const driver = new Driver(cell, declaration(cell));
      const node = cell.node(`node${nodes}`);
      const invariants = cell.invariants.splice(0);
      let back: { readonly at: number; readonly touched: boolean } | undefined;
      cell.at(instant, () => {
        const outOfService = node.members.every(({ state }) => state === "stopped");
        if (node.agent === "started" || outOfService) return;
        node.agent = "started";
        node.nextSync = cell.now;
        back = { at: cell.written.length, touched: driver.kept?.journal?.touched === true };
      });
      const outcome = await driver.up();
      if (back === undefined) return expect(outcome.ended).toBe("converged");
      expect(outcome).toMatchObject({ ended: "failed", message: expect.stringMatching(/node agent runs again/) });
      const harm = back.touched ? /^(stop|start|sync|install|clear)/ : /^(sync|install|clear)/;
      expect(actsSince(cell, back.at).filter((change) => harm.test(change))).toEqual([]);
      frozen++;
      // From where the agent is down again, and what it restarted has come up, everything is in our hands.
      cell.changeInvariants.push(() => {
        const calm =
          node.agent === "stopped" && node.members.every(({ restartingUntil }) => restartingUntil <= cell.now);
        if (calm) cell.invariants.push(...invariants.splice(0));
        return undefined;
      });
      await recover(driver);
      expect(invariants).toEqual([]);
    });
    expect(frozen).toBeGreaterThan(30);
  });
});

describe("promise 10: users who were sent back to a node that was drained are given time again", () => {
  /** A rollout that dies before it stops the first member; then somebody propagates, and nobody is there for an hour. */
  async function sentBack(): Promise<Driver> {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    await driver.up({ ...NO_FAULTS, before: (change) => failAt(/^stop node1_/, change) });
    for (const webServer of cell.webServers) cell.propagate(webServer);
    cell.advance(3_600_000);
    return driver;
  }

  test("the plan drains it once more", async () => {
    const { steps } = await (await sentBack()).plan();
    const keys = steps.map(({ key }) => key);
    expect(keys.slice(keys.indexOf("route without node1"), keys.indexOf("stop-members node1") + 1)).toEqual([
      "route without node1",
      "drain node1",
      "stop-members node1",
    ]);
  });

  test.each(["killed after", "reply lost"] as const)("%s at any change of that plan", async (kind) => {
    for (let index = 0; ; index++) {
      const driver = await sentBack();
      const fault = new FaultAt(index, kind);
      await driver.up(fault);
      await recover(driver);
      if (!fault.reached) return expect(index).toBeGreaterThan(20);
    }
  });

  test("in the middle of a step that only proves: it is looked at anew, and drained", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell, { order: "classic" }));
    cell.invariants.length = 0;
    let sent = false;
    cell.changeInvariants.push((change) => {
      if (sent || !change.startsWith("install ")) return undefined;
      sent = true;
      for (const webServer of cell.webServers) cell.propagate(webServer);
      return undefined;
    });
    await driver.up();
    expect(sent).toBe(true);
    expect(cell.written.filter((change) => change.startsWith("route webserver1")).length).toBeGreaterThan(2);
    // The classic order drains the first node alone.
    expect([...cell.violations].filter((violation) => violation.includes("node1"))).toEqual([]);
  });
});

describe("promise 10: somebody propagates the plug-in file in the middle of a rollout, at any instant", () => {
  test.each([2, 3])(
    "%i nodes: no member is stopped, and nothing follows the installer, before users are routed right",
    async (nodes) => {
      let rerouted = 0;
      await atEveryInstant(nodes, async (cell, instant) => {
        const driver = new Driver(cell, declaration(cell));
        const [webServer] = cell.webServers;
        if (!webServer) throw new Error("no web server");
        cell.invariants.length = 0;
        let during = "";
        cell.at(instant, () => {
          during = cell.installing ? "installer" : "other";
          cell.propagate(webServer);
        });
        cell.changeInvariants.push((change) => {
          const [verb = "", what = ""] = change.split(" ");
          const due = during === "installer" ? ["sync", "clear", "start", "stop"] : ["stop"];
          if (during === "" || !due.includes(verb) || what === "agent") return undefined;
          const primaries = Object.values(webServer.file).flatMap(({ primary }) => primary);
          const wrong = primaries.filter((server) => server === what || cell.member(server).state === "stopped");
          return wrong.length > 0 ? `${change} while the file names ${wrong.join(", ")}` : undefined;
        });
        const { ended } = await driver.up();
        expect([...cell.violations]).toEqual([]);
        if (during === "installer") rerouted++;
        if (ended === "converged") expectSettled(driver);
        else await recover(driver);
      });
      expect(rerouted).toBeGreaterThan(20);
    },
  );
});
