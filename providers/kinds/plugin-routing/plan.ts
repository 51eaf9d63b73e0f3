import type { Problem } from "../../common/problem.js";
import type { ClusterRouting } from "../../formats/routing.js";
import type { Plan } from "../../lifecycle/kind.js";
import { otherTarget } from "../../lifecycle/same-target.js";
import { startCommand } from "../../targets/plugin/control.js";
import { refreshProblem } from "../../targets/plugin/refresh.js";
import { AS_GENERATED } from "../../targets/plugin/schema.js";
import { pidFileOf } from "../../targets/plugin/web-server.js";
import { framed } from "./frame.js";
import {
  activeFile,
  type Goal,
  goalOf,
  isAtItsPlace,
  isLoaded,
  isProven,
  isRight,
  type RoutingDesired,
  webServerOf,
  whyOnlyReachable,
} from "./goal.js";
import {
  changeToGenerated,
  changeToLists,
  differing,
  type GeneratedChange,
  generatedLists,
  generatedState,
  strandedEdit,
} from "./in-place.js";
import type { Kept, Live, LiveFile } from "./live.js";
import { sharedGenerated, sharedProblems } from "./neighbours.js";
import { damageOf, UNREADABLE } from "./read-file.js";
import type { Settings } from "./schema.js";
import type { CopyRecipe, RoutingStep } from "./steps.js";

/**
 * The one plan: the generated file as it was generated, a copy of it with other primaries, and the directive that names one of
 * the two; or, in place, other primaries in the generated file itself.
 */
export function plan(desired: RoutingDesired, live: Live, kept: Kept): Plan<RoutingStep> {
  const { aspects, settings } = desired;
  const host = settings.connection.name;
  const goal = goalOf(desired, live, kept);
  const generated = goal.inPlace ? changeToLists(live, kept, goal.routing) : changeToGenerated(live, kept, host);
  const notes = [
    ...(live.webServer.running === "no" ? [notRunningNote(settings)] : []),
    ...(settings.verify.testUser && !settings.verify.connectTo.tls ? [PASSWORD_IN_CLEAR] : []),
  ];
  const refusals = [...planRefusals(desired, live, kept, goal), ...(isProblem(generated) ? [generated] : [])];
  if (refusals.length > 0 || isProblem(generated)) return { steps: [], refusals, notes };

  const active = activeFile(live);
  const right = isAtItsPlace(goal, live, kept, desired) && isRight(active, goal, live);
  const path = right && active ? active.path : goal.path;
  const target = live.files[path];
  if (!right && target?.sha256 === UNREADABLE) return { steps: [], refusals: target.problems, notes };
  const changes = right ? [] : changesTo(path, desired, live, goal, generated);
  const others = settings.switchRouting === "in-place" ? [foundCopies(live, kept), putAway(live, kept, path)] : [];
  const tidying = [
    ...(generated && path !== settings.pluginFile ? [generatedStep(desired, live, generated, false)] : []),
    ...others.flatMap(({ steps }) => steps),
  ];
  notes.push(...others.flatMap((other) => other.notes));
  if (changes.length === 0 && isProven(live, kept)) {
    const forgotten = kept.inPlace && !goal.inPlace && !generated ? [forgetting(kept.inPlace.path)] : [];
    return { steps: [...tidying, ...forgotten], refusals: [], notes };
  }

  const reloads =
    settings.switchRouting === "directive" ||
    !isLoaded(live, kept) ||
    changes.some(({ key }) => key === "point-directive");
  const tooLong = reloads ? undefined : refreshRefusal(desired, live);
  if (tooLong) return { steps: [], refusals: [tooLong], notes };
  const whole = framed(desired, changes, {
    clusters: goal.probed,
    reachableOnly: goal.reachableOnly,
    before: knownTo(active, goal.probed),
    damage: damageOf(active),
    to: aspects.primaryNode,
    path,
    lists: goal.routing,
    asGenerated: !goal.inPlace && !(generated && path !== settings.pluginFile),
    by: reloads ? "reload" : intervalOf(live, kept),
  });
  return {
    steps: [...whole, ...tidying],
    refusals: notRunning(desired, live),
    notes: [...notes, ...goal.notes, ...notInForce(live)],
  };
}

/** What does not depend on which steps are due. */
function planRefusals(desired: RoutingDesired, live: Live, kept: Kept, goal: Goal): Problem[] {
  const { aspects, settings } = desired;
  const ownCopy = aspects.primaryNode === AS_GENERATED || goal.inPlace ? undefined : goal.path;
  const refresh = goal.inPlace ? refreshRefusal(desired, live) : undefined;
  return [
    ...otherTarget(targetOf(desired)),
    ...live.directiveProblems,
    ...(live.neighbourProblems ?? []),
    ...strandedEdit(kept, settings.connection.name, settings.pluginFile),
    ...sharedProblems(live.neighbours, settings.connection.name, ownCopy, live.directive?.file),
    ...sharedGenerated(live.neighbours, settings, goal.inPlace),
    ...goal.refusals,
    ...(refresh && goal.refusals.length === 0 ? [refresh] : []),
  ];
}

