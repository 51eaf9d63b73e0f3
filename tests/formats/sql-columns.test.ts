import type { Component } from "../../providers/formats/schema-tables.js";
import { bump, problemOf } from "./sql-bump.js";

describe("the order of columns, for an INSERT that does not name them", () => {
  const SWAPPED = "(COMPKEY VARCHAR(36) NOT NULL, RELEASEVER VARCHAR(36), DBSCHEMAVER INTEGER)";
  const POSITIONAL = "INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', '704', 704)@";
  const CREATE = "CREATE TABLE HOMEPAGE.HOMEPAGE_SCHEMA";
  const third = ({ bytes }: { bytes: Buffer }) => bytes.toString().split("\n").at(-1);
  const EDITED = "INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', '704', 705)@";

  test.each([
    ["its CREATE TABLE", `${CREATE} ${SWAPPED}@`],
    [
      "quoted names, constraints first and options behind",
      `create table "HOMEPAGE"."HOMEPAGE_SCHEMA" (CONSTRAINT PK PRIMARY KEY (COMPKEY), "COMPKEY" VARCHAR(36) NOT NULL, /* , */ releasever VARCHAR(36) DEFAULT 'a, b', DBSCHEMAVER DECIMAL(5, 0), CHECK (DBSCHEMAVER IN (1, 2)), PRIMARY KEY (COMPKEY)) IN REGSPACE@`,
    ],
    ["the schema set before", `SET SCHEMA HOMEPAGE@\nCREATE TABLE HOMEPAGE_SCHEMA ${SWAPPED}@`],
    ["another schema's table beside it", `${CREATE} ${SWAPPED}@\nCREATE TABLE NEWS.HOMEPAGE_SCHEMA (A INTEGER)@`],
    [
      "ALTER TABLE … ADD COLUMN",
      `${CREATE} (COMPKEY VARCHAR(36))@\nALTER TABLE HOMEPAGE.HOMEPAGE_SCHEMA ADD CONSTRAINT C CHECK (1 = 1) ADD COLUMN RELEASEVER CHAR(9) DEFAULT 'ADD COLUMN X' ADD COLUMN DBSCHEMAVER INTEGER@`,
    ],
    ["DROP TABLE before it", `DROP TABLE HOMEPAGE.HOMEPAGE_SCHEMA@\n${CREATE} ${SWAPPED}@`],
  ])("is that of the script: %s", (_name, before) => {
    expect(third(bump(`${before}\n${POSITIONAL}`))).toBe(EDITED);
  });

  test("that of HOMEPAGE is known, and grows by what the script adds", () => {
    const text = `ALTER TABLE HOMEPAGE.HOMEPAGE_SCHEMA ADD COLUMN X INTEGER@\nINSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 704, '', 704)@`;
    expect(third(bump(text))).toBe("INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 705, '', 704)@");
  });

  test.each<[string, Component, string]>([
    ["no source gives it", "ACTIVITIES", "INSERT INTO ACTIVITIES.OA_SCHEMA VALUES ('OA', 704, '')@"],
    [
      "nor for the properties",
      "BLOGS",
      "INSERT INTO BLOGS.ROLLER_PROPERTIES VALUES ('database.schema.version', '704')@",
    ],
    ["made like another", "HOMEPAGE", `${CREATE} LIKE A.B@ ${POSITIONAL}`],
    ["made of a query", "HOMEPAGE", `${CREATE} (A, B, C) AS (SELECT * FROM A.B) WITH DATA@ ${POSITIONAL}`],
    [
      "made only where it is not there",
      "HOMEPAGE",
      `CREATE TABLE IF NOT EXISTS HOMEPAGE.HOMEPAGE_SCHEMA ${SWAPPED}@ ${POSITIONAL}`,
    ],
    ["a hidden column", "HOMEPAGE", `${CREATE} (A INT IMPLICITLY HIDDEN, ${SWAPPED.slice(1)}@ ${POSITIONAL}`],
    ["whose table that is", "HOMEPAGE", `CREATE TABLE HOMEPAGE_SCHEMA ${SWAPPED}@ ${POSITIONAL}`],
    ["dropped and not made again", "HOMEPAGE", `DROP TABLE HOMEPAGE.HOMEPAGE_SCHEMA@ ${POSITIONAL}`],
    ["made within a block", "HOMEPAGE", `BEGIN ${CREATE} ${SWAPPED}; END@ ${POSITIONAL}`],
    ["renamed to it", "HOMEPAGE", `RENAME TABLE HOMEPAGE.OLD TO HOMEPAGE_SCHEMA@ ${POSITIONAL}`],
    ...["DROP COLUMN RELEASEVER", "RENAME COLUMN A TO B", "ADD X INTEGER", "ALTER COLUMN A SET IMPLICITLY HIDDEN"].map(
      (change): [string, Component, string] => [
        change,
        "HOMEPAGE",
        `ALTER TABLE HOMEPAGE.HOMEPAGE_SCHEMA ${change}@ ${POSITIONAL}`,
      ],
    ),
  ])("is refused with what to do where it cannot be told: %s", (_name, component, text) => {
    const problem = problemOf(text, { component });
    expect(problem).toMatch(/createDb\.sql:1: an INSERT that does not name its columns, whose order .* not known/);
    expect(problem).toMatch(/Name the columns in the script's INSERT/);
    const named = text.replace(
      /(INSERT INTO \S+)( VALUES)(?=[^(]*\('HOMEPAGE)/,
      "$1 (COMPKEY, RELEASEVER, DBSCHEMAVER)$2",
    );
    if (component === "HOMEPAGE") expect(bump(named).bytes.toString()).toBe(named.replace("704)@", "705)@"));
  });
});
