import { canonicalJson } from "../../common/json.js";
import { forgetLogins } from "../logins.js";
import type { DatabaseConnection } from "./connection.js";
import { PooledDatabase } from "./pooled-database.js";

/** What a statement parameter may be. Text never becomes part of a statement. */
export type SqlValue = string | number | bigint | boolean | null | Uint8Array;

/** A parameter; `secret` ones never appear in messages. */
export type SqlParameter = SqlValue | { readonly secret: string | Uint8Array };

/**
 * What a column holds, by its type: SMALLINT, INTEGER, DOUBLE → number; BIGINT → string, exact; DECIMAL, DECFLOAT → number, which
 * the driver rounds to 15 digits and which keeps no trailing zeros (710.10 is 710.1); CHAR (padded), VARCHAR, CLOB, DATE, TIME →
 * string; TIMESTAMP → "2026-05-01 12:00:00.000000"; BLOB → Buffer.
 */
export type SqlResult = string | number | boolean | null | Buffer;

/** Column names as the server gives them: upper case unless quoted. */
export type Row = Readonly<Record<string, SqlResult>>;

export interface QueryOptions {
  /** More rows than this are an error (`command-failed`), never a silent cut. Default 10 000. */
  readonly maxRows?: number;
}

/** A column as SYSCAT.COLUMNS has it. */
export interface Column {
  readonly name: string;
  /** Db2's type name: "INTEGER", "VARCHAR", "BLOB", …; "VARCHAR FOR BIT DATA" where it holds bytes. */
  readonly type: string;
  /** Characters or bytes. */
  readonly length: number;
  readonly nullable: boolean;
}

/**
 * A table that was found in the catalog: the only source of names in statements.
 * `UPDATE ${table.sql} SET ${table.column("DBSCHEMAVER")} = ? …` is safe, because both are quoted names that exist.
 */
export interface Table {
  readonly schema: string;
  readonly name: string;
  /** `"SCHEMA"."NAME"`. */
  readonly sql: string;
  /** In the table's order. */
  readonly columns: readonly Column[];
  /** Names of the primary key's columns, in key order; empty when there is none. */
  readonly primaryKey: readonly string[];
  /** The quoted name of a column. @throws ProblemError `missing` that names those that exist */
  column(name: string): string;
}

/** One LOB: its column and the row, by column and value; the row must be exactly one. */
export interface LobPlace {
  readonly table: Table;
  readonly column: string;
  readonly key: Readonly<Record<string, SqlValue>>;
}

export interface Lob {
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** What can be asked inside and outside of a transaction. */
export interface Reader {
  /**
   * Runs one SELECT, WITH or VALUES with as many parameters as it has markers (`?`). Statements of any other kind are refused.
   *
   * @throws Db2Error `missing` | `permission` | `locked` | `timeout` | `unreachable` | `command-failed`; when it is the first of
   *   a connection also `login`, and `refused` when the database is not the one that `marker` says.
   */
  query(sql: string, parameters?: readonly SqlParameter[], options?: QueryOptions): Promise<readonly Row[]>;

  /**
   * A table by the names the catalog has (upper case unless made with quotes); undefined when there is none.
   *
   * @throws NotATable when it is a view, an alias or anything else but a table
   */
  table(schema: string, name: string): Promise<Table | undefined>;
}

/** One database, reached through a few connections that all resources of this process share. */
export interface Database extends Reader {
  /** What the configuration calls it. */
  readonly name: string;

  /**
   * Runs `work` in a transaction on a connection of its own: committed when it answers, rolled back when it throws. Statements
   * of one transaction run one after the other. What the server rolled back by itself (deadlock, lock timeout) stays rolled
   * back, even when `work` catches that error: the transaction then fails with it.
   *
   * @throws Db2Error `unknown-outcome` when the connection was lost while committing: look again on the live database.
   *   A connection lost or a limit passed before the commit is `unreachable` or `timeout`, and nothing is stored.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;

  /** Ends the connections; waits for what is under way. */
  close(): Promise<void>;
}

export interface TransactionOptions {
  /** Limit of the whole transaction, after which its connection is cut and all is rolled back. Default 10 minutes. */
  readonly timeoutMs?: number;
  /** Rolled back when `work` answers, too: for a question that must leave nothing behind, whatever it calls. */
  readonly rollBack?: boolean;
}

export interface Transaction extends Reader {
  /** Runs one INSERT, UPDATE, DELETE, MERGE or LOCK TABLE. Answers how many rows it changed. */
  execute(sql: string, parameters?: readonly SqlParameter[]): Promise<number>;

  /**
   * Reads a BLOB and holds its row until the end of the transaction (FOR UPDATE WITH RS). The length that the server states is
   * compared with what came. undefined: there is no such row, or the value is NULL.
   */
  readLob(place: LobPlace): Promise<Lob | undefined>;

  /**
   * Writes a BLOB of exactly one row and reads it back: other bytes than those given are an error, and the transaction cannot
   * be committed any more.
   */
  writeLob(place: LobPlace, bytes: Uint8Array): Promise<Lob>;
}

const open = new Map<string, Database>();

/**
 * The database of a connection: the same one for equal connections in this process, so that all resources share its few
 * connections. Nothing is connected before it is first asked for something.
 */
export function openDatabase(connection: DatabaseConnection): Database {
  const key = canonicalJson(connection);
  const known = open.get(key);
  if (known) return known;
  const database = new PooledDatabase(connection, () => {
    if (open.get(key) === database) open.delete(key);
  });
  open.set(key, database);
  return database;
}

/** Ends every database of this process, and forgets which logins were refused. */
export async function closeAllDatabases(): Promise<void> {
  await Promise.all([...open.values()].map((database) => database.close()));
  forgetLogins();
}
