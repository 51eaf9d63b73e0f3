import type { Problem } from "../../common/problem.js";
import type { ClusterRouting } from "../../formats/routing.js";
import type { Plan, Step } from "../../lifecycle/kind.js";
import { startCommand } from "../../targets/plugin/control.js";
import { AS_GENERATED } from "../../targets/plugin/schema.js";
import type { ProofLevel } from "../../targets/plugin/verify.js";
import { pidFileOf } from "../../targets/plugin/web-server.js";
import {
  activeFile,
  goalOf,
  isAtItsPlace,
  isProven,
  isRight,
  type RoutingDesired,
  webServerOf,
  whyOnlyReachable,
} from "./goal.js";
import { fileName, type Kept, type Live, type LiveFile, UNREADABLE } from "./live.js";
import { sharedProblems } from "./neighbours.js";
import type { Settings } from "./schema.js";

/** A copy of the generated file with other primaries. */
export interface CopyRecipe {
  readonly path: string;
  /** What is there now. */
  readonly expected: string | "absent";
  readonly sourcePath: string;
  readonly sourceSha256: string;
  readonly wanted: Readonly<Record<string, ClusterRouting>>;
}

export type RoutingStep = Step &
  (
    | {
        readonly key: "check-first";
        readonly clusters: readonly string[];
        readonly level: ProofLevel;
        /** The file that the directive is to name. */
        readonly path: string;
        /** Paths that this plan replaces or creates, with what is there now. */
        readonly touches: Readonly<Record<string, string | "absent">>;
        readonly copy?: CopyRecipe;
      }
    | { readonly key: "write-copy"; readonly copy: CopyRecipe }
    | { readonly key: `restore ${string}`; readonly path: string; readonly expected: string; readonly sha256: string }
    | {
        readonly key: "point-directive";
        /** As it is to stand in the file. */
        readonly value: string;
        /** The whole file as it was at adoption, if nothing else changed in it since. */
        readonly restoresFound?: true;
      }
    | { readonly key: "reload" }
    | {
        readonly key: "prove";
        readonly path: string;
        readonly clusters: readonly string[];
        /** Of these it can only be proved that they answer. */
        readonly reachableOnly: readonly string[];
      }
    | { readonly key: `remove ${string}`; readonly path: string; readonly expected: string }
  );

/** The one plan: the generated file, a copy of it with other primaries, and the directive that names one of the two. */
export function plan(desired: RoutingDesired, live: Live, kept: Kept): Plan<RoutingStep> {
  const { aspects, settings } = desired;
  const goal = goalOf(desired, live);
  const copyOfOurs = aspects.primaryNode === AS_GENERATED ? undefined : goal.path;
  const shared = sharedProblems(live.neighbours, settings.connection.name, copyOfOurs, live.directive?.file);
  const refusals = [...hostMismatch(desired), ...live.directiveProblems, ...shared, ...goal.refusals];
  const active = activeFile(live);
  const notes = [
    ...(live.webServer.running === "no" ? [notRunningNote(settings)] : []),
    ...(settings.verify.testUser && !settings.verify.connectTo.tls ? [PASSWORD_IN_CLEAR] : []),
  ];
  if (refusals.length > 0) return { steps: [], refusals, notes };

  const steps: RoutingStep[] = [];
  const inPlace = isAtItsPlace(goal, live, kept, desired) && isRight(active, goal, live);
  let path = active?.path ?? goal.path;
  let copy: CopyRecipe | undefined;
  if (!inPlace) {
    path = goal.path;
    const target = live.files[goal.path];
    if (target?.sha256 === UNREADABLE) return { steps: [], refusals: target.problems, notes };
    if (aspects.primaryNode !== AS_GENERATED && !isRight(target, goal, live)) {
      copy = {
        path,
        expected: target?.sha256 ?? "absent",
        sourcePath: live.generated.path,
        sourceSha256: live.generated.sha256,
        wanted: goal.wanted,
      };
      // A copy that is in force is picked up by the plug-in itself, within its RefreshInterval.
      const impact = active?.path === path ? "degraded capacity" : "none";
      steps.push({ key: "write-copy", title: writeTitle(desired, copy), impact, copy });
    }
    if (active?.path !== path) {
      const title = `point WebSpherePluginConfig in ${live.directive?.file}:${live.directive?.line} at ${path}`;
      steps.push({ key: "point-directive", title, impact: "none", value: path });
    }
  }
  if (steps.length === 0 && isProven(live, kept)) return { steps, refusals: [], notes };

  const whole = framed(desired, steps, {
    clusters: goal.probed,
    reachableOnly: goal.reachableOnly,
    before: knownTo(active, goal.probed),
    to: aspects.primaryNode,
    path,
    touches: copy ? { [copy.path]: copy.expected } : {},
    ...(copy ? { copy } : {}),
  });
  return { steps: whole, refusals: notRunning(desired, live), notes: [...notes, ...goal.notes, ...notInForce(live)] };
}

