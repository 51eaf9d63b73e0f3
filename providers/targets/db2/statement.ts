import { sha256 } from "../../common/json.js";
import { ProblemError } from "../../common/problem.js";
import type { SqlParameter, SqlValue } from "./database.js";
import type { Parameter } from "./protocol.js";

/** Of one statement, for all its parameters. */
const MAX_PARAMETER_BYTES = 64 * 1_048_576;
/** From here on the driver stored other numbers than it was given (measured): they travel as text. */
const EXACT_NUMBERS = 2 ** 31;

/** Literals, quoted names and comments: where nothing counts. */
const NOT_CODE = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g;

export const READS = /^\(*\s*(SELECT|WITH|VALUES)\b/i;
export const WRITES = /^(INSERT|UPDATE|DELETE|MERGE|LOCK\s+TABLE)\b/i;
/** A SELECT may change data in Db2. */
const CHANGES_WHILE_READING = /\b(FINAL|NEW|OLD)\s+TABLE\s*\(/i;

export interface BoundStatement {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
  /** Texts that must not appear in messages. */
  readonly secrets: readonly string[];
}

/**
 * Checks what the driver does not: it runs any kind of statement, and accepts too many parameters without a word.
 *
 * @throws ProblemError `invalid-input`
 */
export function bindStatement(
  where: string,
  sql: string,
  parameters: readonly SqlParameter[],
  allowed: typeof READS | typeof WRITES,
): BoundStatement {
  const code = sql.replace(NOT_CODE, " ");
  const found = kindProblem(code.trim(), allowed) ?? countProblem((code.match(/\?/g) ?? []).length, parameters.length);
  if (found) throw new ProblemError("invalid-input", { where, found });
  const bound = parameters.map((parameter, index) => bindParameter(where, parameter, index));
  const size = bound.reduce<number>((sum, value) => sum + sizeOf(value), 0);
  if (size > MAX_PARAMETER_BYTES) {
    throw new ProblemError("invalid-input", {
      where,
      found: `parameters of ${size} bytes`,
      allowed: `${MAX_PARAMETER_BYTES}`,
    });
  }
  const secrets = parameters.flatMap((parameter) =>
    isSecret(parameter) && typeof parameter.secret === "string" ? [parameter.secret] : [],
  );
  return { sql, parameters: bound, secrets };
}

function kindProblem(code: string, allowed: RegExp): string | undefined {
  const kind = allowed === READS ? "a SELECT, WITH or VALUES" : "an INSERT, UPDATE, DELETE, MERGE or LOCK TABLE";
  if (!allowed.test(code)) return `the statement is not ${kind}`;
  if (allowed === READS && CHANGES_WHILE_READING.test(code)) return "the statement changes what it reads";
  return undefined;
}

function countProblem(markers: number, parameters: number): string | undefined {
  return markers === parameters
    ? undefined
    : `the statement has ${markers} markers (?), and there are ${parameters} values`;
}

function isSecret(parameter: SqlParameter): parameter is { readonly secret: string | Uint8Array } {
  return parameter !== null && typeof parameter === "object" && "secret" in parameter;
}

function bindParameter(where: string, parameter: SqlParameter, index: number): Parameter {
  const value: SqlValue = isSecret(parameter) ? parameter.secret : parameter;
  if (value instanceof Uint8Array) return { bytes: value, sha256: sha256(value) };
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "number") return value;
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    const found = `parameter ${index + 1} is a number that cannot be exact`;
    throw new ProblemError("invalid-input", { where, found, next: "Give it as a bigint or as text" });
  }
  return Number.isInteger(value) && Math.abs(value) < EXACT_NUMBERS ? value : String(value);
}

function sizeOf(parameter: Parameter): number {
  if (typeof parameter === "string") return Buffer.byteLength(parameter);
  return parameter !== null && typeof parameter === "object" ? parameter.bytes.length : 8;
}
