import { type Cause, type Problem, ProblemError } from "../../common/problem.js";
import { driverMissing } from "./driver.js";
import type { Failure } from "./protocol.js";

/** "rolled-back": the server ended the transaction, and the next statement would begin another. "lost": of no use any more. */
type Left = "usable" | "rolled-back" | "lost";

/** What Db2 or its driver answered, with both of its codes. */
export class Db2Error extends ProblemError {
  constructor(
    cause: Cause,
    problem: Problem,
    /** Db2's, negative; 0 when it came from no server. */
    readonly sqlcode: number,
    /** Db2's own five characters, not ODBC's; empty when there are none. */
    readonly sqlstate: string,
    /** What the failure left of the connection. */
    readonly left: Left = "usable",
  ) {
    super(cause, problem);
  }
}

/** The request was not answered in time, so its process was ended. */
export class DriverTimeout extends Error {}
/** The process ended while it had the request: a crash of the driver, or somebody's kill. */
export class DriverEnded extends Error {}
/** The process answered that it could not. */
export class DriverFailure extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

export interface Context {
  /** "homepage: query". */
  readonly where: string;
  /** What must never be seen. */
  readonly secrets: readonly string[];
  /** What it means for the data that the line died or time ran out. */
  readonly consequence: string;
  /** The statement took as long as it may: a line that died then was cut by the driver for that reason. */
  readonly outOfTime: boolean;
  readonly limit: string;
}

const ROLLED_BACK = "The server has rolled the transaction back";
interface Told extends Partial<Pick<Problem, "allowed" | "why" | "next">> {
  readonly cause: Cause;
}

const LOGIN: Told = {
  cause: "login",
  why: "It is not tried again by this process: many servers lock an account after a few refused logins",
  next: "Check user and password, and whether the account is locked or expired; then run it again",
};
const RIGHT: Told = { cause: "permission", next: "Grant the user what the message names, or use one that has it" };
const SNAPSHOT: Told = {
  cause: "permission",
  allowed: "a user with the authority SYSMON",
  why: "Views of snapshot data such as SYSIBMADM.APPLICATIONS want it: SELECT alone is not enough",
  next: "Put a group of the user into SYSMON_GROUP (db2 update dbm cfg), or grant EXECUTE on SYSPROC.MON_GET_CONNECTION, which is asked first",
};
const CLOSED: Told = {
  cause: "refused",
  why: "The database or its instance is quiesced, or somebody uses it alone: a backup, an upgrade or other maintenance may be at work",
  next: "Ask who does that (db2 list applications, db2pd -), and wait for its end",
};

/** Source: Db2's message reference. */
const CAUSES: Readonly<Record<number, Told>> = {
  [-30082]: LOGIN,
  [-1403]: LOGIN,
  [-1404]: LOGIN,
  [-30061]: { cause: "missing", next: "Check `database`: the server knows none of this name" },
  [-1060]: {
    cause: "permission",
    allowed: "a user with the authority CONNECT",
    next: "GRANT CONNECT ON DATABASE TO USER …, or use another user",
  },
  [-551]: RIGHT,
  [-552]: RIGHT,
  [-1092]: SNAPSHOT,
  [-443]: {
    cause: "command-failed",
    why: "A routine of Db2's own that the statement calls has failed; its reason is the code in the message",
    next: "Look that code up (db2 ? SQL…)",
  },
  [-204]: {
    cause: "missing",
    allowed: "what SYSCAT.TABLES and SYSCAT.ROUTINES have",
    why: "It is another database or another release, or it was dropped or renamed",
    next: "Check the name, and that it is the right database",
  },
  [-206]: {
    cause: "missing",
    allowed: "what SYSCAT.COLUMNS has",
    why: "It is another release, or the column was renamed",
    next: "Check the name against the table",
  },
  [-911]: { cause: "locked" },
  [-913]: { cause: "locked" },
  [-952]: { cause: "timeout" },
  [-964]: {
    cause: "no-space",
    why: "The log holds the changes of every unit of work that is open: one that has been open for long fills it up for all",
    next: "Find the oldest one (db2pd -transactions) and have it end, or enlarge the log (LOGSECOND); then run it again",
  },
  [-668]: {
    cause: "command-failed",
    allowed: "a table in normal state",
    why: "An earlier operation on the table did not end well, and Db2 lets nobody in before that is mended; the reason code says which",
    next: "Look it up (db2 ? SQL0668): 1 SET INTEGRITY, 3 end the LOAD, 7 REORG TABLE; then run it again",
  },
  [-1035]: CLOSED,
  [-20157]: CLOSED,
  [-1040]: {
    cause: "unreachable",
    allowed: "as many connections as MAXAPPLS says",
    why: "All of the database's connections are in use",
    next: "Have others disconnect, or raise MAXAPPLS; then run it again",
  },
  [-1336]: { cause: "unreachable", next: "Check `host`, and the name service of this machine" },
  [-20576]: {
    cause: "unreachable",
    next: "The certificate is of another host: use the name that stands in it, or tls.hostNameValidation: false",
  },
};

