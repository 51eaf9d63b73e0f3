import { type Faults, NO_FAULTS, type Node } from "../support/memory-cell-parts.js";
import { Driver, declaration } from "./driver.js";
import { recover, watched } from "./watched.js";

/** Generous, since the machine may be busy: every change is a whole rollout and its recovery. */
jest.setTimeout(300_000);

const isOut = ({ members }: Node) => members.some(({ state }) => state === "stopped");

/** The process dies at the index-th change, and with it, of all that serves, the last node. */
class Disaster implements Faults {
  died: Node | undefined;
  #seen = 0;
  #dead = false;

  constructor(
    private readonly cell: ReturnType<typeof watched>,
    private readonly index: number,
  ) {}

  get killed(): boolean {
    return this.#dead;
  }

  before(): void {
    this.alive();
    if (this.#seen++ !== this.index) return;
    this.#dead = true;
    this.died = this.cell.nodes.findLast((node) => !isOut(node));
    for (const member of this.died?.members ?? []) member.state = "stopped";
    this.alive();
  }

  after(): void {
    this.alive();
  }

  alive(): void {
    if (this.#dead) throw new Error("killed");
  }
}

describe("promise 10: a node that is out is brought back first when another one dies, whatever the rollout is at", () => {
  test.each([
    [2, {}],
    [3, {}],
    [2, { order: "classic" }],
    [2, { onInterrupted: "roll back" }],
  ] as const)("%i nodes, %j", async (nodes, settings) => {
    let brought = 0;
    for (let index = 0; ; index++) {
      const cell = watched(nodes);
      const invariants = [...cell.invariants];
      const driver = new Driver(cell, declaration(cell, settings));
      const disaster = new Disaster(cell, index);
      await driver.up(disaster);
      if (!disaster.killed) break;
      const out = cell.nodes.filter((node) => node !== disaster.died && isOut(node));
      if (!disaster.died || out.length === 0) continue;
      try {
        cell.advance(60_000);
        cell.invariants.length = 0;
        const { ended, message } = await driver.up();
        for (const { name } of out)
          expect([message, cell.serving()]).toEqual([message, expect.arrayContaining([name])]);
        expect([...cell.violations].filter((text) => text.endsWith("does not serve"))).toEqual([]);
        brought++;
        if (ended === "converged" || driver.kept?.wentBack) continue;
        // What died is started by its administrator, and users are on the other one meanwhile.
        for (const member of disaster.died.members) {
          if (member.state === "stopped")
            Object.assign(member, { state: "started", level: disaster.died.level, startedAt: cell.now });
        }
        cell.advance(120_000);
        cell.violations.clear();
        if ("order" in settings) cell.changeInvariants.length = 0;
        else cell.invariants.push(...invariants);
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
