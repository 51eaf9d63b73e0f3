import { type Problem, ProblemError } from "../../common/problem.js";
import { isLevel } from "../../formats/schema-level.js";
import { type Component, SCHEMA_TABLES, type SchemaTable } from "../../formats/schema-tables.js";
import { NotATable } from "../../targets/db2/catalog.js";
import type { Column, Reader, Row, SqlValue, Table } from "../../targets/db2/database.js";

/** Schema tables have one row, or one for each of a few components. */
const MAX_ROWS = 50;
/** A level in a LOB is read and compared as text of this length. */
const LOB_AS_TEXT = 255;

/** A column of the component's row that holds a level. */
export interface Cell {
  column: string;
  /** Db2's type name. */
  type: string;
  /** Characters that fit; of numbers it says nothing. */
  length: number;
  /** As it stands, without the blanks that fill a CHARACTER column up; null as in the database. */
  value: string | null;
}

/** The component's row, as far as it matters here. */
export interface LevelRow {
  version: Cell;
  /** Absent when the table has no such column. */
  post?: Cell;
  /** What the key column of this row holds, as it stands there; absent when the table has none. */
  key?: { column: string; type: string; value: string };
}

export interface RowOfComponent {
  readonly component: Component;
  /** What the key column must hold, where the configuration says so. */
  readonly rowKey?: string;
  /** What problems call the database. */
  readonly database: string;
}

export type ReadRow =
  | { readonly row: LevelRow; readonly problems: [] }
  /** `noTable`: there is nothing of that name, as in every other component's database. */
  | { readonly problems: Problem[]; readonly noTable?: true };

/**
 * Reads the one row of a component, with what the catalog says about its columns. What is not as it has to be is answered as
 * problems: no table, an unexpected type, no row, two rows, no level.
 *
 * @throws Db2Error when the database cannot be asked
 */
export async function readRow(reader: Reader, wanted: RowOfComponent): Promise<ReadRow> {
  const place = SCHEMA_TABLES[wanted.component];
  const where = `${wanted.database} ${place.schema}.${place.table}`;
  const table = await tableOrProblem(reader, place, where);
  if (!table) return { problems: [noTable(where, wanted)], noTable: true };
  if ("found" in table) return { problems: [table] };
  const version = column(table, place.versionColumn);
  const post = column(table, place.postColumn);
  const key = column(table, place.keyColumn ?? guessedKey(table, place));
  const isKeyNeeded = place.keyColumn !== undefined || wanted.rowKey !== undefined;
  const keyProblems = typeProblem(where, key);
  const problems = [
    // Without a key that is known, the only row of a table without one is the component's.
    ...[place.versionColumn, place.key && place.keyColumn].flatMap((name) => missingColumn(where, table, name)),
    ...[version, post].flatMap((found) => typeProblem(where, found)),
    ...(isKeyNeeded ? keyProblems : []),
    ...(wanted.rowKey !== undefined && !key ? [keylessTable(where, table, wanted.rowKey)] : []),
  ];
  if (problems.length > 0 || !version) return { problems };

  const readable = keyProblems.length === 0 ? key : undefined;
  const rows = await rowsOf(reader, table, { place, version, post, key: readable, rowKey: wanted.rowKey });
  const isKeyUsed = isKeyNeeded || rows.length > 1;
  if (isKeyUsed && keyProblems.length > 0) return { problems: keyProblems };
  return rowByKey(where, {
    table,
    place,
    version,
    post,
    key: isKeyUsed ? key : undefined,
    rows,
    rowKey: wanted.rowKey,
  });
}

/** A shape without a key of its own may have several rows for all that: its primary key then tells them apart, unless it is a level. */
function guessedKey({ primaryKey }: Table, { versionColumn, postColumn }: SchemaTable): string | undefined {
  const [only, ...others] = primaryKey;
  return others.length > 0 || only === versionColumn || only === postColumn ? undefined : only;
}

interface Columns {
  readonly place: SchemaTable;
  readonly version: Column;
  readonly post: Column | undefined;
  readonly key: Column | undefined;
  readonly rowKey: string | undefined;
}

