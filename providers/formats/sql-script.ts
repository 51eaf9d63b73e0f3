import { type Problem, ProblemError } from "../common/problem.js";
import { isLevel, sameLevel } from "./schema-level.js";
import { type Component, levelName, SCHEMA_TABLES, type SchemaTable } from "./schema-tables.js";
import { columnsAfter, columnsAtFirst, holdsNumbers, type TableColumns } from "./sql-columns.js";
import {
  listAt,
  nameOf,
  readSqlScript,
  type SqlScript,
  type SqlStatement,
  standsFor,
  tableNameAt,
  unsaidProblem,
} from "./sql-statements.js";
import { isSymbol, isWord, type SqlToken } from "./sql-tokens.js";
import { type SqlWrite, writesOf } from "./sql-writes.js";

/** The one literal in a script that says which level its tables have. */
export interface ScriptLevel {
  readonly level: string;
  /** Of the literal. */
  readonly line: number;
  /** Byte positions of the digits. */
  readonly start: number;
  readonly end: number;
  /** Whether it stands there as a number, or for a column that holds numbers. */
  readonly numeric: boolean;
  /** The literal's whole line, without its line end. */
  readonly text: string;
  /** Lines of other statements that change the same table, and not this level: they are never touched. */
  readonly otherWrites: readonly number[];
  readonly terminators: readonly string[];
}

export interface Bump {
  readonly component: Component;
  /** The levels that the literal may have now. */
  readonly from: readonly string[];
  readonly to: string;
}

export interface BumpedScript {
  /** The given bytes themselves when nothing had to change. */
  readonly bytes: Buffer;
  readonly changed: boolean;
  readonly line: number;
  /** The literal's line, before and after. */
  readonly before: string;
  readonly after: string;
}

/**
 * Replaces the level that a script inserts for a component: the digits of one literal, and no other byte. Nothing changes
 * when the level is there already.
 *
 * @param where what problems call the script
 * @throws ProblemError `malformed` | `refused`, with line numbers, when it is not exactly one literal, or not one of `from`
 */
export function bumpScript(bytes: Buffer, bump: Bump, where: string): BumpedScript {
  const found = readScriptLevel(bytes, bump.component, where);
  if (sameLevel(found.level, bump.to)) {
    return { bytes, changed: false, line: found.line, before: found.text, after: found.text };
  }
  if (!bump.from.some((level) => sameLevel(level, found.level))) {
    throw new ProblemError("refused", {
      where: `${where}:${found.line}`,
      found: `the script inserts level ${found.level} for ${bump.component}`,
      allowed: `${[...bump.from, bump.to].join(", ")}`,
      why: "This is not the script that you described",
      next: "Compare the script with the one that you meant, or add this level to `from`",
    });
  }
  const problem = numberProblem(found, bump, where);
  if (problem) throw new ProblemError("refused", problem);
  const changed = Buffer.concat([bytes.subarray(0, found.start), Buffer.from(bump.to), bytes.subarray(found.end)]);
  const after = readScriptLevel(changed, bump.component, where);
  return { bytes: changed, changed: true, line: found.line, before: found.text, after: after.text };
}

/** Why a level cannot stand in a literal's place: 710.10 as a number is 710.1, and 710 in an INTEGER column. */
export function numberProblem(
  { level, line, numeric }: Pick<ScriptLevel, "level" | "line" | "numeric">,
  { component, to }: Pick<Bump, "component" | "to">,
  where: string,
): Problem | undefined {
  if (!numeric || !to.includes(".")) return undefined;
  return {
    where: `${where}:${line}`,
    found: `the script inserts level ${level} for ${component} as a number`,
    allowed: "a whole number",
    why: `As a number, ${to} is another level: an INTEGER column drops what follows the dot, a DECIMAL one the zeros at its end`,
    next: "Declare a whole number, or check which script and which component it is: where levels have a dot, the column holds text",
  };
}

/** @throws ProblemError `malformed` | `refused`, with line numbers, when there is not exactly one such literal */
export function readScriptLevel(bytes: Buffer, component: Component, where: string): ScriptLevel {
  const text = viewOf(bytes, where);
  const script = readSqlScript(text, where);
  const table = SCHEMA_TABLES[component];
  const search = new Search(table, where);
  for (const statement of script.statements) search.look(statement);
  const writes = script.statements.flatMap((statement) => writesOf(statement, table));
  if (script.unsaid && search.isUnclear) throw new ProblemError("malformed", unsaidProblem(script.unsaid, where));
  const problems = search.problems(writes);
  const [literal] = search.literals;
  if (problems.length > 0 || !literal) throw new ProblemError("refused", problems);
  const { token, numeric, statement } = literal;
  const undone = undoing(writes, script, statement);
  if (undone.length > 0)
    throw new ProblemError(
      "refused",
      undone.map((write) => undoneBy(write, token.line, table, where)),
    );
  // A literal in quotes begins one character before its digits.
  const start = token.kind === "string" ? token.start + 1 : token.start;
  return {
    level: token.text,
    line: token.line,
    start,
    end: start + token.text.length,
    numeric,
    text: lineAround(text, start),
    otherWrites: writes.filter(isRowWrite).map(({ line }) => line),
    terminators: script.terminators,
  };
}

