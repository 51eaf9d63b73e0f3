import { isNumeric } from "../../../providers/kinds/schema-version/row.js";
import { refusalOf } from "../../support/failure.js";
import { catalogProbe, DatabaseModel, HOMEPAGE, refusal, type Stored, schemaBench, schemaInputs } from "./bench.js";

describe("the table and its row: what is not as expected is refused", () => {
  const put =
    (columns: Record<string, string>, ...rows: Record<string, string | number | null>[]) =>
    (model: DatabaseModel) =>
      model.database.put(HOMEPAGE, columns, ...rows);
  const COLUMNS = { COMPKEY: "VARCHAR(36)", DBSCHEMAVER: "INTEGER" };

  test.each<[string, (model: DatabaseModel) => void, RegExp]>([
    ["no table", (model) => model.database.drop(HOMEPAGE), /there is no such table/],
    ["no row", put(COLUMNS), /no row with COMPKEY = 'HOMEPAGE'/],
    [
      "another's row",
      put(COLUMNS, { COMPKEY: "NEWS", DBSCHEMAVER: 704 }),
      /no row with COMPKEY = 'HOMEPAGE'; COMPKEY is "NEWS".*rowKey/,
    ],
    [
      "two rows",
      put(COLUMNS, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: 704 }, { COMPKEY: "HOMEPAGE ", DBSCHEMAVER: 704 }),
      /2 rows with COMPKEY/,
    ],
    [
      "no version column",
      put({ COMPKEY: "VARCHAR(36)", VERSION: "INTEGER" }),
      /DBSCHEMAVER: there is no such column\. Allowed: COMPKEY, VERSION/,
    ],
    [
      "a view",
      (model) => model.database.notTables.set(HOMEPAGE, "it is a view"),
      /homepage HOMEPAGE\.HOMEPAGE_SCHEMA: it is a view\. Allowed: a table/,
    ],
    [
      "no key column where the key is known",
      put({ DBSCHEMAVER: "INTEGER", RELEASEVER: "VARCHAR(9)" }, { DBSCHEMAVER: 704, RELEASEVER: "" }),
      /HOMEPAGE_SCHEMA\.COMPKEY: there is no such column\. Allowed: DBSCHEMAVER, RELEASEVER/,
    ],
    [
      "a key of bytes",
      put({ ...COLUMNS, COMPKEY: "VARCHAR FOR BIT DATA(36)" }, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: 704 }),
      /HOMEPAGE_SCHEMA\.COMPKEY: its type is VARCHAR FOR BIT DATA/,
    ],
    [
      "a level of bytes, which would read as a higher one",
      put({ ...COLUMNS, DBSCHEMAVER: "VARCHAR FOR BIT DATA(9)" }, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: "373034" }),
      /HOMEPAGE_SCHEMA\.DBSCHEMAVER: its type is VARCHAR FOR BIT DATA/,
    ],
    [
      "two rows of a key of two columns",
      put(
        { COMPKEY: "VARCHAR(36) KEY", DBSCHEMAVER: "INTEGER", TENANT: "VARCHAR(9) KEY" },
        { COMPKEY: "HOMEPAGE", DBSCHEMAVER: 704, TENANT: "a" },
        { COMPKEY: "HOMEPAGE", DBSCHEMAVER: 704, TENANT: "b" },
      ),
      /2 rows with COMPKEY = 'HOMEPAGE'.*The table's key is COMPKEY, TENANT: which row counts would be a guess/,
    ],
    [
      "more rows than are looked at",
      put(COLUMNS, ...Array.from({ length: 60 }, (_, row) => ({ COMPKEY: `K${row}`, DBSCHEMAVER: 704 }))),
      /more than 50 rows/,
    ],
    [
      "blanks before the level",
      put({ ...COLUMNS, DBSCHEMAVER: "VARCHAR(9)" }, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: " 704" }),
      /it holds " 704"/,
    ],
    ["a strange type", put({ ...COLUMNS, DBSCHEMAVER: "DECIMAL(5)" }), /its type is DECIMAL/],
    ["NULL", put(COLUMNS, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: null }), /it is empty \(NULL\)/],
    [
      "no level",
      put({ ...COLUMNS, DBSCHEMAVER: "VARCHAR(9)" }, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: "unknown" }),
      /it holds "unknown"/,
    ],
    [
      "a column that is too short",
      put({ ...COLUMNS, DBSCHEMAVER: "VARCHAR(2)" }, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: "70" }),
      /holds 2 characters/,
    ],
  ])("%s", async (_name, arrange, message) => expect(await refusal({ from: [704, 70] }, arrange)).toMatch(message));

  test.each<[string, Record<string, string>, Record<string, string | number>]>([
    ["VARCHAR", { ...COLUMNS, DBSCHEMAVER: "VARCHAR(16)" }, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: "704" }],
    ["CHARACTER", { ...COLUMNS, DBSCHEMAVER: "CHARACTER(8)" }, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: "704     " }],
    ["BIGINT", { ...COLUMNS, DBSCHEMAVER: "BIGINT" }, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: 704 }],
    ["CLOB", { ...COLUMNS, DBSCHEMAVER: "CLOB(1000)" }, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: "704" }],
    ["SMALLINT", { ...COLUMNS, DBSCHEMAVER: "SMALLINT" }, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: 704 }],
    ["a padded key", { ...COLUMNS, COMPKEY: "CHARACTER(20)" }, { COMPKEY: "HOMEPAGE            ", DBSCHEMAVER: 704 }],
  ])("raised in %s", async (_name, columns, row) => {
    const model = new DatabaseModel();
    put(columns, row)(model);
    await schemaBench(model).create();
    const type = (columns.DBSCHEMAVER ?? "").replace(/\(.*/, "");
    expect(model.level).toBe(isNumeric(type) ? 705 : "705");
  });
});

