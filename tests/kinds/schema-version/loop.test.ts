import { catalogProbe, DatabaseModel, HOMEPAGE, schemaBench, schemaInputs, statement } from "./bench.js";

describe("704 that must be 705", () => {
  test("promise 1: raised once, then the preview is empty and a second up writes nothing", async () => {
    const model = new DatabaseModel();
    const bench = schemaBench(model);
    const outs = await bench.create();
    expect(model.level).toBe(705);
    expect(bench.said.join("\n").replace(/\d+\.\d s$/m, "0.0 s")).toMatchInlineSnapshot(`
"connections:SchemaVersion homepage/HOMEPAGE (adopted as found)
  1. homepage: set HOMEPAGE.HOMEPAGE_SCHEMA.DBSCHEMAVER from 704 to 705
  note: it is the right database: it calls itself HOMEPAGE
  note: content: the catalog probe gave "1", as it does where 705 is there
  note: the newest backup (online, full) began at 2026-05-01 06:00:00, 6 hours ago
  note: nobody else is connected; a server that runs without a connection is not seen (servers.ports)
[dmgr 1/1] homepage: set HOMEPAGE.HOMEPAGE_SCHEMA.DBSCHEMAVER from 704 to 705
[dmgr 1/1] done in 0.0 s"
`);
    expect(model.database.written).toHaveLength(1);
    const before = [...model.host.written];
    expect(await bench.preview(outs)).toMatchObject({ changes: false, lines: [] });
    expect(await bench.up(outs)).toBeUndefined();
    expect(model.database.written).toHaveLength(1);
    expect(model.host.written).toEqual(before);
  });

  test("promise 3: set to 704 by hand, the preview shows exactly that; a catalog probe may heal again and again", async () => {
    const model = new DatabaseModel();
    const bench = schemaBench(model);
    let outs = await bench.create();
    for (let time = 0; time < 3; time++) {
      model.level = 704;
      const { found, changes } = await bench.preview(outs);
      expect(changes).toBe(true);
      expect(found).toEqual({ ...outsInputs(outs), version: "704" });
      outs = (await bench.up(outs)) ?? {};
      expect(model.level).toBe(705);
    }
    expect(model.database.written).toHaveLength(4);
  });

  test("promise 2: a preview changes nothing", async () => {
    const model = new DatabaseModel();
    const bench = schemaBench(model);
    const outs = await bench.create();
    model.level = 704;
    const before = [...model.host.written];
    await bench.preview(outs);
    expect([model.level, model.host.written, model.database.written.length]).toEqual([704, before, 1]);
  });

  test("state stays the same while nothing is to be done, whoever is connected", async () => {
    const model = new DatabaseModel();
    const bench = schemaBench(model);
    const outs = await bench.create();
    model.connected = [{ AUTHID: "LCUSER", APPL_NAME: "db2jcc_application", CLIENT_NNAME: "was1", CONNECTIONS: 20 }];
    model.backups = [];
    const { __provider, ...expected } = outs;
    expect((await bench.preview(outs)).props).toEqual(expected);
  });

  test("adopted as found when it is right", async () => {
    const model = new DatabaseModel();
    model.level = 705;
    const bench = schemaBench(model);
    const outs = await bench.create();
    expect(bench.said).toEqual(["connections:SchemaVersion homepage/HOMEPAGE: adopted as found, nothing to do"]);
    expect(JSON.parse(String(outs.kept))).toEqual({ found: { version: "705" }, spent: [] });
    expect(model.database.written).toEqual([]);
  });
});

const outsInputs = ({ live, kept, claim, schemaVersion, __provider, ...inputs }: Record<string, unknown>) => inputs;

