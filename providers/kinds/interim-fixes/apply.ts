import { type Cause, ProblemError, problemsOf } from "../../common/problem.js";
import type { ApplyContext, UndoContext } from "../../lifecycle/kind.js";
import { operator } from "../../lifecycle/lock.js";
import type { PluginMode } from "../../targets/wsadmin/cell.js";
import { pluginSettingsOf } from "./cell-web-servers.js";
import { forgetAll, settleCommands } from "./commands.js";
import { drain } from "./drain.js";
import type { Estate } from "./estate.js";
import { foundationsOf } from "./foundations.js";
import { compareFiles, settleFiles } from "./generate.js";
import { type FixesDesired, wantedKey } from "./goal.js";
import { LeftHalfWay, StillAtWork, takeWord } from "./half-way.js";
import { giveFree, noteStep, takeHold } from "./hold-steps.js";
import {
  acceptChanges,
  awaitInstaller,
  judgeBeforeTurning,
  requireFixesAsMeant,
  runInstaller,
} from "./installer-steps.js";
import { JOURNAL_VERSION, type Journal, type Kept } from "./journal.js";
import type { Live } from "./live.js";
import {
  clearTemp,
  probeMembers,
  startAgent,
  startMembers,
  stopAgent,
  stopMembers,
  synchronize,
} from "./node-steps.js";
import { AlteredFiles, takeFiles } from "./plugin-files.js";
import { LostRoutes, regenerate } from "./regenerate.js";
import { automaticOff, automaticOn, checkFirst, finalCheck, proveRoute, route } from "./routing-steps.js";
import type { RolloutStep } from "./steps.js";
import { chooseSwitching } from "./switching.js";
import { filesTouched } from "./touched.js";
import { mayTurn } from "./turning.js";
import { aloneIn } from "./untouched.js";
import { requireAgentsDown, watchOver } from "./watch.js";

export type FixesContext = ApplyContext<FixesDesired, Live, Kept>;

/** What a step's work has at hand. */
export interface Work {
  readonly estate: Estate;
  readonly context: FixesContext;
  readonly desired: FixesDesired;
  readonly journal: Journal;
  /** Asked by every wait. @throws ProblemError when the rollout must not go on: an agent came back */
  readonly watch: () => Promise<void>;
}

/** Outcomes that say nothing about what happened: looked at again, not answered by going back. */
export const SAYS_NOTHING: readonly Cause[] = [
  "unknown-outcome",
  "unreachable",
  "timeout",
  "interrupted",
  "locked",
  "changed-meanwhile",
];

/** One step, timed and remembered. A failure may turn the rollout round, if that was declared. */
export async function apply(step: RolloutStep, context: FixesContext, estate: Estate): Promise<Partial<Kept>> {
  const started = estate.now();
  try {
    await obey(step, context, estate);
    const patch = await act(step, context, estate);
    const durations = step.do === "begin" ? {} : context.kept.durations;
    return { ...patch, durations: { ...durations, [step.key]: estate.now() - started } };
  } catch (error) {
    if (error instanceof LeftHalfWay) await askAgain(estate);
    throw await turnedRound(error, context, estate);
  }
}

/** Whoever asked to go on, or back, did not know yet what is told now. */
async function askAgain({ control }: Estate): Promise<void> {
  const { request } = await control.read();
  if (request === "resume" || request === "roll back") await control.heard(request);
}

/** What an operator asked for since the last step. */
async function obey(step: RolloutStep, context: FixesContext, estate: Estate): Promise<void> {
  const { request, reason, here } = await estate.control.read();
  if (request === "stop") {
    throw new ProblemError("interrupted", {
      where: "npm run rollout",
      found: `stopped on request before "${step.title}": ${reason}`,
      next: "npm run rollout -- resume and pulumi up, or npm run rollout -- roll-back and pulumi up",
    });
  }
  if (request === "resume" && here && context.kept.journal) await estate.control.heard("resume");
  const forward = mayTurn(context.kept.journal) && !step.bringsBack;
  if (request === "roll back" && forward && step.do !== "turn back" && step.do !== "take up") throw lookAgain(reason);
}

