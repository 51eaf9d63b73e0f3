import { milliseconds } from "../../common/duration.js";
import { sha256 } from "../../common/json.js";
import { ProblemError } from "../../common/problem.js";
import { resolveSecret } from "../../common/secret-resolver.js";
import { logInOnce, type PasswordLogin } from "../logins.js";
import { inWords } from "../timing.js";
import { findTable } from "./catalog.js";
import type { DatabaseConnection } from "./connection.js";
import { connectionString, wholeSeconds } from "./connection-string.js";
import type { Row, SqlParameter, SqlResult } from "./database.js";
import { compiledDriver, requireDriver } from "./driver.js";
import { DriverProcess } from "./driver-link.js";
import { Db2Error, explain, unknownOutcome } from "./errors.js";
import { type Forward, openForward } from "./forward.js";
import { type LockWait, LockWatch, OWN_HANDLE } from "./lock-holders.js";
import type { AnswerRow, Operation } from "./protocol.js";
import { type BoundStatement, bindStatement, READS, WRITES } from "./statement.js";

/** What the driver may take beyond a limit that it keeps itself, before its process is ended. */
const GRACE_MS = 5_000;
const PING_MS = 5_000;
/** The driver counts in whole seconds by a clock of its own, and ends a wait up to this much before ours has passed. */
const EARLY_MS = 50;
/** Of one result, LOBs included. */
const MAX_RESULT_BYTES = 128 * 1_048_576;
const DEFAULT_MAX_ROWS = 10_000;
const STORED_NOTHING = "Nothing of this transaction is stored: it was not committed";
const ONLY_READ = "It changes nothing to ask again";

/** One connection to the database, in a process of its own. Used by one user at a time. */
export class Session {
  /** When it was last given back, by `performance.now()`. */
  idleSince = 0;
  /** What this user's connections wait for, asked on another one: this one cannot speak while it waits. */
  askWaits: () => Promise<readonly LockWait[]> = async () => [];
  #inTransaction = false;
  /** What the server ended the transaction with. */
  #rolledBack: ProblemError | undefined;
  #lost = false;

  private constructor(
    private readonly connection: DatabaseConnection,
    private readonly driver: DriverProcess,
    private readonly forward: Forward | undefined,
    private readonly password: string,
  ) {}