describe("a statement serves for one change of one database", () => {
  const stated = (more: Record<string, unknown> = {}) => schemaInputs({ contentProof: statement(more) });

  test("used once; later drift is reported and refused until it is renewed", async () => {
    const model = new DatabaseModel();
    const bench = schemaBench(model);
    const outs = await bench.create(stated());
    expect(model.level).toBe(705);
    expect(await bench.preview(outs, stated())).toMatchObject({ changes: false });

    model.level = 704;
    const { found, lines } = await bench.preview(outs, stated());
    expect(found.version).toBe("704");
    expect(lines.join("\n")).toMatch(
      /refused: HOMEPAGE in homepage: Jane Doe stated on 2026-05-01 .*that was for one change/,
    );
    await expect(bench.up(outs, stated())).rejects.toThrow(
      /renew contentProof\.statement with a date and time after 2026-05-01 00:00:00/,
    );
    expect(model.level).toBe(704);

    const renewed = stated({ date: "2026-05-01T11:00" });
    const after = (await bench.up(outs, renewed)) ?? {};
    expect(model.level).toBe(705);
    expect(await bench.preview(after, renewed)).toMatchObject({ changes: false });
    model.level = 704;
    await expect(bench.up(after, stated())).rejects.toThrow(/for one change/);
  });

  test("a statement about a level that is there already has served too: a restore later is not healed on it", async () => {
    const model = new DatabaseModel();
    model.level = 705;
    const bench = schemaBench(model);
    const outs = await bench.create(stated());
    expect(bench.said.join("\n")).toContain("remember that the statement of Jane Doe of 2026-05-01 has served");
    model.level = 704;
    await expect(bench.up(outs, stated())).rejects.toThrow(/for one change/);
  });

  test("remembered on the host, so that a lost or older state changes nothing about it", async () => {
    const model = new DatabaseModel();
    const bench = schemaBench(model);
    await bench.create(stated());
    model.level = 704;
    await expect(schemaBench(model).create(stated())).rejects.toThrow(/for one change/);
    expect(model.level).toBe(704);
  });

  test.each([
    [
      { database: "OTHER" },
      /about HOMEPAGE in OTHER at db2\.example\.com:50000\. Allowed: HOMEPAGE in HOMEPAGE at db2\.example\.com:50000/,
    ],
    [{ host: "test.example.com" }, /about HOMEPAGE in HOMEPAGE at test\.example\.com:50000/],
    [{ port: 50001 }, /about HOMEPAGE in HOMEPAGE at db2\.example\.com:50001/],
    [{ component: "FORUMS" }, /about FORUMS in HOMEPAGE/],
    [{ level: 706 }, /contentProof is about level 706/],
  ])("of something else, refused: %j", async (more, message) => {
    const model = new DatabaseModel();
    await expect(schemaBench(model).create(stated(more))).rejects.toThrow(message);
    expect([model.level, model.database.written]).toEqual([704, []]);
  });
});

describe("a statement is the same one whoever makes it and however it is spelled", () => {
  const stated = (more: Record<string, unknown> = {}) => schemaInputs({ contentProof: statement(more) });
  const date = "2026-05-01T11:30";

  test.each<[Record<string, unknown>]>([
    [{ by: "John Doe" }],
    [{ host: "DB2.Example.com" }],
    [{ database: "homepage" }],
    [{ port: 50000 }],
    [{ date: "2026-05-01 11:30" }],
    [{ date: "2026-05-01T11:30:00" }],
  ])("%j makes no new one", async (more) => {
    const model = new DatabaseModel();
    const bench = schemaBench(model);
    const outs = await bench.create(stated({ date }));
    model.level = 704;
    await expect(bench.up(outs, stated({ date, ...more }))).rejects.toThrow(/for one change/);
    expect(model.level).toBe(704);
  });

  test("the same connection's name for another server does not carry a statement over", async () => {
    const model = new DatabaseModel();
    const connection = { ...(schemaInputs().connection as object), host: "new.example.com" };
    await expect(schemaBench(model).create({ ...stated(), connection })).rejects.toThrow(
      /Allowed: HOMEPAGE in HOMEPAGE at new\.example\.com:50000/,
    );
    expect(model.level).toBe(704);
  });
});

describe("never lowered", () => {
  test("a live level above the declared one: a note, no difference, no failure, nothing written", async () => {
    const model = new DatabaseModel();
    const bench = schemaBench(model);
    const outs = await bench.create();
    model.level = 706;
    const { changes, found, lines } = await bench.preview(outs);
    expect([changes, found.version, found.deviations]).toEqual([false, "705", undefined]);
    expect(lines).toEqual([
      "connections:SchemaVersion homepage/HOMEPAGE",
      "  note: HOMEPAGE in homepage: DBSCHEMAVER is 706, newer than the declared 705; it is left as it is",
    ]);
    expect(await bench.up(outs)).toBeUndefined();
    expect(model.level).toBe(706);
    // Also when it is met for the first time.
    await schemaBench(model).create();
    expect(model.level).toBe(706);
  });

  test("promise 17: destroy leaves it and says so; restore is refused before anything is asked", async () => {
    const model = new DatabaseModel();
    const bench = schemaBench(model);
    const outs = await bench.create();
    await bench.destroy(outs);
    expect(bench.said.at(-1)).toContain("retained as it is");
    expect(model.level).toBe(705);
    const { failures } = await bench.provider.check({}, schemaInputs({ onDestroy: "restore" }));
    expect(failures).toEqual([
      { property: "onDestroy", reason: expect.stringContaining("must be retain: a level is never lowered") },
    ]);
  });
});

