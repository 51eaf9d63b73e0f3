import { refusalOf } from "../../support/failure.js";
import { everywhere, FAULTS } from "../../support/fault.js";
import { DatabaseModel, type Stored, schemaBench, schemaInputs, statement } from "./bench.js";

jest.setTimeout(120_000);

/** Creates with a fault at every operation in turn, and answers how many there were. `after` looks at what it left. */
const everyCreate = (
  side: "before" | "after",
  lasting: boolean,
  inputs: Stored,
  after: (model: DatabaseModel, stored: Stored | undefined) => Promise<void>,
): Promise<number> =>
  everywhere(side, lasting, async (fault) => {
    const model = new DatabaseModel(fault.database, fault.host);
    const stored = await fault.strike(() => schemaBench(model).create(inputs));
    expect([704, 705]).toContain(model.level);
    await after(model, stored);
  });

describe("promise 6: interrupted anywhere, the next up converges, and the level is raised once", () => {
  test.each(FAULTS)("%s", async (_name, side, lasting) => {
    const index = await everyCreate(side, lasting, schemaInputs(), async (model, stored) => {
      const next = schemaBench(model);
      const inputs = schemaInputs();
      const outs = (stored?.live ? ((await next.up(stored, inputs)) ?? stored) : await next.create(inputs)) as Stored;
      expect([model.level, model.database.written.length]).toEqual([705, 1]);
      expect(await schemaBench(model).up(outs, inputs)).toBeUndefined();
    });
    expect(index).toBeGreaterThan(15);
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

describe("a statement serves for one change, wherever the run is interrupted", () => {
  const inputs = schemaInputs({ contentProof: statement() });
  const renewed = schemaInputs({ contentProof: statement({ date: "2026-05-01T11:00" }) });
  const next = (model: DatabaseModel, stored: Stored | undefined, wanted: Stored) =>
    stored?.live ? schemaBench(model).up(stored, wanted) : schemaBench(model).create(wanted);
  test.each(FAULTS)("%s: the next up converges, or says what is not known", async (_name, side, lasting) => {
    const outcomes = new Set<string>();
    const index = await everyCreate(side, lasting, inputs, async (model, stored) => {
      const raised = model.level === 705;
      const refused = await refusalOf(next(model, stored, inputs));
      outcomes.add(refused ? "refused" : raised ? "was there" : "raised");
      if (refused) {
        expect([raised, model.level, model.database.written.length]).toEqual([false, 704, 0]);
        expect(refused).toMatch(/a run that used it broke off.*renew contentProof\.statement/);
        await next(model, stored, renewed);
      }
      expect([model.level, model.database.written.length]).toEqual([705, 1]);
      model.level = 704;
      // The first statement has served or stays doubtful for ever, also after another one was made.
      expect(await refusalOf(next(model, stored, inputs))).toMatch(/for one change|broke off/);
      expect([model.level, model.database.written.length]).toEqual([704, 1]);
    });
    expect(index).toBeGreaterThan(15);
    // An answer that alone was lost leaves nothing open: the row, or the record, is read again.
    const doubtful = side === "after" && !lasting ? [] : ["refused"];
    expect([...outcomes].sort()).toEqual(["raised", ...doubtful, "was there"]);
  });

  test.each(FAULTS)(
    "%s, and a backup is restored before the next up: not raised twice",
    async (_name, side, lasting) => {
      let restored = 0;
      await everyCreate(side, lasting, inputs, async (model, stored) => {
        if (model.level === 705) restored++;
        model.level = 704;
        const refused = await refusalOf(next(model, stored, inputs));
        if (refused) expect(refused).toMatch(/for one change|broke off/);
        expect(model.database.written.length).toBeLessThanOrEqual(1);
      });
      expect(restored).toBeGreaterThan(0);
    },
  );
});