const refreshRefusal = ({ settings }: RoutingDesired, { generated }: Live): Problem | undefined =>
  refreshProblem(`${settings.connection.name}:${generated.path}`, generated.refreshInterval, settings.refreshLimit);

/** Processes that have not looked at the file since an earlier edit go by the interval that it had then. */
const intervalOf = ({ generated }: Live, { inPlace }: Kept): { readonly intervalSeconds: number } => ({
  intervalSeconds: Math.max(generated.refreshInterval, inPlace?.refreshInterval ?? 0),
});

/** Until the file at `path` is as declared and the directive names it. */
function changesTo(
  path: string,
  desired: RoutingDesired,
  live: Live,
  goal: Goal,
  generated: GeneratedChange | undefined,
): RoutingStep[] {
  const { aspects, settings } = desired;
  const steps: RoutingStep[] = [];
  const followed = activeFile(live)?.path === path;
  if (path === settings.pluginFile) {
    if (generated) steps.push(generatedStep(desired, live, generated, followed));
  } else if (aspects.primaryNode !== AS_GENERATED && !isRight(live.files[path], goal, live)) {
    const copy = {
      path,
      expected: live.files[path]?.sha256 ?? "absent",
      sourcePath: live.generated.path,
      sourceSha256: live.generated.sha256,
      wanted: { ...goal.wanted, ...differing(live.generated.routing, goal.routing) },
    };
    // A copy that is in force is picked up by the plug-in itself, within its RefreshInterval.
    const impact = followed ? "degraded capacity" : "none";
    steps.push({ key: "write-copy", title: writeTitle(desired, copy), impact, copy });
  }
  if (!followed) {
    const title = `point WebSpherePluginConfig in ${live.directive?.file}:${live.directive?.line} at ${path}`;
    steps.push({ key: "point-directive", title, impact: "none", value: path });
  }
  return steps;
}

function generatedStep(
  { aspects }: RoutingDesired,
  live: Live,
  change: GeneratedChange,
  followed: boolean,
): RoutingStep {
  const { path } = live.generated;
  const impact = followed ? "degraded capacity" : "none";
  if (change.to === "as generated") {
    const { expected, sha256 } = change;
    const title = `put back ${path} as it was generated`;
    return { key: `restore ${path}`, title, impact, path, expected, sha256, followed };
  }
  const { expected, lists, inPlace } = change;
  return {
    key: "edit-in-place",
    title: `edit ${path} in place: ${aspects.primaryNode}'s members as primaries of ${Object.keys(lists).join(", ")}; a propagation overwrites it`,
    impact,
    edit: { path, expected, lists, inPlace },
    followed,
  };
}

/** So that nobody who shares the file, and no later change of pluginFile, is held up by an edit that is not there. */
const forgetting = (path: string): RoutingStep => ({
  key: "forget-edit",
  title: `forget that ${path} was edited in place: it is as generated`,
  impact: "none",
});

/** Our copies that nothing names: gone, or with what was found under their names. Those that somebody else changed stay. */
function putAway(live: Live, kept: Kept, inUse: string | undefined): { steps: RoutingStep[]; notes: string[] } {
  const steps: RoutingStep[] = [];
  const notes: string[] = [];
  for (const [path, versions] of Object.entries(kept.written)) {
    const now = live.files[path]?.sha256 ?? "absent";
    const generated = versions.some(({ routing }) => routing);
    if (generated || path in kept.found.files || now === "absent") continue;
    if (!versions.some((version) => version.sha256 === now)) {
      notes.push(`${path} stays: somebody changed it since we wrote it`);
    } else if (live.neighbours.some((neighbour) => neighbour.files.includes(path))) {
      notes.push(`${path} stays: another web server on this host uses it`);
    } else if (path === inUse) {
      notes.push(`${path} stays: the directive named it when it was adopted`);
    } else {
      steps.push({ key: `remove ${path}`, title: `remove our copy ${path}`, impact: "none", path, expected: now });
    }
  }
  return { steps, notes };
}