describe("inputs", () => {
  const failuresOf = async (more: Record<string, unknown>) =>
    (await schemaBench(new DatabaseModel()).provider.check({}, schemaInputs(more))).failures?.map(
      ({ property, reason }: { property: string; reason: string }) => `${property} ${reason}`,
    );

  test.each<[string, Record<string, unknown>, RegExp]>([
    ["a move down", { from: [706] }, /from\[0\] .*not below 705/],
    ["a move from itself", { from: [705] }, /not below 705/],
    ["a dotted level as a number", { version: 710.1 }, /version .*in quotes/],
    ["an unknown component", { component: "NEWS" }, /component /],
    ["a probe that writes", { contentProof: catalogProbe({ sql: "DELETE FROM A" }) }, /contentProof/],
    ["a strange date", { contentProof: statement({ date: "May" }) }, /contentProof/],
    ["postVersion alone", { postVersion: "147.3" }, /belong together/],
    ["a waiver without a reason", { backup: { waived: { reason: " " } } }, /backup/],
  ])("%s", async (_name, more, message) => expect((await failuresOf(more))?.join("\n")).toMatch(message));

  test("checked once, they are the same when checked again", async () => {
    const { provider } = schemaBench(new DatabaseModel());
    const once = (await provider.check({}, schemaInputs({ contentProof: statement() }))).inputs;
    expect((await provider.check({}, once as Record<string, unknown>)).inputs).toEqual(once);
  });
});

describe("another operator in between: nothing is written over it", () => {
  /** Somebody sets the level just before or after an operation of ours. */
  const meddled = (side: "beforeOperation" | "afterOperation", at: string, level: number) => {
    const model: DatabaseModel = new DatabaseModel({
      [side]: ({ name }: { name: string }) => {
        if (name === at) model.level = level;
      },
    });
    return model;
  };

  test.each([
    ["after we looked", meddled("beforeOperation", "begin", 710), /DBSCHEMAVER 710\. Allowed: DBSCHEMAVER 704/],
    [
      "at our very UPDATE",
      meddled("beforeOperation", "execute", 710),
      /DBSCHEMAVER 710\. Allowed: one row to change with DBSCHEMAVER 704/,
    ],
    [
      "right after it, as a trigger would",
      meddled("afterOperation", "execute", 999),
      /DBSCHEMAVER 999\. Allowed: DBSCHEMAVER 705/,
    ],
  ])("%s", async (_name, model, message) => {
    await expect(schemaBench(model).create()).rejects.toThrow(message);
    expect(model.database.written).toEqual([]);
  });

  test("who sets it to what is declared has done our work", async () => {
    const model = meddled("beforeOperation", "begin", 705);
    await schemaBench(model).create();
    expect([model.level, model.database.written]).toEqual([705, []]);
  });
});

test("promise 12: two runs at once on one level: one update", async () => {
  const model = new DatabaseModel();
  const [a, b] = [schemaBench(model), schemaBench(model)];
  const results = await Promise.allSettled([a.create(), b.create()]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
  expect([model.level, model.database.written.length]).toEqual([705, 1]);
});

test("promise 19: hostile names are data", async () => {
  const model = new DatabaseModel();
  const evil = `'; DROP TABLE A; --"`;
  const columns = { COMPKEY: "VARCHAR(36)", DBSCHEMAVER: "INTEGER" };
  model.database.put(HOMEPAGE, columns, { COMPKEY: "X", DBSCHEMAVER: 704 }, { COMPKEY: evil, DBSCHEMAVER: 704 });
  await schemaBench(model).create(schemaInputs({ rowKey: evil }));
  expect(model.database.rows(HOMEPAGE).map((row) => row.DBSCHEMAVER)).toEqual([704, 705]);
  expect(model.database.written.join()).not.toContain(`DROP TABLE A; --" =`);
  expect(model.database.written[0]?.split(" [")[0]).toBe(
    'UPDATE "HOMEPAGE"."HOMEPAGE_SCHEMA" SET "DBSCHEMAVER" = ? WHERE "DBSCHEMAVER" = ? AND "COMPKEY" = ?',
  );
});