  /**
   * Connects, sets the lock timeout and proves that it is the right database.
   *
   * @throws ProblemError `missing` (driver, database) | `login` | `unreachable` | `timeout` | `refused` (marker)
   */
  static async open(connection: DatabaseConnection): Promise<Session> {
    const where = `${connection.name}: connect`;
    // Starts, and loads the driver, while the password is looked up and the way is opened.
    const driver = new DriverProcess();
    let forward: Forward | undefined;
    try {
      const file = requireDriver(where);
      driver.load(file, compiledDriver(file));
      const password = await resolveSecret(connection.password, `password of ${connection.name}`);
      const session = await logInOnce(databaseLogin(connection, password, where), async () => {
        forward = connection.through && (await openForward(connection.through, connection));
        const made = new Session(connection, driver, forward, password);
        await made.#ask("connect", milliseconds(connection.connectTimeout), {
          op: "open",
          connection: connectionString(connection, password, forward ?? connection),
          settings: [`SET CURRENT LOCK TIMEOUT ${wholeSeconds(connection.lockTimeout)}`],
        });
        return made;
      });
      await session.#proveMarker();
      return session;
    } catch (error) {
      await driver.end();
      await forward?.close();
      throw error;
    }
  }

  /** false when it can only be thrown away. */
  get usable(): boolean {
    return this.driver.alive && !this.#lost && !this.#inTransaction;
  }

  async query(
    sql: string,
    parameters: readonly SqlParameter[] = [],
    maxRows = DEFAULT_MAX_ROWS,
  ): Promise<readonly Row[]> {
    const statement = bindStatement(`${this.connection.name}: query`, sql, parameters, READS);
    const limits = { rows: maxRows, bytes: MAX_RESULT_BYTES };
    const { rows = [] } = await this.#statement("query", statement, { op: "query", ...only(statement), limits });
    if (rows.length === 0) await this.#proveEmpty();
    return rows.map((row) => this.#received(row));
  }

  async execute(sql: string, parameters: readonly SqlParameter[] = []): Promise<number> {
    const statement = bindStatement(`${this.connection.name}: change`, sql, parameters, WRITES);
    const { changed = 0 } = await this.#statement("change", statement, { op: "execute", ...only(statement) });
    return changed;
  }

  async begin(): Promise<void> {
    try {
      await this.#ask("begin", PING_MS, { op: "begin" });
    } catch (error) {
      // Whether the next statement would be stored at once cannot be told.
      this.#lost = true;
      throw error;
    }
    this.#inTransaction = true;
    this.#rolledBack = undefined;
  }

  /** @throws Db2Error `unknown-outcome` when no answer came; what the server answered when it refused */
  async commit(): Promise<void> {
    if (this.#rolledBack) throw this.#rolledBack;
    const where = `${this.connection.name}: commit`;
    if (!this.driver.alive || this.#lost) {
      throw new Db2Error("unreachable", { where, found: "the connection was lost before", why: STORED_NOTHING }, 0, "");
    }
    try {
      await this.#ask("commit", milliseconds(this.connection.statementTimeout), { op: "commit" });
      this.#inTransaction = false;
    } catch (error) {
      if (this.#lost && error instanceof ProblemError) throw unknownOutcome(where, error);
      throw error;
    }
  }

  /** Ends the transaction without storing anything. A connection that cannot even do that is not usable afterwards. */
  async rollback(): Promise<void> {
    if (!this.driver.alive || this.#lost) return;
    try {
      await this.#ask("roll back", milliseconds(this.connection.statementTimeout), { op: "rollback" });
      this.#inTransaction = false;
      this.#rolledBack = undefined;
    } catch {
      this.#lost = true;
    }
  }

  /** Whether it still answers: with the row that every Db2 has. */
  async answers(): Promise<boolean> {
    const sql = "SELECT 1 FROM SYSIBM.SYSDUMMY1";
    const limits = { rows: 1, bytes: 1_024 };
    return this.#ask("ask", PING_MS, { op: "query", sql, parameters: [], limits }).then(
      ({ rows = [] }) => rows.length === 1,
      () => false,
    );
  }

  /** Db2's number of this connection, as text. */
  async #handle(): Promise<string> {
    const limits = { rows: 1, bytes: 1_024 };
    const { rows = [] } = await this.#ask("ask", PING_MS, { op: "query", sql: OWN_HANDLE, parameters: [], limits });
    return String(rows[0]?.HANDLE ?? "").trim();
  }

  /** After the line has died at the wrong moment, the driver answers every SELECT with no rows and without an error. */
  async #proveEmpty(): Promise<void> {
    if (await this.answers()) return;
    this.#lost = true;
    const why = this.#inTransaction ? STORED_NOTHING : ONLY_READ;
    const found = "the connection was lost: it answers nothing any more, not even what every Db2 answers";
    throw new Db2Error("unreachable", { where: `${this.connection.name}: query`, found, why }, 0, "");
  }

  /** By force: the server rolls back. */
  async end(): Promise<void> {
    this.#lost = true;
    await this.driver.end();
    await this.forward?.close();
  }

  async close(): Promise<void> {
    if (this.usable) await this.driver.request({ op: "close" }, PING_MS).catch(() => undefined);
    await this.end();
  }

  async #proveMarker(): Promise<void> {
    const { name, marker } = this.connection;
    const refuse = (found: string, allowed: string) => {
      const next = "Correct host, port and database, or the marker";
      throw new Db2Error("refused", { where: `${name}: is it the right database?`, found, allowed, next }, 0, "");
    };
    if (marker?.database) {
      const [row] = await this.query("SELECT CURRENT SERVER AS NAME FROM SYSIBM.SYSDUMMY1");
      const reported = String(row?.NAME ?? "").trim();
      if (reported.toUpperCase() !== marker.database.toUpperCase())
        refuse(`it calls itself ${reported}`, marker.database);
    }
    if (marker?.table) {
      const [schema = "", table = ""] = marker.table.split(".");
      if (!(await findTable(this, schema, table))) refuse("it has no such table", marker.table);
    }
  }

  async #statement(what: string, statement: BoundStatement, operation: Operation) {
    if (this.#rolledBack) throw this.#rolledBack;
    const watch = new LockWatch(
      wholeSeconds(this.connection.lockTimeout) * 1_000,
      () => this.askWaits(),
      () => this.#handle(),
    );
    try {
      const answer = await this.#ask(
        what,
        milliseconds(this.connection.statementTimeout),
        operation,
        statement.secrets,
      );
      void watch.over();
      return answer;
    } catch (failure) {
      const error = await watch.over(failure);
      // The next statement would start a transaction of its own, and be stored without the others.
      if (this.#inTransaction && error instanceof Db2Error && error.left === "rolled-back") this.#rolledBack = error;
      throw error;
    }
  }

  async #ask(what: string, limitMs: number, operation: Operation, secrets: readonly string[] = []) {
    const started = performance.now();
    try {
      return await this.driver.request(operation, limitMs + GRACE_MS);
    } catch (error) {
      const explained = explain(error, {
        where: `${this.connection.name}: ${what}`,
        secrets: [this.password, ...secrets],
        consequence: this.#inTransaction ? STORED_NOTHING : ONLY_READ,
        outOfTime: performance.now() - started >= limitMs - EARLY_MS,
        limit: inWords(limitMs),
      });
      const isLost = explained instanceof Db2Error && explained.left === "lost";
      this.#lost ||= isLost || !this.driver.alive || ["unreachable", "timeout"].includes(explained.cause);
      throw explained;
    }
  }

  #received(row: AnswerRow): Row {
    return Object.fromEntries(
      Object.entries(row).map(([column, value]): [string, SqlResult] => {
        if (value === null || typeof value !== "object") return [column, value];
        const bytes = Buffer.from(value.bytes);
        if (sha256(bytes) !== value.sha256) {
          const found = `bytes of ${column} changed on their way from the driver`;
          throw new Db2Error("command-failed", { where: `${this.connection.name}: query`, found }, 0, "");
        }
        return [column, bytes];
      }),
    );
  }
}

/** The account by server and user: its databases share it. */
export function databaseLogin(
  { host, port, user, through }: DatabaseConnection,
  password: string,
  where: string,
): PasswordLogin {
  const way = through ? [through.address.toLowerCase(), through.port] : null;
  return {
    account: ["db2", host.toLowerCase(), port, user, way],
    password,
    where,
    retell(error, problem) {
      const [sqlcode, sqlstate] = error instanceof Db2Error ? [error.sqlcode, error.sqlstate] : [0, ""];
      return new Db2Error(error.cause, problem, sqlcode, sqlstate);
    },
  };
}

function only({ sql, parameters }: BoundStatement): Pick<BoundStatement, "sql" | "parameters"> {
  return { sql, parameters };
}
