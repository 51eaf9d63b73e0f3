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
const CAUSES: Readonly<Record<number, readonly [Cause, string?]>> = {
  [-30082]: ["login", "Check user and password, and whether the account is locked or expired"],
  [-30061]: ["missing", "Check `database`: the server knows none of this name"],
  [-1060]: ["permission", "The user lacks the CONNECT authority"],
  [-551]: ["permission", "Grant the user what the message names"],
  [-552]: ["permission", "Grant the user what the message names"],
  [-204]: ["missing"],
  [-206]: ["missing"],
  [-911]: ["locked"],
  [-913]: ["locked"],
  [-952]: ["timeout"],
  [-1336]: ["unreachable", "Check `host`, and the name service of this machine"],
  [-20576]: [
    "unreachable",
    "The certificate is of another host: use the name that stands in it, or tls.hostNameValidation: false",
  ],
};

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
  const known = CAUSES[sqlcode];
  if (known?.[0] === "locked") {
    const deadlock = /reason code "?2"?\b/i.test(message);
    const found = deadlock ? "the server ended a deadlock by this transaction" : "a row or table is held by another";
    const next = deadlock ? "Run it again" : "See who holds it (db2pd -locks), then run it again";
    const why = `${ROLLED_BACK} (${message})`;
    return told("locked", { where, found, why, next });
  }
  if (known) return told(known[0], { where, found: message, next: known[1] });
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
  const rolledBack = CAUSES[sqlcode]?.[0] === "locked" || sqlcode === -1229 || sqlcode === -1476;
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
