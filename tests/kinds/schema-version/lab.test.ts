import type { Db2Lab } from "../../../lab/db2/lab.js";
import type { Db2DatabaseName } from "../../../lab/db2/server.js";
import type { Component } from "../../../providers/formats/schema-tables.js";
import type { DatabaseConnection } from "../../../providers/targets/db2/connection.js";
import { closeAllDatabases, type Database, openDatabase } from "../../../providers/targets/db2/database.js";
import { MemoryHost } from "../../support/memory-host.js";
import { describeDb2, startTestDb2 } from "../../targets/db2/lab.js";
import { home, type Stored, schemaBenchOver, schemaInputs } from "./bench.js";

const LEVEL = "SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA";
const PROBE = "SELECT COUNT(*) FROM SYSCAT.TABLES WHERE TABSCHEMA = 'HOMEPAGE' AND TABNAME = 'HOMEPAGE_SCHEMA'";

jest.setTimeout(120_000);

/** The databases as they are but for their transactions. */
const over =
  (open: typeof openDatabase, transactionsOf: (database: Database) => Database["transaction"]) =>
  (connection: DatabaseConnection): Database => {
    const database = open(connection);
    return {
      name: database.name,
      query: (...all) => database.query(...all),
      table: (...all) => database.table(...all),
      close: () => database.close(),
      transaction: transactionsOf(database),
    };
  };

