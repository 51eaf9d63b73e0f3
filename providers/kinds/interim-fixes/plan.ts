import { formatProblem, type Problem } from "../../common/problem.js";
import type { Plan } from "../../lifecycle/kind.js";
import { bringBack, heldBack } from "./bring-back.js";
import { foundationRefusals } from "./foundations.js";
import { concernsMembers, declaredChange, extraFixes, type FixesDesired, isNothing } from "./goal.js";
import type { Journal, Kept } from "./journal.js";
import { progressSeen } from "./levels.js";
import { allStarted, type Live, memberName } from "./live.js";
import { lostRefusals, remaining, unserved } from "./lost.js";
import {
  beginRefusals,
  catchUpRefusals,
  halfWayRefusals,
  installerRefusals,
  otherVersion,
  standingRefusals,
  wentBackRefusal,
} from "./preflight.js";
import type { Change, RolloutStep } from "./steps.js";
import { judgedNodes } from "./touched.js";
import { askedBack, pastTurning } from "./turning.js";
import { dueUnderUsers, leavingUntouched, untouchedInWords } from "./untouched.js";
import { workflow } from "./workflow.js";

/** Below this a step's last duration is not worth a word. */
const WORTH_SAYING_MS = 1_000;

/**
 * All that is left to do, or nothing when the declared fixes are installed, no member is behind and no rollout is open. An open rollout is
 * finished, or taken back, whatever is declared meanwhile.
 */
export function plan(given: FixesDesired, observed: Live, kept: Kept): Plan<RolloutStep> {
  const { desired: declared, live: seen } = leavingUntouched(given, observed, kept.journal);
  const desired = remaining(declared);
  const live = { ...seen, nodes: judgedNodes(seen.nodes, kept) };
  const { installed, problems } = live.installer;
  const change = declaredChange(desired, installed);
  const notes = [
    ...notesOf(desired, live, kept.journal, change.install.length > 0),
    ...changeNotes(desired, live, change),
    ...(kept.journal ? notTakenBack(desired, live, kept.journal) : doubts(desired, live)),
    ...(kept.journal || isNothing(change) ? [] : runsAfterwards(desired, live)),
  ];
  const catchUp = isNothing(change) && isBehind(desired, live);
  // What is missing cannot be told while somebody's installer is at work: then nothing begins.
  if (!kept.journal && isNothing(change) && !catchUp) {
    return { steps: [], refusals: installed === null ? [...problems, ...installerRefusals(live)] : problems, notes };
  }
  const unread = otherVersion(kept.journal);
  if (unread) return { steps: [], refusals: [unread], notes };
  const lost = lostRefusals(declared, live, kept.journal);
  // Whatever else could be said of a beginning would be said of what is left.
  if (!kept.journal && lost.length > 0)
    return { steps: [], refusals: [...lost, ...wentBackRefusal(desired, live, kept, change)], notes };
  const refusals = [
    ...lost,
    ...foundationRefusals(declared, kept.journal),
    ...halfWayRefusals(live, kept.journal),
    ...standingRefusals(desired, live, kept),
    ...(kept.journal ? [] : catchUp ? catchUpRefusals(desired, live) : installRefusals(desired, live, kept, change)),
    ...(kept.journal ? [] : dueUnderUsers(given, observed)),
  ];
  const walked = refusals.length > 0 ? { steps: [], refusals } : workflow(declared, live, kept);
  const isStopped = live.control.request === "stop";
  const first = isStopped ? [] : bringBack(declared, live, kept, walked);
  if (first.length > 0) {
    const later = walked.refusals.map((refusal) => `refused after that: ${formatProblem(refusal)}`);
    return { steps: first.map((step) => withDuration(step, kept)), refusals: [], notes: [...notes, ...later] };
  }
  if (walked.refusals.length > 0) {
    const out = isStopped && kept.journal ? heldBack(declared, live, kept.journal) : [];
    return { steps: [], refusals: [...walked.refusals, ...out], notes };
  }
  const steps = walked.steps.map((step) => withDuration(step, kept));
  return { steps, refusals: [], notes: [...notes, ...outageNote(desired, live, steps)] };
}

/** Nobody serves while the only node that is left is treated: from when to when, and what takes long in between. */
function outageNote({ settings }: FixesDesired, { nodes }: Live, steps: readonly RolloutStep[]): string[] {
  const [node, ...others] = nodes;
  const stop = steps.find(({ impact }) => impact === "outage");
  const isDown = node !== undefined && others.length === 0 && !allStarted(node);
  if (settings.strategy !== "rolling" || (!stop && !isDown)) return [];
  const start = steps.find((step) => step.do === "start members");
  const installs = steps.some((step) => step.do === "installer" || step.do === "await installer");
  const from = stop ? `from "${stop.title}"` : "now, nor";
  const until = start ? `until "${start.title}"` : "until the update installer has ended and the members are started";
  const atMost = installs ? `: the update installer takes ${settings.limits.installer} at most (limits.installer)` : "";
  return [`nobody serves ${from} ${until}${atMost}`];
}

const installRefusals = (desired: FixesDesired, live: Live, kept: Kept, change: Change): Problem[] => [
  ...wentBackRefusal(desired, live, kept, change),
  ...beginRefusals(desired, live, change),
];

