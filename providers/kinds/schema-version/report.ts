import { formatProblem, problemsOf } from "../../common/problem.js";
import { matchReleases, type ReleaseMatch } from "../../formats/schema-releases.js";
import { COMPONENTS, type Component, levelName, SCHEMA_TABLES } from "../../formats/schema-tables.js";
import type { Database } from "../../targets/db2/database.js";
import { readRow } from "./row.js";

/** One component's level as found in one database; or why it could not be read. */
interface FoundLevel {
  readonly component: Component;
  readonly database: string;
  readonly level?: string;
  readonly postLevel?: string;
  readonly problem?: string;
}

export interface SchemaReport {
  readonly found: readonly FoundLevel[];
  /** Components whose table is in none of the databases. */
  readonly absent: readonly Component[];
  /** Databases that could not be asked, with the reason. */
  readonly unreached: readonly { readonly database: string; readonly problem: string }[];
  /** Known releases that share a level with what was found, those that fit best first. */
  readonly releases: readonly ReleaseMatch[];
}

/** Every component's level in these databases, and which known release they are. Changes nothing; one sick database hides no other. */
export async function schemaReport(databases: readonly Database[]): Promise<SchemaReport> {
  const asked = await Promise.all(databases.map(levelsIn));
  const found = asked.flatMap((one) => one.found);
  const levels = Object.fromEntries(
    found.flatMap(({ component, level }) => (level === undefined ? [] : [[component, level]])),
  );
  return {
    found,
    absent: COMPONENTS.filter((component) => !found.some((one) => one.component === component)),
    unreached: asked.flatMap((one) => one.unreached),
    releases: matchReleases(levels),
  };
}

async function levelsIn(database: Database): Promise<Pick<SchemaReport, "found" | "unreached">> {
  const found: FoundLevel[] = [];
  try {
    for (const component of COMPONENTS) {
      const { schema, table } = SCHEMA_TABLES[component];
      if (!(await database.table(schema, table))) continue;
      const read = await readRow(database, { component, database: database.name });
      if (!("row" in read)) {
        found.push({ component, database: database.name, problem: read.problems.map(formatProblem).join(" ") });
        continue;
      }
      const { version, post } = read.row;
      found.push({
        component,
        database: database.name,
        ...(version.value === null ? {} : { level: version.value }),
        ...(post?.value ? { postLevel: post.value } : {}),
      });
    }
  } catch (error) {
    const problem = problemsOf(error, database.name).map(formatProblem).join(" ");
    return { found, unreached: [{ database: database.name, problem }] };
  }
  return { found, unreached: [] };
}

/** The report as lines for people. */
export function reportLines({ found, absent, unreached, releases }: SchemaReport): readonly string[] {
  const width = Math.max(0, ...COMPONENTS.map((component) => component.length));
  return [
    ...found.map(({ component, database, level, postLevel, problem }) => {
      const { postColumn } = SCHEMA_TABLES[component];
      const levels = problem ?? `${level}${postLevel === undefined ? "" : `, ${postColumn} ${postLevel}`}`;
      return `${component.padEnd(width)}  ${levels}  (${database}: ${levelName(SCHEMA_TABLES[component])})`;
    }),
    ...unreached.map(({ database, problem }) => `${database} could not be asked: ${problem}`),
    ...(absent.length > 0 ? [`In none of these databases: ${absent.join(", ")}`] : []),
    ...verdict(releases, found.filter(({ level }) => level !== undefined).length),
  ];
}

function verdict(releases: readonly ReleaseMatch[], levels: number): readonly string[] {
  const whole = releases.filter(({ differ }) => differ.length === 0);
  const [best] = releases;
  if (!best) return ["These levels are those of no release that is known here; most later ones were never published."];
  if (whole.length > 0) {
    const names = whole.map(({ release, agree }) => `${release} (${agree.length} of ${levels} compared)`);
    return [`Consistent with ${names.join(", ")}. What was not compared is not in the public lists.`];
  }
  const { release, agree, differ } = best;
  const details = differ.map(({ component, found, expected }) => `${component} is ${found} instead of ${expected}`);
  return [
    `Not consistent with one release that is known here. Nearest is ${release}: ${agree.length} agree; ${details.join(", ")}.`,
  ];
}