/** The loop observes and plans again at this; the request on the target makes it the way back. */
const lookAgain = (reason: string): ProblemError =>
  new ProblemError("unknown-outcome", { where: "rollout", found: `it goes back: ${reason}` });

const isForPerson = (error: unknown) => error instanceof LeftHalfWay || error instanceof StillAtWork;

async function turnedRound(error: unknown, context: FixesContext, estate: Estate): Promise<unknown> {
  const { journal } = context.kept;
  const { onFailure } = context.desired.settings;
  const says = error instanceof ProblemError && !SAYS_NOTHING.includes(error.cause);
  const canTurn = mayTurn(journal) && !isForPerson(error);
  if (!says || onFailure !== "roll back" || !canTurn || context.signal.aborted) return error;
  const reason = problemsOf(error, "rollout")
    .map((problem) => `${problem.where}: ${problem.found}`)
    .join("; ");
  await estate.control.request("roll back", reason);
  return lookAgain(reason);
}

async function act(step: RolloutStep, context: FixesContext, estate: Estate): Promise<Partial<Kept>> {
  if (step.do === "begin") return begin(step, context, estate);
  const { journal } = context.kept;
  if (!journal) throw new RangeError(`${step.key} without a rollout`);
  if (step.do === "end") return end(journal, context, estate);
  const reached = { estate, context, desired: context.desired, journal };
  if (step.bringsBack) return { journal: { ...journal, ...(await actAtBest(step, reached)) } };
  await requireAgentsDown(step, reached);
  const work: Work = { ...reached, watch: watchOver(step, reached) };
  await noteStep(step.title, work);
  return { journal: { ...journal, ...(await actOn(step, work)) } };
}

/** What helps a node that is brought back, and does not keep it from serving. */
const HELPFUL: readonly RolloutStep["do"][] = ["stop agent", "synchronize", "clear temp"];

/** Without a look at other hosts, one of which is likely to be dead: each would be waited for. */
async function actAtBest(step: RolloutStep, reached: Omit<Work, "watch">): Promise<Partial<Journal>> {
  try {
    return await actOn(step, { ...reached, watch: async () => {} });
  } catch (error) {
    const { context } = reached;
    if (!HELPFUL.includes(step.do) || !(error instanceof ProblemError) || context.signal.aborted) throw error;
    context.progress(`it is brought back all the same, as it is: ${error.message}`);
    return {};
  }
}

