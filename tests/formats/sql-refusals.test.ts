import fc from "fast-check";
import { ProblemError } from "../../providers/common/problem.js";
import { readScriptLevel } from "../../providers/formats/sql-script.js";
import { bump, INSERT, problemOf } from "./sql-bump.js";

describe("refused, with line numbers", () => {
  test.each<[string, string | Buffer, RegExp]>([
    [
      "no such statement, as in a script that only looks for the level",
      "SELECT 1 FROM HOMEPAGE.HOMEPAGE_SCHEMA WHERE DBSCHEMAVER = 705@",
      /createDb\.sql: no statement is an INSERT of the row 'HOMEPAGE' into HOMEPAGE\.HOMEPAGE_SCHEMA.*set the level that it looks for in the database/,
    ],
    [
      "another component's row only",
      INSERT.replace("'HOMEPAGE'", "'NEWS'"),
      /other rows of that table: 'NEWS' in line 2/,
    ],
    [
      "a key that begins with a blank, which the database tells from the component's",
      INSERT.replace("'HOMEPAGE'", "' HOMEPAGE'"),
      /other rows of that table: ' HOMEPAGE' in line 2/,
    ],
    ["two", INSERT + INSERT, /createDb\.sql:2: 2 times .*lines 2, 4/],
    [
      "another level",
      INSERT.replace("704", "703"),
      /createDb\.sql:2: the script inserts level 703 .*Allowed: 704, 705/,
    ],
    [
      "inside a compound statement",
      `BEGIN ATOMIC\n${INSERT.replace("@", ";")}END@\n`,
      /createDb\.sql:2: the INSERT stands inside/,
    ],
    ["without a schema", INSERT.replace("HOMEPAGE.", ""), /createDb\.sql:1: an INSERT into a table without a schema/],
    [
      "from a SELECT",
      "\nINSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA SELECT * FROM X@",
      /createDb\.sql:2: an INSERT without VALUES/,
    ],
    [
      "an expression",
      INSERT.replace("704", "700 + 4"),
      /createDb\.sql:1: an INSERT whose DBSCHEMAVER is no literal level/,
    ],
    ["a negative number", INSERT.replace("704", "-704"), /is no literal level/],
    ["a key that is computed", INSERT.replace("'HOMEPAGE'", "UPPER('x')"), /COMPKEY is no literal/],
    ["too few values", INSERT.replace(", ''", ""), /2 values for 3 columns/],
    ["no version column", INSERT.replace(", DBSCHEMAVER", ", X"), /does not name DBSCHEMAVER/],
    ["more behind it", INSERT.replace("@", " WITH UR@"), /more after the INSERT's values/],
    ["UTF-16 with a mark", Buffer.from(`\ufeff${INSERT}`, "utf16le"), /createDb\.sql:1: the file is in UTF-16/],
    ["UTF-16 without one", Buffer.from(INSERT, "utf16le"), /UTF-16/],
    [
      "a literal without an end",
      `${INSERT}\nINSERT INTO A.B VALUES ('x)@\n`,
      /createDb\.sql:4: a literal begins here and does not end/,
    ],
    ["a comment without an end", `${INSERT}/* x`, /createDb\.sql:3: a comment begins here/],
    ["a comment in a comment", `/* a\n/* b */ */\n${INSERT}`, /createDb\.sql:2: a comment within a comment/],
    ...["#", "$"].map((sign): [string, string, RegExp] => [
      `a terminator that names may hold: ${sign}`,
      `COMMIT@\n--#SET TERMINATOR ${sign}\n${INSERT.replace("@", sign)}`,
      /createDb\.sql:2: the terminator ".", which names may hold.* --#SET TERMINATOR @/s,
    ]),
    ["a strange terminator", `--#SET TERMINATOR GO\n${INSERT}`, /createDb\.sql:1: the terminator "GO"/],
  ])("%s", (_name, text, message) => expect(problemOf(text)).toMatch(message));

  test.each(["#", "$", "!", "/", "%"])("statements that end with %s, which only db2 -td would say", (sign) => {
    const texts = [
      INSERT,
      `COMMIT@\n-- db2 -td@\n${INSERT}COMMIT@\n`,
      `CREATE TRIGGER A.T AFTER INSERT ON A.B BEGIN ATOMIC SET X = 1;\nEND@\n${INSERT}COMMIT@\n`,
      `${INSERT}CREATE TABLE A.B (C INTEGER)@`,
      `BEGIN SET X = 1;\n${INSERT.replace("@", ";")}END@`,
    ].map((text) => text.replaceAll("@", sign));
    for (const text of texts) {
      const line = text.split("\n").findIndex((one) => one.endsWith(sign) && !one.startsWith("--")) + 1;
      const problem = problemOf(text);
      expect(problem).toContain(
        `createDb.sql:${line}: statements seem to end with ${sign} from here on, and nothing in the script says so`,
      );
      expect(problem).toContain(`What only db2 -td${sign} says is not known here`);
      if (!"#$".includes(sign)) {
        expect(problem).toContain(`--#SET TERMINATOR ${sign}`);
        const said = `--#SET TERMINATOR ${sign}\n${text}`;
        if (text.startsWith("BEGIN"))
          expect(problemOf(said)).toMatch(/createDb\.sql:3: the INSERT stands inside another/);
        else expect(bump(said).changed).toBe(true);
      } else expect(problem).toContain(`END${sign} may be one name. End them with another one in the whole script`);
    }
  });

  test("a last name that ends with # is no terminator where @ ends the statements", () => {
    expect(bump(`${INSERT}DROP TABLE A.B#`).changed).toBe(true);
  });

  const LOOSE = INSERT.replace("@", ";");
  test.each([
    `BEGIN IF 1=1 THEN SET X=1;\n${LOOSE}END IF; END;`,
    `CREATE TRIGGER T AFTER INSERT ON A.B BEGIN ATOMIC\n${"SET X = 1;"}${LOOSE}END;`,
    `L: BEGIN SET X = CASE WHEN 1 = 1 THEN (CASE X WHEN 1 THEN 2 END) ELSE 3 END;\n${LOOSE}END L;`,
    `BEGIN CASE X WHEN 1 THEN IF A THEN SET X = 1; END IF; END CASE;\n${LOOSE}END;`,
    `BEGIN WHILE A DO BEGIN SET X = 1; END; LOOP SET X = 2; END LOOP; END WHILE;\n${LOOSE}END;`,
  ])("inside a compound statement that semicolons cut: %s", (text) => {
    expect(problemOf(text)).toMatch(/createDb\.sql:\d: the INSERT stands inside .*begins in line 1/);
  });

  test.each([
    "BEGIN ATOMIC SET X = CASE WHEN 1 = 1 THEN 2 END; IF A THEN SET X = 1; END IF; END;",
    "BEGIN CASE X WHEN 1 THEN SET X = 1; END CASE; L: BEGIN FOR V AS SELECT 1 FROM A DO SET X = 1; END FOR; END L; END;",
    "SELECT CASE A WHEN 1 THEN 2 END FROM A.B ORDER BY CASE A WHEN 1 THEN 2 END FOR READ ONLY;",
    'CREATE TABLE A.B (BEGIN TIMESTAMP, END TIMESTAMP, "BEGIN" INTEGER);',
  ])("and after one that has ended it is a statement of its own: %s", (text) => {
    expect(bump(`${text}\n${LOOSE}`).changed).toBe(true);
  });

  test("PRODUCT without a column list: its order is not known", () => {
    expect(problemOf("INSERT INTO FILES.PRODUCT VALUES ('a', 704)@", { component: "FILES" })).toMatch(
      /createDb\.sql:1: an INSERT that does not name its columns/,
    );
  });

  test("promise 19: arbitrary text is refused or handled, and never crashes", () => {
    const piece = fc.constantFrom(
      "'",
      '"',
      "--",
      "/*",
      "*/",
      "@",
      ";",
      "\n",
      "(",
      ")",
      ",",
      INSERT,
      "INSERT INTO",
      "VALUES",
      "HOMEPAGE.HOMEPAGE_SCHEMA",
      "'HOMEPAGE'",
      "704",
      " ",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
        const text = pieces.join("");
        try {
          const { bytes } = bump(text);
          expect(bytes.length).toBe(text.length);
          expect(bytes.toString().replace("705", "704")).toBe(text);
        } catch (error) {
          if (!(error instanceof ProblemError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });

  const BARE = INSERT.replace("HOMEPAGE.", "");
  test.each([
    ["a literal", "SET SCHEMA 'HOMEPAGE'@"],
    ["a literal with =", "set current schema = 'HOMEPAGE'@"],
    ["a name in quotes", 'SET CURRENT_SCHEMA "HOMEPAGE"@'],
    ["the synonym", "SET CURRENT SQLID = HOMEPAGE@"],
  ])("the schema of a bare INSERT is the one set last, by %s", (_name, set) => {
    const text = `SET SCHEMA NEWS@\n${set}\n${BARE}`;
    expect(bump(text).bytes.toString()).toBe(text.replace("704", "705"));
    // And an INSERT under another schema is none of this component's.
    expect(problemOf(`${set}\nSET SCHEMA 'NEWS'@\n${BARE}`)).toMatch(/no statement is an INSERT/);
  });

  test.each([
    "SET SCHEMA 'homepage'@",
    "SET SCHEMA :wanted@",
    "SET CURRENT SCHEMA = USER@",
    "SET SCHEMA = CURRENT USER@",
    "CONNECT TO HOMEPAGE@",
  ])("a bare INSERT whose schema cannot be told is refused, not given to the schema before: %s", (set) => {
    for (const before of ["NEWS", "HOMEPAGE"]) {
      expect(problemOf(`SET SCHEMA ${before}@\n${set}\n${BARE}`)).toMatch(
        /createDb\.sql:3: an INSERT into a table without a schema/,
      );
    }
  });

  const T = "HOMEPAGE.HOMEPAGE_SCHEMA";
  test.each([
    `UPDATE ${T} SET DBSCHEMAVER = 600`,
    `UPDATE HOMEPAGE_SCHEMA T SET (RELEASEVER, T.DBSCHEMAVER) = ('', 600) WHERE COMPKEY = 'HOMEPAGE'`,
    `UPDATE ${T} SET COMPKEY = 'X'`,
    `UPDATE (SELECT * FROM ${T}) SET DBSCHEMAVER = 600`,
    `UPDATE SRV.${T} SET DBSCHEMAVER = 600`,
    `DELETE FROM ${T}`,
    `DELETE FROM ${T} WHERE COMPKEY <> 'X'`,
    `DELETE FROM ${T} WHERE COMPKEY = 'X' OR 1 = 1`,
    `TRUNCATE TABLE ${T} IMMEDIATE`,
    `MERGE INTO ${T} T USING X ON 1 = 1 WHEN MATCHED THEN UPDATE SET A = 1`,
    `BEGIN ATOMIC UPDATE ${T} SET DBSCHEMAVER = 704; END`,
    `SELECT COUNT(*) FROM OLD TABLE (DELETE FROM ${T})`,
    `DROP TABLE ${T}`,
    `DROP TABLE IF EXISTS ${T}`,
    `RENAME TABLE ${T} TO OLD`,
    `ALTER TABLE ${T} ACTIVATE NOT LOGGED INITIALLY WITH EMPTY TABLE`,
    `IMPORT FROM x.del OF DEL REPLACE INTO ${T}`,
    `BEGIN EXECUTE IMMEDIATE 'update ${T.toLowerCase()} set dbschemaver = 1'; END`,
    "ROLLBACK",
  ])("what changes or removes the inserted level later in the script: %s", (statement) => {
    expect(problemOf(`${INSERT}${statement}@`)).toMatch(
      /createDb\.sql:3: \S.* may change or remove the level that line 2 inserts/,
    );
    // Before the INSERT it is of no matter; also a script that has the wanted level already is refused.
    expect(problemOf(`${INSERT.replace("704", "705")}${statement}@`)).toMatch(/createDb\.sql:3/);
    expect(bump(`${statement}@\n${INSERT}`).changed).toBe(true);
  });

  test("a trigger that writes the level, wherever it stands", () => {
    const trigger = `CREATE TRIGGER A.T AFTER INSERT ON A.B BEGIN ATOMIC UPDATE ${T} SET DBSCHEMAVER = 1; END@\n`;
    expect(problemOf(trigger + INSERT)).toMatch(/createDb\.sql:1: UPDATE may change/);
    expect(problemOf(INSERT + trigger)).toMatch(/createDb\.sql:3: UPDATE may change/);
  });

  test("other rows, other columns and other tables are told where they are the table's, and left alone", () => {
    const text = [
      `DELETE FROM ${T}@`,
      INSERT.trimEnd(),
      `UPDATE ${T} SET RELEASEVER = (SELECT MAX(A) FROM X WHERE B = 1) WHERE DBSCHEMAVER = 705@`,
      `UPDATE ${T} SET DBSCHEMAVER = 1 WHERE COMPKEY = 'NEWS'@`,
      `DELETE FROM ${T} WHERE COMPKEY = 'X'@`,
      "DELETE FROM NEWS.HOMEPAGE_SCHEMA@",
      "SET SCHEMA 'NEWS'@",
      "UPDATE HOMEPAGE_SCHEMA SET DBSCHEMAVER = 1@",
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ${T} TO PUBLIC@`,
      "COMMIT@",
      "ROLLBACK@",
    ].join("\n");
    expect(readScriptLevel(Buffer.from(text), "HOMEPAGE", "x").otherWrites).toEqual([1, 4, 5, 6]);
    expect(bump(text).bytes.toString()).toBe(text.replace("704", "705"));
  });

  test.each([
    [
      "a MERGE",
      `COMMIT@\nMERGE INTO ${T} T USING X ON 1 = 1 WHEN NOT MATCHED THEN INSERT VALUES ('HOMEPAGE', 704, '')@`,
      "MERGE in line 2",
    ],
    ["an UPDATE", `COMMIT@\nUPDATE ${T} SET DBSCHEMAVER = 704@`, "UPDATE in line 2"],
    ["a name of three parts", `COMMIT@\n${INSERT.replace("HOMEPAGE.", "SRV.HOMEPAGE.")}`, "a name of three parts"],
  ])("where the only writer is %s, its line and the reason are told", (_name, text, reason) => {
    expect(problemOf(text)).toMatch(/createDb\.sql:2: /);
    expect(problemOf(text)).toContain(reason);
    // In an upgrade script the level that it sets must not be "corrected".
    if (!reason.includes("parts"))
      expect(problemOf(text)).toContain("upgrade script that is the level which it leads to: leave it");
  });
});
