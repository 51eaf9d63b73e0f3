import { type Problem, ProblemError } from "../../common/problem.js";
import { isLevel } from "../../formats/schema-level.js";
import { type Component, SCHEMA_TABLES, type SchemaTable } from "../../formats/schema-tables.js";
import type { Column, Reader, Row, Table } from "../../targets/db2/database.js";

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
  /** What the key column of this row holds; absent when the table has none. */
  key?: { column: string; value: string };
}

export interface RowOfComponent {
  readonly component: Component;
  /** What the key column must hold, where the configuration says so. */
  readonly rowKey?: string;
  /** What problems call the database. */
  readonly database: string;
}

export type ReadRow = { readonly row: LevelRow; readonly problems: [] } | { readonly problems: Problem[] };

/**
 * Reads the one row of a component, with what the catalog says about its columns. What is not as it has to be is answered as
 * problems: no table, an unexpected type, no row, two rows, no level.
 *
 * @throws Db2Error when the database cannot be asked
 */
export async function readRow(reader: Reader, wanted: RowOfComponent): Promise<ReadRow> {
  const place = SCHEMA_TABLES[wanted.component];
  const where = `${wanted.database} ${place.schema}.${place.table}`;
  const table = await reader.table(place.schema, place.table);
  if (!table) return { problems: [noTable(where, wanted)] };
  const problems = [place.versionColumn, place.postColumn].flatMap((name) => columnProblems(where, table, name, place));
  const version = column(table, place.versionColumn);
  if (problems.length > 0 || !version) return { problems };

  const post = column(table, place.postColumn);
  const key = column(table, place.keyColumn);
  const rows = await rowsOf(reader, table, { place, version, post, key, rowKey: wanted.rowKey });
  const expected = wanted.rowKey ?? place.key;
  const own = key && expected !== undefined ? rows.filter((row) => textOf(row.LEVEL_KEY) === expected) : rows;
  const [row] = own;
  if (!row || own.length > 1) return { problems: [notOneRow(where, rows, own.length, key?.name, expected)] };
  const levelRow: LevelRow = {
    version: cell(version, row.LEVEL_VALUE),
    ...(post ? { post: cell(post, row.POST_VALUE) } : {}),
    ...(key ? { key: { column: key.name, value: String(row.LEVEL_KEY) } } : {}),
  };
  const unreadable = [levelRow.version, levelRow.post].flatMap((one) => valueProblems(where, one, place));
  return unreadable.length > 0 ? { problems: unreadable } : { row: levelRow, problems: [] };
}

/** How a level column stands in SELECT and WHERE: a LOB can be neither compared nor read in a block. */
export const levelExpression = (table: Table, { name, type }: { name: string; type: string }): string =>
  type === "CLOB" ? `CAST(${table.column(name)} AS VARCHAR(${LOB_AS_TEXT}))` : table.column(name);

export const isNumeric = (type: string): boolean => ["SMALLINT", "INTEGER", "BIGINT"].includes(type);
const isText = (type: string): boolean => ["CHARACTER", "CHAR", "VARCHAR", "CLOB"].includes(type);

const column = (table: Table, name: string | undefined): Column | undefined =>
  table.columns.find((candidate) => candidate.name === name);

function rowsOf(
  reader: Reader,
  table: Table,
  columns: {
    readonly place: SchemaTable;
    readonly version: Column;
    readonly post: Column | undefined;
    readonly key: Column | undefined;
    readonly rowKey: string | undefined;
  },
): Promise<readonly Row[]> {
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
  const sql = `SELECT ${fields.join(", ")} FROM ${table.sql}${named?.sql ?? ""} FETCH FIRST ${MAX_ROWS} ROWS ONLY`;
  return reader.query(sql, named?.value === undefined ? [] : [named.value]);
}

/** A level out of a column; text without the blanks that CHARACTER columns are filled up with. */
const textOf = (value: Row[string] | undefined): string | null =>
  value === null || value === undefined ? null : String(value).trim();

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

function columnProblems(where: string, table: Table, name: string | undefined, place: SchemaTable): Problem[] {
  const found = column(table, name);
  if (!found) {
    if (name !== place.versionColumn) return [];
    return [
      {
        where: `${where}.${name}`,
        found: "there is no such column",
        allowed: table.columns.map((candidate) => candidate.name).join(", "),
        why: "This release keeps the level elsewhere",
      },
    ];
  }
  if (isNumeric(found.type) || isText(found.type)) return [];
  return [
    {
      where: `${where}.${name}`,
      found: `its type is ${found.type}`,
      allowed: "SMALLINT, INTEGER, BIGINT, CHARACTER, VARCHAR or CLOB",
      why: "How this type holds a level is not known",
    },
  ];
}

function notOneRow(
  where: string,
  rows: readonly Row[],
  own: number,
  keyColumn: string | undefined,
  expected: string | undefined,
): Problem {
  const keys = keyColumn ? rows.map((row) => JSON.stringify(textOf(row.LEVEL_KEY))).join(", ") : "";
  const which = keyColumn && expected !== undefined ? ` with ${keyColumn} = '${expected}'` : "";
  const others = keys && rows.length > 0 ? `; ${keyColumn} is ${keys}` : "";
  return {
    where,
    found: `${own === 0 ? "no row" : `${own} rows`}${which}${others}`,
    allowed: "exactly one row of this component",
    why: "Which row counts would be a guess",
    next:
      keyColumn && rows.length > 0 ? "Say which one it is with rowKey" : "Look at the table; it may be half restored",
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
