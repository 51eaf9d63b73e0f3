import { ProblemError } from "../../common/problem.js";
import { inWords } from "../timing.js";
import { findTable } from "./catalog.js";
import type { DatabaseConnection } from "./connection.js";
import type {
  Database,
  Lob,
  LobPlace,
  QueryOptions,
  Row,
  SqlParameter,
  Table,
  Transaction,
  TransactionOptions,
} from "./database.js";
import { Db2Error } from "./errors.js";
import { readLob, writeLob } from "./lobs.js";
import { Pool } from "./pool.js";
import type { Session } from "./session.js";

const TRANSACTION_LIMIT_MS = 600_000;

/** A database over a pool of connections. Made by `openDatabase`, which sees to it that there is one per database and process. */
export class PooledDatabase implements Database {
  readonly name: string;
  readonly #pool: Pool;

  constructor(
    connection: DatabaseConnection,
    private readonly forget: () => void,
  ) {
    this.name = connection.name;
    this.#pool = new Pool(connection);
  }

  query(sql: string, parameters?: readonly SqlParameter[], options: QueryOptions = {}): Promise<readonly Row[]> {
    return this.#pool.use((session) => session.query(sql, parameters, options.maxRows));
  }

  table(schema: string, name: string): Promise<Table | undefined> {
    return this.#pool.use((session) => findTable(session, schema, name));
  }

  transaction<T>(work: (transaction: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#pool.use((session) => inTransaction(this.name, session, work, options));
  }

  async close(): Promise<void> {
    this.forget();
    await this.#pool.close();
  }
}

async function inTransaction<T>(
  name: string,
  session: Session,
  work: (transaction: Transaction) => Promise<T>,
  { timeoutMs = TRANSACTION_LIMIT_MS, rollBack = false }: TransactionOptions,
): Promise<T> {
  await session.begin();
  const transaction = new OpenTransaction(name, session);
  let timer: NodeJS.Timeout | undefined;
  let late = false;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      late = true;
      const found = `the transaction did not end within ${inWords(timeoutMs)}`;
      const why = "Its connection was cut: nothing of it is stored";
      reject(new Db2Error("timeout", { where: name, found, why }, 0, ""));
    }, timeoutMs);
  });
  try {
    const value = await Promise.race([work(transaction), limit]).finally(() => clearTimeout(timer));
    transaction.finish();
    if (transaction.spoilt) throw transaction.spoilt;
    await (rollBack ? session.rollback() : session.commit());
    return value;
  } catch (error) {
    transaction.finish();
    await (late ? session.end() : session.rollback());
    throw error;
  }
}

class OpenTransaction implements Transaction {
  #open = true;
  /** A LOB that was not stored as it was given: makes it impossible to commit. */
  spoilt: ProblemError | undefined;

  constructor(
    private readonly name: string,
    private readonly session: Session,
  ) {}

  query(sql: string, parameters?: readonly SqlParameter[], options: QueryOptions = {}): Promise<readonly Row[]> {
    return this.#live(() => this.session.query(sql, parameters, options.maxRows));
  }

  execute(sql: string, parameters?: readonly SqlParameter[]): Promise<number> {
    return this.#live(() => this.session.execute(sql, parameters));
  }

  table(schema: string, name: string): Promise<Table | undefined> {
    return this.#live(() => findTable(this.session, schema, name));
  }

  readLob(place: LobPlace): Promise<Lob | undefined> {
    return this.#live(() => readLob(this.session, place));
  }

  async writeLob(place: LobPlace, bytes: Uint8Array): Promise<Lob> {
    try {
      return await this.#live(() => writeLob(this.session, place, bytes));
    } catch (error) {
      if (error instanceof ProblemError) this.spoilt ??= error;
      throw error;
    }
  }

  /** Nothing more is taken from now on. */
  finish(): void {
    this.#open = false;
  }

  async #live<T>(act: () => Promise<T>): Promise<T> {
    if (this.#open) return act();
    throw new ProblemError("interrupted", { where: this.name, found: "this transaction is over" });
  }
}
