import type { Problem } from "../../providers/common/problem.js";

/** A problem at a path of the configuration. */
export interface Finding extends Omit<Problem, "where"> {
  readonly path: readonly PropertyKey[];
}
