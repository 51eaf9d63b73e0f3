import fc from "fast-check";
import type { Component } from "../../providers/formats/schema-tables.js";
import { readScriptLevel } from "../../providers/formats/sql-script.js";
import { bump, INSERT, problemOf } from "./sql-bump.js";

describe("exactly that literal in exactly that statement", () => {
  test("the line before and after, and nothing else", () => {
    const { bytes, changed, line, before, after } = bump(`-- 704\n${INSERT}COMMIT@\n`);
    expect(bytes.toString()).toBe(`-- 704\n${INSERT.replace("704", "705")}COMMIT@\n`);
    expect({ changed, line, before, after }).toEqual({
      changed: true,
      line: 3,
      before: "VALUES ('HOMEPAGE', 704, '')@",
      after: "VALUES ('HOMEPAGE', 705, '')@",
    });
  });

  test("promise 4: editing twice is editing once", () => {
    const once = bump(INSERT).bytes;
    const twice = bump(once);
    expect(twice.changed).toBe(false);
    expect(twice.bytes).toBe(once.equals(twice.bytes) ? twice.bytes : undefined);
  });

  test.each<[string, string]>([
    ["no column list", "INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 704, '')@"],
    ["other order of columns", "INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA(DBSCHEMAVER,COMPKEY)VALUES(704,'HOMEPAGE')@"],
    ["quoted names", `insert into "HOMEPAGE"."HOMEPAGE_SCHEMA" ("COMPKEY","DBSCHEMAVER") values ('HOMEPAGE',704)@`],
    ["lower case", "insert into homepage.homepage_schema values ('HOMEPAGE', 704, '')@"],
    ["the level as text", "INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', '704', '')@"],
    ["one of several rows", "INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('NEWS', 704, ''), ('HOMEPAGE', 704, '')@"],
    [
      "the schema set before",
      "SET CURRENT SCHEMA = HOMEPAGE@\nINSERT INTO HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 704, '')@",
    ],
    ["semicolons", "COMMIT;\nINSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 704, '');"],
    [
      "a terminator that is told",
      "--#SET TERMINATOR !\nINSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 704, '')!",
    ],
    [
      "a terminator that changes",
      "COMMIT;\n--#SET TERMINATOR @\nBEGIN ATOMIC SET X = 704; END@\nINSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 704, '')@",
    ],
    ["no terminator at the end", "INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 704, '')"],
    [
      "comments and literals that look like it",
      "/* INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 704, '')@ */\n-- it's @ 704 'HOMEPAGE'\nINSERT INTO A.T VALUES ('INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES (''HOMEPAGE'', 704, '''')@')@\nINSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA /* 704 */ VALUES (-- 704\n 'HOMEPAGE', 704, '')@",
    ],
    [
      "lines for the command line processor",
      "ECHO it's time@\n! echo 'x\nINSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 704, '')@",
    ],
    [
      "other tables of that name",
      "INSERT INTO OTHER.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 704, '')@\nINSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 704, '')@",
    ],
  ])("found with %s", (_name, text) => {
    const { bytes } = bump(text);
    const at = bytes.indexOf("705");
    expect(bytes.toString().replace("705", "704")).toBe(text);
    expect(readScriptLevel(bytes, "HOMEPAGE", "x")).toMatchObject({ level: "705", start: at, end: at + 3 });
  });

  test.each<[string, Component, string, string]>([
    [
      "PRODUCT",
      "FILES",
      "INSERT INTO FILES.PRODUCT (PRODUCT_KEY, SCHEMA_VERSION, POSTSCHEMAVER) VALUES ('x', 704, '1.1')@",
      "705",
    ],
    [
      "ROLLER_PROPERTIES",
      "BLOGS",
      "insert into BLOGS.ROLLER_PROPERTIES (NAME,VALUE) values ('database.schema.version','704')@",
      "705",
    ],
    [
      "a key that no source gives",
      "ACTIVITIES",
      "INSERT INTO ACTIVITIES.OA_SCHEMA (COMPKEY, DBSCHEMAVER) VALUES ('OA', 704)@",
      "705",
    ],
    ["a dotted level", "WIKIS", "INSERT INTO WIKIS.PRODUCT (SCHEMA_VERSION) VALUES ('704')@", "710.10"],
  ])("the other shapes of table: %s", (_name, component, text, to) => {
    expect(bump(text, { component, to }).bytes.toString()).toBe(text.replace("704", to));
  });

  test("a script of thousands of statements, with a literal of 32 MB in it", () => {
    const statements = "-- it's\nGRANT SELECT ON A.B TO PUBLIC@\n".repeat(10_000);
    const literal = `INSERT INTO A.B VALUES ('it''s ${"704@".repeat(8_000_000)}')@\n`;
    const read = readScriptLevel(Buffer.from(statements + literal + INSERT), "HOMEPAGE", "x");
    expect(read).toMatchObject({ level: "704", line: 20_003 });
  });

  test("promise 4: bytes, line ends and encoding are kept", () => {
    const ending = fc.constantFrom("\n", "\r\n", "\r");
    const noise = fc.array(fc.integer({ min: 0x80, max: 0xff }), { maxLength: 20 });
    fc.assert(
      fc.property(ending, noise, noise, fc.boolean(), (eol, inComment, inLiteral, bom) => {
        const before = Buffer.concat([
          Buffer.from(bom ? [0xef, 0xbb, 0xbf] : []),
          Buffer.from(`-- `),
          Buffer.from(inComment),
          Buffer.from(`${eol}INSERT INTO A.B VALUES ('`),
          Buffer.from(inLiteral),
          Buffer.from(`')@${eol}${INSERT.replaceAll("\n", eol)}`),
        ]);
        const { bytes, line } = bump(before);
        const at = before.indexOf("704");
        expect(line).toBe(4);
        expect(bytes.subarray(0, at)).toEqual(before.subarray(0, at));
        expect(bytes.subarray(at + 3)).toEqual(before.subarray(at + 3));
        expect(bytes.subarray(at, at + 3).toString()).toBe("705");
      }),
    );
  });
});

