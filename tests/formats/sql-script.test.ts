import fc from "fast-check";
import { ProblemError } from "../../providers/common/problem.js";
import { compareLevels, levelSchema } from "../../providers/formats/schema-level.js";
import { matchReleases, RELEASES } from "../../providers/formats/schema-releases.js";
import { COMPONENTS, type Component } from "../../providers/formats/schema-tables.js";
import { readOnlyProblem } from "../../providers/formats/sql-read-only.js";
import { bumpScript, readScriptLevel } from "../../providers/formats/sql-script.js";

const BUMP = { component: "HOMEPAGE" as Component, from: ["704"], to: "705" };
const INSERT = `INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA (COMPKEY, DBSCHEMAVER, RELEASEVER)
VALUES ('HOMEPAGE', 704, '')@
`;
const bump = (text: string | Buffer, more: Partial<typeof BUMP> = {}) =>
  bumpScript(Buffer.from(text as Buffer), { ...BUMP, ...more }, "createDb.sql");
const problemOf = (text: string | Buffer, more: Partial<typeof BUMP> = {}): string => {
  try {
    bump(text, more);
  } catch (error) {
    if (error instanceof ProblemError) return error.message;
    throw error;
  }
  throw new Error("not refused");
};

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

describe("refused, with line numbers", () => {
  test.each<[string, string | Buffer, RegExp]>([
    [
      "no such statement",
      "COMMIT@",
      /createDb\.sql: no statement is an INSERT of the row 'HOMEPAGE' into HOMEPAGE\.HOMEPAGE_SCHEMA/,
    ],
    [
      "another component's row only",
      INSERT.replace("'HOMEPAGE'", "'NEWS'"),
      /other rows of that table: 'NEWS' in line 2/,
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
    ["a strange terminator", `--#SET TERMINATOR GO\n${INSERT}`, /createDb\.sql:1: the terminator "GO"/],
  ])("%s", (_name, text, message) => expect(problemOf(text)).toMatch(message));

  const LOOSE = INSERT.replace("@", ";");
  test.each([
    `BEGIN IF 1=1 THEN SET X=1;\n${LOOSE}END IF; END;`,
    `CREATE TRIGGER T AFTER INSERT ON A.B BEGIN ATOMIC\n${"SET X = 1;"}${LOOSE}END;`,
    `L: BEGIN SET X = CASE WHEN 1 = 1 THEN (CASE X WHEN 1 THEN 2 END) ELSE 3 END;\n${LOOSE}END L;`,
    `BEGIN CASE X WHEN 1 THEN IF A THEN SET X = 1; END IF; END CASE;\n${LOOSE}END;`,
    `BEGIN WHILE A DO BEGIN SET X = 1; END; LOOP SET X = 2; END LOOP; END WHILE;\n${LOOSE}END;`,
    `BEGIN SET X = 1;\n${LOOSE}END#`,
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
  });
});

describe("levels", () => {
  test.each([
    ["710.10", "710.9", 1],
    ["710.9", "710.10", -1],
    ["704", "705", -1],
    ["710", "710.1", -1],
    ["710.0", "710", 0],
    ["0704", "704", 0],
    ["147.3", "147.10", -1],
  ])("%s against %s", (a, b, sign) => expect(Math.sign(compareLevels(a, b))).toBe(sign));

  test("a dotted number must be in quotes: 710.10 as a number is another level", () => {
    expect(levelSchema.parse(705)).toBe("705");
    expect(levelSchema.parse("710.10")).toBe("710.10");
    for (const wrong of [710.1, -1, "", "7.", "v705", "705 ", null, "1e3"]) {
      expect(levelSchema.safeParse(wrong).success).toBe(false);
    }
  });

  test("a set of levels is recognised, and what differs in it is named", () => {
    const cr2 = RELEASES.find(({ name }) => name === "5.0 CR2")?.levels ?? {};
    expect(Object.keys(cr2).sort()).toEqual([...COMPONENTS].sort());
    expect(matchReleases(cr2)[0]).toMatchObject({ release: "5.0 CR2", differ: [] });
    expect(matchReleases({ ...cr2, BLOGS: "70" })[0]).toMatchObject({
      release: "5.0 CR2",
      differ: [{ component: "BLOGS", found: "70", expected: "72" }],
    });
    expect(matchReleases({ HOMEPAGE: "9999" })).toEqual([]);
  });
});

describe("a probe is one SELECT that changes nothing", () => {
  test.each([
    "SELECT COUNT(*) FROM SYSCAT.TABLES WHERE TABNAME = 'X; DROP'",
    'select "UPDATE" from A.B -- ;',
    "SELECT 1 FROM A /* DELETE */",
  ])("taken: %s", (text) => expect(readOnlyProblem(text)).toBeUndefined());
  test.each<[string, RegExp]>([
    ["", /begin with SELECT/],
    ["DELETE FROM A", /begin with SELECT/],
    ["SELECT 1 FROM A; DELETE FROM A", /one statement/],
    ["SELECT 1 FROM A;", /one statement/],
    ["SELECT * FROM FINAL TABLE (INSERT INTO A VALUES (1))", /INSERT/],
    ["SELECT * FROM OLD TABLE (delete from A)", /DELETE/],
    ["SELECT A FROM B FOR UPDATE", /UPDATE/],
    ["SELECT NEXT VALUE FOR S FROM A", /NEXT/],
    ["SELECT A FROM B WITH RS USE AND KEEP EXCLUSIVE LOCKS", /LOCKS/],
    ["SELECT A FROM B WHERE C = ?", /parameters/],
    ["SELECT 'x", /does not end/],
  ])("refused: %s", (text, reason) => expect(readOnlyProblem(text)).toMatch(reason));
});