/** The whole kind against the real driver and a server that it takes for Db2; what is a stand-in there says lab/README.md. */
describeDb2("schema levels, with the real driver against the lab's server", () => {
  let lab: Db2Lab;
  /** A process of its own; what it remembers is on the host. */
  const bench = (host = new MemoryHost(home)) => schemaBenchOver(host, openDatabase);
  const inputs = (more: Stored = {}, database: Db2DatabaseName = "HOMEPAGE", connection: object = {}) =>
    schemaInputs({
      database: database.toLowerCase(),
      connection: lab.connection(database, { marker: { database }, ...connection }),
      contentProof: { catalogProbe: { level: 705, sql: PROBE, expect: 1 } },
      ...more,
    });
  const level = async () => (await lab.sql(LEVEL))[0]?.DBSCHEMAVER;
  const setLevel = (to: number) => lab.sql(`UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = ${to}`);
  const stamp = (ageHours: number) =>
    new Date(Date.now() - ageHours * 3_600_000)
      .toISOString()
      .replaceAll(/[^0-9]/g, "")
      .slice(0, 14);
  const backUp = (database: Db2DatabaseName, ageHours = 1) =>
    lab.sql(
      `INSERT INTO LABIBMADM.DB_HISTORY (OPERATION, OBJECTTYPE, OPERATIONTYPE, ENTRY_STATUS, START_TIME, END_TIME) VALUES ('B', 'D', 'N', 'A', '${stamp(ageHours)}', '${stamp(ageHours)}')`,
      database,
    );

  const SERVER = "(7, 'db2jcc_application', '10.0.0.7.41000.260501120000', 'LCUSER', 'was1')";

  beforeAll(async () => {
    lab = await startTestDb2();
  });
  beforeEach(async () => {
    await setLevel(704);
    await lab.sql("DELETE FROM LABIBMADM.DB_HISTORY");
    await lab.sql("DELETE FROM LABIBMADM.APPLICATIONS WHERE AGENT_ID = 7");
    await backUp("HOMEPAGE");
  });
  afterAll(async () => {
    await closeAllDatabases();
    await lab.stop();
  });

  test("704 → up → 705 → preview empty; 704 by hand → drift shown → healed", async () => {
    const host = new MemoryHost(home);
    const one = bench(host);
    const outs = await one.create(inputs());
    expect(await level()).toBe("705");
    expect(one.said.join("\n")).toMatch(/1\. homepage: set HOMEPAGE\.HOMEPAGE_SCHEMA\.DBSCHEMAVER from 704 to 705/);
    expect(one.said.join("\n")).toMatch(/newest backup \(online, full\) began at .*, (59|60|61) minutes ago/);
    expect(await one.preview(outs, inputs())).toMatchObject({ changes: false, lines: [] });

    await setLevel(704);
    const next = bench(host);
    const { found, changes } = await next.preview(outs, inputs());
    expect([changes, found.version]).toEqual([true, "704"]);
    await next.up(outs, inputs());
    expect(await level()).toBe("705");
  });

  test("promise 13: refused before any write: `from` violated, another database, wrong password", async () => {
    await setLevel(700);
    await expect(bench().create(inputs())).rejects.toThrow(/DBSCHEMAVER is 700.*Allowed: 704/);
    await setLevel(704);
    const wrong = { marker: { database: "SNCOMM" } };
    await expect(bench().create(inputs({}, "HOMEPAGE", wrong))).rejects.toThrow(/SNCOMM/);
    const stranger = inputs({ component: "FORUMS" });
    await expect(bench().create(stranger)).rejects.toThrow(/FORUM\.DF_SCHEMA: there is no such table/);
    await lab.fault("wrong-password", true);
    try {
      const login = inputs({}, "HOMEPAGE", { connectTimeout: "9s" });
      await expect(bench().create(login)).rejects.toThrow(/SQL30082N|user|password/i);
    } finally {
      await lab.fault("wrong-password", false);
      // As another process would be: this one tries no refused login again.
      await closeAllDatabases();
    }
    expect(await level()).toBe("704");
  });

  test("an old backup, none, and connected servers are refused with what resolves them", async () => {
    await lab.sql("DELETE FROM LABIBMADM.DB_HISTORY");
    await lab.sql(`INSERT INTO LABIBMADM.APPLICATIONS VALUES ${SERVER}`);
    const refused = await bench()
      .create(inputs())
      .then(String, (error: Error) => error.message);
    expect(refused).toContain("its history has no complete backup of the database");
    expect(refused).toContain("connected: db2jcc_application of LCUSER on was1 (1 connection).");
    await backUp("HOMEPAGE", 30);
    await expect(bench().create(inputs())).rejects.toThrow(/began at .*, 30 hours ago\. Allowed: at most 1d/);
    expect(await level()).toBe("704");
    const waived = { backup: { waived: { reason: "a copy" } }, servers: { whileRunning: true } };
    await bench().create(inputs(waived));
    expect(await level()).toBe("705");
  });

  test.each(["drop-after-commit", "drop-before-commit"] as const)(
    "promise 20: the answer of the commit is lost (%s): looked at again, and it ends well",
    async (fault) => {
      let cut = true;
      // Cut at the commit of the change alone: a read has one of its own, and a question is rolled back.
      const cutting = over(openDatabase, (database) => async (work, options) => {
        if (options?.rollBack) return database.transaction(work, options);
        try {
          return await database.transaction(async (transaction) => {
            const value = await work(transaction);
            if (cut) await lab.fault(fault, true);
            return value;
          }, options);
        } finally {
          if (cut) await lab.fault(fault, false);
          cut = false;
        }
      });
      const one = schemaBenchOver(new MemoryHost(home), cutting);
      await one.create(inputs());
      expect(one.said.join("\n")).toContain("outcome unknown, looking again");
      const times = one.said.filter((line) => line.includes("/1] homepage: set")).length;
      expect([await level(), times]).toEqual(["705", fault === "drop-after-commit" ? 1 : 2]);
    },
  );

  describe("promise 12: two stacks that know nothing of each other, with homes of their own", () => {
    beforeAll(async () => {
      await lab.sql("CREATE TABLE HOMEPAGE.CHANGES (FROM_LEVEL INTEGER, TO_LEVEL INTEGER)");
      await lab.sql(
        "CREATE TRIGGER HOMEPAGE.WATCH AFTER UPDATE OF DBSCHEMAVER ON HOMEPAGE.HOMEPAGE_SCHEMA REFERENCING OLD AS O NEW AS N FOR EACH ROW INSERT INTO HOMEPAGE.CHANGES VALUES (O.DBSCHEMAVER, N.DBSCHEMAVER)",
      );
    });
    afterAll(async () => {
      await lab.sql("DROP TRIGGER HOMEPAGE.WATCH");
      await lab.sql("DROP TABLE HOMEPAGE.CHANGES");
    });

    /** Two runs, on connections of their own, that have both read the row when the first of them sends its UPDATE. */
    const both = async (first: Stored, second: Stored) => {
      await lab.sql("DELETE FROM HOMEPAGE.CHANGES");
      let waiting: (() => void)[] = [];
      const meeting = (): Promise<void> =>
        new Promise((resolve) => {
          waiting.push(resolve);
          if (waiting.length < 2) return;
          for (const go of waiting) go();
          waiting = [];
        });
      const run = (stack: string, wanted: Stored) => {
        const queueTimeout = stack === "one" ? "61s" : "62s";
        const open = (connection: DatabaseConnection) => openDatabase({ ...connection, queueTimeout });
        const meet = over(
          open,
          (database) => (work, options) =>
            database.transaction(
              (transaction) =>
                work({
                  query: (...all) => transaction.query(...all),
                  table: (...all) => transaction.table(...all),
                  readLob: (...all) => transaction.readLob(...all),
                  writeLob: (...all) => transaction.writeLob(...all),
                  execute: async (...all) => {
                    await meeting();
                    return transaction.execute(...all);
                  },
                }),
              options,
            ),
        );
        const owner = `shop/${stack}/level`;
        return schemaBenchOver(new MemoryHost(home), meet).create({ ...wanted, owner });
      };
      const runs = await Promise.allSettled([run("one", first), run("two", second)]);
      return { runs, changes: await lab.sql("SELECT FROM_LEVEL, TO_LEVEL FROM HOMEPAGE.CHANGES") };
    };
    const statement = () => {
      const { host, port } = lab.connection();
      const about = { host, port, database: "HOMEPAGE", component: "HOMEPAGE", level: 705 };
      return { statement: { by: "Jane Doe", date: "2026-05-01", ...about } };
    };

    test.each([
      ["a catalog probe each", undefined],
      ["the same statement", statement],
    ])("with %s: the level is raised once, by one of them, and both find it there", async (_how, proof) => {
      const wanted = proof ? inputs({ contentProof: proof() }) : inputs();
      const { runs, changes } = await both(wanted, wanted);
      expect(runs).toEqual([
        expect.objectContaining({ status: "fulfilled" }),
        expect.objectContaining({ status: "fulfilled" }),
      ]);
      expect([await level(), changes]).toEqual(["705", [{ FROM_LEVEL: "704", TO_LEVEL: "705" }]]);
      // Both know now that the statement has served.
      for (const { value } of runs as { value: Stored }[]) {
        if (proof)
          expect(JSON.parse(String(value.kept))).toMatchObject({ spent: [expect.stringContaining("2026-05-01")] });
      }
    });

    test("that want different levels: one is raised, the other one is told, and nothing is overwritten", async () => {
      const higher = { contentProof: { catalogProbe: { level: 706, sql: PROBE, expect: 1 } }, version: 706 };
      const { runs, changes } = await both(inputs(), inputs({ ...higher, from: [704] }));
      expect(changes).toHaveLength(1);
      expect(changes[0]?.FROM_LEVEL).toBe("704");
      expect(await level()).toBe(changes[0]?.TO_LEVEL);
      const failed = runs.flatMap((one) => (one.status === "rejected" ? [String(one.reason.message)] : []));
      expect(failed).toEqual([expect.stringMatching(/Allowed: one row to change with DBSCHEMAVER 704.*Run up again/s)]);
    });
  });

  test("promise 21: a locked row says so, and hides nothing else", async () => {
    const one = bench();
    const outs = await one.create(inputs());
    await lab.fault("lock-row", true);
    try {
      const { found } = await one.preview(outs, inputs());
      expect(found).toMatchObject({
        version: "705",
        deviations: { unobserved: expect.stringContaining("held by another") },
      });
    } finally {
      await lab.fault("lock-row", false);
    }
  });

  test("a row locked at the very change: refused, and its statement has not served", async () => {
    const { host, port } = lab.connection();
    const about = { host, port, database: "HOMEPAGE", component: "HOMEPAGE", level: 705 };
    const contentProof = { statement: { by: "Jane Doe", date: "2026-05-01", ...about } };
    let locked = false;
    const locking = over(openDatabase, (database) => async (work, options) => {
      if (!locked) await lab.fault("lock-row", true);
      locked = true;
      return database.transaction(work, options);
    });
    const host1 = new MemoryHost(home);
    try {
      const work = schemaBenchOver(host1, locking).create(inputs({ contentProof }));
      await expect(work).rejects.toThrow(/held by another.*the statement has not served: the next up may use it/s);
    } finally {
      await lab.fault("lock-row", false);
    }
    expect(await level()).toBe("704");
    await bench(host1).create(inputs({ contentProof }));
    expect(await level()).toBe("705");
  });

  describe("the table of a component that is not as it has to be: refused, as a line and not as a failure of the rest", () => {
    const TABLE = "COMPKEY VARCHAR(36), DBSCHEMAVER INTEGER";
    beforeAll(() => lab.sql("DROP TABLE FORUM.DF_SCHEMA", "FORUM"));

    test.each<[string, readonly string[], RegExp]>([
      ["no table", [], /there is no such table/],
      ["no row", [`CREATE TABLE FORUM.DF_SCHEMA (${TABLE})`], /no row/],
      [
        "two rows",
        [
          `CREATE TABLE FORUM.DF_SCHEMA (${TABLE})`,
          "INSERT INTO FORUM.DF_SCHEMA VALUES ('FORUM', 704), ('FORUM', 704)",
        ],
        /2 rows; COMPKEY is "FORUM", "FORUM"/,
      ],
      [
        "two rows of a key of two columns",
        [
          `CREATE TABLE FORUM.DF_SCHEMA (COMPKEY CHAR(9) NOT NULL, T CHAR(2) NOT NULL, DBSCHEMAVER INTEGER, PRIMARY KEY (T, COMPKEY))`,
          "INSERT INTO FORUM.DF_SCHEMA VALUES ('FORUM', 'a', 704), ('FORUM', 'b', 704)",
        ],
        /The table's key is T, COMPKEY/,
      ],
      [
        "an unexpected type",
        ["CREATE TABLE FORUM.DF_SCHEMA (COMPKEY VARCHAR(36), DBSCHEMAVER DECIMAL(9,2))"],
        /DF_SCHEMA\.DBSCHEMAVER: its type is DECIMAL/,
      ],
      [
        "bytes",
        ["CREATE TABLE FORUM.DF_SCHEMA (COMPKEY VARCHAR(36) FOR BIT DATA, DBSCHEMAVER INTEGER)"],
        /DF_SCHEMA\.COMPKEY: its type is VARCHAR FOR BIT DATA/,
      ],
      [
        "no column of the level",
        ["CREATE TABLE FORUM.DF_SCHEMA (COMPKEY VARCHAR(36), VERSION INTEGER)"],
        /DBSCHEMAVER: there is no such column\. Allowed: COMPKEY, VERSION/,
      ],
      [
        "an empty level",
        [`CREATE TABLE FORUM.DF_SCHEMA (${TABLE})`, "INSERT INTO FORUM.DF_SCHEMA VALUES ('FORUM', NULL)"],
        /it is empty \(NULL\)/,
      ],
      [
        "an empty key",
        [`CREATE TABLE FORUM.DF_SCHEMA (${TABLE})`, "INSERT INTO FORUM.DF_SCHEMA VALUES (NULL, 704)"],
        /COMPKEY: it is empty \(NULL\)/,
      ],
    ])("%s", async (_what, statements, message) => {
      for (const sql of statements) await lab.sql(sql, "FORUM");
      try {
        const wanted = inputs({ component: "FORUMS" }, "FORUM");
        await expect(bench().create(wanted)).rejects.toThrow(message);
      } finally {
        if (statements.length > 0) await lab.sql("DROP TABLE FORUM.DF_SCHEMA", "FORUM");
      }
    });

    test("a view, and an alias", async () => {
      await lab.sql(`CREATE TABLE FORUM.ACTUAL (${TABLE})`, "FORUM");
      for (const [make, drop, message] of [
        ["CREATE VIEW FORUM.DF_SCHEMA AS SELECT * FROM FORUM.ACTUAL", "DROP VIEW FORUM.DF_SCHEMA", /it is a view/],
        ["CREATE SYNONYM FORUM.DF_SCHEMA FOR FORUM.ACTUAL", "DROP SYNONYM FORUM.DF_SCHEMA", /it is an alias/],
      ] as const) {
        await lab.sql(make, "FORUM");
        await expect(bench().create(inputs({ component: "FORUMS" }, "FORUM"))).rejects.toThrow(message);
        await lab.sql(drop, "FORUM");
      }
    });
  });

  test.each<[Db2DatabaseName, Component, string, Stored, string]>([
    [
      "BLOGS",
      "BLOGS",
      "72",
      { version: 73, from: [72] },
      "SELECT VALUE AS L FROM BLOGS.ROLLER_PROPERTIES WHERE NAME = 'database.schema.version'",
    ],
    [
      "PEOPLEDB",
      "PROFILES",
      "46",
      { version: "710.10", from: [46] },
      "SELECT DBSCHEMAVER AS L FROM EMPINST.SNPROF_SCHEMA",
    ],
    [
      "FILES",
      "FILES",
      "107",
      { version: 108, from: [107], postVersion: "147.3", postFrom: ["107.0"] },
      "SELECT SCHEMA_VERSION || ' ' || POSTSCHEMAVER AS L FROM FILES.PRODUCT",
    ],
  ])("the other shapes and types: %s", async (database, component, _from, levels, sql) => {
    await backUp(database);
    const { version, postVersion } = levels as { version: string; postVersion?: string };
    const contentProof = {
      catalogProbe: { level: version, postLevel: postVersion, sql: "SELECT 1 FROM SYSIBM.SYSDUMMY1", expect: 1 },
    };
    const one = bench();
    const declared = inputs({ component, contentProof, ...levels }, database);
    const outs = await one.create(declared);
    expect((await lab.sql(sql, database))[0]?.L).toBe([version, postVersion].filter(Boolean).join(" "));
    expect(await one.preview(outs, declared)).toMatchObject({ changes: false });
  });

  test("without the function, the view tells servers from system applications; without both, a refusal", async () => {
    await lab.sql("DROP FUNCTION LABPROC.MON_GET_CONNECTION");
    await bench().create(inputs());
    expect(await level()).toBe("705");
    await setLevel(704);
    await lab.sql(`INSERT INTO LABIBMADM.APPLICATIONS VALUES ${SERVER}`);
    await expect(bench().create(inputs())).rejects.toThrow(/connected: db2jcc_application of LCUSER on was1 \(1 conn/);
    await lab.sql("RENAME TABLE LABIBMADM.APPLICATIONS TO HIDDEN");
    await expect(bench().create(inputs())).rejects.toThrow(
      /it cannot be told who .*the user needs EXECUTE.*whileRunning/,
    );
  });
});
