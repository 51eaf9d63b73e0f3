import { ProblemError } from "../../common/problem.js";
import type { Column, Row, SqlParameter, Table } from "./database.js";

interface Asker {
  query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly Row[]>;
}

const COLUMNS = `SELECT COLNAME, TYPENAME, LENGTH, NULLS FROM SYSCAT.COLUMNS
  WHERE TABSCHEMA = ? AND TABNAME = ? ORDER BY COLNO`;
const PRIMARY_KEY = `SELECT K.COLNAME FROM SYSCAT.TABCONST C
  JOIN SYSCAT.KEYCOLUSE K ON K.CONSTNAME = C.CONSTNAME AND K.TABSCHEMA = C.TABSCHEMA AND K.TABNAME = C.TABNAME
  WHERE C.TYPE = 'P' AND C.TABSCHEMA = ? AND C.TABNAME = ? ORDER BY K.COLSEQ`;

/** A table as the catalog describes it; undefined when it has none of these names. */
export async function findTable(asker: Asker, schema: string, name: string): Promise<Table | undefined> {
  const found = await asker.query(COLUMNS, [schema, name]);
  if (found.length === 0) return undefined;
  const key = await asker.query(PRIMARY_KEY, [schema, name]);
  const columns = found.map(
    (row): Column => ({
      name: String(row.COLNAME),
      type: String(row.TYPENAME),
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

/** A name inside double quotes is taken as it is; quotes in it are doubled. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