describe("a level with a dot is no number", () => {
  const TABLE = (type: string) =>
    `CREATE TABLE HOMEPAGE.HOMEPAGE_SCHEMA (COMPKEY CHAR(8), DBSCHEMAVER ${type}, RELEASEVER CHAR(8))@\n`;
  const QUOTED = INSERT.replace("704", "'704'");

  test.each([
    ["an unquoted literal", INSERT],
    ["a literal in quotes for a column of numbers", TABLE("INTEGER") + QUOTED],
    [
      "a column that became one of numbers",
      `${TABLE("CHAR(8)")}ALTER TABLE HOMEPAGE.HOMEPAGE_SCHEMA ALTER COLUMN DBSCHEMAVER SET DATA TYPE DECIMAL(9, 2)@\n${QUOTED}`,
    ],
  ])("%s is refused it", (_name, text) => {
    expect(problemOf(text, { to: "710.10" })).toMatch(
      /createDb\.sql:\d: the script inserts level 704 for HOMEPAGE as a number\. Allowed: a whole number/,
    );
    expect(bump(text).changed).toBe(true);
  });

  test("and one that stands in the script as a number is not read as a level", () => {
    for (const text of [INSERT.replace("704", "710.10"), TABLE("DECFLOAT") + INSERT.replace("704", "'710.10'")]) {
      expect(problemOf(text, { to: "710.10" })).toMatch(/:\d: an INSERT whose DBSCHEMAVER is 710\.10 as a number/);
    }
  });

  test("text for a column of text, or one whose type the script does not say, takes it", () => {
    for (const text of [QUOTED, TABLE("VARCHAR(16)") + QUOTED]) {
      expect(bump(text, { to: "710.10" }).bytes.toString()).toBe(text.replace("704", "710.10"));
    }
  });
});
