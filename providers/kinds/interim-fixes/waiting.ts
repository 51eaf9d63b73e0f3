import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import type { Work } from "./apply.js";

/** While nothing changes, a wait says so this often. */
const SAY_EVERY_MS = 30_000;

/**
 * Asks until it is so.
 *
 * @param what is waited for, as it is known when it is said
 * @param without what it means that it was not within `limit`. By default the step has failed, for what was asked answered
 *   all the time; "timeout" where that cannot be said.
 * @throws ProblemError `not-converged` | `timeout`
 */
export async function waitUntil(
  what: string | (() => string),
  limit: string,
  { estate, context, desired, watch }: Pick<Work, "estate" | "context" | "desired" | "watch">,
  isSo: () => Promise<boolean>,
  without: () => "not-converged" | "timeout" = () => "not-converged",
): Promise<void> {
  const inWords = typeof what === "string" ? () => what : what;
  const started = estate.now();
  let saidAt = started;
  for (;;) {
    context.signal.throwIfAborted();
    await watch();
    if (await isSo()) return;
    const passed = estate.now() - started;
    if (passed > milliseconds(limit)) {
      throw new ProblemError(without(), {
        where: estate.cell.name,
        found: `waited ${limit} for ${inWords()}`,
        why: "It may still come; nothing was undone",
      });
    }
    if (estate.now() - saidAt >= SAY_EVERY_MS) {
      saidAt = estate.now();
      context.progress(`waiting for ${inWords()}: ${Math.round(passed / 1_000)} s of at most ${limit}`);
    }
    await estate.pause(milliseconds(desired.settings.limits.every));
  }
}
