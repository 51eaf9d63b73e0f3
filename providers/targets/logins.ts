import { createHmac, randomBytes } from "node:crypto";
import { canonicalJson } from "../common/json.js";
import { type Problem, ProblemError } from "../common/problem.js";

/** Passwords are told apart by it, and known from it by nobody. */
const KEY = randomBytes(32);
/** After this many logins in a row that got no answer, those who wait for their turn have theirs. */
const SILENT_IN_A_ROW = 2;

/** One login by password. */
export interface PasswordLogin {
  /** What tells the account from all others: sort of login, server with the way to it, user. Plain JSON. */
  readonly account: readonly unknown[];
  readonly password: string;
  /** What messages call this login. */
  readonly where: string;
  /** The error of another login as this one's. Default: a ProblemError of the same cause. */
  retell?(error: ProblemError, problem: Problem): ProblemError;
}

/**
 * What became of the logins of one user, with one password, at one server. Many servers lock an account after a few refused logins,
 * and production may log in as the same user. So the first login goes alone, and one that was refused is not tried again.
 */
class Logins {
  #accepted = false;
  #refused: ProblemError | undefined;
  /** The login that all others wait for; answers how it failed. */
  #first: Promise<ProblemError | undefined> | undefined;
  #silent = 0;

  async try<T>(asked: PasswordLogin, login: () => Promise<T>): Promise<T> {
    for (;;) {
      if (this.#refused) throw refusedBefore(asked, this.#refused);
      if (this.#accepted || !this.#first) break;
      const failure = await this.#first;
      if (failure && this.#silent >= SILENT_IN_A_ROW) throw retold(asked, failure);
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
 * The login is over when `login` answers.
 *
 * @throws ProblemError `login` when it is refused, or was; whatever `login` throws
 */
export function logInOnce<T>(asked: PasswordLogin, login: () => Promise<T>): Promise<T> {
  const { account, password } = asked;
  const key = canonicalJson([...account, createHmac("sha256", KEY).update(password).digest("hex")]);
  const logins = known.get(key) ?? new Logins();
  known.set(key, logins);
  return logins.try(asked, login);
}

export function forgetLogins(): void {
  known.clear();
}

function refusedBefore(asked: PasswordLogin, error: ProblemError): ProblemError {
  const said = error.problems.map((problem) => `${problem.where} (${problem.found})`).join("; ");
  return retold(asked, error, `refused before, at ${said}`);
}

function retold({ where, retell }: PasswordLogin, error: ProblemError, found?: string): ProblemError {
  const [problem] = error.problems;
  const told = { ...problem, where, found: found ?? problem?.found ?? error.message };
  return retell?.(error, told) ?? new ProblemError(error.cause, told);
}
