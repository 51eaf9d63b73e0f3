import { z } from "zod";
import { ProblemError } from "../../common/problem.js";
import type {
  ApplicationReadiness,
  CellNode,
  CellServer,
  CellSettings,
  CellState,
  CellTopology,
  ClusterStatus,
  Distribution,
  Endpoint,
  PluginMode,
  PluginSettings,
  ServerState,
  Tri,
} from "./cell.js";
import { parseDeployStatus } from "./distribution.js";
import { resolveVariable } from "./variables.js";

/** What the remote scripts print. Everything is text; "" = not set or not readable. */
const texts = z.string();
const tri = z.enum(["yes", "no", "unknown"]).transform((word): Tri => (word === "unknown" ? word : word === "yes"));
const serverState = z.enum(["started", "starting", "stopping", "stopped", "unknown"]);
const endpoint = z.object({ host: texts, port: texts });

const topologyAnswer = z.object({
  nodes: z.array(z.object({ name: texts, hostName: texts })),
  servers: z.array(z.object({ node: texts, server: texts, type: texts, endpoints: z.record(z.string(), endpoint) })),
  clusters: z.array(
    z.object({
      name: texts,
      members: z.array(z.object({ node: texts, server: texts, uniqueId: texts, weight: texts })),
    }),
  ),
  targets: z.array(
    z.union([
      z.object({ cluster: texts, applications: z.array(texts) }),
      z.object({ node: texts, server: texts, applications: z.array(texts) }),
    ]),
  ),
  applications: z.array(texts),
  variables: z.array(z.object({ name: texts, value: texts, node: texts, server: texts, cluster: texts })),
});

const stateAnswer = z.object({
  servers: z.array(
    z.object({ node: texts, server: texts, state: serverState, pid: texts.optional(), startTime: texts.optional() }),
  ),
  nodes: z.array(z.object({ node: texts, agent: serverState, synchronized: tri, autoSync: tri })),
  clusters: z.array(z.object({ cluster: texts, state: texts })),
});

const pluginAnswer = z.array(
  z.object({ node: texts, webServer: texts, generation: texts, propagation: texts, remoteFile: texts }),
);

const settingsAnswer = z.object({
  plugin: pluginAnswer,
  monitoring: z.array(z.object({ node: texts, server: texts, nodeRestartState: texts, autoRestart: tri })),
  requestTimeout: texts,
  keyGeneration: z.array(z.object({ group: texts, automatic: tri, due: texts })),
});

const distributionAnswer = z.array(z.object({ application: texts, status: texts }));
const readinessAnswer = z.array(z.object({ application: texts, ready: tri, status: texts }));
const syncAnswer = z.object({ synchronized: tri, autoSync: tri });
const count = texts.regex(/^\d+$/).transform(Number);
const usersAnswer = z.object({ sessions: count, requests: count });
const serverAnswer = z.object({ state: serverState, said: texts });

/** Turns what a script answered into what callers get; anything of another shape is `malformed`. */
function reader<A, T>(schema: z.ZodType<A>, convert: (answer: A) => T): (where: string, answer: unknown) => T {
  return (where, answer) => {
    const parsed = schema.safeParse(answer);
    if (parsed.success) return convert(parsed.data);
    throw new ProblemError("malformed", {
      where,
      found: `wsadmin answered what makes no sense: ${z.prettifyError(parsed.error).slice(0, 500)}`,
      why: "The product's version may answer in another form than is known",
    });
  };
}

const observed = z.object({
  cell: texts,
  topology: topologyAnswer.optional(),
  state: stateAnswer.optional(),
  settings: settingsAnswer.optional(),
  distribution: distributionAnswer.optional(),
});

/** @param where for errors. `client` of soapRequestTimeout is not of wsadmin: the caller adds it. */
export const readObservation = reader(observed, ({ cell, topology, state, settings, distribution }) => ({
  ...(topology && { topology: toTopology(cell, topology) }),
  ...(state && { state: toState(state) }),
  ...(settings && { settings: toSettings(settings) }),
  ...(distribution && { distribution: distribution.map(toDistribution) }),
}));
export const readReadiness = reader(readinessAnswer, (answer) => answer.map(toReadiness));
export const readPlugin = reader(pluginAnswer, toPlugin);
export const readUsers = reader(usersAnswer, (answer) => answer);
export const readSync = reader(syncAnswer, (answer) => answer);
export const readServer = reader(serverAnswer, (answer): { state: ServerState; said: string } => answer);

const TYPES: Readonly<Record<string, CellServer["type"]>> = {
  APPLICATION_SERVER: "application",
  WEB_SERVER: "web",
  NODE_AGENT: "node-agent",
  DEPLOYMENT_MANAGER: "deployment-manager",
};

