import { type Problem, ProblemError } from "../common/problem.js";
import { OpenBlocks } from "./sql-blocks.js";
import { isLetterOfNames, isSymbol, isWord, readSqlTokens, type SqlToken, terminatorNamedBy } from "./sql-tokens.js";

/** One statement of a script for the Db2 command line processor, without its terminator. */
export interface SqlStatement {
  readonly tokens: readonly [SqlToken, ...SqlToken[]];
  readonly line: number;
  /** What an unqualified name stands for there: the last SET SCHEMA before it. Absent when that cannot be told. */
  readonly schema?: string;
  /** The line of a BEGIN before it that has had no END: whether it is a statement of its own cannot be told. */
  readonly within?: number;
}

export interface SqlScript {
  readonly statements: readonly SqlStatement[];
  /** Every character that ends a statement, in the order of its use. */
  readonly terminators: readonly string[];
  /** Where another character seems to end the statements, and no directive says so: a guess, to explain what is not understood. */
  readonly unsaid?: UnsaidTerminator;
}

interface UnsaidTerminator {
  readonly sign: string;
  /** Of the first line that ends with it. */
  readonly line: number;
}

/** A table's name as written; unqualified when it has no schema. */
export interface TableName {
  /** The first of three parts: a server of a federation, or the database. */
  readonly server?: string;
  readonly schema?: string;
  readonly table: string;
}

/**
 * Cuts a script into statements. A terminator inside a comment, a literal or a quoted name does not cut. Which character ends
 * a statement is told by `--#SET TERMINATOR x`; before such a line it is `@` where a line ends with one, else `;`.
 */
export function readSqlScript(text: string, where: string): SqlScript {
  const tokens = readSqlTokens(text, where);
  const statements: SqlStatement[] = [];
  let terminator = initialTerminator(tokens);
  const terminators = [terminator];
  let schema: string | undefined;
  let open: SqlToken[] = [];
  const blocks = new OpenBlocks();
  const close = (): void => {
    const [first, ...rest] = open;
    open = [];
    if (!first) return;
    const within = blocks.line === undefined ? {} : { within: blocks.line };
    statements.push({
      tokens: [first, ...rest],
      line: first.line,
      ...(schema === undefined ? {} : { schema }),
      ...within,
    });
    blocks.after([first, ...rest], terminator === ";");
    if (changesSchema([first, ...rest])) schema = schemaSetBy([first, ...rest]);
  };
  for (const token of tokens) {
    if (token.kind === "directive") {
      const named = terminatorOf(token, where);
      if (named === undefined) continue;
      close();
      terminator = named;
      if (!terminators.includes(named)) terminators.push(named);
    } else if (isSymbol(token, terminator)) close();
    else open.push(token);
  }
  close();
  const unsaid = unsaidTerminator(tokens);
  return { statements, terminators, ...(unsaid ? { unsaid } : {}) };
}

const endsLine = (token: SqlToken, index: number, tokens: readonly SqlToken[]): boolean =>
  tokens[index + 1]?.line !== token.line;

function initialTerminator(tokens: readonly SqlToken[]): string {
  const first = tokens.findIndex((token) => token.kind === "directive" && /TERMINATOR/i.test(token.text));
  const reach = first < 0 ? tokens : tokens.slice(0, first);
  return reach.some((token, index) => isSymbol(token, "@") && endsLine(token, index, tokens)) ? "@" : ";";
}

/** What the last statement ends with, where that is no end of a statement as they are known here. */
function unsaidTerminator(tokens: readonly SqlToken[]): UnsaidTerminator | undefined {
  const signOf = (token: SqlToken | undefined): string | undefined => {
    if (token?.kind === "word") return /[#$]$/.exec(token.text)?.[0];
    return token?.kind === "symbol" && !/[@;)]/.test(token.text) ? token.text : undefined;
  };
  const sign = signOf(tokens.at(-1));
  if (sign === undefined || tokens.some(({ kind, text }) => kind === "directive" && terminatorNamedBy(text)))
    return undefined;
  const first = tokens.find((token, index) => signOf(token) === sign && endsLine(token, index, tokens));
  return first && { sign, line: first.line };
}

/** Why a script is not understood whose statements' end is told outside of it. */
export function unsaidProblem({ sign, line }: UnsaidTerminator, where: string): Problem {
  const inNames = isLetterOfNames(sign);
  return {
    where: `${where}:${line}`,
    found: `statements seem to end with ${sign} from here on, and nothing in the script says so`,
    allowed: "@ or ; at the ends of lines, or a line --#SET TERMINATOR … before them",
    why: `What only db2 -td${sign} says is not known here, so where statements end could not be told for certain${inNames ? `: END${sign} may be one name` : ""}`,
    next: inNames ? ANOTHER : `Say so in a line before the first of them: --#SET TERMINATOR ${sign}`,
  };
}

