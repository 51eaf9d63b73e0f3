import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Db2Lab } from "../../../lab/db2/lab.js";
import { NotATable } from "../../../providers/targets/db2/catalog.js";
import {
  closeAllDatabases,
  type Database,
  openDatabase,
  type Transaction,
} from "../../../providers/targets/db2/database.js";
import { Db2Error } from "../../../providers/targets/db2/errors.js";
import { describeDb2, startTestDb2 } from "./lab.js";

const LEVEL = "SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA";

describeDb2("a Db2 database, with the real driver against the lab's server", () => {
  let lab: Db2Lab;
  let database: Database;

  beforeAll(async () => {
    lab = await startTestDb2();
    await lab.sql(
      "CREATE TABLE HOMEPAGE.KINDS (ID INTEGER NOT NULL PRIMARY KEY, S SMALLINT, B BIGINT, N DECIMAL(20,4), F DOUBLE, C CHAR(4), V VARCHAR(2000), T TIMESTAMP, D DATE, L CLOB(1M), X BLOB(32M), Y BLOB(64M))",
    );
    database = openDatabase(lab.connection());
  }, 120_000);
  afterAll(async () => {
    await closeAllDatabases();
    await lab.stop();
  });

  it("reads, and finds a table with its columns and key in the catalog", async () => {
    expect(await database.query(LEVEL)).toEqual([{ DBSCHEMAVER: 704 }]);
    const table = await database.table("HOMEPAGE", "HOMEPAGE_SCHEMA");
    expect(table).toMatchObject({
      sql: '"HOMEPAGE"."HOMEPAGE_SCHEMA"',
      primaryKey: ["COMPKEY"],
      columns: [
        { name: "COMPKEY", type: "VARCHAR", length: 36, nullable: false },
        { name: "DBSCHEMAVER", type: "INTEGER", length: 4, nullable: false },
        { name: "RELEASEVER", type: "VARCHAR", length: 32, nullable: true },
      ],
    });
    expect(() => table?.column('X" = 1 --')).toThrow("it has no column");
    expect(await database.table("HOMEPAGE", 'HOMEPAGE_SCHEMA" --')).toBeUndefined();
  });

  it("takes no view and no alias for a table, and says what it found; bytes are no characters", async () => {
    await lab.sql("CREATE VIEW HOMEPAGE.SEEMS AS SELECT * FROM HOMEPAGE.HOMEPAGE_SCHEMA");
    await lab.sql("CREATE SYNONYM HOMEPAGE.ELSEWHERE FOR HOMEPAGE.HOMEPAGE_SCHEMA");
    await lab.sql("CREATE TABLE HOMEPAGE.BYTES (A VARCHAR(8) FOR BIT DATA, B CHAR(8) FOR BIT DATA, C CHAR(8))");
    for (const [name, found] of [
      ["SEEMS", "it is a view"],
      ["ELSEWHERE", "it is an alias"],
    ] as const) {
      const error = await database.table("HOMEPAGE", name).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(NotATable);
      expect(error.message).toContain(`HOMEPAGE.${name}: ${found}. Allowed: a table`);
    }
    const marked = openDatabase(lab.connection("HOMEPAGE", { marker: { table: "HOMEPAGE.SEEMS" } }));
    await expect(marked.query(LEVEL)).rejects.toThrow("it is a view");
    expect((await database.table("HOMEPAGE", "BYTES"))?.columns.map(({ type, length }) => [type, length])).toEqual([
      ["VARCHAR FOR BIT DATA", 8],
      ["CHARACTER FOR BIT DATA", 8],
      ["CHARACTER", 8],
    ]);
  });

  it("commits what a transaction changed, and nothing of one that threw", async () => {
    const changed = await database.transaction((tx) =>
      tx.execute("UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = ? WHERE DBSCHEMAVER = ?", [705, 704]),
    );
    expect(changed).toBe(1);
    await expect(
      database.transaction(async (tx) => {
        expect(await tx.execute("UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = ?", [1])).toBe(1);
        expect(await tx.query(LEVEL)).toEqual([{ DBSCHEMAVER: 1 }]);
        throw new Error("changed my mind");
      }),
    ).rejects.toThrow("changed my mind");
    expect(await lab.sql(LEVEL)).toEqual([{ DBSCHEMAVER: "705" }]);
    const none = await database.transaction((tx) =>
      tx.execute("UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = ? WHERE DBSCHEMAVER = ?", [706, 704]),
    );
    expect(none).toBe(0);
  });

  it("promise 19: hostile text is data, and comes back as it was given", async () => {
    const texts = [
      "'; DROP TABLE HOMEPAGE.KINDS --",
      'a"b',
      "line\r\nend",
      "äöü€😀",
      "?",
      "%_\\",
      "",
      " ",
      "SYSCAT.TABLES",
    ];
    await database.transaction(async (tx) => {
      for (const [id, text] of texts.entries()) {
        await tx.execute("INSERT INTO HOMEPAGE.KINDS (ID, V) VALUES (?, ?)", [100 + id, text]);
      }
    });
    const rows = await database.query("SELECT V FROM HOMEPAGE.KINDS WHERE ID >= ? ORDER BY ID", [100]);
    expect(rows.map((row) => row.V)).toEqual(texts);
    expect(await database.query("SELECT ID FROM HOMEPAGE.KINDS WHERE V = ?", [texts[0] ?? ""])).toEqual([{ ID: 100 }]);
  });

  it("keeps every kind of value exact", async () => {
    const values = [1, -32768, 9007199254740993n, "1234567.8901", 0.1, "ab", "v", "2026-05-01 12:00:00.123456"];
    await database.transaction(async (tx) => {
      await tx.execute(
        "INSERT INTO HOMEPAGE.KINDS (ID, S, B, N, F, C, V, T, D, L, X) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [...values, "2026-05-01", "ü".repeat(100_000), null],
      );
      await tx.execute("INSERT INTO HOMEPAGE.KINDS (ID, B) VALUES (?, ?)", [2, Number.MAX_SAFE_INTEGER]);
    });
    const [row, big] = await database.query("SELECT * FROM HOMEPAGE.KINDS WHERE ID < ? ORDER BY ID", [3]);
    expect(row).toEqual({
      ...{ ID: 1, S: -32768, B: "9007199254740993", N: 1234567.8901, F: 0.1, C: "ab  ", V: "v" },
      ...{ T: "2026-05-01 12:00:00.123456", D: "2026-05-01", L: "ü".repeat(100_000), X: null, Y: null },
    });
    expect(big?.B).toBe(String(Number.MAX_SAFE_INTEGER));
  });

  it.each([
    ...[0, 1, 255, 65_536, 1_048_577, 8_388_608].map((size) => [size, "X"] as const),
    // Larger than what comes with a row: a column whose LOBs the driver would fetch by locator.
    ...[0, 1, 65_536, 1_048_577].map((size) => [size, "Y"] as const),
  ])("writes and reads a LOB of %i bytes in column %s, and proves it", async (size, column) => {
    const table = await database.table("HOMEPAGE", "KINDS");
    if (!table) throw new Error("no table");
    const bytes = randomBytes(size);
    const id = (column === "X" ? 1_000 : 20_000_000) + size;
    const place = { table, column, key: { ID: id } };
    await database.transaction(async (tx) => {
      await tx.execute("INSERT INTO HOMEPAGE.KINDS (ID) VALUES (?)", [id]);
      expect(await tx.readLob(place)).toBeUndefined();
      expect((await tx.writeLob(place, bytes)).sha256).toMatch(/^[0-9a-f]{64}$/);
    });
    const read = await database.transaction((tx) => tx.readLob(place));
    expect(read?.bytes.equals(bytes)).toBe(true);
    const [row] = await lab.sql(`SELECT LENGTH(${column}) AS SIZE FROM HOMEPAGE.KINDS WHERE ID = ${id}`);
    expect(row).toEqual({ SIZE: String(size) });
  });

  it.each([
    ["X", 1_000 + 255],
    ["Y", 20_000_000 + 65_536],
  ])("holds the row of a LOB in column %s from when it was read", async (column, id) => {
    const table = await database.table("HOMEPAGE", "KINDS");
    if (!table) throw new Error("no table");
    const change = `UPDATE HOMEPAGE.KINDS SET V = 'changed' WHERE ID = ${id}`;
    await database.transaction(async (tx) => {
      await tx.readLob({ table, column, key: { ID: id } });
      await expect(lab.sql(change)).rejects.toThrow("lock");
    });
    await lab.sql(change);
    expect(await database.query("SELECT V FROM HOMEPAGE.KINDS WHERE ID = ?", [id])).toEqual([{ V: "changed" }]);
  });

  it("gives in a query the same bytes, of a column that is not declared larger than what comes with a row", async () => {
    const id = 1_000 + 65_536;
    const table = await database.table("HOMEPAGE", "KINDS");
    if (!table) throw new Error("no table");
    const read = await database.transaction((tx) => tx.readLob({ table, column: "X", key: { ID: id } }));
    expect(await database.query("SELECT X FROM HOMEPAGE.KINDS WHERE ID = ?", [id])).toEqual([{ X: read?.bytes }]);
  });

  it("stores nothing of a transaction in which a LOB had no row of its own, even when that was caught", async () => {
    const table = await database.table("HOMEPAGE", "KINDS");
    if (!table) throw new Error("no table");
    const work = database.transaction(async (tx) => {
      await tx.execute("INSERT INTO HOMEPAGE.KINDS (ID) VALUES (?)", [50]);
      await tx.writeLob({ table, column: "X", key: { ID: 51 } }, Buffer.from("x")).catch(() => undefined);
    });
    await expect(work).rejects.toThrow("0 rows have this key");
    expect(await database.query("SELECT ID FROM HOMEPAGE.KINDS WHERE ID = 50")).toEqual([]);
  });

  it.each([
    ["a change where a question belongs", "UPDATE HOMEPAGE.KINDS SET V = ?", ["x"], "not a SELECT"],
    [
      "a change inside a question",
      "SELECT * FROM FINAL TABLE (UPDATE HOMEPAGE.KINDS SET V = ?)",
      ["x"],
      "changes what it reads",
    ],
    ["too many values", "SELECT V FROM HOMEPAGE.KINDS WHERE ID = ?", [1, 2], "has 1 markers"],
    ["too few values", "SELECT V FROM HOMEPAGE.KINDS WHERE V = '?' AND ID = ? -- ?", [], "has 1 markers"],
    ["a number that is none", "SELECT V FROM HOMEPAGE.KINDS WHERE ID = ?", [Number.NaN], "cannot be exact"],
  ])("refuses %s before anything is sent", async (_what, sql, values, message) => {
    await expect(database.query(sql, values)).rejects.toMatchObject({
      cause: "invalid-input",
      message: expect.stringContaining(message),
    });
  });

  it("refuses more rows than were expected instead of cutting them", async () => {
    const all = "SELECT TABNAME FROM SYSCAT.TABLES";
    await expect(database.query(all, [], { maxRows: 2 })).rejects.toThrow("more than 2 rows");
    expect((await database.query(all)).length).toBeGreaterThan(2);
  });

  it.each([
    ["SELECT * FROM HOMEPAGE.NOTHING", "missing", -204, "42704"],
    ["SELECT NOTHING FROM HOMEPAGE.KINDS", "missing", -206, "42703"],
    ["SELECT FROM WHERE", "command-failed", -104, "42601"],
  ])("names Db2's codes: %s", async (sql, cause, sqlcode, sqlstate) => {
    const error = await database.query(sql).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(Db2Error);
    expect(error).toMatchObject({ cause, sqlcode, sqlstate });
  });

  it("goes on after an error in a transaction, and reports a key that is there already", async () => {
    await database.transaction(async (tx) => {
      await tx.execute("INSERT INTO HOMEPAGE.KINDS (ID) VALUES (?)", [60]);
      await expect(tx.execute("INSERT INTO HOMEPAGE.KINDS (ID) VALUES (?)", [60])).rejects.toMatchObject({
        sqlcode: -803,
      });
      await tx.execute("UPDATE HOMEPAGE.KINDS SET V = ? WHERE ID = ?", ["kept", 60]);
    });
    expect(await database.query("SELECT V FROM HOMEPAGE.KINDS WHERE ID = 60")).toEqual([{ V: "kept" }]);
  });

  it("serves fourteen at once, each transaction alone, over its few connections", async () => {
    await database.transaction((tx) => tx.execute("INSERT INTO HOMEPAGE.KINDS (ID, S) VALUES (?, ?)", [70, 0]));
    await Promise.all(
      Array.from({ length: 14 }, () =>
        database.transaction(async (tx) => {
          const [row] = await tx.query("SELECT S FROM HOMEPAGE.KINDS WHERE ID = ? FOR UPDATE WITH RS", [70]);
          await tx.execute("UPDATE HOMEPAGE.KINDS SET S = ? WHERE ID = ?", [Number(row?.S) + 1, 70]);
        }),
      ),
    );
    expect(await database.query("SELECT S FROM HOMEPAGE.KINDS WHERE ID = 70")).toEqual([{ S: 14 }]);
    const sessions = await lab.sql(
      "SELECT COUNT(DISTINCT XID) AS N FROM SYSCS_DIAG.TRANSACTION_TABLE WHERE USERNAME = 'DB2INST1'",
    );
    expect(Number(sessions[0]?.N)).toBeLessThanOrEqual(4);
  });

  it("promise 2: leaves nothing of a transaction that is for a question only", async () => {
    const work = (tx: Transaction) => tx.execute("INSERT INTO HOMEPAGE.KINDS (ID, S) VALUES (?, ?)", [71, 0]);
    expect(await database.transaction(work, { rollBack: true })).toBe(1);
    expect(await database.query("SELECT S FROM HOMEPAGE.KINDS WHERE ID = 71")).toEqual([]);
  });

  it("takes nothing more for a transaction that is over", async () => {
    let kept: { query(sql: string): Promise<unknown> } | undefined;
    await database.transaction(async (tx) => {
      kept = tx;
    });
    await expect(kept?.query(LEVEL)).rejects.toThrow("this transaction is over");
  });

  it.each([
    ["ten thousand queries", 10_000, (alone: Database) => alone.query(LEVEL)],
    [
      "a thousand LOBs of a column that is declared larger than what comes with a row",
      1_000,
      async (alone: Database) => {
        const table = await alone.table("HOMEPAGE", "KINDS");
        if (!table) throw new Error("no table");
        const place = { table, column: "Y", key: { ID: 20_065_536 } };
        const read = await alone.transaction((tx) => tx.readLob(place));
        expect(read?.bytes).toHaveLength(65_536);
      },
    ],
  ])(
    "leaves nothing behind in %s: no descriptors, no memory that grows with them",
    async (_what, times, ask) => {
      const alone = openDatabase(lab.connection("HOMEPAGE", { name: "alone" }));
      const askOften = async (often: number) => {
        for (let index = 0; index < often; index++) await ask(alone);
      };
      await askOften(times / 10);
      const before = driverResources();
      await askOften(times);
      const after = driverResources();
      await alone.close();
      expect(after.descriptors).toBe(before.descriptors);
      // 10,000 queries measured: about 7 MB, once (bench/db2.ts).
      expect(after.megabytes - before.megabytes).toBeLessThan(20);
    },
    120_000,
  );
});

/** Of this process and of the driver's below it. */
function driverResources(): { descriptors: number; megabytes: number } {
  const pids = readdirSync("/proc").filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/status`, "utf8").includes(`\nPPid:\t${process.pid}\n`);
    } catch {
      return false;
    }
  });
  const drivers = pids.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("driver-process"));
  const resident = (pid: string) =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024;
  return {
    descriptors: [String(process.pid), ...drivers].reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0),
    megabytes: drivers.reduce((sum, pid) => sum + resident(pid), 0),
  };
}
