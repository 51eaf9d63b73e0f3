import { formatProblem, problemsOf } from "../../common/problem.js";
import { COMPONENTS, type Component } from "../../formats/schema-tables.js";
import type { Database } from "../../targets/db2/database.js";
import { type FoundLevel, levelLine, type Overview, overviewOf } from "./overview.js";
import { readRow } from "./row.js";

/** A database to be asked for all levels in it. */
export interface AskedDatabase {
  readonly database: Database;
  /** What stands in the key column of a component's row, where the configuration says so. */
  readonly rowKeys?: Readonly<Partial<Record<Component, string | undefined>>>;
}

export interface SchemaReport extends Overview {
  readonly found: readonly FoundLevel[];
  /** Databases that could not be asked, with the reason. */
  readonly unreached: readonly { readonly database: string; readonly problem: string }[];
}

/** Every component's level in these databases, and which known release they are. Changes nothing; one sick database hides no other. */
export async function schemaReport(databases: readonly AskedDatabase[]): Promise<SchemaReport> {
  const asked = await Promise.all(databases.map(levelsIn));
  const found = asked.flatMap((one) => one.found);
  return { found, unreached: asked.flatMap((one) => one.unreached), ...overviewOf(found) };
}

async function levelsIn({ database, rowKeys = {} }: AskedDatabase): Promise<Pick<SchemaReport, "found" | "unreached">> {
  const found: FoundLevel[] = [];
  try {
    for (const component of COMPONENTS) {
      const rowKey = rowKeys[component];
      const wanted = { component, database: database.name, ...(rowKey === undefined ? {} : { rowKey }) };
      const read = await readRow(database, wanted);
      if ("row" in read) {
        const { version, post } = read.row;
        found.push({
          component,
          database: database.name,
          ...(version.value === null ? {} : { level: version.value }),
          ...(post?.value ? { postLevel: post.value } : {}),
        });
      } else if (!read.noTable) {
        found.push({ component, database: database.name, problem: read.problems.map(formatProblem).join(" ") });
      }
    }
  } catch (error) {
    const problem = problemsOf(error, database.name).map(formatProblem).join(" ");
    return { found, unreached: [{ database: database.name, problem }] };
  }
  return { found, unreached: [] };
}

/** The report as lines for people. */
export const reportLines = ({ found, absent, unreached, verdict }: SchemaReport): readonly string[] => [
  ...found.map(levelLine),
  ...unreached.map(({ database, problem }) => `${database} could not be asked: ${problem}`),
  ...(absent.length > 0 ? [`In none of these databases: ${absent.join(", ")}`] : []),
  ...verdict,
];