/** The component's among the rows that were read; without a key the only one. */
function rowByKey(
  where: string,
  {
    table,
    place,
    version,
    post,
    key,
    rows,
    rowKey,
  }: Columns & { readonly table: Table; readonly rows: readonly Row[] },
): ReadRow {
  const expected = rowKey ?? place.key;
  const own = key && expected !== undefined ? rows.filter((row) => textOf(row.LEVEL_KEY) === textOf(expected)) : rows;
  const [row] = own;
  if (rows.length > MAX_ROWS || !row || own.length > 1) {
    return { problems: [notOneRow(where, { rows, own: own.length, key: key?.name, expected, table })] };
  }
  const levelRow: LevelRow = {
    version: cell(version, row.LEVEL_VALUE),
    ...(post ? { post: cell(post, row.POST_VALUE) } : {}),
    ...(key ? { key: { column: key.name, type: key.type, value: String(row.LEVEL_KEY) } } : {}),
  };
  const unreadable = [
    ...(key && row.LEVEL_KEY === null ? [emptyKey(where, key.name)] : []),
    ...[levelRow.version, levelRow.post].flatMap((one) => valueProblems(where, one, place)),
  ];
  return unreadable.length > 0 ? { problems: unreadable } : { row: levelRow, problems: [] };
}

async function tableOrProblem(reader: Reader, place: SchemaTable, where: string): Promise<Table | Problem | undefined> {
  try {
    return await reader.table(place.schema, place.table);
  } catch (error) {
    const [problem] = error instanceof NotATable ? error.problems : [];
    if (!problem) throw error;
    return { ...problem, where };
  }
}

/** How a level column stands in SELECT and WHERE: a LOB can be neither compared nor read in a block. */
export const levelExpression = (table: Table, { name, type }: { name: string; type: string }): string =>
  type === "CLOB" ? `CAST(${table.column(name)} AS VARCHAR(${LOB_AS_TEXT}))` : table.column(name);

export const isNumeric = (type: string): boolean => ["SMALLINT", "INTEGER", "BIGINT"].includes(type);
const isText = (type: string): boolean => ["CHARACTER", "CHAR", "VARCHAR", "CLOB"].includes(type);

const column = (table: Table, name: string | undefined): Column | undefined =>
  table.columns.find((candidate) => candidate.name === name);

function rowsOf(reader: Reader, table: Table, columns: Columns): Promise<readonly Row[]> {
  const { place, version, post, key, rowKey } = columns;
  const fields = [
    `${levelExpression(table, version)} AS LEVEL_VALUE`,
    ...(post ? [`${levelExpression(table, post)} AS POST_VALUE`] : []),
    ...(key ? [`${table.column(key.name)} AS LEVEL_KEY`] : []),
  ];
  // A table of properties has many rows that are none of ours.
  const named =
    key && place.keyColumn === "NAME"
      ? { sql: ` WHERE ${table.column(key.name)} = ?`, value: rowKey ?? place.key }
      : undefined;
  const sql = `SELECT ${fields.join(", ")} FROM ${table.sql}${named?.sql ?? ""} FETCH FIRST ${MAX_ROWS + 1} ROWS ONLY`;
  return reader.query(
    sql,
    named?.value === undefined || !key ? [] : [keyParameter({ type: key.type, value: named.value })],
  );
}

/** Text without the blanks at its end, which CHARACTER columns are filled up with and Db2 leaves out of comparisons. */
const textOf = (value: Row[string] | undefined): string | null =>
  value === null || value === undefined ? null : String(value).trimEnd();

/** What a key column is compared with: numbers as numbers. */
export const keyParameter = ({ type, value }: { type: string; value: string }): SqlValue =>
  isNumeric(type) && /^-?\d{1,9}$/.test(value.trim()) ? Number(value) : value;

const cell = ({ name, type, length }: Column, value: Row[string] | undefined): Cell => ({
  column: name,
  type,
  length,
  value: textOf(value),
});

const noTable = (where: string, { component }: RowOfComponent): Problem => ({
  where,
  found: "there is no such table",
  allowed: `the database that holds the schema of ${component}`,
  why: "Another component's database, or another release, would be changed",
  next: "Check component and connection; in 5.0 PUSH is in the database FILES",
});

