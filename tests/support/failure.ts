import { ProblemError } from "../../providers/common/problem.js";
import type { Stored } from "./provider-bench.js";

/** What work fails with. @throws Error when it does not fail, and what it failed with when that is no problem of ours */
export async function problemOf(work: Promise<unknown>): Promise<ProblemError> {
  const error = await work.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ProblemError) return error;
  throw error;
}

/** What a provider's call fails with, and what the engine stores of it: {} = nothing. @throws Error when it does not fail */
export const failureOf = (work: Promise<unknown>): Promise<{ message: string; properties: Stored }> =>
  work.then(
    () => Promise.reject(new Error("it did not fail")),
    ({ message, properties = {} }: { message: string; properties?: Stored }) => ({ message, properties }),
  );

/** What work is refused with; undefined when it is not. */
export const refusalOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: Error) => error.message,
  );
