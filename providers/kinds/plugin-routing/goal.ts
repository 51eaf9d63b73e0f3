import { sameJson } from "../../common/json.js";
import { nearest } from "../../common/nearest.js";
import type { Problem } from "../../common/problem.js";
import {
  type ClusterRouting,
  nameRefusals,
  nodeByServer,
  sameRouting,
  selectedClusters,
  wantedRouting,
} from "../../formats/routing.js";
import type { Desired } from "../../lifecycle/kind.js";
import { copyPath } from "../../targets/plugin/copies.js";
import { AS_GENERATED, type WebServerIdentity } from "../../targets/plugin/schema.js";
import { noProbe } from "../../targets/plugin/verify.js";
import { asGeneratedView, generatedState } from "./in-place.js";
import type { Kept, Live, LiveFile, LiveGenerated } from "./live.js";
import type { Aspects, Identity, Settings } from "./schema.js";

export type RoutingDesired = Desired<Identity, Settings, Aspects>;

/** What the declared aspects come down to for the files found. */
export interface Goal {
  /** The file that the directive is to name, unless the one it names is right already. */
  readonly path: string;
  /** The generated file itself gets the declared lists; else it is to be as generated. */
  readonly inPlace: boolean;
  /** Of the selected clusters; empty for "as generated". */
  readonly wanted: Readonly<Record<string, ClusterRouting>>;
  /** Of all clusters. */
  readonly routing: Readonly<Record<string, ClusterRouting>>;
  /** Clusters that are probed. */
  readonly probed: readonly string[];
  /** Those of them whose shape does not let a request prove who is to answer it. */
  readonly reachableOnly: readonly string[];
  readonly refusals: readonly Problem[];
  readonly notes: readonly string[];
}

export function goalOf(desired: RoutingDesired, live: Live, kept: Kept): Goal {
  const { settings, aspects } = desired;
  const where = `${settings.connection.name}:${settings.pluginFile}`;
  const inPlace = settings.switchRouting === "in-place" && aspects.primaryNode !== AS_GENERATED;
  const path = declaredPath(desired);
  if (live.generated.sha256 === "absent") return noGoal(path, missingFile(where));
  const generated = asGeneratedView(live, kept);
  if (aspects.primaryNode === AS_GENERATED) return asGenerated(desired, live, generated);

  const routing = wantedRouting(generated, {
    primaryNodes: [aspects.primaryNode],
    ...(aspects.clusters ? { clusters: aspects.clusters } : {}),
    ...(aspects.skipClusters ? { skipClusters: aspects.skipClusters } : {}),
    nodeOf: nodeOf(settings),
    ...(settings.sessionReplication ? { sessionReplication: settings.sessionReplication } : {}),
    where,
  });
  const wanted = Object.fromEntries(routing.wanted);
  const probed = Object.keys(wanted);
  return {
    path,
    inPlace,
    wanted,
    routing: { ...generated.routing, ...wanted },
    probed,
    reachableOnly: [],
    refusals: [
      ...routing.refusals,
      ...probed.flatMap((cluster) => withoutProbe(cluster, settings)),
      ...strangeProbes(settings, live),
    ],
    notes: routing.notes,
  };
}

/** Where routing as declared is read from: the generated file, or our copy of it. */
export function declaredPath({ settings, aspects }: RoutingDesired): string {
  const ownFile = settings.switchRouting === "directive" && aspects.primaryNode !== AS_GENERATED;
  return ownFile ? copyPath(settings, aspects.primaryNode) : settings.pluginFile;
}

/** As what reaches and controls web servers wants it. */
export const webServerOf = ({ identity, settings }: RoutingDesired): WebServerIdentity => ({
  webServer: settings.webServer,
  httpdConf: identity.httpdConf,
});

export const nodeOf = ({ nodes }: Settings): ReadonlyMap<string, string> => nodeByServer(nodes);

function asGenerated({ settings, aspects }: RoutingDesired, live: Live, generated: LiveGenerated): Goal {
  const probed = selectedClusters(live.generated, aspects)
    .map((cluster) => cluster.name)
    .filter((name) => name in settings.verify.clusters);
  const refusals = [
    ...live.generated.problems,
    ...nameRefusals("clusters", aspects.clusters, live.generated),
    ...nameRefusals("skipClusters", aspects.skipClusters, live.generated),
    ...strangeProbes(settings, live),
  ];
  if (refusals.length === 0 && probed.length === 0) {
    refusals.push({
      where: "verify.clusters",
      found: "no routed cluster has a probe",
      why: "After a reload nothing could tell whether the web server still reaches the application servers",
      next: "Add a probeUrl for at least one cluster",
    });
  }
  const shapes = probed.map((name) => [name, whyOnlyReachable(name, settings, live)] as const);
  return {
    path: settings.pluginFile,
    inPlace: false,
    wanted: {},
    routing: generated.routing,
    probed,
    reachableOnly: shapes.filter(([, why]) => why !== undefined).map(([name]) => name),
    refusals,
    notes: shapes.flatMap(([name, why]) =>
      why ? [`${name}: only that it answers can be proved, not by whom: ${why}`] : [],
    ),
  };
}