const undoneBy = ({ verb, line }: SqlWrite, insert: number, table: SchemaTable, where: string): Problem => ({
  where: `${where}:${line}`,
  found: `${verb} may change or remove the level that line ${insert} inserts (${levelName(table)})`,
  allowed: "no such statement after the INSERT, nor in a trigger or routine",
  why: "The script would not leave the level that its INSERT says",
  next: "Correct the script by hand, or set the level in the database when the script has run",
});

/**
 * One character for each byte, so that positions are byte positions whatever single-byte encoding or UTF-8 it is: all that
 * matters here is ASCII.
 */
function viewOf(bytes: Buffer, where: string): string {
  if (bytes.includes(0) || (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw new ProblemError("malformed", {
      where: `${where}:1`,
      found: "the file is in UTF-16, or is no text",
      allowed: "a script in UTF-8 or a single-byte code page",
      why: "The Db2 command line processor would not read it either",
      next: "Save it as UTF-8 without changing anything else",
    });
  }
  const view = bytes.toString("latin1");
  return view.startsWith("\u00ef\u00bb\u00bf") ? `   ${view.slice(3)}` : view;
}

/** What looks like the INSERT and is not understood. */
interface Unclear {
  readonly line: number;
  readonly found: string;
  /** What to do, where it is not to change the level by hand. */
  readonly next?: string;
}

/** Looks for the INSERT of one component's row; what looks like it and is not understood becomes a problem. */
class Search {
  readonly literals: { readonly token: SqlToken; readonly numeric: boolean; readonly statement: SqlStatement }[] = [];
  readonly #unclear: Problem[] = [];
  /** Rows of the same table that are another's. */
  readonly #others: string[] = [];
  /** As the statements so far leave them. */
  #columns: TableColumns;

  constructor(
    private readonly table: SchemaTable,
    private readonly where: string,
  ) {
    this.#columns = columnsAtFirst(table);
  }

  look(statement: SqlStatement): void {
    this.#columns = columnsAfter(statement, this.table, this.#columns);
    for (const index of statement.tokens.keys()) {
      const unclear = this.#readAt(statement, index);
      if (unclear) this.#unclear.push(this.#problem(unclear));
    }
  }

  /** Whether something looks like the INSERT and is not understood. */
  get isUnclear(): boolean {
    return this.#unclear.length > 0;
  }

  /** @param writes what else in the script writes the table */
  problems(writes: readonly SqlWrite[]): readonly Problem[] {
    if (this.#unclear.length > 0) return this.#unclear;
    if (this.literals.length === 1) return [];
    const wanted = `an INSERT of ${this.#row()} into ${this.table.schema}.${this.table.table}`;
    if (this.literals.length === 0) {
      const [first, ...more] = writes.filter(isRowWrite).map(({ verb, line }) => ({ verb, line }));
      if (first) {
        const lines = [first, ...more].map(({ verb, line }) => `${verb} in line ${line}`);
        const found = `no INSERT of ${this.#row()}, but ${lines.join(", ")}`;
        return [this.#problem({ line: first.line, found, next: LEADS_TO })];
      }
      const others = this.#others.length > 0 ? `; other rows of that table: ${this.#others.join(", ")}` : "";
      return [
        {
          where: this.where,
          found: `no statement is ${wanted}${others}`,
          allowed: "exactly one",
          next: "Check that it is the script that makes this component's tables. One that only looks the level up, as an upgrade script does, has none: set the level that it looks for in the database",
        },
      ];
    }
    const lines = this.literals.map(({ token }) => token.line);
    return [
      {
        where: `${this.where}:${lines[0]}`,
        found: `${lines.length} times ${wanted}: lines ${lines.join(", ")}`,
        allowed: "exactly one",
        why: "Which of them counts depends on how the script runs",
      },
    ];
  }

  #row(): string {
    return this.table.key === undefined ? "a row" : `the row '${this.table.key}'`;
  }

  /** Reads the INSERT that begins at a token, if one does and it is into this table. */
  #readAt(statement: SqlStatement, index: number): Unclear | undefined {
    const { tokens, schema: current } = statement;
    if (!isWord(tokens[index], "INSERT") || !isWord(tokens[index + 1], "INTO")) return undefined;
    const target = tableNameAt(tokens, index + 2);
    const meant = target && standsFor(target.name, current, this.table);
    if (!target || meant === false) return undefined;
    const line = tokens[index]?.line ?? statement.line;
    if (target.name.server !== undefined) return { line, found: "an INSERT into a name of three parts" };
    if (meant === undefined) return { line, found: "an INSERT into a table without a schema's name" };
    if (index > 0) return { line, found: "the INSERT stands inside another statement" };
    if (statement.within !== undefined) {
      return {
        line,
        found: `the INSERT stands inside the compound statement that begins in line ${statement.within}`,
        next: TELL,
      };
    }
    return this.#readInsert(statement, target.next);
  }

  #readInsert(statement: SqlStatement, from: number): Unclear | undefined {
    const { tokens, line } = statement;
    const { versionColumn } = this.table;
    const named = listAt(tokens, from);
    const columns = named
      ? named.items.map((item) => (item.length === 1 ? nameOf(item[0]) : undefined))
      : this.#columns.names;
    if (!columns) return { line, found: UNNAMED, next: this.#nameThem() };
    if (!columns.includes(versionColumn)) return { line, found: `an INSERT that does not name ${versionColumn}` };
    let next = named?.next ?? from;
    if (!isWord(tokens[next], "VALUES")) return { line, found: "an INSERT without VALUES" };
    do {
      const row = listAt(tokens, next + 1);
      if (!row) return { line, found: "an INSERT whose VALUES are not in parentheses" };
      const unclear = this.#readRow(statement, columns, row.items);
      if (unclear) return unclear;
      next = row.next;
    } while (isSymbol(tokens[next], ","));
    const rest = tokens[next];
    return rest && { line: rest.line, found: "more after the INSERT's values, where its end was expected" };
  }

  #readRow(
    statement: SqlStatement,
    columns: readonly (string | undefined)[],
    values: readonly (readonly SqlToken[])[],
  ): Unclear | undefined {
    const { versionColumn, keyColumn, key } = this.table;
    const { line } = statement;
    if (values.length !== columns.length) {
      return { line, found: `${values.length} values for ${columns.length} columns` };
    }
    if (key !== undefined) {
      const given = only(values[columns.indexOf(keyColumn)]);
      if (given?.kind !== "string") return { line, found: `an INSERT whose ${keyColumn} is no literal` };
      if (given.text.trimEnd() !== key) {
        this.#others.push(`'${given.text}' in line ${given.line}`);
        return undefined;
      }
    }
    const token = only(values[columns.indexOf(versionColumn)]);
    if (!token || !["number", "string"].includes(token.kind) || !isLevel(token.text)) {
      return { line, found: `an INSERT whose ${versionColumn} is no literal level` };
    }
    const numeric = token.kind === "number" || holdsNumbers(this.#columns.levelType);
    if (numeric && token.text.includes(".")) {
      return { line: token.line, found: `an INSERT whose ${versionColumn} is ${token.text} as a number` };
    }
    this.literals.push({ token, numeric, statement });
    return undefined;
  }

  #nameThem(): string {
    const { schema, table, keyColumn, versionColumn } = this.table;
    const columns = [...(keyColumn === undefined ? [] : [keyColumn]), versionColumn, "…"].join(", ");
    return `Name the columns in the script's INSERT, in the order of its values: INSERT INTO ${schema}.${table} (${columns}) VALUES (…)`;
  }

  #problem({ line, found, next }: Unclear): Problem {
    const table = `${this.table.schema}.${this.table.table}`;
    return {
      where: `${this.where}:${line}`,
      found: `${found} (${table})`,
      allowed: `INSERT INTO ${table} … VALUES (…) with ${this.table.versionColumn} as a literal`,
      why: "Which level the script brings cannot be told for certain",
      next: next ?? "Change the level in the script by hand",
    };
  }
}

