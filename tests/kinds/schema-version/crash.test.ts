import type { DatabaseOperation } from "../../support/memory-database.js";
import { lineCut, type Operation } from "../../support/memory-host.js";
import { DatabaseModel, type Stored, schemaBench, schemaInputs, statement } from "./bench.js";

/** Only around these can a crash leave a half-done state on the host; of the database every operation counts. */
const CHANGES = new Set(["write", "createExclusive", "makeDirectory", "remove"]);

/** Makes one operation fail: before it happened, or after it with its answer lost; for once, or from then on. */
class Fault {
  active = false;
  #seen = -1;
  #dead = false;

  constructor(
    private readonly index: number,
    private readonly side: "before" | "after",
    private readonly lasting: boolean,
  ) {}

  get reached(): boolean {
    return this.#seen >= this.index;
  }

  readonly database = {
    beforeOperation: (_operation: DatabaseOperation) => this.#strike("before"),
    afterOperation: (_operation: DatabaseOperation) => this.#strike("after"),
  };
  readonly host = {
    beforeOperation: ({ name }: Operation) => this.#strike("before", CHANGES.has(name)),
    afterOperation: ({ name }: Operation) => this.#strike("after", CHANGES.has(name)),
  };

  #strike(side: "before" | "after", counts = true): void {
    if (!this.active) return;
    if (this.#dead) throw lineCut("dmgr");
    if (!counts) return;
    if (side === "before") this.#seen++;
    if (this.#seen !== this.index || side !== this.side) return;
    this.#dead = this.lasting;
    throw lineCut("dmgr");
  }
}

const stateOf = (work: Promise<Stored>): Promise<Stored | undefined> =>
  work.catch((error: { id?: string; properties?: Stored }) => (error.id ? error.properties : undefined));

const FAULTS = [
  ["the process dies before an operation", "before", true],
  ["the process dies after an operation", "after", true],
  ["an operation fails once", "before", false],
  ["promise 20: an operation's answer is lost", "after", false],
] as const;

jest.setTimeout(120_000);

describe("promise 6: interrupted anywhere, the next up converges, and the level is raised once", () => {
  test.each(FAULTS)("%s", async (_name, side, lasting) => {
    for (const inputs of [schemaInputs(), schemaInputs({ contentProof: statement() })]) {
      let index = 0;
      for (let reached = true; reached; index++) {
        expect(index).toBeLessThan(100);
        const fault = new Fault(index, side, lasting);
        const model = new DatabaseModel(fault.database, fault.host);
        fault.active = true;
        const stored = await stateOf(schemaBench(model).create(inputs));
        reached = fault.reached;
        fault.active = false;
        expect([704, 705]).toContain(model.level);
        const next = schemaBench(model);
        const outs = (stored?.live ? ((await next.up(stored, inputs)) ?? stored) : await next.create(inputs)) as Stored;
        expect([model.level, model.database.written.length]).toEqual([705, 1]);
        const last = schemaBench(model);
        expect(await last.up(outs, inputs)).toBeUndefined();
        // What served for one change has served, however often the run was interrupted.
        if (!("statement" in (inputs.contentProof as object))) continue;
        model.level = 704;
        await expect(schemaBench(model).up(outs, inputs)).rejects.toThrow(/for one change/);
        expect(model.level).toBe(704);
      }
      expect(index).toBeGreaterThan(15);
    }
  });

  test("the level is the old one or the new one at every instant, and only inside a commit does it change", async () => {
    const seen = new Set<unknown>();
    const model: DatabaseModel = new DatabaseModel({
      beforeOperation: () => seen.add(model.level),
      afterOperation: ({ name }) => {
        if (name === "execute") expect(model.level).toBe(704);
        seen.add(model.level);
      },
    });
    await schemaBench(model).create();
    expect([...seen]).toEqual([704, 705]);
  });
});
