import type { Problem } from "../../common/problem.js";
import type { Plan } from "../../lifecycle/kind.js";
import { otherTarget } from "../../lifecycle/same-target.js";
import { startCommand } from "../../targets/plugin/control.js";
import { refreshProblem } from "../../targets/plugin/refresh.js";
import { AS_GENERATED } from "../../targets/plugin/schema.js";
import { pidFileOf } from "../../targets/plugin/web-server.js";
import { foundCopies, putAway } from "./copies.js";
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
} from "./goal.js";
import { changeToGenerated, changeToLists, differing, type GeneratedChange, strandedEdit } from "./in-place.js";
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

export const refreshRefusal = ({ settings }: RoutingDesired, { generated }: Live): Problem | undefined =>
  refreshProblem(`${settings.connection.name}:${generated.path}`, generated.refreshInterval, settings.refreshLimit);

/** Processes that have not looked at the file since an earlier edit go by the interval that it had then. */
export const intervalOf = ({ generated }: Live, { inPlace }: Kept): { readonly intervalSeconds: number } => ({
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

export function generatedStep(
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

export const isProblem = (value: GeneratedChange | Problem | undefined): value is Problem =>
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

export const targetOf = ({ identity, settings: { connection } }: RoutingDesired) => ({
  where: `${identity.host}:${identity.httpdConf}`,
  identity: identity.host,
  connection,
});

const notRunningNote = ({ webServer }: Settings): string => `${webServer} is not running`;

export function notRunning(desired: RoutingDesired, live: Live): Problem[] {
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
