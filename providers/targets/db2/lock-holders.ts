import type { Row, SqlParameter } from "./database.js";
import { Db2Error } from "./errors.js";

/** A lock that is waited for, and who has it. */
export interface LockHolder {
  /** `HOMEPAGE.HOMEPAGE_SCHEMA`. */
  readonly table: string;
  /** Db2's number of the connection: LIST APPLICATIONS and FORCE APPLICATION know it. */
  readonly handle: string;
  readonly application: string;
  readonly user: string;
  /** How long its unit of work has lasted; absent where that may not be read. */
  readonly seconds?: number;
}

export interface LockWait extends LockHolder {
  /** The handle of the connection that waits. */
  readonly waiter: string;
}

interface Asker {
  query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly Row[]>;
}

// IBM documentation, "MON_LOCKWAITS administrative view" and "MON_CURRENT_UOW administrative view".
const WAITS = `SELECT REQ_APPLICATION_HANDLE, HLD_APPLICATION_HANDLE, HLD_APPLICATION_NAME, HLD_USERID, TABSCHEMA, TABNAME
  FROM SYSIBMADM.MON_LOCKWAITS WHERE REQ_USERID = ? FETCH FIRST 20 ROWS ONLY`;
const UNIT_OF_WORK = "SELECT ELAPSED_TIME_SEC FROM SYSIBMADM.MON_CURRENT_UOW WHERE APPLICATION_HANDLE = ?";
/** The handle of the connection that asks. [IBM documentation, "MON_GET_APPLICATION_HANDLE scalar function"; Db2 9.7 and later] */
export const OWN_HANDLE = "SELECT SYSPROC.MON_GET_APPLICATION_HANDLE() AS HANDLE FROM SYSIBM.SYSDUMMY1";

/**
 * Whom this user's connections wait for at this moment, other programs' among them. The view lists waits that last: once a wait is
 * over, nothing is known of it.
 *
 * @throws Db2Error when the user may not read the view, or this Db2 has none
 */
export async function lockWaits(asker: Asker, user: string): Promise<readonly LockWait[]> {
  const rows = await asker.query(WAITS, [user.toUpperCase()]);
  const waits: LockWait[] = [];
  for (const row of rows) {
    const handle = textOf(row.HLD_APPLICATION_HANDLE);
    const [unit] = await asker.query(UNIT_OF_WORK, [handle]).catch(() => []);
    waits.push({
      waiter: textOf(row.REQ_APPLICATION_HANDLE),
      table: [row.TABSCHEMA, row.TABNAME].map(textOf).filter(Boolean).join(".") || "a table",
      handle,
      application: textOf(row.HLD_APPLICATION_NAME) || "an application without a name",
      user: textOf(row.HLD_USERID) || "an unknown user",
      ...(typeof unit?.ELAPSED_TIME_SEC === "number" ? { seconds: unit.ELAPSED_TIME_SEC } : {}),
    });
  }
  return waits;
}

const textOf = (value: Row[string] | undefined): string =>
  value === null || value === undefined ? "" : String(value).trim();

/** After this part of the time that a wait for a lock may last, it is asked who has the lock. */
const ASKED_AFTER = 1 / 4;
/** What the answer may take once the wait is over. */
const ANSWER_LIMIT_MS = 2_000;

/** More of them say no more. */
const NAMED = 3;

/**
 * Watches one statement: asks who holds it up while it still waits, since afterwards nobody knows. Which of the waits is its own
 * only the waiting connection can tell, and only once it is free again: it is asked then, so that no connection asks for its handle
 * beforehand.
 */
export class LockWatch {
  readonly #timer: NodeJS.Timeout;
  #asked: Promise<readonly LockWait[]> | undefined;

  /**
   * @param waits of the same user, asked on another connection
   * @param own the waiting connection's own handle, asked on that one
   */
  constructor(
    lockTimeoutMs: number,
    waits: () => Promise<readonly LockWait[]>,
    private readonly own: () => Promise<string>,
  ) {
    this.#timer = setTimeout(() => {
      this.#asked = waits().catch(() => []);
    }, lockTimeoutMs * ASKED_AFTER);
  }

  /** The statement is over. Its error with the holders in it, where it ended for a lock and they could be told. */
  async over(error?: unknown): Promise<unknown> {
    clearTimeout(this.#timer);
    if (!(error instanceof Db2Error) || error.cause !== "locked" || !this.#asked) return error;
    let late: NodeJS.Timeout | undefined;
    const limit = new Promise<readonly LockHolder[]>((resolve) => {
      late = setTimeout(() => resolve([]), ANSWER_LIMIT_MS);
    });
    const holders = await Promise.race([this.#holders(this.#asked), limit]).finally(() => clearTimeout(late));
    return withHolders(error, holders);
  }

  async #holders(asked: Promise<readonly LockWait[]>): Promise<readonly LockHolder[]> {
    const waits = await asked;
    if (waits.length === 0) return [];
    const own = await this.own().catch(() => "");
    return waits.filter(({ waiter }) => own !== "" && waiter === own).slice(0, NAMED);
  }
}

function withHolders(error: Db2Error, holders: readonly LockHolder[]): Db2Error {
  const [problem] = error.problems;
  if (!problem || holders.length === 0) return error;
  const named = holders.map(({ table, handle, application, user, seconds }) => {
    const since = seconds === undefined ? "" : `, in a unit of work since ${seconds} s`;
    return `${table} by ${application} of ${user} (application handle ${handle}${since})`;
  });
  const next = "Let it commit or roll back, then run it again";
  const found = `${problem.found}: ${named.join("; ")}`;
  return new Db2Error(error.cause, { ...problem, found, next }, error.sqlcode, error.sqlstate, error.left);
}