/** Somebody runs, or is about to get, other applications than the deployment manager has. */
const isBehind = (desired: FixesDesired, live: Live): boolean =>
  concernsMembers(desired, live) && live.nodes.some((node) => progressSeen(node) !== "proven");

/** Whoever asked for the way back learns why another one is taken. */
function notTakenBack(desired: FixesDesired, live: Live, journal: Journal): string[] {
  const isAsked = !journal.catchingUp && askedBack(desired, live, journal) !== undefined;
  const past = isAsked ? pastTurning(journal) : undefined;
  return past
    ? [`${past.found}. ${past.why}. Afterwards declare the fixes as they were before, if they are to be so`]
    : [];
}

/** Offline, nothing stays stopped as it was found: said before anybody lets it happen. */
function runsAfterwards({ settings }: FixesDesired, { nodes }: Live): string[] {
  const stopped = nodes.flatMap(({ name, agent, members }) => {
    const servers = members.filter(({ state }) => state === "stopped").map(({ server }) => server);
    const down = agent === "stopped" ? ["nodeagent", ...servers] : servers;
    return down.length > 0 ? [`${down.join(", ")} of ${name}`] : [];
  });
  if (settings.strategy !== "offline" || stopped.length === 0) return [];
  return [
    `offline ends with everything running, as HCL's procedure does, also what is stopped now: ${stopped.join("; ")}`,
  ];
}

/** What is not known of members is said, and nothing is done about it. */
function doubts(desired: FixesDesired, live: Live): string[] {
  if (!concernsMembers(desired, live)) return [];
  const members = new Map<string, string[]>();
  for (const node of live.nodes) {
    for (const member of node.members) {
      const { doubt } = member;
      if (doubt !== undefined) members.set(doubt, [...(members.get(doubt) ?? []), memberName(node, member)]);
    }
  }
  return [...members].map(
    ([doubt, names]) => `not known whether the fixes are in force in ${names.join(", ")}: ${doubt}`,
  );
}

function withDuration(step: RolloutStep, kept: Kept): RolloutStep {
  const last = kept.durations[step.key];
  if (last === undefined || last < WORTH_SAYING_MS) return step;
  return { ...step, title: `${step.title} (last time ${inWords(last)})` };
}

function inWords(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function notesOf(desired: FixesDesired, live: Live, journal: Journal | null, installs: boolean): string[] {
  const extra = extraFixes(desired, live.installer.installed ?? []);
  const { settings } = desired;
  const lost = Object.keys(settings.lost);
  const nobodyLeft = unserved(desired, live);
  const untouched = untouchedInWords(desired, live, journal);
  return [
    ...(extra.length > 0 ? [`installed and not declared, left alone: ${extra.join(", ")}`] : []),
    ...(lost.length > 0
      ? [`lost: ${lost.join(", ")}; remove it from the cell, for plug-in files that are generated later name it again`]
      : []),
    ...(nobodyLeft.length > 0
      ? [
          `nobody is left to serve ${nobodyLeft.join(", ")}: all members ran on lost nodes; the lists of plug-in files stay`,
        ]
      : []),
    ...(installs && untouched.length > 0
      ? [`untouched: ${untouched.join(", ")}; should the fix change an application there, the rollout freezes`]
      : []),
    ...(installs && settings.strategy === "rolling" && settings.shared.length === 0
      ? ["shared names no folder, so nobody compares the files that all nodes share before and after"]
      : []),
    ...(installs && settings.strategy === "rolling" && settings.order === "classic"
      ? ["order classic: applications restart on nodes while users are on them, so some requests fail"]
      : []),
    ...(installs && settings.strategy === "rolling"
      ? ["HCL does not support installing fixes while servers run (acceptUnsupported)"]
      : []),
  ];
}

/** What a person who lets it happen should know of the installer. */
function changeNotes({ settings }: FixesDesired, { installer }: Live, change: Change): string[] {
  const lost = change.uninstall.filter((id) => !installer.offered.includes(id));
  return [
    ...(isNothing(change)
      ? []
      : [
          `while the update installer runs, the administrator's password stands in the process list of ${settings.deploymentManager.connection.name}: it takes it as an argument only (-wasPassword)`,
        ]),
    ...(lost.length > 0
      ? [`${settings.fixDir} does not offer ${lost.join(", ")}: a way back could not install it again`]
      : []),
  ];
}

/** An open rollout that nobody remembers would leave agents stopped, routing held and users away from a node. */
export function keptFromDestroy({ journal }: Kept): Problem | undefined {
  if (!journal) return undefined;
  return {
    where: "interim fixes",
    found: `rollout ${journal.rollout} is unfinished`,
    why: "Forgetting it would leave agents stopped and users away from a node",
    next: journal.catchingUp
      ? "Run pulumi up to finish it; destroy then"
      : "Run pulumi up to finish it, or npm run rollout -- roll-back and then pulumi up; destroy then",
  };
}

/** Destroying the resource never uninstalls anything. */
export function release(): Plan<RolloutStep> {
  return { steps: [], refusals: [], notes: ["fixes stay installed: destroying this resource never uninstalls"] };
}
