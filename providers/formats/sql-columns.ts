import type { SchemaTable } from "./schema-tables.js";
import { listAt, nameOf, type SqlStatement, standsFor, tableNameAt } from "./sql-statements.js";
import { isSymbol, isWord, type SqlToken } from "./sql-tokens.js";

/** What is known of a table's columns at one place of a script. */
export interface TableColumns {
  /** In the table's order, as the catalog has them. Absent where that cannot be told. */
  readonly names?: readonly string[];
  /** The first word of the level column's type, where the script says it. */
  readonly levelType?: string;
}

export const columnsAtFirst = ({ columnOrder }: SchemaTable): TableColumns =>
  columnOrder ? { names: columnOrder } : {};

const NUMBERS = /^(SMALLINT|INT|INTEGER|BIGINT|DEC|DECIMAL|NUM|NUMERIC|NUMBER|DECFLOAT|REAL|DOUBLE|FLOAT)$/;

/** Whether a column of this type holds numbers. False where the type is not known. */
export const holdsNumbers = (type: string | undefined): boolean => type !== undefined && NUMBERS.test(type);

/**
 * What is known after a statement. A script's own CREATE TABLE and ALTER TABLE … ADD COLUMN are believed; any other way to make or
 * change the table's columns, or one that stands within another statement, leaves their order open.
 */
export function columnsAfter(statement: SqlStatement, table: SchemaTable, before: TableColumns): TableColumns {
  const { tokens } = statement;
  let columns = before;
  for (const [index, token] of tokens.entries()) {
    if (isWord(token, "TO")) {
      // RENAME TABLE … TO; the new name has no schema.
      const renamed = isWord(tokens[0], "RENAME") && nameOf(tokens[index + 1]) === table.table;
      if (renamed) columns = {};
    }
    if (!isWord(token, "TABLE") || !CHANGING.some((word) => isWord(tokens[index - 1], word))) continue;
    const conditional = isWord(tokens[index + 1], "IF");
    const name = conditional ? tokens.findIndex((one, at) => at > index && isWord(one, "EXISTS")) + 1 : index + 1;
    const target = tableNameAt(tokens, name);
    const meant = target && standsFor(target.name, statement.schema, table);
    if (!target || meant === false) continue;
    const plain = meant === true && index === 1 && !conditional;
    if (plain && isWord(tokens[0], "CREATE")) columns = created(tokens, target.next, table);
    else if (plain && isWord(tokens[0], "ALTER")) columns = altered(tokens.slice(target.next), table, columns);
    else columns = {};
  }
  return columns;
}

const CHANGING = ["CREATE", "REPLACE", "ALTER", "DROP", "RENAME"];

/** The columns between the parentheses of a CREATE TABLE. */
function created(tokens: readonly SqlToken[], index: number, table: SchemaTable): TableColumns {
  const definitions = listAt(tokens, index)?.items.filter((item) => !isConstraint(item));
  if (!definitions || definitions.length === 0) return {};
  const columns = definitions.map((item) => columnOf(item));
  // A name without a type belongs to CREATE TABLE … AS; a hidden column has no place in an INSERT that names none.
  const clear = columns.every((column) => column !== undefined) && !definitions.flat().some(isHiding);
  const names = columns.flatMap((column) => (column ? [column.name] : []));
  if (!clear || new Set(names).size < names.length) return {};
  const levelType = columns.find((column) => column?.name === table.versionColumn)?.type;
  return { names, ...(levelType === undefined ? {} : { levelType }) };
}

/** Clauses of an ALTER TABLE, of which ADD COLUMN is understood, and what leaves the columns as they are. */
function altered(clauses: readonly SqlToken[], table: SchemaTable, before: TableColumns): TableColumns {
  let { names, levelType } = before;
  let depth = 0;
  for (const [index, token] of clauses.entries()) {
    if (isSymbol(token, "(")) depth++;
    if (isSymbol(token, ")")) depth--;
    if (depth > 0) continue;
    const next = clauses[index + 1];
    const isOneOf = (words: readonly string[]) => words.some((word) => isWord(next, word));
    if (isWord(token, "ADD") && isWord(next, "COLUMN")) {
      const added = columnOf(clauses.slice(index + 2));
      names = added && names ? [...names, added.name] : undefined;
      if (added?.name === table.versionColumn) levelType = added.type;
    } else if (
      (isWord(token, "ADD") && !isOneOf([...CONSTRAINTS, "RESTRICT"])) ||
      (isWord(token, "DROP") && !isOneOf([...CONSTRAINTS, "RESTRICT", "NOT", "DEFAULT"])) ||
      isWord(token, "RENAME") ||
      isHiding(token)
    ) {
      names = undefined;
    } else if (isWord(token, "ALTER") && isOneOf(["COLUMN"]) && nameOf(clauses[index + 2]) === table.versionColumn) {
      const [set, data, type, given] = clauses.slice(index + 3);
      if (isWord(set, "SET") && isWord(data, "DATA") && isWord(type, "TYPE")) levelType = given?.text.toUpperCase();
    }
  }
  return { ...(names ? { names } : {}), ...(levelType === undefined ? {} : { levelType }) };
}

const CONSTRAINTS = ["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"];

/** Whether an element of a CREATE TABLE is no column: its second token tells it from a column that is called so. */
function isConstraint([first, second]: readonly SqlToken[]): boolean {
  if (isWord(first, "CONSTRAINT")) return true;
  if (isWord(first, "PRIMARY") || isWord(first, "FOREIGN")) return isWord(second, "KEY");
  if (isWord(first, "UNIQUE") || isWord(first, "CHECK")) return isSymbol(second, "(");
  return isWord(first, "PERIOD") && ["FOR", "SYSTEM_TIME", "BUSINESS_TIME"].some((word) => isWord(second, word));
}

const isHiding = (token: SqlToken): boolean => isWord(token, "IMPLICITLY");

/** `name type …`; undefined for anything else, such as LIKE and the list of a CREATE TABLE … AS. */
function columnOf([first, second]: readonly SqlToken[]): { readonly name: string; readonly type: string } | undefined {
  const name = nameOf(first);
  const type = nameOf(second);
  return name === undefined || type === undefined || isWord(first, "LIKE") ? undefined : { name, type };
}
