import type { MemoryCell } from "../support/memory-cell.js";
import { type Faults, NO_FAULTS, type Node } from "../support/memory-cell-parts.js";
import { Driver, declaration } from "./driver.js";
import { recover, watched } from "./watched.js";

/** Generous, since the machine may be busy: every change is a whole rollout and its recovery. */
jest.setTimeout(600_000);

const isOut = ({ members }: Node) => members.some(({ state }) => state === "stopped");

/** What becomes of a node: its members end; or its host loses its power, and nothing of it answers; or members here, a web server's host there. */
const WAYS = {
  "members die": (_: MemoryCell, { members }: Node) => {
    for (const member of members) member.state = "stopped";
  },
  "the host dies": (cell: MemoryCell, { name }: Node) => cell.burn(name),
  "members die, and the host of a web server": (cell: MemoryCell, node: Node) => {
    WAYS["members die"](cell, node);
    cell.burn("web2");
  },
} as const;
type Way = keyof typeof WAYS;

/** The process dies at the index-th change, and with it, of all that serves, the last node. */
class Disaster implements Faults {
  died: Node | undefined;
  /** Of what died, until then. */
  agent: Node["agent"] = "started";
  #seen = 0;
  #dead = false;

  constructor(
    private readonly cell: MemoryCell,
    private readonly index: number,
    private readonly way: Way,
  ) {}

  get killed(): boolean {
    return this.#dead;
  }

  before(): void {
    this.alive();
    if (this.#seen++ !== this.index) return;
    this.#dead = true;
    this.died = this.cell.nodes.findLast((node) => !isOut(node));
    if (this.died) {
      this.agent = this.died.agent;
      WAYS[this.way](this.cell, this.died);
    }
    this.alive();
  }

  after(): void {
    this.alive();
  }

  alive(): void {
    if (this.#dead) throw new Error("killed");
  }
}

/** By the web servers that are there: a plug-in takes a backup where no primary answers. */
function unserved(cell: MemoryCell): string[] {
  const there = cell.webServers.filter(({ name }) => !cell.gone.has(name));
  return there.flatMap(({ name, followed }) =>
    Object.entries(followed)
      .filter(([, { primary, backup }]) => ![...primary, ...backup].some((server) => cell.serves(cell.member(server))))
      .map(([cluster]) => `${cluster} in ${name}`),
  );
}

/** Of all that is wrong with users now, what the rollout did. The classic order restarts applications under their feet. */
const doneWrong = ({ violations }: MemoryCell, settings: object) =>
  [...violations].filter(
    (text) =>
      / does not serve$|installer ran twice/.test(text) ||
      (text.startsWith("applications restart") && !("order" in settings)),
  );

/** Power is back, and the administrator has started what was dead, with what its node has. */
function startAgain(cell: MemoryCell, node: Node, agent: Node["agent"]): void {
  const { name, members, expanded } = node;
  for (const each of [name, "web2"]) cell.gone.delete(each);
  node.agent = agent;
  for (const member of members.filter(({ state }) => state === "stopped"))
    Object.assign(member, { state: "started", level: expanded, startedAt: cell.now });
}

describe("promise 10: a node that is out is brought back first when another one dies, whatever the rollout is at", () => {
  const GO_BACK = { onInterrupted: "roll back", onFailure: "roll back" };

  test.each([
    [2, "members die", {}, null],
    [3, "members die", {}, null],
    [2, "members die", { order: "classic" }, null],
    [2, "members die", GO_BACK, null],
    [2, "the host dies", {}, null],
    [3, "the host dies", {}, null],
    [2, "the host dies", { order: "classic" }, null],
    [2, "the host dies", GO_BACK, null],
    [2, "the host dies", {}, "resume"],
    [2, "the host dies", {}, "roll back"],
    [2, "members die, and the host of a web server", {}, null],
  ] as const)("%i nodes, %s, %j, asked to %s", async (nodes, way, settings, request) => {
    let brought = 0;
    for (let index = 0; ; index++) {
      const cell = watched(nodes, way === "members die, and the host of a web server" ? ["web1", "web2"] : undefined);
      const driver = new Driver(cell, declaration(cell, settings));
      const disaster = new Disaster(cell, index, way);
      await driver.up(disaster);
      if (!disaster.killed) break;
      const out = cell.nodes.filter((node) => node !== disaster.died && isOut(node));
      if (!disaster.died || out.length === 0) continue;
      try {
        cell.advance(60_000);
        if (request) cell.request = { request, reason: "the fire" };
        const { ended, message } = await driver.up();
        for (const { name } of out)
          expect([message, cell.serving()]).toEqual([message, expect.arrayContaining([name])]);
        expect([message, unserved(cell)]).toEqual([message, []]);
        // Users are on the one that was brought back, and an update installer may have gone on all the time.
        if (ended === "failed") cell.advance(600_000);
        expect(doneWrong(cell, settings)).toEqual([]);
        brought++;
        if (ended === "converged" || driver.kept?.wentBack) continue;
        startAgain(cell, disaster.died, disaster.agent);
        cell.advance(120_000);
        cell.violations.clear();
        if ("order" in settings) cell.invariants.length = cell.changeInvariants.length = 0;
        await recover(driver);
      } catch (error) {
        throw new Error(`change ${index} (${cell.written.join(" | ")}): ${error}`);
      }
    }
    expect(brought).toBeGreaterThan(10);
  });

  test("users who came to it meanwhile are given time before it is stopped again", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    const before = (change: string) => {
      if (change === "install LO66666") throw new Error("killed");
    };
    expect(await driver.up({ ...NO_FAULTS, before })).toMatchObject({ ended: "failed" });
    const { members } = cell.node("node2");
    for (const member of members) member.state = "stopped";
    cell.invariants.length = 0;
    expect((await driver.up()).message).toMatch(/node2: its members are stopped, while node1 is to be taken out/);
    expect(cell.serving()).toEqual(["node1"]);
    for (const member of members) Object.assign(member, { state: "started", startedAt: cell.now });
    await recover(driver);
  });
});
