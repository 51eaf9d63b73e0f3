import { ProblemError } from "../../../providers/common/problem.js";
import { Db2Error } from "../../../providers/targets/db2/errors.js";
import { refusalOf } from "../../support/failure.js";
import type { DatabaseOperation } from "../../support/memory-database.js";
import { lineCut } from "../../support/memory-host.js";
import { catalogProbe, DatabaseModel, refusal, type Stored, schemaBench, schemaInputs, statement } from "./bench.js";

/** What tells this process to stop, in the lifecycle's place. */
let mockStop = new AbortController();
jest.mock("../../../providers/lifecycle/interrupt.js", () => ({
  ...jest.requireActual("../../../providers/lifecycle/interrupt.js"),
  interruption: () => mockStop.signal,
}));
beforeEach(() => {
  mockStop = new AbortController();
});

const stated = (more: Record<string, unknown> = {}) => schemaInputs({ contentProof: statement(more) });
/** What a failed create leaves remembered. */
const keptBy = async (work: Promise<Stored>): Promise<{ claimed?: string[] }> => {
  const stored = await work.catch((error: { properties?: Stored }) => error.properties ?? {});
  return JSON.parse(String(stored.kept));
};

/** A model in which `strike` is called before each operation on the database from the transaction of the change on. */
function modelWith(strike: (operation: DatabaseOperation, index: number) => void, hostOptions = {}): DatabaseModel {
  let index = -1;
  return new DatabaseModel(
    {
      beforeOperation: (operation) => {
        if (operation.name === "begin" || index >= 0) strike(operation, ++index);
      },
    },
    hostOptions,
  );
}

const problem = { where: "homepage", found: "it failed" };
const DEFINITE: [string, ProblemError][] = [
  ["a locked row", new Db2Error("locked", problem, -911, "40001", "rolled-back")],
  ["a refused UPDATE", new Db2Error("permission", problem, -551, "42501")],
  ["a line lost before the commit", new Db2Error("unreachable", problem, -30081, "40003", "lost")],
  ["a time limit passed before the commit", new Db2Error("timeout", problem, 0, "", "lost")],
];

describe("a change that certainly did not happen uses up no statement", () => {
  test.each(DEFINITE)("%s, at any operation before the commit", async (_name, failure) => {
    for (let at = 0; at < 5; at++) {
      const model = modelWith((_operation, index) => {
        if (index === at) throw failure;
      });
      const bench = schemaBench(model);
      const work = bench.create(stated());
      const message = await refusalOf(work);
      expect(message).toMatch(/it failed.*the statement has not served: the next up may use it/s);
      expect((await keptBy(work)).claimed).toEqual([]);
      expect([model.level, model.database.written]).toEqual([704, []]);
      // A process of its own, which knows what the host remembers.
      const outs = await schemaBench(model).create(stated());
      expect([model.level, model.database.written.length]).toEqual([705, 1]);
      model.level = 704;
      expect(await refusalOf(schemaBench(model).up(outs, stated()))).toMatch(/that was for one change/);
    }
  });

  test("somebody else's change in between", async () => {
    const model: DatabaseModel = modelWith((_operation, index) => {
      if (index === 0) model.level = 703;
    });
    expect(await refusalOf(schemaBench(model).create(stated()))).toMatch(/DBSCHEMAVER 703.*may use it/s);
    model.level = 704;
    await schemaBench(model).create(stated());
    expect(model.level).toBe(705);
  });

  test("the process dies before it has said so: the statement stays claimed, and a person has to look", async () => {
    let dead = false;
    const model = modelWith(
      (_operation, index) => {
        if (index > 0) return;
        dead = true;
        throw new Db2Error("locked", problem, -911, "40001", "rolled-back");
      },
      {
        beforeOperation: () => {
          if (dead) throw lineCut("dmgr");
        },
      },
    );
    await refusalOf(schemaBench(model).create(stated()));
    dead = false;
    expect(await refusalOf(schemaBench(model).create(stated()))).toMatch(/a run that used it broke off/);
    expect([model.level, model.database.written]).toEqual([704, []]);
  });

  test("promise 20: an unknown outcome keeps it used", async () => {
    const model = modelWith(({ name }) => {
      if (name === "commit") throw lineCut("homepage");
    });
    expect(await refusalOf(schemaBench(model).create(stated()))).toMatch(/a run that used it broke off/);
    expect([model.level, model.database.written]).toEqual([704, []]);
  });

  test("with a catalog probe a lost line is tried again at once, as ever", async () => {
    const model = modelWith((_operation, index) => {
      if (index === 1) throw new Db2Error("unreachable", problem, -30081, "40003", "lost");
    });
    await schemaBench(model).create(schemaInputs({ contentProof: catalogProbe() }));
    expect([model.level, model.database.written.length]).toEqual([705, 1]);
  });
});