const TELL =
  "Where the compound statement ends with another character than ;, name that one in a line before it: --#SET TERMINATOR @";

const LEADS_TO =
  "In an upgrade script that is the level which it leads to: leave it, and set the level that it looks for in the database. In one that makes the tables, change the level by hand";

const UNNAMED = "an INSERT that does not name its columns, whose order in the table is not known";

const only = (item: readonly SqlToken[] | undefined): SqlToken | undefined =>
  item?.length === 1 ? item[0] : undefined;

/**
 * Writes by which the row does not keep the literal's level: those after the INSERT, and those of a trigger, procedure or function,
 * which run later wherever they stand. A ROLLBACK counts unless a COMMIT stands before it.
 */
function undoing(writes: readonly SqlWrite[], { statements }: SqlScript, insert: SqlStatement): readonly SqlWrite[] {
  const from = statements.indexOf(insert);
  return writes.filter(({ statement, ofLevel, verb }) => {
    const at = statements.indexOf(statement);
    const between = statements.slice(from, at);
    if (verb === "ROLLBACK") return at > from && !between.some(({ tokens }) => isWord(tokens[0], "COMMIT"));
    const isCalled = isWord(statement.tokens[0], "CREATE") || statement.within !== undefined;
    return ofLevel && (at > from || isCalled);
  });
}

const isRowWrite = ({ verb }: SqlWrite): boolean => ["UPDATE", "DELETE", "MERGE", "TRUNCATE"].includes(verb);

function lineAround(text: string, position: number): string {
  const before = Math.max(text.lastIndexOf("\n", position), text.lastIndexOf("\r", position)) + 1;
  return text.slice(before).split(/[\r\n]/, 1)[0] ?? "";
}
