import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import { SAYS_NOTHING, type Work } from "./apply.js";
import type { RolloutStep } from "./steps.js";

/** Steps that come when the agents of the nodes behind are down, and that would do harm if one were not. */
const WATCHED: ReadonlySet<RolloutStep["do"]> = new Set([
  ...(["route", "prove route", "drain", "installer", "await installer", "accept changes", "start agent"] as const),
  ...(["synchronize", "stop members", "clear temp", "start members", "probe members"] as const),
]);

/** Nodes whose agents have to be down while a step is at work: those behind, until their members are stopped. */
function waitingNodes(step: RolloutStep, { journal, desired: { settings } }: Omit<Work, "watch">): readonly string[] {
  const classic = settings.order === "classic" && !journal.catchingUp;
  const unwatched = !WATCHED.has(step.do) || (classic && isAboutRouting(step));
  if (settings.strategy === "offline" || !(journal.touched || journal.catchingUp) || unwatched) return [];
  const [lead] = journal.order;
  const inService = !classic && (step.do === "drain" || step.do === "stop members");
  const inTurn = inService ? undefined : nodeOf(step);
  const behind = (node: string) => (journal.nodes[node] ?? "behind") === "behind";
  return journal.order.filter((node) => node !== lead && node !== inTurn && behind(node));
}

type RoutingStep = Extract<RolloutStep, { readonly target: unknown }>;
const isAboutRouting = (step: RolloutStep): step is RoutingStep => "target" in step;

function nodeOf(step: RolloutStep): string | undefined {
  if (isAboutRouting(step)) return "without" in step.target ? step.target.without : undefined;
  return "node" in step ? step.node : undefined;
}

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
  const back: string[] = [];
  for (const node of waitingNodes(step, work)) {
    const [signals] = await work.estate.node(node).observe([{ server: "nodeagent" }]);
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