/** What a step adds to the journal. */
async function actOn(step: RolloutStep, work: Work): Promise<Partial<Journal>> {
  const { estate, context, journal } = work;
  switch (step.do) {
    case "take up": {
      await settleCommands(work);
      await settleFiles(work);
      const seenTo = await takeWord(work);
      const { request } = await estate.control.read();
      await estate.control.claim(journal.rollout);
      const isMeant = request === "resume";
      const lacking = journal.lacking && isMeant ? { lacking: { ...journal.lacking, isMeant } } : {};
      return {
        ...seenTo,
        ...takeFiles({ ...journal, ...seenTo }, isMeant),
        ...lacking,
        version: JOURNAL_VERSION,
        frozen: false,
        takenUpAt: new Date(estate.now()).toISOString(),
      };
    }
    case "give up":
      context.progress(`${step.name} is given up: ${step.because}`);
      return {
        lost: { ...journal.lost, [step.name]: step.because },
        order: journal.order.filter((name) => name !== step.name),
      };
    case "turn back": {
      await settleCommands(work);
      await settleFiles(work);
      const seenTo = await takeWord(work);
      if (!journal.halfWay) await judgeBeforeTurning(work);
      await estate.control.claim(journal.rollout);
      return {
        ...seenTo,
        ...takeFiles({ ...journal, ...seenTo }, false),
        version: JOURNAL_VERSION,
        lacking: null,
        direction: "roll back",
        reason: step.reason,
        frozen: false,
        order: [...step.order],
        accepted: false,
        changed: [],
        nodes: {},
        drained: null,
        regenerated: false,
        stamped: !journal.stamped,
        routed: null,
      };
    }
    case "hold":
      return takeHold(step.webServer, step.title, work);
    case "release":
      return giveFree(step.webServer, work);
    case "check first":
      await checkFirst(work);
      return { checked: true };
    case "back up":
      await estate.backUp(journal.rollout, context.progress);
      return { backedUp: true };
    case "automatic off":
      return automaticOff(work);
    case "compare files":
      return compareFiles(work);
    case "automatic on":
      return automaticOn(work);
    case "stop agent":
      return stopAgent(step.node, work);
    case "start agent":
      return startAgent(step.node, work);
    case "note rerouted":
      // Before a file is put right again: whichever process comes that far proves it, and lets users of the node finish, anew.
      return { routed: null, drained: null };
    case "note back":
      await settleCommands(work, [step.node]);
      return { routed: null, drained: null, outage: null };
    case "note behind": {
      const { nodes, applications } = step.standing;
      const changed = [...new Set([...journal.changed, ...applications])];
      return { nodes: { ...nodes }, changed, routed: null, drained: null, regenerated: false };
    }
    case "route":
      return route(step, work);
    case "prove route":
      return proveRoute(step, work);
    case "drain":
      return drain(step.node, work);
    case "note installer":
      // What is proved before the installer says nothing about the time after it, whichever process comes that far.
      return { touched: true, accepted: false, changed: [], nodes: {}, regenerated: false, routed: null };
    case "await installer":
      return awaitInstaller(work);
    case "installer":
      return runInstaller(step, work);
    case "accept changes":
      return acceptChanges(work);
    case "synchronize":
      return synchronize(step.node, work);
    case "stop members":
      return stopMembers(step.node, step.users, work);
    case "clear temp":
      return clearTemp(step.node, work);
    case "start members":
      return startMembers(step.node, work);
    case "probe members":
      return probeMembers(step.node, work);
    case "look again":
      throw new ProblemError("unknown-outcome", {
        where: step.node,
        found: "it serves again; what is left is looked at now",
      });
    case "end run":
      throw new ProblemError("interrupted", {
        where: step.node,
        found: "it serves again, and no other node does: the run ends here",
        why: "What is left takes it out of service once more, and nobody serves meanwhile",
        next: "See the plan (pulumi preview), and run up when that may be; or npm run rollout -- roll-back before: without an outage, as long as the update installer has not begun",
      });
    case "regenerate":
      return regenerate(work);
    case "stamp":
      await estate.stamp();
      for (const node of journal.order) await synchronize(node, work);
      return { stamped: true };
    case "final check":
      await requireFixesAsMeant(work);
      return finalCheck(work);
    default:
      throw new RangeError(`no such step: ${step.key}`);
  }
}

/** Everything is looked at once more, so that what is remembered is what was there a moment before the first change. */
async function begin(
  { order, catchUp }: Extract<RolloutStep, { do: "begin" }>,
  context: FixesContext,
  estate: Estate,
): Promise<Partial<Kept>> {
  const { live, desired } = context;
  const { installed } = live.installer;
  if (installed === null) throw new RangeError("begin while it is not known what is installed");
  const { topology, settings } = await estate.cell.observe();
  const rollout = new Date(estate.now()).toISOString().replace(/[-:]|\.\d+/g, "");
  await estate.control.claim(rollout);
  const automatic = desired.settings.webServers.flatMap(({ name }) => {
    const found = pluginSettingsOf(name, desired.settings, settings.plugin);
    if (!found || ![found.generation, found.propagation].includes("automatic")) return [];
    const modes = { ...known("generation", found.generation), ...known("propagation", found.propagation) };
    return [[name, modes] as const];
  });
  const journal: Journal = {
    version: JOURNAL_VERSION,
    rollout,
    startedAt: new Date(estate.now()).toISOString(),
    wanted: wantedKey(desired),
    foundations: {
      ...foundationsOf(desired),
      alone: aloneIn(desired.settings, live.clusters),
      clusters: Object.keys(live.clusters).sort(),
    },
    catchingUp: catchUp !== undefined,
    direction: "forward",
    reason: "",
    order: [...order],
    found: {
      installed: [...installed],
      agentsStopped: live.nodes.filter(({ agent }) => agent === "stopped").map(({ name }) => name),
      agentServices: Object.fromEntries(live.nodes.map(({ name, agentService = null }) => [name, agentService])),
      automatic: Object.fromEntries(automatic),
      routing: {},
      asGenerated: {},
      followed: {},
      applications: await estate.fingerprints(topology.applications.map(({ name }) => name)),
      shared: await estate.rememberShared(desired.settings.shared),
      ...(catchUp && { touched: filesTouched(live.nodes, context.kept) }),
    },
    switching: chooseSwitching(desired, live),
    checked: false,
    backedUp: false,
    touched: false,
    accepted: catchUp !== undefined,
    changed: [...(catchUp?.applications ?? [])],
    drained: null,
    routed: null,
    proved: null,
    nodes: { ...catchUp?.nodes },
    regenerated: false,
    stamped: false,
    finallyChecked: false,
  };
  return { journal, wentBack: null };
}

