import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import { SAYS_NOTHING, type Work } from "./apply.js";
import type { RolloutStep } from "./steps.js";

/** Steps that come when the agents of the nodes behind are down, and that would do harm if one were not. */
const WATCHED: readonly RolloutStep["do"][] = [
  ...["drain", "installer", "await installer", "accept changes", "start agent", "synchronize"],
  ...["stop members", "clear temp", "start members", "probe members"],
] as RolloutStep["do"][];

/**
 * What a step's waits ask again and again: that the agents of nodes which wait for their turn stay down. One that a service
 * or a person brought back synchronizes at once and restarts applications that users are in, so the rollout freezes where
 * it is. A look that comes to nothing, at a line that is down for the moment, is made up for by the next one.
 */
export function watchOver(step: RolloutStep, work: Omit<Work, "watch">): () => Promise<void> {
  const { context, desired, estate } = work;
  const every = milliseconds(desired.settings.limits.every);
  let lookedAt = estate.now();
  return async () => {
    if (estate.now() - lookedAt < every) return;
    lookedAt = estate.now();
    try {
      await requireAgentsDown(step, work);
    } catch (error) {
      if (!(error instanceof ProblemError) || !SAYS_NOTHING.includes(error.cause)) throw error;
      context.progress(`whether node agents stay down cannot be seen now: ${error.message}`);
    }
  };
}

/** The same, once and for certain: before a step, and after the update installer. */
export async function requireAgentsDown(step: RolloutStep, work: Omit<Work, "watch">): Promise<void> {
  const { journal, desired, estate } = work;
  if (desired.settings.strategy === "offline" || !journal.touched || !WATCHED.includes(step.do)) return;
  const inTurn = "node" in step ? step.node : journal.order[0];
  const waiting = journal.order.filter((node) => node !== inTurn && (journal.nodes[node] ?? "behind") === "behind");
  const back: string[] = [];
  for (const node of waiting) {
    const [signals] = await estate.node(node).observe([{ server: "nodeagent" }]);
    if (signals?.process !== "absent") back.push(node);
  }
  if (back.length === 0) return;
  throw new ProblemError("refused", {
    where: back.join(", "),
    found: "the node agent runs again, or its state cannot be told",
    allowed: "stopped until the node's turn comes",
    why: "Its first synchronization restarts applications while users are in them",
    next: "Find out what started it (a service?); the next up stops it again",
  });
}
