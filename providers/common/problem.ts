/**
 * Everything that is wrong, as data: where it is, what was found, what is allowed, why it matters and what to do.
 * Formatting is separate, so that a preview line, an error and a page can each show it in their own way.
 */
export interface Problem {
  /** A place a person can go to: host and file with line, input path, resource. */
  readonly where: string;
  readonly found: string;
  readonly allowed?: string;
  readonly why?: string;
  /** What the reader should do next, as a command or a setting. */
  readonly next?: string;
}

/** Of what applies; undefined where nothing does. */
export const sentences = (...parts: readonly (string | undefined)[]): string | undefined =>
  parts.filter((part) => part !== undefined).join(" ") || undefined;

/** The causes that callers tell apart. Everything else about a failure is text for people. */
export type Cause =
  | "invalid-input"
  | "refused"
  | "unreachable"
  | "host-key"
  | "login"
  | "permission"
  | "no-space"
  | "timeout"
  | "missing"
  | "malformed"
  | "changed-meanwhile"
  | "locked"
  | "not-owner"
  | "outside-window"
  | "command-failed"
  | "unknown-outcome"
  | "not-converged"
  | "interrupted";

/** An error that carries its problems as data. Never holds a secret. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problems: readonly Problem[];

  constructor(
    override readonly cause: Cause,
    problems: Problem | readonly Problem[],
  ) {
    const list: readonly Problem[] = Array.isArray(problems) ? problems : [problems as Problem];
    super(list.map(formatProblem).join("\n"));
    this.problems = list;
  }
}

/** One problem as a sentence or a few: `where: found; allowed: …. why. next`. */
export function formatProblem(problem: Problem): string {
  const parts = [`${problem.where}: ${problem.found}`];
  if (problem.allowed) parts.push(`Allowed: ${problem.allowed}`);
  if (problem.why) parts.push(problem.why);
  if (problem.next) parts.push(problem.next);
  return parts.map((part) => (/[.!?]$/.test(part) ? part : `${part}.`)).join(" ");
}

/** The problems of any thrown value; what is not ours becomes one problem at `where`. */
export function problemsOf(error: unknown, where: string): readonly Problem[] {
  if (error instanceof ProblemError) return error.problems;
  return [{ where, found: error instanceof Error ? error.message : String(error) }];
}

/** Whether the answer is missing, not the effect: what was asked for may have happened, and has to be looked up. */
export function isUnknownOutcome(error: unknown): boolean {
  return error instanceof ProblemError && ["unknown-outcome", "unreachable", "timeout"].includes(error.cause);
}
