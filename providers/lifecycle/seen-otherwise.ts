import { type Problem, ProblemError } from "../common/problem.js";

/**
 * A step found that what it was planned by is over. Nothing failed and nothing of it was done: the loop looks again, and plans by
 * what the step learned.
 */
export class SeenOtherwise extends ProblemError {
  /** @param kept what is remembered from now on, as of a step that was done */
  constructor(
    problems: readonly Problem[],
    readonly kept: object,
  ) {
    super("unknown-outcome", problems);
  }
}
