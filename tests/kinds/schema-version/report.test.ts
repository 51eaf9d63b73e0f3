import fc from "fast-check";
import { DB2_DATABASES } from "../../../lab/db2/server.js";
import { consistentReleases, type Levels, matchReleases } from "../../../providers/formats/schema-releases.js";
import { COMPONENTS, type Component } from "../../../providers/formats/schema-tables.js";
import { type ObservedLevel, schemaLevels } from "../../../providers/kinds/schema-version/overview.js";
import { reportLines, schemaReport } from "../../../providers/kinds/schema-version/report.js";
import { closeAllDatabases, openDatabase } from "../../../providers/targets/db2/database.js";
import { MemoryDatabase } from "../../support/memory-database.js";
import { describeDb2, startTestDb2 } from "../../targets/db2/lab.js";

const COLUMNS = { COMPKEY: "VARCHAR(36)", DBSCHEMAVER: "INTEGER" };

/** A database with some components' tables at the levels of 5.0 CR2, and what a test makes of them. */
function estate(levels: Record<string, number> = {}): MemoryDatabase {
  const database = new MemoryDatabase("all-in-one");
  const cr2 = { "HOMEPAGE.HOMEPAGE_SCHEMA": 478, "SNCOMM.SNCOMM_SCHEMA": 98, "CALENDAR.CA_SCHEMA": 30 };
  for (const [table, level] of Object.entries({ ...cr2, ...levels })) {
    database.put(table, COLUMNS, { COMPKEY: table.split(".")[0] ?? "", DBSCHEMAVER: level });
  }
  return database;
}

const linesOf = async (...databases: MemoryDatabase[]) =>
  reportLines(await schemaReport(databases.map((database) => ({ database })))).join("\n");

test("a consistent set is recognised, with how much of it was compared", async () => {
  expect(await linesOf(estate())).toBe(`COMMUNITIES  98  (all-in-one: SNCOMM.SNCOMM_SCHEMA.DBSCHEMAVER)
EVENTS       30  (all-in-one: CALENDAR.CA_SCHEMA.DBSCHEMAVER)
HOMEPAGE     478  (all-in-one: HOMEPAGE.HOMEPAGE_SCHEMA.DBSCHEMAVER)
In none of these databases: ACTIVITIES, BLOGS, BOOKMARKS, FILES, FORUMS, METRICS, MOBILE, PROFILES, PUSH, WIKIS
Consistent with 5.0 CR2 (3 of 3 compared). What was not compared is not in the public lists.`);
});

test("what is out of step is named", async () => {
  expect(await linesOf(estate({ "SNCOMM.SNCOMM_SCHEMA": 93 }))).toContain(
    "Not consistent with one release that is known here. Nearest is 5.0 CR2: 2 agree; COMMUNITIES is 93 instead of 98.",
  );
});

test("levels that nobody published are not judged", async () => {
  const levels = { "HOMEPAGE.HOMEPAGE_SCHEMA": 9001, "SNCOMM.SNCOMM_SCHEMA": 9002, "CALENDAR.CA_SCHEMA": 9003 };
  expect(await linesOf(estate(levels))).toContain("of no release that is known here");
});

test("promise 21: a database that cannot be asked, or a strange row, hides nothing else", async () => {
  const sick = new MemoryDatabase("sick", {
    beforeOperation: () => {
      throw new Error("refused to connect");
    },
  });
  const strange = new MemoryDatabase("strange");
  strange.put("FORUM.DF_SCHEMA", COLUMNS);
  const lines = await linesOf(sick, strange, estate());
  expect(lines).toContain("sick could not be asked: sick: refused to connect.");
  expect(lines).toMatch(/FORUMS +strange FORUM\.DF_SCHEMA: no row/);
  expect(lines).toContain("HOMEPAGE     478");
});