/** Puts back what was found at adoption, and removes the copies that we made. */
export function release(desired: RoutingDesired, live: Live, kept: Kept): Plan<RoutingStep> {
  const found = kept.found.directive;
  const refusals = [...hostMismatch(desired), ...live.directiveProblems];
  if (!found) refusals.push(nothingRecorded(desired));
  if (refusals.length > 0 || !found) return { steps: [], refusals, notes: [] };

  const notes: string[] = [];
  const steps: RoutingStep[] = [];
  const touches: Record<string, string> = {};
  for (const [path, sha256] of Object.entries(kept.found.files)) {
    const now = live.files[path]?.sha256 ?? "absent";
    if (now === sha256 || !(path in kept.written)) continue;
    const other = live.neighbours.find((neighbour) => neighbour.files.includes(path));
    if (other) {
      notes.push(`${path} stays as it is: ${other.httpdConf}, managed by ${other.owner}, uses it`);
      continue;
    }
    touches[path] = now;
    steps.push({
      key: `restore ${path}`,
      title: `put back ${path} as it was found`,
      impact: "none",
      path,
      expected: now,
      sha256,
    });
  }
  if (live.directive?.value !== found.value) {
    const title = `point WebSpherePluginConfig in ${live.directive?.file}:${live.directive?.line} at ${found.value} again`;
    steps.push({ key: "point-directive", title, impact: "none", value: found.value, restoresFound: true });
  }
  const removals: RoutingStep[] = [];
  for (const [path, versions] of Object.entries(kept.written)) {
    const now = live.files[path]?.sha256 ?? "absent";
    if (path in kept.found.files || now === "absent") continue;
    if (!versions.some((version) => version.sha256 === now)) {
      notes.push(`${path} stays: somebody changed it since we wrote it`);
    } else if (live.neighbours.some((neighbour) => neighbour.files.includes(path))) {
      notes.push(`${path} stays: another web server on this host uses it`);
    } else if (path === found.path) {
      notes.push(`${path} stays: the directive named it when it was adopted`);
    } else {
      removals.push({ key: `remove ${path}`, title: `remove our copy ${path}`, impact: "none", path, expected: now });
    }
  }
  const touched = steps.length > 0 || kept.proven === null;
  if (!touched) return { steps: removals, refusals: [], notes };

  const clusters = Object.keys(desired.settings.verify.clusters);
  const target = found.path === live.generated.path ? live.generated : live.files[found.path];
  const reachableOnly = clusters.filter(
    (name) => !(name in (target?.routing ?? {})) || whyOnlyReachable(name, desired.settings, live) !== undefined,
  );
  const frame = { clusters, reachableOnly, before: clusters, to: AS_GENERATED, path: found.path, touches };
  const whole = framed(desired, steps, frame);
  return { steps: [...whole, ...removals], refusals: notRunning(desired, live), notes };
}

const PASSWORD_IN_CLEAR =
  "verify.testUser logs in without TLS: its password goes over the network in clear; set tls in connectTo";

interface Frame {
  /** Probed after the reload. */
  readonly clusters: readonly string[];
  /** Probed before: not those that the file in place does not know yet. */
  readonly before: readonly string[];
  readonly reachableOnly: readonly string[];
  /** The node, or `AS_GENERATED` where the lists of the file itself decide. */
  readonly to: string;
  readonly path: string;
  readonly touches: Readonly<Record<string, string>>;
  readonly copy?: CopyRecipe;
}

/** Changes on disk stand between a check that all is well before and a reload with its proof after. */
function framed({ settings }: RoutingDesired, changes: readonly RoutingStep[], frame: Frame): RoutingStep[] {
  const back = frame.to === AS_GENERATED;
  const routed = frame.clusters.filter((name) => !frame.reachableOnly.includes(name));
  const served = back ? `as ${fileName(frame.path)} says` : `by ${frame.to}`;
  const proofs = [
    ...(routed.length > 0 ? [`${routed.join(", ")} are served ${served}`] : []),
    ...(frame.reachableOnly.length > 0 ? [`${frame.reachableOnly.join(", ")} answer`] : []),
  ];
  const before =
    frame.before.length > 0
      ? `that users get answers: ${frame.before.join(", ")}`
      : "the web server's configuration; no probed cluster is in force yet";
  return [
    {
      key: "check-first",
      title: `check, before anything is changed, ${before}`,
      impact: "none",
      clusters: frame.before,
      level: back ? "reachable" : "answering",
      path: frame.path,
      touches: frame.touches,
      ...(frame.copy ? { copy: frame.copy } : {}),
    },
    ...changes,
    {
      key: "reload",
      title: `reload ${settings.webServer} gracefully${back ? "" : `: users move to ${frame.to}`}; a few connections may be reset`,
      // Measured on Apache httpd under load: mpm_worker resets almost no connection at a graceful reload, mpm_event about
      // one per client; which one a given IBM HTTP Server runs cannot be told from here. Users stay logged in (LTPA), but
      // sessions that were kept in memory alone start anew on the other node. Hence more than "none" and no outage.
      impact: "degraded capacity",
    },
    {
      key: "prove",
      title: `prove with ${settings.verify.samples} requests each that ${proofs.join(" and ")}`,
      impact: "none",
      path: frame.path,
      clusters: frame.clusters,
      reachableOnly: frame.reachableOnly,
    },
  ];
}

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

function hostMismatch({ identity, settings }: RoutingDesired): Problem[] {
  if (identity.host === settings.connection.name) return [];
  return [
    {
      where: "host",
      found: `${identity.host}, but the connection is called ${settings.connection.name}`,
      why: "The host's name tells this web server from those on other hosts, so it must be the one that is connected to",
      next: "Give both the same name",
    },
  ];
}

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
