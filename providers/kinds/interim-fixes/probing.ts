import type { Work } from "./apply.js";
import type { ClusterMember } from "./estate.js";
import { waitUntil } from "./waiting.js";

/** How much patience a member's probe has: it has just been started, or has run all along. */
export type Patience = "start" | "answer";

/**
 * A member counts once it gave `warmUp` right answers on its own port and one more, in a row; after any other answer, a pause and all
 * of them anew. An application may answer long after its server started, so its first answers decide nothing.
 *
 * @throws ProblemError `not-converged` with the last wrong answer, after `limits.start` or `limits.answer`
 */
export async function requireAnswers(member: ClusterMember, patience: Patience, work: Work): Promise<void> {
  const { node, server, cluster } = member;
  const { limits, memberProbes } = work.desired.settings;
  const { warmUp = 0 } = memberProbes[cluster] ?? {};
  let wrong = "";
  const inARow = async (): Promise<boolean> => {
    for (let request = 0; request <= warmUp; request++) {
      work.context.signal.throwIfAborted();
      const answer = await work.estate.askMember(member);
      if (answer.isRight) continue;
      wrong = ` (the last time: ${answer.text})`;
      return false;
    }
    return true;
  };
  await waitUntil(() => `${server} of ${node} to answer${wrong}`, limits[patience], work, inARow);
}