describe("an operator who interrupts", () => {
  test.each([
    ["with a statement", stated],
    ["with a catalog probe", () => schemaInputs()],
  ])("%s: stopped between any two statements, nothing is stored, and the next up goes on", async (_how, inputs) => {
    const reached = new Set<string>();
    for (let at = 0; at < 6; at++) {
      const seen: string[] = [];
      const model = modelWith(({ name }, index) => {
        if (index === at) mockStop.abort();
        if (index >= at) seen.push(name);
      });
      const message = await refusalOf(schemaBench(model).create(inputs()));
      mockStop = new AbortController();
      if (message === undefined) continue;
      expect(message).toMatch(/the run was interrupted/);
      // What was under way when the signal came is the last that was sent; a change is never committed after it.
      const [last = ""] = seen;
      reached.add(last);
      expect(seen.slice(1).filter((name) => name === "execute" || name === "commit")).toEqual([]);
      expect([model.level, model.database.written]).toEqual([704, []]);
      await schemaBench(model).create(inputs());
      expect([model.level, model.database.written.length]).toEqual([705, 1]);
    }
    expect([...reached]).toEqual(expect.arrayContaining(["begin", "query", "table", "execute"]));
  });

  test("before the change, after its statement was claimed: the statement has not served", async () => {
    let claims = 0;
    const model: DatabaseModel = new DatabaseModel(
      {},
      {
        afterOperation: () => {
          const record = model.host.paths().find((path) => path.startsWith("/state/records/"));
          if (claims > 0 || !record || !model.host.text(record)?.includes('"claimed"')) return;
          claims++;
          mockStop.abort();
        },
      },
    );
    expect(await refusalOf(schemaBench(model).create(stated()))).toMatch(/interrupted.*may use it/s);
    expect([claims, model.level, model.database.written]).toEqual([1, 704, []]);
    mockStop = new AbortController();
    await schemaBench(model).create(stated());
    expect(model.level).toBe(705);
  });
});

