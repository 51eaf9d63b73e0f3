import { ProblemError } from "../../common/problem.js";
import type { Column, Row, SqlParameter, Table } from "./database.js";

interface Asker {
  query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly Row[]>;
}

const COLUMNS = `SELECT T.TYPE, C.COLNAME, C.TYPENAME, C.LENGTH, C.NULLS, C.CODEPAGE FROM SYSCAT.TABLES T
  LEFT JOIN SYSCAT.COLUMNS C ON C.TABSCHEMA = T.TABSCHEMA AND C.TABNAME = T.TABNAME
  WHERE T.TABSCHEMA = ? AND T.TABNAME = ? ORDER BY C.COLNO`;
const PRIMARY_KEY = `SELECT K.COLNAME FROM SYSCAT.TABCONST C
  JOIN SYSCAT.KEYCOLUSE K ON K.CONSTNAME = C.CONSTNAME AND K.TABSCHEMA = C.TABSCHEMA AND K.TABNAME = C.TABNAME
  WHERE C.TYPE = 'P' AND C.TABSCHEMA = ? AND C.TABNAME = ? ORDER BY K.COLSEQ`;

/** SYSCAT.TABLES.TYPE. Source: IBM documentation, "SYSCAT.TABLES catalog view". */
const SORTS: Readonly<Record<string, string>> = {
  A: "an alias",
  G: "a created temporary table",
  H: "a hierarchy table",
  L: "a detached table",
  N: "a nickname of a table in another database",
  S: "a materialized query table",
  U: "a typed table",
  V: "a view",
  W: "a typed view",
};

/** There is something of this name, and it is no table. */
export class NotATable extends ProblemError {}

/**
 * A table as the catalog describes it; undefined when it has none of these names.
 *
 * @throws NotATable for a view, an alias and whatever else leads to a table that nobody named
 */
export async function findTable(asker: Asker, schema: string, name: string): Promise<Table | undefined> {
  const found = await asker.query(COLUMNS, [schema, name]);
  const [first] = found;
  if (!first) return undefined;
  const sort = String(first.TYPE).trim();
  if (sort !== "T") {
    throw new NotATable("refused", {
      where: `${schema}.${name}`,
      found: `it is ${SORTS[sort] ?? `of the unknown type ${JSON.stringify(sort)}`}`,
      allowed: "a table",
      why: "What it leads to, perhaps in another schema or database, would be read and changed in its place",
      next: "Look at who made it, and why; the component's own table has to have this name",
    });
  }
  const key = await asker.query(PRIMARY_KEY, [schema, name]);
  const columns = found.map(
    (row): Column => ({
      name: String(row.COLNAME),
      type: typeOf(row),
      length: Number(row.LENGTH),
      nullable: row.NULLS === "Y",
    }),
  );
  return {
    schema,
    name,
    sql: `${quoted(schema)}.${quoted(name)}`,
    columns,
    primaryKey: key.map((row) => String(row.COLNAME)),
    column(wanted) {
      if (columns.some((column) => column.name === wanted)) return quoted(wanted);
      throw new ProblemError("missing", {
        where: `${schema}.${name}`,
        found: `it has no column ${wanted}`,
        allowed: columns.map((column) => column.name).join(", "),
      });
    },
  };
}

const CHARACTERS = ["CHARACTER", "VARCHAR", "LONG VARCHAR"];

/** Bytes in a column of characters have no code page; read as text they would be taken for something else. */
function typeOf({ TYPENAME, CODEPAGE }: Row): string {
  const name = String(TYPENAME).trim();
  return CHARACTERS.includes(name) && Number(CODEPAGE) === 0 ? `${name} FOR BIT DATA` : name;
}

/** A name inside double quotes is taken as it is; quotes in it are doubled. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