function missingColumn(where: string, table: Table, name: string | undefined): Problem[] {
  if (name === undefined || column(table, name)) return [];
  return [
    {
      where: `${where}.${name}`,
      found: "there is no such column",
      allowed: columnNames(table),
      why: "This release keeps the level elsewhere",
    },
  ];
}

function typeProblem(where: string, found: Column | undefined): Problem[] {
  if (!found || isNumeric(found.type) || isText(found.type)) return [];
  return [
    {
      where: `${where}.${found.name}`,
      found: `its type is ${found.type}`,
      allowed: "SMALLINT, INTEGER, BIGINT, CHARACTER, VARCHAR or CLOB",
      why: "How this type holds a level, or the name of a component, is not known",
    },
  ];
}

const keylessTable = (where: string, table: Table, rowKey: string): Problem => ({
  where,
  found:
    table.primaryKey.length > 1
      ? `rowKey says ${JSON.stringify(rowKey)}, and the table's key is made of ${table.primaryKey.join(", ")}`
      : `rowKey says ${JSON.stringify(rowKey)}, and the table has no key column beside its levels`,
  allowed: "a key of one column",
  why: "It cannot be told which column rowKey is about",
  next: `Leave rowKey out where the table has one row; its columns are ${columnNames(table)}`,
});

const emptyKey = (where: string, keyColumn: string): Problem => ({
  where: `${where}.${keyColumn}`,
  found: "it is empty (NULL) in the only row",
  allowed: "the component's name",
  why: "Whose level that is would be a guess",
});

const columnNames = (table: Table): string => table.columns.map(({ name }) => name).join(", ");

interface Candidates {
  readonly rows: readonly Row[];
  readonly own: number;
  readonly key: string | undefined;
  readonly expected: string | undefined;
  readonly table: Table;
}

function notOneRow(where: string, { rows, own, key, expected, table }: Candidates): Problem {
  const keys = key ? rows.slice(0, MAX_ROWS).map((row) => JSON.stringify(textOf(row.LEVEL_KEY))) : [];
  const which = key && expected !== undefined ? ` with ${key} = '${expected}'` : "";
  const others = keys.length > 0 ? `; ${key} is ${keys.join(", ")}` : "";
  const count = rows.length > MAX_ROWS ? `more than ${MAX_ROWS} rows` : own === 0 ? "no row" : `${own} rows`;
  const isComposite = table.primaryKey.length > 1;
  return {
    where,
    found: `${count}${rows.length > MAX_ROWS ? "" : which}${others}`,
    allowed: "exactly one row of this component",
    why: isComposite
      ? `The table's key is ${table.primaryKey.join(", ")}: which row counts would be a guess`
      : "Which row counts would be a guess",
    next:
      key && keys.length > 0 && (own === 0 || new Set(keys).size > 1)
        ? "Say which one it is with rowKey"
        : "Look at the table; it may be half restored",
  };
}

function valueProblems(where: string, found: Cell | undefined, place: SchemaTable): Problem[] {
  if (!found || (found.value !== null && isLevel(found.value))) return [];
  if (found.value === null && found.column !== place.versionColumn) return [];
  return [
    {
      where: `${where}.${found.column}`,
      found: found.value === null ? "it is empty (NULL)" : `it holds ${JSON.stringify(found.value)}`,
      allowed: "a schema level such as 705 or 710.10",
      why: "It cannot be told whether that is higher or lower",
    },
  ];
}

/** Two readings of one row, compared: true when neither level nor key changed. */
export const sameRow = (a: LevelRow, b: LevelRow): boolean =>
  a.version.value === b.version.value && a.post?.value === b.post?.value && a.key?.value === b.key?.value;

/** @throws ProblemError `refused` with the problems, when there are any */
export async function requireRow(reader: Reader, wanted: RowOfComponent): Promise<LevelRow> {
  const read = await readRow(reader, wanted);
  if ("row" in read) return read.row;
  throw new ProblemError("refused", read.problems);
}