/** Db2's routines say in a text of their own what they failed for. */
const toldOf = (sqlcode: number, message: string): Told | undefined =>
  sqlcode === -443 && /SQL1092/.test(message) ? SNAPSHOT : CAUSES[sqlcode];

/** Any way in which a request to the driver fails, as an error for people and code. */
export function explain(error: unknown, context: Context): ProblemError {
  if (error instanceof ProblemError) return error;
  const { where, consequence, limit } = context;
  if (error instanceof DriverTimeout) {
    return new Db2Error("timeout", timedOut(where, limit, consequence), 0, "", "lost");
  }
  if (error instanceof DriverEnded) {
    const found = `the driver's process ended: ${error.message}`;
    return new Db2Error("unreachable", { where, found, why: consequence }, 0, "", "lost");
  }
  if (!(error instanceof DriverFailure)) throw error;
  const { failure } = error;
  const message = withoutSecrets(failure.message, context.secrets);
  if (failure.kind === "missing-driver") return driverMissing(where, `the Db2 driver cannot be loaded: ${message}`);
  const { sqlcode, sqlstate } = failure;
  const left = leftBy(failure);
  const told = (cause: Cause, problem: Problem) => new Db2Error(cause, problem, sqlcode, sqlstate, left);
  if (failure.kind !== "driver") return told("command-failed", { where, found: message });
  const known = toldOf(sqlcode, message);
  if (known?.cause === "locked") {
    const deadlock = /reason code "?2"?\b/i.test(message);
    const found = deadlock ? "the server ended a deadlock by this transaction" : "a row or table is held by another";
    const next = deadlock ? "Run it again" : "See who holds it (db2pd -locks), then run it again";
    const why = `${ROLLED_BACK} (${message})`;
    return told("locked", { where, found, why, next });
  }
  if (known) {
    const { cause, ...rest } = known;
    return told(cause, { where, found: message, ...rest });
  }
  if (left === "lost") {
    if (context.outOfTime) return told("timeout", timedOut(where, limit, consequence));
    return told("unreachable", { where, found: message, why: consequence });
  }
  if (left === "rolled-back") {
    return told("command-failed", { where, found: message, why: ROLLED_BACK });
  }
  return told("command-failed", { where, found: message });
}

/**
 * Class 40 is "transaction rollback" (-1229 and -1476 among others), 40003 in it a line that died. -1224 (55032): the database
 * manager has ended the request and takes no new ones on this connection. Source: Db2's message and SQLSTATE references.
 */
function leftBy({ lost, sqlcode, sqlstate }: Failure): Left {
  if (lost || sqlcode === -1224 || sqlstate === "55032" || sqlstate === "40003") return "lost";
  const rolledBack = CAUSES[sqlcode]?.cause === "locked" || sqlcode === -1229 || sqlcode === -1476;
  return rolledBack || sqlstate.startsWith("40") ? "rolled-back" : "usable";
}

/** A commit whose answer did not come. */
export function unknownOutcome(where: string, error: ProblemError): Db2Error {
  const codes = error instanceof Db2Error ? error : undefined;
  return new Db2Error(
    "unknown-outcome",
    {
      where,
      found: `the connection was lost while committing (${error.problems.map((problem) => problem.found).join("; ")})`,
      why: "The changes are stored or not: nobody here can know",
      next: "Run the same command again: it looks at the live database first",
    },
    codes?.sqlcode ?? 0,
    codes?.sqlstate ?? "",
  );
}

function timedOut(where: string, limit: string, why: string): Problem {
  return {
    where,
    found: `no answer within ${limit}`,
    why,
    next: "Look at the database's load, its locks and the network",
  };
}

export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret !== "")
    .reduce((clean, secret) => clean.replaceAll(secret, "[secret]"), text);
}