/** Puts back what was found at adoption, and removes the copies that we made. */
export function release(desired: RoutingDesired, live: Live, kept: Kept): Plan<RoutingStep> {
  const { settings } = desired;
  const found = kept.found.directive;
  const generated = changeToGenerated(live, kept, settings.connection.name);
  const refusals = [
    ...otherTarget(targetOf(desired)),
    ...live.directiveProblems,
    ...(live.neighbourProblems ?? []),
    ...strandedEdit(kept, settings.connection.name, settings.pluginFile),
    ...(isProblem(generated) ? [generated] : []),
  ];
  if (!found) refusals.push(nothingRecorded(desired));
  if (refusals.length > 0 || !found || isProblem(generated)) return { steps: [], refusals, notes: [] };

  const restored = foundCopies(live, kept);
  const notes = [...restored.notes, ...generatedNotes(live, kept)];
  const steps = [...restored.steps];
  const moves = live.directive?.value !== found.value;
  const follows = activeFile(live) === live.generated && !moves;
  if (generated) steps.push(generatedStep(desired, live, generated, follows));
  if (moves) {
    const title = `point WebSpherePluginConfig in ${live.directive?.file}:${live.directive?.line} at ${found.value} again`;
    steps.push({ key: "point-directive", title, impact: "none", value: found.value, restoresFound: true });
  }
  const removals = putAway(live, kept, found.path);
  notes.push(...removals.notes);
  const touched = steps.length > 0 || kept.proven === null;
  if (!touched) return { steps: removals.steps, refusals: [], notes };

  const clusters = Object.keys(settings.verify.clusters);
  const target = found.path === live.generated.path ? live.generated : live.files[found.path];
  const reachableOnly = clusters.filter(
    (name) => !(name in (target?.routing ?? {})) || whyOnlyReachable(name, settings, live) !== undefined,
  );
  const waits =
    settings.switchRouting === "in-place" && !moves && isLoaded(live, kept) && !refreshRefusal(desired, live);
  const by = waits ? intervalOf(live, kept) : "reload";
  const to = AS_GENERATED;
  const lists = listsAfter(found.path, restored.steps, live, kept);
  const path = found.path;
  const damage = damageOf(activeFile(live));
  const frame = { clusters, reachableOnly, before: clusters, damage, to, path, lists, asGenerated: true, by } as const;
  return {
    steps: [...framed(desired, steps, frame), ...removals.steps],
    refusals: notRunning(desired, live),
    notes,
  };
}

/** What a file says of routing once these are put back; of a copy from the backups that is not known here. */
function listsAfter(
  path: string,
  restored: readonly RoutingStep[],
  live: Live,
  kept: Kept,
): Readonly<Record<string, ClusterRouting>> {
  if (path === live.generated.path) return generatedLists(live, kept);
  return restored.some((step) => "path" in step && step.path === path) ? {} : (live.files[path]?.routing ?? {});
}

/** Copies that were there at adoption, under names that we wrote to since. */
function foundCopies(live: Live, kept: Kept): { steps: RoutingStep[]; notes: string[] } {
  const steps: RoutingStep[] = [];
  const notes: string[] = [];
  for (const [path, sha256] of Object.entries(kept.found.files)) {
    const expected = live.files[path]?.sha256 ?? "absent";
    if (expected === sha256 || !(path in kept.written)) continue;
    const other = live.neighbours.find((neighbour) => neighbour.files.includes(path));
    if (other) {
      notes.push(`${path} stays as it is: ${other.httpdConf}, managed by ${other.owner}, uses it`);
      continue;
    }
    const title = `put back ${path} as it was found`;
    const followed = activeFile(live)?.path === path;
    steps.push({ key: `restore ${path}`, title, impact: "none", path, expected, sha256, followed });
  }
  return { steps, notes };
}

/** A file that was generated again since it was edited has nothing of ours left to take out. */
const generatedNotes = (live: Live, kept: Kept): string[] =>
  kept.inPlace &&
  generatedState(live, kept) === "as generated" &&
  live.generated.sha256 !== kept.inPlace.generated.sha256
    ? [`${live.generated.path} stays as it is: it was generated again since it was edited in place`]
    : [];

const isProblem = (value: GeneratedChange | Problem | undefined): value is Problem =>
  value !== undefined && "found" in value;

const PASSWORD_IN_CLEAR =
  "verify.testUser logs in without TLS: its password goes over the network in clear; set tls in connectTo";

const notInForce = ({ directive }: Live): string[] =>
  directive && directive.alsoFound.length > 0
    ? [`left as they are, since not in force: WebSpherePluginConfig in ${directive.alsoFound.join("; ")}`]
    : [];

/** A cluster that is new in the generated file cannot answer yet. A file in place that cannot be read tells nothing. */
const knownTo = (active: LiveFile | undefined, clusters: readonly string[]): readonly string[] =>
  active && active.problems.length === 0 && active.sha256 !== "absent"
    ? clusters.filter((name) => name in active.routing)
    : clusters;

const writeTitle = ({ aspects }: RoutingDesired, copy: CopyRecipe): string =>
  `${copy.expected === "absent" ? "write" : "rewrite"} ${copy.path}: the generated file with ${aspects.primaryNode}'s members as primaries`;

const targetOf = ({ identity, settings: { connection } }: RoutingDesired) => ({
  where: `${identity.host}:${identity.httpdConf}`,
  identity: identity.host,
  connection,
});

const notRunningNote = ({ webServer }: Settings): string => `${webServer} is not running`;

function notRunning(desired: RoutingDesired, live: Live): Problem[] {
  const { identity, settings } = desired;
  if (live.webServer.running !== "no") return [];
  return [
    {
      where: `${identity.host}:${pidFileOf(settings)}`,
      found: `no process of ${settings.webServer} is running`,
      why: "A web server that somebody stopped is not started behind their back, and nothing can be proved without it",
      next: `Start it, or correct control.pidFile: ${startCommand(webServerOf(desired), settings).join(" ")}`,
    },
  ];
}

const nothingRecorded = ({ identity }: RoutingDesired): Problem => ({
  where: `${identity.host}:${identity.httpdConf}`,
  found: "no directive was recorded at adoption",
  why: "What was there before is not known, so it cannot be put back",
  next: "Set onDestroy: retain",
});
