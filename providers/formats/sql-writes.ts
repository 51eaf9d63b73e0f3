import type { SchemaTable } from "./schema-tables.js";
import { nameOf, type SqlStatement, standsFor, tableNameAt } from "./sql-statements.js";
import { isSymbol, isWord, type SqlToken } from "./sql-tokens.js";

/** A statement, other than an INSERT, that writes the table of a component's level. */
export interface SqlWrite {
  /** As people name it: "UPDATE". */
  readonly verb: string;
  readonly line: number;
  readonly statement: SqlStatement;
  /** Whether it may change the level's row, or take it away. False for another row, and for other columns. */
  readonly ofLevel: boolean;
}

/**
 * Every such write of a statement, also within a compound statement or a trigger. A table whose schema cannot be told counts as the
 * component's; so does one that is only named in text that is run as a statement.
 */
export function writesOf(statement: SqlStatement, table: SchemaTable): readonly SqlWrite[] {
  const { tokens } = statement;
  const isMeant = (index: number): number | undefined => {
    const target = tableNameAt(tokens, index);
    return target && standsFor(target.name, statement.schema, table) !== false ? target.next : undefined;
  };
  return tokens.flatMap((token, index): SqlWrite[] => {
    const write = (verb: string, ofLevel: boolean): SqlWrite[] => [{ verb, line: token.line, statement, ofLevel }];
    if (isTextToRun(token, tokens, table)) return write("a statement in a literal", true);
    const form = FORMS.find(({ words }) => words.every((word, offset) => isWord(tokens[index + offset], word)));
    if (!form) return isRollback(token, index) ? write("ROLLBACK", true) : [];
    const at = index + form.words.length;
    const verb = form.words[0];
    if (isSymbol(tokens[at], "(") || isWord(tokens[at], "ONLY")) {
      const names = upToEnd(tokens, at).some((_token, offset) => isMeant(at + offset) !== undefined);
      return names && form.rows ? write(verb, true) : [];
    }
    // DROP TABLE IF EXISTS, and the name after a file's or an option's in IMPORT and LOAD.
    const name = isWord(tokens[at], "IF") ? at + 2 : form.far ? tokens.findIndex((one) => isWord(one, "INTO")) + 1 : at;
    const next = isMeant(name);
    if (next === undefined) return [];
    if (verb === "ALTER" && !changesLevel(upToEnd(tokens, next), table)) return [];
    const rest = upToEnd(tokens, next);
    return write(verb, form.rows ? !isOther(rest, table) && !(verb === "UPDATE" && leavesLevel(rest, table)) : true);
  });
}

interface Form {
  readonly words: readonly [string, ...string[]];
  /** Whether it may be of some rows alone. */
  readonly rows?: true;
  /** Whether its table stands after INTO, further on. */
  readonly far?: true;
}

/** What writes a table; of two that fit, the longer one comes first. */
const FORMS: readonly Form[] = [
  { words: ["UPDATE"], rows: true },
  { words: ["DELETE", "FROM"], rows: true },
  { words: ["DELETE"], rows: true },
  { words: ["MERGE", "INTO"] },
  { words: ["TRUNCATE", "TABLE"] },
  { words: ["TRUNCATE"] },
  { words: ["DROP", "TABLE"] },
  { words: ["RENAME", "TABLE"] },
  { words: ["RENAME"] },
  { words: ["ALTER", "TABLE"] },
  { words: ["IMPORT", "FROM"], far: true },
  { words: ["LOAD", "FROM"], far: true },
  { words: ["LOAD", "CLIENT", "FROM"], far: true },
  { words: ["INGEST", "FROM"], far: true },
];

/** Text that EXECUTE IMMEDIATE, PREPARE or ADMIN_CMD runs, with the table's name in it. */
function isTextToRun(token: SqlToken, tokens: readonly SqlToken[], { table }: SchemaTable): boolean {
  const running = ["EXECUTE", "PREPARE", "ADMIN_CMD"];
  if (token.kind !== "string" || !token.text.toUpperCase().includes(table)) return false;
  return tokens.some((one) => running.some((word) => isWord(one, word)));
}

const isRollback = (token: SqlToken, index: number): boolean => index === 0 && isWord(token, "ROLLBACK");

/** A statement's tokens from `from` on, within a compound statement to its semicolon. */
function upToEnd(tokens: readonly SqlToken[], from: number): readonly SqlToken[] {
  const end = tokens.findIndex((token, index) => index >= from && isSymbol(token, ";"));
  return tokens.slice(from, end < 0 ? undefined : end);
}

/** `… WHERE KEY = 'another'` and nothing more: provably not the component's row. */
function isOther(rest: readonly SqlToken[], { key, keyColumn }: SchemaTable): boolean {
  const [column, equals, value, ...more] = rest.slice(whereIn(rest) + 1);
  if (key === undefined || whereIn(rest) === rest.length || more.length > 0) return false;
  return nameOf(column) === keyColumn && isSymbol(equals, "=") && value?.kind === "string" && value.text.trim() !== key;
}

/** An UPDATE whose SET names neither the level's column nor the key's. */
function leavesLevel(rest: readonly SqlToken[], { versionColumn, keyColumn }: SchemaTable): boolean {
  const set = rest.slice(0, whereIn(rest));
  if (!set.some((token) => isWord(token, "SET"))) return false;
  return !set.some((token) => [versionColumn, keyColumn, "ROW"].includes(nameOf(token)));
}

/** ALTER TABLE … WITH EMPTY TABLE, RENAME COLUMN, and whatever names the level's column. */
const changesLevel = (rest: readonly SqlToken[], { versionColumn }: SchemaTable): boolean =>
  rest.some((token) => isWord(token, "EMPTY") || isWord(token, "RENAME") || nameOf(token) === versionColumn);

/** The first WHERE outside parentheses; the length when there is none. */
function whereIn(rest: readonly SqlToken[]): number {
  let depth = 0;
  for (const [index, token] of rest.entries()) {
    if (isSymbol(token, "(")) depth++;
    if (isSymbol(token, ")")) depth--;
    if (depth === 0 && isWord(token, "WHERE")) return index;
  }
  return rest.length;
}
