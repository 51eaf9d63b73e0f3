import { createHmac, randomBytes } from "node:crypto";
import { canonicalJson } from "../../common/json.js";
import { ProblemError } from "../../common/problem.js";
import type { DatabaseConnection } from "./connection.js";
import { Db2Error } from "./errors.js";

/** Passwords are told apart by it, and known from it by nobody. */
const KEY = randomBytes(32);
/** After this many logins in a row that got no answer, those who wait for their turn have theirs. */
const SILENT_IN_A_ROW = 2;

/**
 * What became of the logins of one user, with one password, at one server. A server that locks accounts after a few refused logins
 * would stop production, whose data sources log in as the same user. So the first login goes alone, and one that was refused is not
 * tried again.
 */
class Logins {
  #accepted = false;
  #refused: ProblemError | undefined;
  /** The login that all others wait for; answers how it failed. */
  #first: Promise<ProblemError | undefined> | undefined;
  #silent = 0;

  async try<T>(where: string, login: () => Promise<T>): Promise<T> {
    for (;;) {
      if (this.#refused) throw refusedBefore(where, this.#refused);
      if (this.#accepted || !this.#first) break;
      const failure = await this.#first;
      if (failure && this.#silent >= SILENT_IN_A_ROW) throw at(where, failure);
    }
    if (this.#accepted) return this.#attempt(login);
    const attempt = this.#attempt(login);
    this.#first = attempt.then(
      () => undefined,
      (error) => (error instanceof ProblemError ? error : undefined),
    );
    try {
      return await attempt;
    } finally {
      this.#first = undefined;
    }
  }

  async #attempt<T>(login: () => Promise<T>): Promise<T> {
    try {
      const value = await login();
      this.#accepted = true;
      return value;
    } catch (error) {
      const cause = error instanceof ProblemError ? error.cause : undefined;
      this.#silent = cause === "timeout" || cause === "unreachable" ? this.#silent + 1 : 0;
      if (cause === "login") this.#refused ??= error as ProblemError;
      throw error;
    }
  }
}

const known = new Map<string, Logins>();

/**
 * Logs in, or answers without trying what an equal login was answered before. Both are of this process: another one tries once.
 *
 * @throws Db2Error `login` when it is refused, or was; whatever `login` throws
 */
export function logIn<T>(
  { host, port, user, through }: DatabaseConnection,
  password: string,
  where: string,
  login: () => Promise<T>,
): Promise<T> {
  const server = [host.toLowerCase(), port, user, through ? [through.address.toLowerCase(), through.port] : null];
  const key = canonicalJson([...server, createHmac("sha256", KEY).update(password).digest("hex")]);
  const logins = known.get(key) ?? new Logins();
  known.set(key, logins);
  return logins.try(where, login);
}

export function forgetLogins(): void {
  known.clear();
}

function refusedBefore(where: string, error: ProblemError): ProblemError {
  const said = error.problems.map((problem) => `${problem.where} (${problem.found})`).join("; ");
  return at(where, error, `refused before, at ${said}`);
}

/** An error of another connection, as that of this one. */
function at(where: string, error: ProblemError, found?: string): ProblemError {
  const [problem] = error.problems;
  const told = { ...problem, where, found: found ?? problem?.found ?? error.message };
  const [sqlcode, sqlstate] = error instanceof Db2Error ? [error.sqlcode, error.sqlstate] : [0, ""];
  return new Db2Error(error.cause, told, sqlcode, sqlstate);
}