describe("the key of the row, by the shape of the table", () => {
  const raised = async (component: string, table: string, columns: Stored, rows: Stored[], more: Stored = {}) => {
    const model = new DatabaseModel();
    model.database.put(table, columns as Record<string, string>, ...(rows as Record<string, string>[]));
    const error = await refusalOf(schemaBench(model).create(schemaInputs({ component, ...more })));
    return error ?? model.database.written[0];
  };

  test("a schema table whose key nobody published, without one: its only row", async () => {
    const sql = 'UPDATE "FORUM"."DF_SCHEMA" SET "DBSCHEMAVER" = ? WHERE "DBSCHEMAVER" = ? [705,704]';
    expect(await raised("FORUMS", "FORUM.DF_SCHEMA", { DBSCHEMAVER: "INTEGER" }, [{ DBSCHEMAVER: 704 }])).toBe(sql);
  });

  test("a schema table whose only row has an empty key: refused", async () => {
    const columns = { COMPKEY: "VARCHAR(36)", DBSCHEMAVER: "INTEGER" };
    const row = { COMPKEY: null, DBSCHEMAVER: 704 };
    expect(await raised("FORUMS", "FORUM.DF_SCHEMA", columns, [row])).toMatch(
      /DF_SCHEMA\.COMPKEY: it is empty \(NULL\)/,
    );
  });

  test("a key of numbers is compared as a number", async () => {
    const columns = { COMPKEY: "INTEGER KEY", DBSCHEMAVER: "INTEGER" };
    const rows = [
      { COMPKEY: 1, DBSCHEMAVER: 704 },
      { COMPKEY: 2, DBSCHEMAVER: 704 },
    ];
    expect(await raised("FORUMS", "FORUM.DF_SCHEMA", columns, rows, { rowKey: "2" })).toContain("[705,704,2]");
  });

  test("a product table of several rows: by its primary key, which tells them apart", async () => {
    const columns = { PRODUCT_KEY: "CHARACTER(12) KEY", SCHEMA_VERSION: "INTEGER" };
    const rows = [{ PRODUCT_KEY: "METRICS     ", SCHEMA_VERSION: 704 }];
    const sql = 'UPDATE "METRICS"."PRODUCT" SET "SCHEMA_VERSION" = ? WHERE "SCHEMA_VERSION" = ?';
    expect(await raised("METRICS", "METRICS.PRODUCT", columns, rows)).toBe(`${sql} [705,704]`);
    expect(await raised("METRICS", "METRICS.PRODUCT", columns, rows, { rowKey: "METRICS" })).toContain(
      `${sql} AND "PRODUCT_KEY" = ?`,
    );
    const two = [...rows, { PRODUCT_KEY: "OTHER", SCHEMA_VERSION: 704 }];
    expect(await raised("METRICS", "METRICS.PRODUCT", columns, two)).toMatch(
      /2 rows; PRODUCT_KEY is "METRICS", "OTHER".*Say which one it is with rowKey/,
    );
    expect(await raised("METRICS", "METRICS.PRODUCT", columns, two, { rowKey: "METRICS" })).toContain(
      `${sql} AND "PRODUCT_KEY" = ?`,
    );
  });

  test("a product table with a key of bytes: of no weight where it has one row and rowKey says nothing", async () => {
    const columns = { ID: "CHARACTER FOR BIT DATA(16) KEY", SCHEMA_VERSION: "INTEGER" };
    const row = { ID: "x", SCHEMA_VERSION: 704 };
    expect(await raised("METRICS", "METRICS.PRODUCT", columns, [row])).toContain("[705,704]");
    for (const [rows, more] of [
      [[row, { ...row, ID: "y" }], {}],
      [[row], { rowKey: "x" }],
    ] as const) {
      expect(await raised("METRICS", "METRICS.PRODUCT", columns, [...rows], more)).toMatch(
        /PRODUCT\.ID: its type is CHARACTER FOR BIT DATA/,
      );
    }
  });

  test.each(["SCHEMA_VERSION", "POSTSCHEMAVER"])(
    "a product table whose key is %s, a level: raised, and never told apart by what is to change",
    async (key) => {
      const columns: Stored = { SCHEMA_VERSION: "VARCHAR(9)", POSTSCHEMAVER: "VARCHAR(9)" };
      columns[key] = "VARCHAR(9) KEY";
      const row = { SCHEMA_VERSION: "704", POSTSCHEMAVER: "704" };
      const post = { postVersion: 705, postFrom: [704], contentProof: catalogProbe({ postLevel: 705 }) };
      expect(await raised("METRICS", "METRICS.PRODUCT", columns, [row], post)).toContain(
        'WHERE "SCHEMA_VERSION" = ? AND "POSTSCHEMAVER" = ? ["705","705","704","704"]',
      );
      expect(await raised("METRICS", "METRICS.PRODUCT", columns, [row], { ...post, rowKey: "704" })).toMatch(
        /the table has no key column beside its levels/,
      );
    },
  );

  test("a product table without a key, or with one of two columns: rowKey is refused with what there is", async () => {
    const keyless = { SCHEMA_VERSION: "INTEGER", NOTE: "VARCHAR(9)" };
    const row = { SCHEMA_VERSION: 704 };
    expect(await raised("METRICS", "METRICS.PRODUCT", keyless, [row], { rowKey: "M" })).toMatch(
      /the table has no key column beside its levels.*its columns are SCHEMA_VERSION, NOTE/,
    );
    const composite = { A: "VARCHAR(9) KEY", B: "VARCHAR(9) KEY", SCHEMA_VERSION: "INTEGER" };
    expect(await raised("METRICS", "METRICS.PRODUCT", composite, [row], { rowKey: "M" })).toMatch(
      /the table's key is made of A, B/,
    );
  });

  test("a table of properties: among many rows, by NAME, which it must have", async () => {
    const columns = { NAME: "VARCHAR(255) KEY", VALUE: "VARCHAR(255)" };
    const rows = [
      ...Array.from({ length: 80 }, (_, row) => ({ NAME: `p${row}`, VALUE: "704" })),
      { NAME: "database.schema.version", VALUE: "704" },
    ];
    expect(await raised("MOBILE", "MOBILE.ROLLER_PROPERTIES", columns, rows)).toContain(
      '["705","704","database.schema.version"]',
    );
    const nameless = { PROPERTY: "VARCHAR(255) KEY", VALUE: "VARCHAR(255)" };
    expect(await raised("MOBILE", "MOBILE.ROLLER_PROPERTIES", nameless, [{ PROPERTY: "x", VALUE: "704" }])).toMatch(
      /ROLLER_PROPERTIES\.NAME: there is no such column\. Allowed: PROPERTY, VALUE/,
    );
  });
});