/** What could not be read cannot be put back. */
const known = <K extends string>(setting: K, mode: PluginMode): Partial<Record<K, "automatic" | "manual">> =>
  mode === "unknown" ? {} : ({ [setting]: mode } as Partial<Record<K, "automatic" | "manual">>);

async function end(journal: Journal, context: FixesContext, estate: Estate): Promise<Partial<Kept>> {
  await forgetAll(journal.rollout, context, estate);
  await estate.control.clear();
  const back = journal.direction === "roll back";
  const at = new Date(estate.now()).toISOString();
  const { rollout, lost, seen } = journal;
  return {
    ...(seen ? { seen } : {}),
    ...(lost ? { gaveUp: { at, by: operator(), rollout, lost } } : {}),
    journal: null,
    wentBack: back ? { at, reason: journal.reason, wanted: journal.wanted } : null,
  };
}

/**
 * A rollout that failed stays where it is: what serves goes on serving, and where it stands is said. A step that said why it
 * failed froze it, which is no interruption; after a line that was cut, `onInterrupted` decides. A stop on request has said
 * itself what comes next.
 */
export async function undo(
  context: UndoContext<RolloutStep, FixesDesired, Live, Kept>,
): Promise<Partial<Kept> | undefined> {
  const { journal } = context.kept;
  if (!journal) return;
  const cause = context.error instanceof ProblemError ? context.error.cause : "unknown-outcome";
  const frozen = !SAYS_NOTHING.includes(cause);
  const stage = journal.order.map((node) => `${node} ${journal.nodes[node] ?? "not begun"}`).join(", ");
  context.tell(`rollout ${journal.rollout} is frozen at "${context.failed.title}": ${stage}. Its routing stays held`);
  const halfWay = context.error instanceof LeftHalfWay ? context.error.halfWay : undefined;
  if (cause !== "interrupted" && !halfWay) context.tell(whatNext(context.desired, journal, frozen));
  const altered = context.error instanceof AlteredFiles ? { altered: context.error.altered } : {};
  const lacking = context.error instanceof LostRoutes ? { lacking: { told: context.error.told, isMeant: false } } : {};
  return frozen
    ? { journal: { ...journal, frozen, ...(halfWay ? { halfWay } : {}), ...altered, ...lacking } }
    : undefined;
}

function whatNext(
  { settings }: FixesDesired,
  { direction, finallyChecked, catchingUp }: Journal,
  frozen: boolean,
): string {
  if (catchingUp) return "to go on: correct the cause and run pulumi up. It installs nothing, so there is no way back";
  if (direction === "roll back") return "to go on with the way back: correct the cause and run pulumi up";
  if (settings.onInterrupted === "roll back" && !frozen && !finallyChecked) {
    return "the next pulumi up goes back (onInterrupted: roll back). To go on: npm run rollout -- resume, then pulumi up";
  }
  return "to go on: correct the cause and run pulumi up. To go back: npm run rollout -- roll-back, then pulumi up";
}
