import { sameJson } from "../common/json.js";
import { nearest } from "../common/nearest.js";
import { type Problem, sentences } from "../common/problem.js";
import type { PluginCluster, PluginConfig, PluginMember } from "./plugin-cfg.js";

/** The servers of one cluster, by name, in the order that the plug-in tries them. */
export interface ClusterRouting {
  primary: string[];
  backup: string[];
}

/** Server → node, of nodes with their servers as the plug-in file calls them. */
export const nodeByServer = (nodes: Readonly<Record<string, readonly string[]>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(nodes).flatMap(([node, servers]) => servers.map((server) => [server, node] as const)));

/** Of several clusters, by name. */
export type ClusterRoutings = Readonly<Record<string, ClusterRouting>>;

/** Whether requests are served alike: the order of primaries has no meaning, backups are tried in listed order. */
export function sameRouting(a: ClusterRoutings, b: ClusterRoutings): boolean {
  const comparable = (routings: ClusterRoutings) =>
    Object.fromEntries(
      Object.entries(routings).map(([name, { primary, backup }]) => [name, { primary: [...primary].sort(), backup }]),
    );
  return sameJson(comparable(a), comparable(b));
}

/** What a plug-in file has to say for a decision about routing; a whole `PluginConfig` is one. */
export interface RoutableConfig extends Pick<PluginConfig, "intelligentManagement" | "problems"> {
  clusters: RoutableCluster[];
}

export interface RoutableCluster
  extends Pick<PluginCluster, "name" | "line" | "routed" | "lists" | "primary" | "backup" | "clusterAddress" | "dwlm"> {
  members: Pick<PluginMember, "name" | "cloneId" | "line">[];
}

export interface RoutingOptions {
  /** The nodes whose members are to serve users. */
  readonly primaryNodes: readonly string[];
  /** Only these clusters; default: every cluster that a Route names. */
  readonly clusters?: readonly string[];
  /** Leave these clusters as they are. */
  readonly skipClusters?: readonly string[];
  /** Server name (as in the plug-in file) → node. Not derived from the name: node names may begin alike and hold `_`. */
  readonly nodeOf: ReadonlyMap<string, string>;
  readonly sessionReplication?: "none" | "memory-to-memory";
  /** What problems call the file. Default "plugin-cfg.xml". */
  readonly where?: string;
}

export interface Routing {
  /** Per selected cluster. What is not in here stays as it is. */
  wanted: Map<string, ClusterRouting>;
  /** Why the routing must not be changed; `wanted` is then incomplete. */
  refusals: Problem[];
  /** What a person should know. */
  notes: string[];
}

/**
 * Primaries = the members on these nodes, the rest backups, in the order of the file's own lists. Right for active/passive,
 * active/active and any number of nodes; the same answer for a file that is routed so already.
 */
export function wantedRouting(config: RoutableConfig, options: RoutingOptions): Routing {
  const where = options.where ?? "plugin-cfg.xml";
  const nodes = [...new Set(options.nodeOf.values())];
  const refusals = [...config.problems, ...wholeFileRefusals(config, options, where, nodes)];
  const wanted = new Map<string, ClusterRouting>();
  const notes: string[] = [];
  const nodesAreKnown = options.primaryNodes.every((node) => nodes.includes(node));
  const isPrimary = (name: string) => options.primaryNodes.includes(options.nodeOf.get(name) ?? "");

  for (const cluster of selectedClusters(config, options)) {
    const found = clusterRefusals(cluster, options, `${where}:${cluster.line}`);
    const ordered = orderedMembers(cluster);
    const primary = ordered.filter(isPrimary);
    const backup = ordered.filter((name) => !isPrimary(name));
    const allHaveNodes = ordered.every((name) => options.nodeOf.has(name));
    if (nodesAreKnown && allHaveNodes && primary.length === 0)
      found.push(noPrimary(cluster, options, `${where}:${cluster.line}`));
    refusals.push(...found);
    if (!nodesAreKnown || found.length > 0) continue;
    wanted.set(cluster.name, { primary, backup });
    notes.push(...clusterNotes(cluster, primary, options));
  }

  const leftAlone = config.clusters.filter((cluster) => !cluster.routed).map((cluster) => cluster.name);
  if (leftAlone.length > 0) notes.push(`left alone, since no Route leads to it: ${leftAlone.join(", ")}`);
  return { wanted, refusals, notes };
}

