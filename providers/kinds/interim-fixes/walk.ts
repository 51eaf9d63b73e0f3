import type { Problem } from "../../common/problem.js";
import type { Impact } from "../../lifecycle/kind.js";
import { changeOf, type FixesDesired, isNothing, NOTHING } from "./goal.js";
import type { Journal, Kept, Progress } from "./journal.js";
import { progressSeen, undistributed } from "./levels.js";
import { allStarted, allStopped, type Live, type LiveNode } from "./live.js";
import { isReliedOn, isRouted, listsFor, routedNodes, routeKey } from "./routes.js";
import { unservedRefusals } from "./routing-checks.js";
import type { Change, RolloutStep, Standing, Target } from "./steps.js";
import { isInForce, switchingImpact, switchingWords, waysTo } from "./switching.js";
import { askedBack, mayTurn } from "./turning.js";

/** `Step` without what `push` fills in. */
type Action = RolloutStep extends infer S
  ? S extends RolloutStep
    ? Omit<S, "key" | "title" | "impact">
    : never
  : never;

export interface NodeState {
  agent: LiveNode["agent"];
  members: "started" | "stopped" | "mixed" | "unknown";
  progress: Progress;
}

/**
 * The copy of the facts that a workflow is walked through on, and the steps that were found due so far: whatever a step
 * would bring about is written here at once, so that the steps after it may rely on it.
 */
export class Walk {
  readonly steps: RolloutStep[] = [];
  readonly refusals: Problem[] = [];
  readonly nodes = new Map<string, NodeState>();
  readonly strategy: FixesDesired["settings"]["strategy"];
  readonly classic: boolean;
  readonly journal: Journal | null;
  readonly goingBack: boolean;
  /** Nothing is installed: nodes that are behind get what the deployment manager has. */
  readonly catchingUp: boolean;
  /** Why the rollout turns round now. */
  readonly turning: string | undefined;
  readonly order: readonly string[];
  readonly change: Change;
  /** An update installer is at work: what it does is known when it has ended. */
  readonly awaiting: boolean;
  readonly startingOver: boolean;
  regenerated: boolean;
  /** Browsers fetch what is there now; on the way back, also when they never fetched anything else. */
  readonly stamped: boolean;
  touched: boolean;
  accepted: boolean;
  drained: string | null;
  /** What was last proved; null = nothing may be taken for granted. */
  routed: string | null;
  /** What the web servers' files will say by then. */
  private target: Target | "other" = "other";

  constructor(
    readonly desired: FixesDesired,
    readonly live: Live,
    kept: Kept,
  ) {
    const { settings } = desired;
    this.journal = kept.journal;
    this.strategy = this.journal?.foundations.strategy ?? settings.strategy;
    this.turning = turningBack(desired, live, kept.journal);
    this.goingBack = this.turning !== undefined || this.journal?.direction === "roll back";
    const change = changeAhead(desired, live, this.journal);
    this.catchingUp = this.journal?.catchingUp ?? isNothing(change);
    this.classic = settings.order === "classic" && !this.catchingUp;
    // What is due besides waits for its end.
    this.change = this.catchingUp ? NOTHING : change;
    this.awaiting = live.installer.installed === null;
    this.touched = this.journal?.touched ?? false;
    // Somebody undid the installer's work behind our back: what was done after it counts no more.
    this.startingOver = this.turning === undefined && this.journal?.accepted === true && !isNothing(this.change);
    const anew = this.turning !== undefined || this.startingOver;
    this.regenerated = !anew && (this.journal?.regenerated ?? false);
    this.stamped = this.turning !== undefined ? !this.journal?.stamped : !anew && (this.journal?.stamped ?? false);
    this.accepted = !anew && (this.journal?.accepted ?? this.catchingUp);
    this.drained = this.journal?.drained ?? null;
    this.routed = this.journal?.routed ?? null;
    for (const node of live.nodes) {
      const unnoted = this.catchingUp && !this.journal ? progressSeen(node) : "behind";
      const progress = anew ? "behind" : (this.journal?.nodes[node.name] ?? unnoted);
      this.nodes.set(node.name, { agent: node.agent, members: membersState(node), progress });
    }
    this.order =
      this.turning !== undefined || !this.journal
        ? orderOf(desired, live, this.journal)
        : this.journal.order.filter((name) => this.nodes.has(name));
  }

  push(key: string, title: string, action: Action, impact: Impact = "none"): void {
    this.steps.push({ key, title, impact, ...action } as RolloutStep);
  }

  state(node: string): NodeState {
    const state = this.nodes.get(node);
    if (!state) throw new RangeError(`no node ${node}`);
    return state;
  }

  /** The installer has something to do, is at it, or its work was not looked at yet. */
  get installerDue(): boolean {
    return !isNothing(this.change) || this.awaiting || !this.accepted;
  }