/** Why requests of a cluster cannot be held against the lists of the generated file; undefined = they can. */
export function whyOnlyReachable(name: string, settings: Settings, live: Live): string | undefined {
  const { generated } = live;
  const cluster = generated.clusters.find((candidate) => candidate.name === name);
  if (!cluster || generated.problems.length > 0) return "the generated file does not tell its members";
  if (generated.intelligentManagement) return "IntelligentManagement steers its requests";
  if (cluster.clusterAddress) return "ClusterAddress, another balancer, gets its requests";
  if (cluster.dwlm && settings.sessionReplication !== "none") return "with GetDWLMTable a table may steer its requests";
  if (settings.verify.clusters[name]?.proof !== "cookie") return undefined;
  const cloneIds = cluster.members.map((member) => member.cloneId);
  if (cloneIds.includes(undefined)) return "not every member has a CloneID";
  return new Set(cloneIds).size === cloneIds.length ? undefined : "two members share a CloneID";
}

const noGoal = (path: string, refusal: Problem): Goal => ({
  path,
  inPlace: false,
  wanted: {},
  routing: {},
  probed: [],
  reachableOnly: [],
  refusals: [refusal],
  notes: [],
});

const missingFile = (where: string): Problem => ({
  where,
  found: "there is no such file",
  allowed: "the plug-in file that the deployment manager generates and propagates",
  next: "Correct pluginFile, or generate and propagate the plug-in configuration",
});

const withoutProbe = (cluster: string, settings: Settings): Problem[] =>
  cluster in settings.verify.clusters
    ? []
    : [
        noProbe(
          `verify.clusters.${cluster}`,
          `Add probeUrl for it (in a stack's configuration: probes.clusters.${cluster}.probeUrl). To leave this cluster as it is: skipClusters: [${cluster}]`,
        ),
      ];

/** A probe for a cluster that does not exist is a slip of the pen that would leave the meant one unproved. */
function strangeProbes(settings: Settings, live: Live): Problem[] {
  if (live.generated.problems.length > 0) return [];
  const known = live.generated.clusters.map((cluster) => cluster.name);
  return Object.keys(settings.verify.clusters)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      return {
        where: `verify.clusters.${name}`,
        found: `there is no cluster ${JSON.stringify(name)}${near ? `; did you mean ${JSON.stringify(near)}?` : ""}`,
        allowed: known.join(", "),
        next: `In a stack's configuration it is probes.clusters.${name}`,
      };
    });
}

/** The file that the directive names, as observed. */
export function activeFile(live: Live): LiveFile | undefined {
  const path = live.directive?.path;
  if (path === undefined) return undefined;
  return path === live.generated.path ? live.generated : live.files[path];
}

/** Nothing but routing differs from the generated file, and the routing is the declared one. */
export function isRight(file: LiveFile | undefined, goal: Goal, live: Live): boolean {
  if (file === undefined || file.sha256 === "absent" || file.problems.length > 0) return false;
  // In place the order of primaries is left as it is, since it has no meaning.
  if (file === live.generated) return sameRouting(file.routing, goal.routing);
  return file.restDigest === live.generated.restDigest && sameJson(file.routing, goal.routing);
}

/** The directive may name our copy, or a file that was found right, is right still, and is used by nobody else. */
export function isAtItsPlace(goal: Goal, live: Live, kept: Kept, desired: RoutingDesired): boolean {
  const path = live.directive?.path;
  if (path === undefined) return false;
  if (path === goal.path) return true;
  const { primaryNode } = desired.aspects;
  if (primaryNode === AS_GENERATED || goal.inPlace || path !== kept.proven?.path) return false;
  // A generated file that was edited in place is about to be put back.
  if (path === desired.settings.pluginFile) return generatedState(live, kept) === "as generated";
  return !live.neighbours.some((neighbour) => neighbour.files.includes(path));
}

/** The web server runs with the directive as it stands on disk. */
export const isLoaded = ({ webServer }: Live, { proven }: Kept): boolean =>
  !webServer.editedAfterLoad || (proven !== null && webServer.editedMs === proven.editedMs);

/** Whether what is on disk was seen in force. */
export function isProven(live: Live, kept: Kept): boolean {
  return kept.proven !== null && kept.proven.path === live.directive?.path && isLoaded(live, kept);
}
