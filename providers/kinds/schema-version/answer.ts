import { type Cause, ProblemError } from "../../common/problem.js";

/** What a question about a safeguard gave: the answer, or why there is none. */
export type Answer<T> = { found: T } | { problem: string };

/** Failures that say something about what was asked, and not about the way to it. */
const ABOUT_THE_QUESTION: readonly Cause[] = ["missing", "permission", "command-failed", "invalid-input"];

export async function answered<T>(ask: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { found: await ask() };
  } catch (error) {
    if (!(error instanceof ProblemError) || !ABOUT_THE_QUESTION.includes(error.cause)) throw error;
    return { problem: error.problems.map((problem) => problem.found).join("; ") };
  }
}
