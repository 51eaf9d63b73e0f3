import { ProblemError } from "../../common/problem.js";
import { SCHEMA_TABLES } from "../../formats/schema-tables.js";
import type { ApplyContext, UndoContext } from "../../lifecycle/kind.js";
import type { Database, SqlValue, Table, Transaction } from "../../targets/db2/database.js";
import { Db2Error } from "../../targets/db2/errors.js";
import type { Kept, Live } from "./live.js";
import type { SchemaDesired, SchemaStep } from "./plan.js";
import { type Cell, isNumeric, keyParameter, type LevelRow, levelExpression, requireRow, sameRow } from "./row.js";

type RaiseStep = Extract<SchemaStep, { key: "raise-level" }>;

type RunContext = Pick<ApplyContext<SchemaDesired, Live, Kept>, "desired" | "kept" | "signal">;

/** One step. Doing it twice is doing it once: the row says whether it has been done. */
export async function apply(
  step: SchemaStep,
  context: RunContext,
  database: Database,
): Promise<Partial<Kept> | undefined> {
  const { desired, kept, signal } = context;
  if (step.key === "claim-statement") return { claimed: [...new Set([...(kept.claimed ?? []), step.fingerprint])] };
  if (step.key === "spend-statement") return { spent: [...new Set([...kept.spent, step.fingerprint])] };
  let committing = false;
  try {
    await database.transaction(async (transaction) => {
      await raise(step, desired, transaction, signal);
      // The last moment at which it is certain that nothing is stored.
      signal.throwIfAborted();
      committing = true;
    });
  } catch (error) {
    const rolledBack = !committing || (error instanceof Db2Error && error.left === "rolled-back");
    if (rolledBack && error instanceof ProblemError && usesStatement(desired)) throw new NothingStored(error);
    throw error;
  }
  return undefined;
}

const usesStatement = ({ settings: { contentProof } }: SchemaDesired): boolean =>
  contentProof !== undefined && "statement" in contentProof;

/**
 * A change on a statement that certainly did not happen: no COMMIT was sent, or the server rolled back. It is not tried again by
 * itself, as other failures of the line are: the claim first goes back, and the next run makes it anew.
 */
class NothingStored extends ProblemError {
  constructor(failure: ProblemError) {
    super("command-failed", failure.problems);
  }
}

/**
 * After a failed or interrupted change: the claim on its statement goes back where the change certainly was not made. Where that
 * is not certain, or this run dies before it has said so, the claim stays, and a person has to look.
 */
export function unclaim({
  failed,
  done,
  error,
  kept,
  tell,
}: Pick<UndoContext<SchemaStep, SchemaDesired, Live, Kept>, "failed" | "done" | "error" | "kept" | "tell">):
  | Partial<Kept>
  | undefined {
  const claim = done.find((step) => step.key === "claim-statement");
  const isCertain = error instanceof NothingStored || error instanceof DOMException;
  if (failed.key !== "raise-level" || !claim || !isCertain) return undefined;
  tell("nothing was stored, so the statement has not served: the next up may use it");
  return { claimed: (kept.claimed ?? []).filter((one) => one !== claim.fingerprint) };
}

/**
 * Reads, changes and reads again in one transaction; whatever is not as planned takes everything back. The old values in the
 * UPDATE's condition exclude every other run, also one that holds another host's lock: of two that have read the same row,
 * the server lets one change it, and the other then finds no such row.
 */
async function raise(
  step: RaiseStep,
  { identity, settings }: SchemaDesired,
  transaction: Transaction,
  signal: AbortSignal,
): Promise<void> {
  const place = SCHEMA_TABLES[identity.component];
  const where = `${identity.database} ${place.schema}.${place.table}`;
  const wanted = {
    component: identity.component,
    database: identity.database,
    ...(settings.rowKey === undefined ? {} : { rowKey: settings.rowKey }),
  };
  const goal = goalOf(step);
  signal.throwIfAborted();
  const present = await requireRow(transaction, wanted);
  if (sameRow(present, goal)) return;
  if (!sameRow(present, step.before)) throw changed(where, describeRow(step.before), describeRow(present));

  signal.throwIfAborted();
  const table = await transaction.table(place.schema, place.table);
  if (!table) throw changed(where, "the table", "none");
  signal.throwIfAborted();
  const { sql, parameters } = updateOf(step, table);
  const rows = await transaction.execute(sql, parameters);
  const after = await requireRow(transaction, wanted);
  if (rows > 1) throw changed(where, "one row to change", `${rows} rows`);
  // With no row changed by us, another run may have done the same.
  if (sameRow(after, goal)) return;
  if (rows === 0) throw changed(where, `one row to change with ${describeRow(step.before)}`, describeRow(after));
  throw changed(where, describeRow(goal), describeRow(after));
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