const ANOTHER = "End them with another one in the whole script, and say so there: --#SET TERMINATOR @";

function terminatorOf(directive: SqlToken, where: string): string | undefined {
  const named = terminatorNamedBy(directive.text);
  const inNames = named?.length === 1 && isLetterOfNames(named);
  if (named === undefined || (/^[^\w'"().,]$/.test(named) && !inNames)) return named;
  throw new ProblemError("malformed", {
    where: `${where}:${directive.line}`,
    found: `the terminator ${JSON.stringify(named)}${inNames ? ", which names may hold" : ""}`,
    allowed: "one character that is no part of ordinary SQL, such as @ or ;",
    why: `Where statements end could not be told for certain${inNames ? `: END${named} may be one name` : ""}`,
    next: ANOTHER,
  });
}

/** SCHEMA and its synonyms in a SET. */
const SCHEMA_REGISTERS = ["SCHEMA", "CURRENT_SCHEMA", "SQLID", "CURRENT_SQLID"];
/** Special registers whose value no script tells. */
const UNTOLD = ["USER", "SESSION_USER", "SYSTEM_USER", "CURRENT_USER", "DEFAULT"];

/** `SET [CURRENT] SCHEMA [=] …`; a new connection begins with a schema of its own. */
function changesSchema(tokens: readonly SqlToken[]): boolean {
  if (isWord(tokens[0], "CONNECT")) return true;
  const register = isWord(tokens[1], "CURRENT") ? tokens[2] : tokens[1];
  return isWord(tokens[0], "SET") && SCHEMA_REGISTERS.some((name) => isWord(register, name));
}

/** The schema that such a statement sets: a name or a literal alone. Anything else is known when it runs, not before. */
function schemaSetBy(tokens: readonly SqlToken[]): string | undefined {
  if (!isWord(tokens[0], "SET")) return undefined;
  const [value, ...more] = tokens.slice(isWord(tokens[1], "CURRENT") ? 3 : 2).filter((token) => !isSymbol(token, "="));
  if (!value || more.length > 0 || UNTOLD.some((name) => isWord(value, name))) return undefined;
  // Whether a literal in small letters is folded need not be known: no schema of the product has any.
  if (value.kind === "string") return /^[A-Z][A-Z0-9_]*$/.test(value.text) ? value.text : undefined;
  return nameOf(value);
}

/** A name as the catalog has it: ordinary ones in upper case. */
export function nameOf(token: SqlToken | undefined): string | undefined {
  if (token?.kind === "word") return token.text.toUpperCase();
  return token?.kind === "quoted" ? token.text : undefined;
}

/** The table's name that begins at `index`, and where it ends. */
export function tableNameAt(
  tokens: readonly SqlToken[],
  index: number,
): { readonly name: TableName; readonly next: number } | undefined {
  const first = nameOf(tokens[index]);
  if (first === undefined) return undefined;
  const second = isSymbol(tokens[index + 1], ".") ? nameOf(tokens[index + 2]) : undefined;
  if (second === undefined) return { name: { table: first }, next: index + 1 };
  const third = isSymbol(tokens[index + 3], ".") ? nameOf(tokens[index + 4]) : undefined;
  if (third === undefined) return { name: { schema: first, table: second }, next: index + 3 };
  return { name: { server: first, schema: second, table: third }, next: index + 5 };
}

/** Whether a name stands for a table, where unqualified ones are those of `current`. undefined when that cannot be told. */
export function standsFor(
  name: TableName,
  current: string | undefined,
  { schema, table }: { readonly schema: string; readonly table: string },
): boolean | undefined {
  const given = name.schema ?? current;
  if (name.table !== table || (given !== undefined && given !== schema)) return false;
  return given === undefined || name.server !== undefined ? undefined : true;
}

/**
 * What stands between the parentheses that open at `index`, cut at its commas, and where it ends. undefined when none opens
 * there or it does not close.
 */
export function listAt(
  tokens: readonly SqlToken[],
  index: number,
): { readonly items: readonly (readonly SqlToken[])[]; readonly next: number } | undefined {
  if (!isSymbol(tokens[index], "(")) return undefined;
  const items: SqlToken[][] = [[]];
  let depth = 0;
  for (const [offset, token] of tokens.slice(index).entries()) {
    if (isSymbol(token, "(") && depth++ === 0) continue;
    if (isSymbol(token, ")") && --depth === 0) return { items, next: index + offset + 1 };
    if (isSymbol(token, ",") && depth === 1) items.push([]);
    else items.at(-1)?.push(token);
  }
  return undefined;
}