test("a component that two databases have at different levels is named and not compared, whichever comes last", async () => {
  const copy = new MemoryDatabase("copy");
  copy.put("HOMEPAGE.HOMEPAGE_SCHEMA", COLUMNS, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: 705 });
  for (const databases of [
    [estate(), copy],
    [copy, estate()],
  ]) {
    const lines = await linesOf(...databases);
    expect(lines).toMatch(
      /HOMEPAGE is (478 in all-in-one and 705 in copy|705 in copy and 478 in all-in-one): .*not one set/,
    );
    expect(lines).toContain("Consistent with 5.0 CR2 (2 of 2 compared)");
  }
  copy.set("HOMEPAGE.HOMEPAGE_SCHEMA", { DBSCHEMAVER: 478 });
  expect(await linesOf(estate(), copy)).toContain("Consistent with 5.0 CR2 (3 of 3 compared)");
});

test("rowKey says which of several rows it is, as it does for the resource", async () => {
  const database = new MemoryDatabase("two-rows");
  database.put("FORUM.DF_SCHEMA", COLUMNS, { COMPKEY: "FORUM", DBSCHEMAVER: 36 }, { COMPKEY: "OTHER", DBSCHEMAVER: 1 });
  expect(await linesOf(database)).toMatch(/FORUMS .*2 rows; COMPKEY is "FORUM", "OTHER"/);
  const report = await schemaReport([{ database, rowKeys: { FORUMS: "FORUM" } }]);
  expect(report.found).toEqual([{ component: "FORUMS", database: "two-rows", level: "36" }]);
});

test("a view in a table's place is named, and hides nothing else", async () => {
  const database = estate();
  database.notTables.set("HOMEPAGE.HOMEPAGE_SCHEMA", "it is a view");
  const lines = await linesOf(database);
  expect(lines).toMatch(/HOMEPAGE +all-in-one HOMEPAGE\.HOMEPAGE_SCHEMA: it is a view\. Allowed: a table/);
  expect(lines).toContain("COMMUNITIES  98");
});

test("a stack's outputs say of each level what is declared, what is there, and which releases have it", () => {
  const at = { database: "homepage", declared: "478" };
  const levels: ObservedLevel[] = [
    { component: "HOMEPAGE", ...at, level: "478" },
    { component: "COMMUNITIES", ...at, declared: "98", level: "93" },
    { component: "FORUMS", ...at, problem: "there is no such table" },
  ];
  expect(schemaLevels(levels)).toEqual({
    levels: {
      "homepage/HOMEPAGE": { declared: "478", level: "478", releases: ["5.0 CR2"] },
      "homepage/COMMUNITIES": { declared: "98", level: "93", releases: ["5.0", "5.0 CR1"] },
      "homepage/FORUMS": { declared: "478", problem: "there is no such table", releases: [] },
    },
    consistentWith: [],
    verdict: [expect.stringMatching(/^Not consistent with one release/)],
  });
  expect(schemaLevels(levels.slice(0, 1))).toMatchObject({ consistentWith: ["5.0 CR2"] });
  expect(schemaLevels([])).toEqual({ levels: {}, consistentWith: [], verdict: [expect.stringContaining("No level")] });
});

