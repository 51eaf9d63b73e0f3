import { sha256 } from "../../common/json.js";
import { ProblemError } from "../../common/problem.js";
import { LOB_LIMIT_BYTES } from "./connection-string.js";
import type { Lob, LobPlace, SqlValue } from "./database.js";
import type { Session } from "./session.js";

/** Reads one BLOB under a lock that lasts to the end of the transaction. */
export async function readLob(session: Session, place: LobPlace): Promise<Lob | undefined> {
  const column = place.table.column(place.column);
  const { sql, values } = condition(place);
  const rows = await session.query(
    `SELECT LENGTH(${column}) AS SIZE FROM ${place.table.sql} WHERE ${sql} WITH RS`,
    values,
    2,
  );
  const [row] = rows;
  if (!row || row.SIZE === null) return undefined;
  const stated = Number(row.SIZE);
  if (stated > LOB_LIMIT_BYTES) throw problem(place, `it has ${stated} bytes`, `at most ${LOB_LIMIT_BYTES}`);
  const [locked] = await session.query(
    `SELECT ${inRow(place, column)} AS CONTENT FROM ${place.table.sql} WHERE ${sql} FOR UPDATE WITH RS`,
    values,
    1,
  );
  const bytes = locked?.CONTENT;
  if (!Buffer.isBuffer(bytes)) throw problem(place, "it is no BLOB");
  if (bytes.length !== stated) throw problem(place, `${bytes.length} bytes came of ${stated}`);
  return { bytes, sha256: sha256(bytes) };
}

/**
 * The driver fetches by locator what is declared larger than LOBCacheSize, whatever its own size. Cast to that size it comes with its
 * row; nothing is cut off, since it has no more bytes than that.
 */
function inRow({ table, column }: LobPlace, name: string): string {
  const declared = table.columns.find((one) => one.name === column);
  return declared?.type === "BLOB" && declared.length > LOB_LIMIT_BYTES
    ? `CAST(${name} AS BLOB(${LOB_LIMIT_BYTES}))`
    : name;
}

/** Writes one BLOB, and compares what is stored with what was given. */
export async function writeLob(session: Session, place: LobPlace, bytes: Uint8Array): Promise<Lob> {
  if (bytes.length > LOB_LIMIT_BYTES) throw problem(place, `${bytes.length} bytes`, `at most ${LOB_LIMIT_BYTES}`);
  const column = place.table.column(place.column);
  const { sql, values } = condition(place);
  const changed = await session.execute(`UPDATE ${place.table.sql} SET ${column} = ? WHERE ${sql}`, [bytes, ...values]);
  if (changed !== 1) throw problem(place, `${changed} rows have this key`, "exactly one");
  const stored = await readLob(session, place);
  if (stored?.sha256 !== sha256(bytes)) throw problem(place, "other bytes are stored than were given");
  return stored;
}

function condition(place: LobPlace): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const key = Object.entries(place.key);
  if (key.length === 0) throw problem(place, "no key is given");
  return {
    sql: key.map(([name, value]) => `${place.table.column(name)} ${value === null ? "IS NULL" : "= ?"}`).join(" AND "),
    values: key.map(([, value]) => value).filter((value) => value !== null),
  };
}

function problem({ table, column }: LobPlace, found: string, allowed?: string): ProblemError {
  return new ProblemError("command-failed", { where: `${table.schema}.${table.name}.${column}`, found, allowed });
}