function toTopology(cell: string, answer: z.infer<typeof topologyAnswer>): CellTopology {
  const servers: CellServer[] = answer.servers.map(({ type, endpoints, ...server }) => ({
    ...server,
    type: TYPES[type] ?? "other",
    endpoints: toEndpoints(endpoints),
  }));
  const variables = answer.variables.map(({ name, value, node, server, cluster }) => ({
    name,
    value,
    scope: { ...(node && { node }), ...(server && { server }), ...(cluster && { cluster }) },
  }));
  const clusters = answer.clusters.map(({ name, members }) => ({
    name,
    members: members.map(({ node, server, uniqueId, weight }) => ({
      node,
      server,
      ...(uniqueId && { uniqueId }),
      ...(weight && { weight: Number(weight) }),
    })),
  }));
  const clustered = new Set(clusters.flatMap(({ members }) => members.map(keyOf)));
  return {
    cell,
    nodes: answer.nodes.map((node) => toNode(node, servers, variables)),
    servers,
    clusters,
    standAlone: servers.filter((one) => one.type === "application" && !clustered.has(keyOf(one))).map(toRef),
    webServers: servers.filter((one) => one.type === "web").map(toRef),
    applications: answer.applications.map((name) => ({
      name,
      clusters: answer.targets.flatMap((to) => ("cluster" in to && to.applications.includes(name) ? [to.cluster] : [])),
      servers: answer.targets.flatMap((to) => ("node" in to && to.applications.includes(name) ? [toRef(to)] : [])),
    })),
    variables,
  };
}

function toNode(
  { name, hostName }: { name: string; hostName: string },
  servers: readonly CellServer[],
  variables: CellTopology["variables"],
): CellNode {
  const own = servers.filter((server) => server.node === name);
  const agentPort = own.find(({ type }) => type === "node-agent")?.endpoints.SOAP_CONNECTOR_ADDRESS?.port;
  const profileRoot = resolveVariable(variables, "USER_INSTALL_ROOT", { node: name });
  const manages = own.some(({ type }) => type === "deployment-manager");
  const managed = own.some(({ type }) => type === "node-agent");
  return {
    name,
    hostName,
    role: manages ? "deployment-manager" : managed ? "managed" : "unmanaged",
    ...(agentPort !== undefined && { agentPort }),
    ...(profileRoot && { profileRoot }),
  };
}

const toRef = ({ node, server }: { node: string; server: string }) => ({ node, server });
const keyOf = ({ node, server }: { node: string; server: string }) => `${node}/${server}`;

function toEndpoints(answer: Readonly<Record<string, z.infer<typeof endpoint>>>): Record<string, Endpoint> {
  return Object.fromEntries(
    Object.entries(answer).map(([name, { host, port }]) => [name, { host, port: Number(port) }]),
  );
}

const CLUSTER_STATES: Readonly<Record<string, ClusterStatus["state"]>> = {
  "websphere.cluster.running": "started",
  "websphere.cluster.partial.start": "partially started",
  "websphere.cluster.partial.stop": "partially stopped",
  "websphere.cluster.stopped": "stopped",
};

function toState(answer: z.infer<typeof stateAnswer>): CellState {
  return {
    servers: answer.servers.map(({ node, server, state, pid, startTime }) => ({
      node,
      server,
      state,
      ...(pid && /^\d+$/.test(pid) && { pid: Number(pid) }),
      ...startOf(startTime),
    })),
    nodes: answer.nodes,
    clusters: answer.clusters.map(({ cluster, state }) => ({ cluster, state: CLUSTER_STATES[state] ?? "unknown" })),
  };
}

/** Milliseconds since the epoch, as text. */
function startOf(text: string | undefined): { startedAt: string } | undefined {
  return text && /^\d{12,14}$/.test(text) ? { startedAt: new Date(Number(text)).toISOString() } : undefined;
}

const RESTART_STATES = ["STOPPED", "RUNNING", "PREVIOUS"] as const;

function toSettings(answer: z.infer<typeof settingsAnswer>): CellSettings {
  return {
    plugin: toPlugin(answer.plugin),
    monitoring: answer.monitoring.map(({ nodeRestartState, ...policy }) => ({
      ...policy,
      nodeRestartState: RESTART_STATES.find((known) => known === nodeRestartState) ?? "unknown",
    })),
    soapRequestTimeout: /^\d+$/.test(answer.requestTimeout) ? { connector: Number(answer.requestTimeout) } : {},
    keyGeneration: answer.keyGeneration.map(({ group, automatic, due }) => {
      const date = startOf(due)?.startedAt;
      return { group, automatic, ...(date && { due: date }) };
    }),
  };
}

function toPlugin(answer: z.infer<typeof pluginAnswer>): PluginSettings[] {
  return answer.map(({ node, webServer, generation, propagation, remoteFile }) => ({
    node,
    webServer,
    generation: modeOf(generation),
    propagation: modeOf(propagation),
    ...(remoteFile && { remoteFile }),
  }));
}

function modeOf(text: string): PluginMode {
  const mode = text.toLowerCase();
  return mode === "automatic" || mode === "manual" ? mode : "unknown";
}

function toReadiness({ application, ready, status }: z.infer<typeof readinessAnswer>[number]): ApplicationReadiness {
  return { ...toDistribution({ application, status }), ready };
}

function toDistribution({ application, status }: z.infer<typeof distributionAnswer>[number]): Distribution {
  const nodes = Object.entries(parseDeployStatus(status));
  const of = (word: "distributed" | "expanded") => Object.fromEntries(nodes.map(([node, said]) => [node, said[word]]));
  return { application, distributed: of("distributed"), expanded: of("expanded") };
}
