import type { Problem } from "../../common/problem.js";
import type { FixesDesired } from "./goal.js";
import { isBefore, type Journal, type Kept } from "./journal.js";
import { allStarted, type Live, type LiveNode } from "./live.js";
import { remaining } from "./lost.js";
import type { RolloutStep } from "./steps.js";
import { Walk } from "./walk.js";
import { clearTemp, keepAgentsDown, probeMembers, startMembers, stopAgent, synchronize } from "./walk-node.js";

/** What a rollout would do, or why it may not, if it had no node out. */
interface Otherwise {
  readonly steps: readonly RolloutStep[];
  readonly refusals: readonly Problem[];
}

interface Out {
  readonly node: string;
  /** Nodes that do not serve either. */
  readonly down: readonly string[];
  /** What is lost leaves it alone: whatever restarts it is an outage. */
  readonly isAlone: boolean;
}

/**
 * Another node died, with its host or without, while this rollout has one out: too few serve, or nobody. What the rollout has out is
 * brought back before anything else is done, and whatever else may be refused, asked for or open, for it needs nothing but its own
 * host and the deployment manager: a plug-in takes a backup where no primary answers. What has the new applications comes back with
 * them, and counts as proven; what has not, comes back as it is, to be treated later. Nothing else is done before a new look.
 *
 * @returns nothing where no node is out, or the others serve
 */
export function bringBack(
  declared: FixesDesired,
  live: Live,
  kept: Kept,
  otherwise: Otherwise,
): readonly RolloutStep[] {
  const { journal } = kept;
  const out = journal && nodeOut(declared, live, journal);
  if (!out || (out.isAlone && goesOnAlone(out.node, live, journal, otherwise))) return [];
  // Whoever serves does so for all; what may be half-way on the node is not started for some more capacity.
  if (journal.halfWay && live.nodes.some((node) => node.name !== out.node && allStarted(node))) return [];
  const desired = remaining(declared);
  // As it stands: a way back that is asked for begins after it.
  const walk = new Walk(desired, { ...live, control: { ...live.control, request: "resume" } }, kept);
  start(walk, out);
  if (!out.isAlone) {
    walk.push("look-again", `look again, for ${out.node} serves, and go on from there`, {
      do: "look again",
      node: out.node,
    });
  } else {
    if (otherwise.refusals.length === 0) walk.route({ asFound: true });
    walk.push("end-run", `end this run, for ${out.node} serves: what is left takes it out of service again`, {
      do: "end run",
      node: out.node,
    });
  }
  return walk.steps.map((step) => ({ ...step, bringsBack: true }));
}

/** The node that an open rollout has out, where its host is reached, and another one does not serve. */
export function nodeOut(declared: FixesDesired, live: Live, journal: Journal): Out | undefined {
  if (journal.foundations.strategy !== "rolling" || journal.finallyChecked) return undefined;
  const inTurn = journal.order.find((name) => (journal.nodes[name] ?? "behind") !== "proven");
  const node = live.nodes.find(({ name }) => name === inTurn);
  if (!node || !isOut(node)) return undefined;
  const others = live.nodes.filter((each) => each !== node);
  const isAlone = others.length === 0;
  const down = others.filter((each) => !allStarted(each)).map(({ name }) => name);
  if (isAlone) down.push(...Object.keys(declared.settings.lost));
  return down.length > 0 ? { node: node.name, down, isAlone } : undefined;
}

/** One that is stopping, or starting, is settled first. Of a host that is not reached nothing is known. */
const isOut = (node: LiveNode): boolean =>
  node.members.some(({ state }) => state === "stopped") || (node.reached === true && !allStarted(node));

/**
 * The way on starts it soon enough: an outage that the plan called so and that nothing stands in the way of, or one without the
 * update installer in it. After a failure nobody waits for a cause to be corrected.
 */
function goesOnAlone(node: string, { control }: Live, journal: Journal, { steps, refusals }: Otherwise): boolean {
  if (refusals.length > 0 || (journal.frozen && control.request !== "resume")) return false;
  const isLong = steps.some((step) => step.do === "installer" || step.do === "await installer");
  return !isLong || journal.outage === node;
}

function start(walk: Walk, { node, down }: Out): void {
  const state = walk.state(node);
  walk.push(`note-back ${node}`, `remember that users may come to ${node} again: they are let finish anew`, {
    do: "note back",
    node,
  });
  if (state.agent === "running" && walk.installerDue) {
    // What an installer leaves, half-way perhaps, is not to come under the feet of all users that there are.
    // Of one that was cleared it has the new applications already.
    if ((walk.touched || walk.catchingUp) && isBefore(state.progress, "cleared")) stopAgent(walk, node);
  } else if (state.agent === "running" && state.members === "stopped") {
    // What a running agent is about to distribute is not to be met half-way by a start.
    synchronize(walk, node);
  }
  const isFresh = state.members === "stopped" && !isBefore(state.progress, "fresh");
  if (isFresh && !walk.installerDue) clearTemp(walk, node);
  startMembers(walk, node, ` at once, for those of ${down.join(", ")} do not serve`);
  probeMembers(walk, node);
  // Of a host that is not reached no agent is stopped.
  for (const { name, agent } of walk.live.nodes) if (agent !== "running") walk.state(name).agent = "stopped";
  keepAgentsDown(walk);
}

/** Why it is not brought back: a person said that nothing is to be done. */
export function heldBack(declared: FixesDesired, live: Live, journal: Journal): Problem[] {
  const out = nodeOut(declared, live, journal);
  if (!out) return [];
  return [
    {
      where: out.node,
      found: `the rollout has it out of service, and ${out.down.join(", ")} does not serve either`,
      why: "It is started before anything else, but not after npm run rollout -- stop",
      next: `npm run rollout -- resume (or roll-back), then pulumi up; or start the members of ${out.node} by hand`,
    },
  ];
}