/** Every cluster that is routed, listed (if a list is given) and not skipped. */
export function selectedClusters<C extends { name: string; routed: boolean }>(
  config: { clusters: C[] },
  options: Pick<RoutingOptions, "clusters" | "skipClusters">,
): C[] {
  return config.clusters.filter(
    (cluster) =>
      cluster.routed &&
      (options.clusters?.includes(cluster.name) ?? true) &&
      !options.skipClusters?.includes(cluster.name),
  );
}

/** The file's own order: as its lists name them, then members that no list names. Backups are tried in listed order. */
function orderedMembers(cluster: RoutableCluster): string[] {
  return [...new Set([...cluster.primary, ...cluster.backup, ...cluster.members.map((member) => member.name)])];
}

function wholeFileRefusals(
  config: RoutableConfig,
  options: RoutingOptions,
  where: string,
  nodes: readonly string[],
): Problem[] {
  const refusals: Problem[] = [];
  if (config.intelligentManagement) {
    refusals.push({
      where,
      found: "IntelligentManagement is configured",
      why: "On-demand routers then steer requests dynamically, so the lists of servers do not decide where users go",
      next: "Disable Intelligent Management for this web server and regenerate its plug-in file",
    });
  }
  for (const node of options.primaryNodes.filter((name) => !nodes.includes(name))) {
    refusals.push({
      where: "primaryNode",
      found: `there is no node ${JSON.stringify(node)}${hint(node, nodes)}`,
      allowed: nodes.length > 0 ? [...nodes].sort().join(", ") : 'a node named in "nodes", which is empty',
    });
  }
  refusals.push(
    ...nameRefusals("clusters", options.clusters, config),
    ...nameRefusals("skipClusters", options.skipClusters, config),
  );
  for (const name of options.clusters ?? []) {
    if (options.skipClusters?.includes(name)) {
      refusals.push({
        where: "skipClusters",
        found: `${name} is listed in clusters too`,
        next: "Remove it from one of the two",
      });
    } else if (config.clusters.some((cluster) => cluster.name === name && !cluster.routed)) {
      refusals.push({
        where: "clusters",
        found: `no Route in ${where} leads to ${name}`,
        why: "No request reaches it, so where its requests go can be neither changed nor proved",
        next: `Remove ${name} from clusters`,
      });
    }
  }
  if (config.problems.length === 0 && selectedClusters(config, options).length === 0) {
    refusals.push({
      where,
      found: "no cluster is left to route",
      allowed: "at least one cluster that a Route names and skipClusters does not",
    });
  }
  return refusals;
}

/** Names of clusters that the file does not have. */
export function nameRefusals(where: string, names: readonly string[] | undefined, config: RoutableConfig): Problem[] {
  const known = config.clusters.map((cluster) => cluster.name);
  if (known.length === 0 && config.problems.length > 0) return [];
  return (names ?? [])
    .filter((name) => !known.includes(name))
    .map((name) => ({
      where,
      found: `there is no cluster ${JSON.stringify(name)}${hint(name, known)}`,
      allowed: known.length > 0 ? known.join(", ") : "none: the file has no ServerCluster",
    }));
}

function hint(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  return near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
}