  /** The node that is treated now: the first one as long as the installer is due, and every other after those before it. */
  get inTurn(): string | undefined {
    if (this.installerDue) return this.order[0];
    return this.order.find((node) => this.state(node).progress !== "proven");
  }

  /** Its node agent was down before: it is needed for a synchronization, and at the end it is as it was. Offline ends with all running. */
  isFoundStopped(node: string): boolean {
    const found = this.journal?.found.agentsStopped;
    const isStopped = found
      ? found.includes(node)
      : this.live.nodes.some((each) => each.name === node && each.agent === "stopped");
    return this.strategy === "rolling" && isStopped;
  }

  /** Checked for the last time: routing is no more the rollout's, for it may have been given free already. */
  get isOver(): boolean {
    return this.journal?.finallyChecked === true && !this.startingOver;
  }

  /** The nodes as they stand now. */
  standing(): Standing {
    const nodes = Object.fromEntries([...this.nodes].map(([name, { progress }]) => [name, progress]));
    return { nodes, applications: undistributed(this.live.nodes) };
  }

  /** Every web server's file says where users go, and requests prove it. */
  route(target: Target): void {
    const { live, desired, journal } = this;
    const lists = listsFor(desired, live, journal, target);
    const key = routeKey(target, lists);
    const inFile =
      this.target === "other" ? isRouted(desired, live, lists) : JSON.stringify(this.target) === JSON.stringify(target);
    if (inFile && this.routed === key) return;
    this.refusals.push(...unservedRefusals(desired, live, journal, target));
    const name = "without" in target ? `without ${target.without}` : "as found";
    const what =
      "without" in target ? `users reach every node but ${target.without}` : "users are routed as they were found";
    if (!inFile && isReliedOn(this, target, key)) {
      this.push(`note-rerouted ${name}`, `remember that somebody sent users elsewhere: ${what} is to be proved anew`, {
        do: "note rerouted",
      });
      this.drained = null;
    }
    const ways = waysTo(target, desired, live, journal);
    const isThere = !journal?.toRoute && isInForce(live, ways);
    const onlyProves = inFile && (this.target !== "other" || isThere);
    this.push(
      `route ${name}${this.routeCount(name)}`,
      onlyProves
        ? `prove by CloneIDs on every web server that ${what}, as its files say already`
        : `route and prove by CloneIDs on every web server that ${what}, ${switchingWords(desired, live, journal)}`,
      { do: "route", target, lists, ways, onlyProves },
      onlyProves ? "none" : switchingImpact(desired, live, journal),
    );
    this.routed = key;
    this.target = target;
  }

  /** What was routed so before counts only when it is seen once more. Nothing is written or reloaded for that. */
  proveAgain(node: string): void {
    const { live, desired, journal } = this;
    const target = { without: node };
    const lists = listsFor(desired, live, journal, target);
    this.push(
      `route without ${node} again`,
      `prove again, after the installer, that users reach every node but ${node}`,
      { do: "prove route", target, lists, ways: waysTo(target, desired, live, journal) },
    );
    this.routed = routeKey(target, lists);
  }

  /** The classic order comes by the same route more than once. */
  private routeCount(name: string): string {
    const before = this.steps.filter((step) => step.key.startsWith(`route ${name}`)).length;
    return before === 0 ? "" : ` (${before + 1})`;
  }
}

function membersState(node: LiveNode): NodeState["members"] {
  if (node.members.some((member) => member.state === "unknown")) return "unknown";
  if (allStarted(node)) return "started";
  return allStopped(node) ? "stopped" : "mixed";
}

/** Why the rollout has to turn round now; undefined when it goes on in the direction it has. */
export const turningBack = (desired: FixesDesired, live: Live, journal: Journal | null): string | undefined =>
  mayTurn(journal) ? askedBack(desired, live, journal) : undefined;

/** What is still due of the fixes, in the direction that the rollout has or is about to take. */
export function changeAhead(desired: FixesDesired, live: Live, journal: Journal | null): Change {
  const turns = journal && turningBack(desired, live, journal) !== undefined;
  return changeOf(desired, live.installer.installed, turns ? { ...journal, direction: "roll back" } : journal);
}

/**
 * The declared order; going back, a node that is out already comes first, since only one may be out. If there are several, by a
 * disaster, it is the one that the rollout took out.
 */
function orderOf(desired: FixesDesired, live: Live, journal: Journal | null): readonly string[] {
  const declared = live.nodes.map((node) => node.name);
  if (!journal) return declared;
  const served = routedNodes(desired, live);
  const down = live.nodes.filter((node) => !allStarted(node)).map(({ name }) => name);
  const treated = journal.order.find((node) => journal.nodes[node] !== "proven");
  const out =
    down.find((node) => node === treated) ?? down[0] ?? declared.find((node) => !served.has(node)) ?? journal.order[0];
  return [...declared].sort((a, b) => Number(b === out) - Number(a === out));
}