describe("a set whose components speak for different releases is consistent with none of them", () => {
  const judged = (levels: Levels) =>
    schemaLevels(
      Object.entries(levels).map(([component, level]) => ({
        component: component as Component,
        database: "d",
        declared: level,
        level,
      })),
    );

  test.each<[Levels, string]>([
    [{ HOMEPAGE: "705", ACTIVITIES: "53" }, ": HOMEPAGE 705 speaks for 5.5; ACTIVITIES 53 speaks for 4.0."],
    [
      { HOMEPAGE: "705", ACTIVITIES: "56", BLOGS: "51" },
      ": ACTIVITIES 56, BLOGS 51 speak for 4.5 or 4.5 CR3; HOMEPAGE 705 speaks for 5.5.",
    ],
    [{ HOMEPAGE: "9001", FILES: "79" }, ". Nearest is 4.0: 1 agree; HOMEPAGE is 9001, above the 475 of 5.0."],
    [{ HOMEPAGE: "705", BLOGS: "60" }, ". Nearest is 5.5: 1 agree; BLOGS is 60, below the 72 of 5.0 CR3."],
  ])("%j", (levels, words) => {
    expect(judged(levels)).toMatchObject({
      consistentWith: [],
      verdict: [`Not consistent with one release that is known here${words}`],
    });
  });

  test("704 of HOMEPAGE is told for what it is, alone and beside others' levels; no other level is", () => {
    const told = expect.stringMatching(
      /^HOMEPAGE 704 is what the first database wizard of 5\.5 left, in place of 705;/,
    );
    expect(judged({ HOMEPAGE: "704" }).verdict).toEqual([told, expect.stringContaining("no release that is known")]);
    expect(judged({ HOMEPAGE: "704", BLOGS: "72" }).verdict).toEqual([told, expect.stringContaining("Nearest is 5.0")]);
    for (const levels of [{ HOMEPAGE: "705" }, { FILES: "704" }, {}] as Levels[])
      expect(judged(levels).verdict).toHaveLength(1);
  });

  test("what a release says nothing about may stand between its neighbours' levels", () => {
    expect(judged({ HOMEPAGE: "705", ACTIVITIES: "72", FILES: "9001" }).consistentWith).toEqual(["5.5"]);
    expect(judged({ FILES: "79", HOMEPAGE: "400" }).consistentWith).toEqual(["4.0"]);
  });

  test("property: for any releases and any levels, exactly those that nothing speaks against and that share a level", () => {
    const few = COMPONENTS.slice(0, 3);
    const risen = fc.array(fc.array(fc.tuple(fc.nat(2), fc.boolean()), { minLength: 3, maxLength: 3 }), {
      minLength: 1,
      maxLength: 4,
    });
    const levelsFound = fc.array(fc.option(fc.nat(8), { nil: undefined }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(risen, levelsFound, (rises, numbers) => {
        const at = [0, 0, 0];
        // What each release says, -1 where it says nothing: levels only rise.
        const table = rises.map((rise) =>
          rise.map(([by, says], index) => {
            at[index] = (at[index] ?? 0) + by;
            return says ? at[index] : -1;
          }),
        );
        const levelsOf = (row: readonly (number | undefined)[]): Levels =>
          Object.fromEntries(
            row.flatMap((level, index) => (level === undefined || level < 0 ? [] : [[few[index], `${level}`]])),
          );
        const releases = table.map((row, index) => ({ name: `${index}`, levels: levelsOf(row) }));
        const fits = (release: number) =>
          numbers.every((found, component) =>
            table.every((row, other) => {
              const said = row[component] ?? -1;
              if (found === undefined || said < 0) return true;
              if (other === release) return found === said;
              if ((table[release]?.[component] ?? -1) >= 0) return true;
              return other < release ? found >= said : found <= said;
            }),
          );
        const shared = (release: number) =>
          [0, 1, 2].filter((one) => numbers[one] !== undefined && table[release]?.[one] === numbers[one]);
        const possible = table.map((_row, index) => index).filter((index) => fits(index) && shared(index).length > 0);
        const split = possible.some((a) => possible.some((b) => !shared(a).some((one) => shared(b).includes(one))));
        const said = consistentReleases(matchReleases(levelsOf(numbers), releases)).map(({ release }) =>
          Number(release),
        );
        expect(said.sort()).toEqual(split ? [] : possible);
      }),
      { numRuns: 2000 },
    );
  });
});

describeDb2("with the real driver", () => {
  test("all thirteen components of the lab's databases, in three shapes", async () => {
    const lab = await startTestDb2();
    try {
      const report = await schemaReport(
        DB2_DATABASES.map((name) => ({ database: openDatabase(lab.connection(name)) })),
      );
      expect(report).toMatchObject({ absent: [], unreached: [] });
      expect(report.releases[0]).toMatchObject({
        release: "5.0 CR2",
        differ: [{ component: "HOMEPAGE", found: "704", expected: "478" }],
      });
    } finally {
      await closeAllDatabases();
      await lab.stop();
    }
  }, 120_000);
});