function clusterRefusals(cluster: RoutableCluster, options: RoutingOptions, where: string): Problem[] {
  const refusals: Problem[] = [];
  const skip = skipHint(cluster.name);
  const homeless = cluster.members.filter((member) => !options.nodeOf.has(member.name)).map((member) => member.name);
  if (homeless.length > 0) {
    refusals.push({
      where,
      found: `${cluster.name}: no node is declared for ${homeless.join(", ")}`,
      allowed: `every member of a routed cluster under its node in "nodes"`,
      why: "Which node a server runs on cannot be told from its name",
      next: skip,
    });
  }
  return [...refusals, ...shapeRefusals(cluster, options, where, skip)];
}

/**
 * Why the lists of a cluster do not decide, or no answer proves, who serves its users.
 *
 * @param skip what leaves the cluster out, for people; without it, whoever asks says so himself
 */
export function shapeRefusals(
  cluster: RoutableCluster,
  options: Pick<RoutingOptions, "sessionReplication">,
  where: string,
  skip?: string,
): Problem[] {
  const refusals: Problem[] = [];
  const nameless = cluster.members.filter((member) => !member.cloneId).map((member) => member.name);
  if (nameless.length > 0) {
    refusals.push({
      where,
      found: `${cluster.name}: no CloneID on ${nameless.join(", ")}`,
      why: "Without it sessions do not stick to a server, and no cookie proves which one answered",
      next: skip,
    });
  }
  for (const [cloneId, names] of sharedCloneIds(cluster)) {
    refusals.push({
      where,
      found: `${cluster.name}: CloneID ${cloneId} stands on ${names.join(" and ")}`,
      allowed: "a CloneID of its own on every member",
      why: "A session cookie then names two servers, and users may lose their sessions",
      next: sentences("Merge or regenerate the file again.", skip),
    });
  }
  if (cluster.clusterAddress) {
    refusals.push({
      where,
      found: `${cluster.name}: ClusterAddress`,
      why: "New requests go to that address, another balancer, and not by the list of primaries",
      next: skip,
    });
  }
  if (cluster.dwlm && options.sessionReplication !== "none") {
    const declared = options.sessionReplication ?? "not declared";
    refusals.push({
      where,
      found: `${cluster.name}: GetDWLMTable="true", and sessionReplication is ${declared}`,
      allowed: 'sessionReplication "none", if the servers of this cluster do not replicate sessions memory to memory',
      why: "With replication the plug-in follows a table from the servers and not these lists; the file cannot tell",
      next: sentences("Look at the session management of the cluster's members.", skip),
    });
  }
  return refusals;
}

function sharedCloneIds(cluster: RoutableCluster): [string, string[]][] {
  const owners = new Map<string, string[]>();
  for (const { cloneId, name } of cluster.members) {
    if (cloneId) owners.set(cloneId, [...(owners.get(cloneId) ?? []), name]);
  }
  return [...owners].filter(([, names]) => names.length > 1);
}

function noPrimary(cluster: RoutableCluster, options: RoutingOptions, where: string): Problem {
  const members = cluster.members.map((member) => `${member.name} (${options.nodeOf.get(member.name) ?? "no node"})`);
  return {
    where,
    found: `${cluster.name}: no member runs on ${options.primaryNodes.join(" or ")}; it has ${members.join(", ") || "none at all"}`,
    why: "The cluster would be left without a primary server",
    next: skipHint(cluster.name),
  };
}

const skipHint = (cluster: string): string => `To leave this cluster as it is: skipClusters: [${cluster}]`;

function clusterNotes(cluster: RoutableCluster, primary: readonly string[], options: RoutingOptions): string[] {
  const notes: string[] = [];
  const listed = new Set([...cluster.primary, ...cluster.backup]);
  for (const { name } of cluster.members) {
    if (listed.has(name)) continue;
    const role = primary.includes(name) ? "primary" : "backup";
    notes.push(
      `${cluster.name}: ${name} is in neither list of the file, so gets no requests now; it becomes a ${role}`,
    );
  }
  if (!cluster.dwlm && options.sessionReplication === "memory-to-memory") {
    notes.push(
      `${cluster.name}: replicated sessions carry a partition number instead of a CloneID; prove it by access log`,
    );
  }
  return notes;
}