describe("a statement that was not used yet", () => {
  test("has served where a newer level is met: an upgrade has been there, and a restore may bring the old one back", async () => {
    const model = new DatabaseModel();
    model.level = 706;
    const bench = schemaBench(model);
    const outs = await bench.create(stated());
    expect(bench.said.join("\n")).toMatch(/remember that the statement .* has served.*newer than the declared 705/s);
    expect(await bench.preview(outs, stated())).toMatchObject({ changes: false });
    model.level = 704;
    expect(await refusalOf(bench.up(outs, stated()))).toMatch(/that was for one change/);
    expect([model.level, model.database.written]).toEqual([704, []]);
  });

  test.each([
    ["2026-05-01", "20260430235959", undefined],
    ["2026-05-01", "20260501080000", /restored since, at 2026-05-01 08:00:00 by its server's clock.*renew/],
    ["2026-05-01T07:59", "20260501080000", /restored since/],
    ["2026-05-01T08:01", "20260501080000", undefined],
    ["2026-05-01 08:00:01", "20260501080000", undefined],
  ])("made at %s, the database restored at %s", async (date, time, expected) => {
    const message = await refusal({ contentProof: statement({ date }) }, (model) => {
      model.restores = [{ START_TIME: "20260101000000", END_TIME: time }];
    });
    if (expected) expect(message).toMatch(expected);
    else expect(message).toBeUndefined();
  });

  test.each([
    ["UTC, which the server's clock is not", "2026-05-01T06:00Z"],
    ["a month that there is not", "2026-13-01"],
    ["a day that there is not", "2026-02-30"],
    ["an hour that there is not", "2026-05-01T25:00"],
  ])("promise 20: is not made in %s", async (_what, date) => {
    expect(await refusal({ contentProof: statement({ date }) })).toMatch(/by the database server's clock/);
  });

  test.each([
    ["2026-05-02", "none"],
    ["2026-05-01T12:06", "none"],
    ["2062-05-01", "20260501080000"],
  ])(
    "promise 20: made at %s is after the server's time, so no later restore would show: refused (restored: %s)",
    async (date, time) => {
      const message = await refusal({ contentProof: statement({ date }) }, (model) => {
        if (time !== "none") model.restores = [{ START_TIME: time, END_TIME: time }];
      });
      expect(message).toMatch(/that is after its server's present time, 2026-05-01 12:00:00/);
    },
  );

  test("clocks that differ by a few minutes are no reason to refuse it", async () => {
    expect(await refusal({ contentProof: statement({ date: "2026-05-01T12:05" }) })).toBeUndefined();
  });

  test("without a clock to compare it with, it proves nothing", async () => {
    const message = await refusal({ contentProof: statement(), backup: { waived: { reason: "a copy" } } }, (model) => {
      model.now = "noon";
    });
    expect(message).toMatch(/the server's present time cannot be read/);
  });

  test("a restore that did not end counts from its begin", async () => {
    const message = await refusal({ contentProof: statement() }, (model) => {
      model.restores = [{ START_TIME: "20260502000000", END_TIME: null }];
    });
    expect(message).toMatch(/restored since, at 2026-05-02 00:00:00/);
  });

  test.each([
    ["is asked for", {}],
    ["is waived", { backup: { waived: { reason: "a copy" } } }],
  ])("promise 20: whose database's history cannot be read: refused, also where a backup %s", async (_what, more) => {
    const message = await refusal({ contentProof: statement(), ...more }, (model) =>
      model.database.patterns.unshift([
        /DB_HISTORY/,
        () => {
          throw new ProblemError("permission", { where: "homepage: query", found: "SQL0551N not allowed" });
        },
      ]),
    );
    expect(message).toMatch(/whether the database was restored since cannot be read: SQL0551N.*catalogProbe/);
  });

  test.each([
    ["", "20260501110000", /restored since, at 2026-05-01 11:00:00/],
    ["              ", "20260501110000", /restored since, at 2026-05-01 11:00:00/],
    [null, "20260501110000", /restored since, at 2026-05-01 11:00:00/],
    ["", "", /whether the database was restored since cannot be read: .* is no time/],
    ["2026", "20260501110000", /cannot be read: "2026" is no time/],
    ["20261399000000", "20260501110000", /cannot be read: .* is no time/],
  ])("a restore that ended at %j and began at %j is no reason to trust it", async (END_TIME, START_TIME, expected) => {
    const more = { contentProof: statement(), backup: { waived: { reason: "a copy" } } };
    expect(await refusal(more, (model) => (model.restores = [{ START_TIME, END_TIME }]))).toMatch(expected);
  });
});

describe("promise 20: a statement that has served is renewed by a later date alone", () => {
  const served = async () => {
    const model = new DatabaseModel();
    const bench = schemaBench(model);
    const outs = await bench.create(stated());
    model.level = 704;
    return { model, bench, outs };
  };

  test.each([
    ["an earlier date", { date: "2026-04-01" }, /a statement of 2026-05-01 00:00:00 has served since/],
    ["the same day's beginning", { date: "2026-05-01T00:00" }, /that was for one change/],
    ["the same instant with seconds", { date: "2026-05-01 00:00:00" }, /that was for one change/],
    ["another person", { by: "John Doe" }, /that was for one change/],
    ["a higher level and the same date", { level: 706, version: 706 }, /that was for one change/],
  ])("not by %s", async (_what, more, expected) => {
    const { model, bench, outs } = await served();
    const { version = 705, ...change } = more as { version?: number };
    const again = { ...stated(change), version, from: [704] };
    for (let time = 0; time < 2; time++) expect(await refusalOf(bench.up(outs, again))).toMatch(expected);
    expect(model.level).toBe(704);
    await bench.up(outs, { ...stated({ ...change, date: "2026-05-01T00:00:01" }), version, from: [704] });
    expect(model.level).toBe(version);
  });

  test("not by the server's address in place of its name", async () => {
    const { model, bench, outs } = await served();
    const connection = { ...(schemaInputs().connection as object), host: "10.0.0.5" };
    const again = { ...stated({ host: "10.0.0.5" }), connection };
    for (let time = 0; time < 2; time++) expect(await refusalOf(bench.up(outs, again))).toMatch(/for one change/);
    expect(model.level).toBe(704);
  });

  test("one that a run broke off with counts too", async () => {
    const { claimed } = await keptBy(
      schemaBench(
        modelWith((operation) => {
          if (operation.name === "commit") throw new Error("the process died");
        }),
      ).create(stated()),
    );
    expect(claimed).toEqual([expect.stringContaining('"date":"2026-05-01 00:00:00"')]);
  });
});
