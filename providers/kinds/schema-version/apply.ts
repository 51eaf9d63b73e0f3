import { ProblemError } from "../../common/problem.js";
import { SCHEMA_TABLES } from "../../formats/schema-tables.js";
import type { Database, SqlValue, Table, Transaction } from "../../targets/db2/database.js";
import type { Kept } from "./live.js";
import type { SchemaDesired, SchemaStep } from "./plan.js";
import { type Cell, isNumeric, keyParameter, type LevelRow, levelExpression, requireRow, sameRow } from "./row.js";

type RaiseStep = Extract<SchemaStep, { key: "raise-level" }>;

/** One step. Doing it twice is doing it once: the row says whether it has been done. */
export async function apply(
  step: SchemaStep,
  desired: SchemaDesired,
  kept: Kept,
  database: Database,
): Promise<Partial<Kept> | undefined> {
  if (step.key === "claim-statement") return { claimed: [...new Set([...(kept.claimed ?? []), step.fingerprint])] };
  if (step.key === "spend-statement") return { spent: [...new Set([...kept.spent, step.fingerprint])] };
  await database.transaction((transaction) => raise(step, desired, transaction));
  return undefined;
}

/** Reads, changes and reads again in one transaction; whatever is not as planned takes everything back. */
async function raise(step: RaiseStep, { identity, settings }: SchemaDesired, transaction: Transaction): Promise<void> {
  const place = SCHEMA_TABLES[identity.component];
  const where = `${identity.database} ${place.schema}.${place.table}`;
  const wanted = {
    component: identity.component,
    database: identity.database,
    ...(settings.rowKey === undefined ? {} : { rowKey: settings.rowKey }),
  };
  const goal = goalOf(step);
  const present = await requireRow(transaction, wanted);
  if (sameRow(present, goal)) return;
  if (!sameRow(present, step.before)) throw changed(where, describeRow(step.before), describeRow(present));

  const table = await transaction.table(place.schema, place.table);
  if (!table) throw changed(where, "the table", "none");
  const { sql, parameters } = updateOf(step, table);
  const rows = await transaction.execute(sql, parameters);
  if (rows !== 1) throw changed(where, "one row to change", `${rows} rows`);
  const after = await requireRow(transaction, wanted);
  if (!sameRow(after, goal)) throw changed(where, describeRow(goal), describeRow(after));
}

/** Sets what is due where every value is still the one that was planned with. */
function updateOf(step: RaiseStep, table: Table): { sql: string; parameters: readonly SqlValue[] } {
  const { version, post, key } = step.before;
  const sets = [
    ...(step.version === undefined ? [] : [{ cell: version, to: step.version }]),
    ...(step.postVersion === undefined || !post ? [] : [{ cell: post, to: step.postVersion }]),
  ];
  const conditions = [version, ...(post ? [post] : [])].map((cell) =>
    cell.value === null
      ? { sql: `${levelExpression(table, nameAndType(cell))} IS NULL`, values: [] }
      : { sql: `${levelExpression(table, nameAndType(cell))} = ?`, values: [parameterOf(cell, cell.value)] },
  );
  if (key) conditions.push({ sql: `${table.column(key.column)} = ?`, values: [keyParameter(key)] });
  return {
    sql: `UPDATE ${table.sql} SET ${sets.map(({ cell }) => `${table.column(cell.column)} = ?`).join(", ")} WHERE ${conditions.map((condition) => condition.sql).join(" AND ")}`,
    parameters: [
      ...sets.map(({ cell, to }) => parameterOf(cell, to)),
      ...conditions.flatMap((condition) => condition.values),
    ],
  };
}

const nameAndType = ({ column, type }: Cell) => ({ name: column, type });

const parameterOf = ({ type }: Cell, level: string): SqlValue => (isNumeric(type) ? Number(level) : level);

function goalOf({ before, version, postVersion }: RaiseStep): LevelRow {
  return {
    ...before,
    version: { ...before.version, value: version ?? before.version.value },
    ...(before.post ? { post: { ...before.post, value: postVersion ?? before.post.value } } : {}),
  };
}

const describeRow = ({ version, post }: LevelRow): string =>
  [version, ...(post ? [post] : [])].map(({ column, value }) => `${column} ${value ?? "empty"}`).join(", ");

const changed = (where: string, expected: string, found: string): ProblemError =>
  new ProblemError("changed-meanwhile", {
    where,
    found,
    allowed: expected,
    why: "Somebody else is changing it, so nothing was written",
    next: "Run up again: it looks anew",
  });
