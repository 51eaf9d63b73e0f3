import { type Problem, ProblemError, problemsOf } from "../../common/problem.js";
import type { CellObservation, ServerState } from "../../targets/wsadmin/cell.js";
import { judge } from "../../targets/wsadmin/judge.js";
import type { AgentControl, ProcessSignals } from "../../targets/wsadmin/node-commands.js";
import { ambiguousNames, pluginSettingsOf } from "./cell-web-servers.js";
import type { Estate } from "./estate.js";
import type { FixesDesired } from "./goal.js";
import { startOf } from "./levels.js";
import type { Answer, Live, LiveInstaller, LiveNode, LiveWebServer, Running } from "./live.js";
import { lookAtFiles, withLevels, withoutArchive, withoutProof } from "./look-at-levels.js";
import { remaining } from "./lost.js";
import { ownershipProblems, startedByAgent } from "./node-checks.js";
import { membersOn, serversInCell } from "./servers.js";
import { tempFolders } from "./temp-folders.js";
import { aloneIn, nodesOfClusters } from "./untouched.js";

/** Automatic key generation that is due sooner than this falls into a rollout. */
const KEY_GENERATION_AHEAD_MS = 24 * 3_600_000;

/** Looks at the cell, the nodes' own machines, the installer and every web server. Changes nothing. */
export async function observe(
  declared: Pick<FixesDesired, "settings">,
  estate: Estate,
  options: { readonly cached: boolean },
): Promise<Live> {
  const { settings } = remaining(declared);
  const seen = await problemAsData(lookAtCell(estate, options), estate.cell.name);
  const cell = seen.value;
  const [installer, owned, nodes, files, webServers, control, lost] = await Promise.all([
    observeInstaller(settings, estate),
    problemAsData(estate.ownership(undefined, options), "deployment manager"),
    Promise.all(settings.nodes.map(({ name }) => inspectNode(name, estate, cell, settings, options))),
    cell && lookAtFiles(settings, estate, cell),
    Promise.all(settings.webServers.map(({ name }) => observeWebServer(name, settings, estate, cell))),
    estate.control.read(),
    Promise.all(Object.keys(declared.settings.lost).map((name) => observeLost(name, declared, estate, cell))),
  ]);
  return {
    deploymentManager: {
      running: cell ? "yes" : "unknown",
      soapRequestTimeout: cell?.settings.soapRequestTimeout.client ?? null,
      keyGenerationDue: cell ? keyGenerationDue(cell, estate.now()) : null,
      problems: [...seen.problems, ...owned.problems, ...ownershipProblems("deployment manager", owned.value)],
    },
    nodes: cell && files ? nodes.map((node) => withLevels(node, cell, files)) : nodes,
    clusters: cell ? nodesOfClusters(cell.topology) : {},
    standAlone: (cell?.topology.standAlone ?? []).map(({ node, server }) => `${server} of ${node}`).sort(),
    withoutArchive: cell && files ? withoutArchive(cell, files) : [],
    withoutProof: cell && files ? withoutProof(rolledNow(settings, cell), cell, files) : {},
    webServers,
    lost,
    webServersOfCell: (cell?.topology.webServers ?? []).map(({ node, server }) => ({ node, server })),
    installer,
    control,
  };
}

const lookAtCell = ({ cell }: Estate, { cached }: { readonly cached: boolean }): Promise<CellObservation> =>
  cached ? cell.snapshot() : cell.observe({ distribution: true });

/** Every declared node with the level of its members, and nothing of what else could keep it out of a rollout. */
export async function observeMembers(settings: FixesDesired["settings"], estate: Estate): Promise<LiveNode[]> {
  const cell = await lookAtCell(estate, { cached: false });
  const [files, ...nodes] = await Promise.all([
    lookAtFiles(settings, estate, cell),
    ...settings.nodes.map(({ name }) => observeNode(name, estate, cell, settings.untouched)),
  ]);
  return nodes.map((node) => withLevels(node, cell, files));
}

/** The deployment manager's word counts too: it may reach what this machine does not. */
async function observeLost(
  name: string,
  { settings }: Pick<FixesDesired, "settings">,
  estate: Estate,
  cell: CellObservation | undefined,
): Promise<{ name: string; answers: string[] }> {
  const isKnown = [...settings.nodes, ...settings.webServers].some((each) => each.name === name);
  const answers = isKnown ? await estate.answersOf(name) : [];
  const agents = (cell?.state.nodes ?? []).filter(({ node, agent }) => node === name && agent === "started");
  const servers = (cell?.state.servers ?? []).filter(({ node, state }) => node === name && state === "started");
  const running = [...agents.map(() => "nodeagent"), ...servers.map(({ server }) => server)];
  return { name, answers: [...answers, ...running.map((server) => `${server} runs, says the deployment manager`)] };
}

interface Seen<T> {
  readonly value?: T;
  readonly problems: Problem[];
}

/** A sick target hides nothing of the others. */
async function problemAsData<T>(asked: Promise<T>, where: string): Promise<Seen<T>> {
  try {
    return { value: await asked, problems: [] };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return { problems: [...problemsOf(error, where)] };
  }
}

function keyGenerationDue(cell: CellObservation, now: number): string | null {
  const soon = cell.settings.keyGeneration.filter(
    ({ automatic, due }) =>
      automatic !== false && !(due !== undefined && Date.parse(due) >= now + KEY_GENERATION_AHEAD_MS),
  );
  // Not known is not "later".
  return soon.map(({ due }) => due ?? "a day that cannot be read").sort()[0] ?? null;
}

async function observeInstaller(settings: FixesDesired["settings"], estate: Estate): Promise<LiveInstaller> {
  const running = await problemAsData(estate.installer.isRunning(), "update installer");
  if (running.value !== false) {
    return { running: running.value ? "yes" : "unknown", installed: null, offered: [], problems: running.problems };
  }
  const login = await problemAsData(estate.installer.checkLogin(), "update installer");
  const installed = await problemAsData(estate.installer.listInstalled(), "update installer");
  const offered = await problemAsData(estate.installer.listOffered(settings.fixDir), settings.fixDir);
  return {
    running: "no",
    installed: installed.value?.fixes.map(({ id }) => id).sort() ?? null,
    offered: (offered.value?.fixes ?? []).map(({ id }) => id).sort(),
    requires: Object.fromEntries(
      (offered.value?.fixes ?? []).flatMap(({ id, requires }) => (requires ? [[id, [...requires]] as const] : [])),
    ),
    login: login.problems,
    problems: [...installed.problems, ...offered.problems],
  };
}

/** A node with all that could keep it out of a rollout; looked at once, before anything is done. */
async function inspectNode(
  name: string,
  estate: Estate,
  cell: CellObservation | undefined,
  settings: FixesDesired["settings"],
  options: { readonly cached: boolean },
): Promise<LiveNode> {
  const rolled = rolledNow(settings, cell);
  const [node, owned, control, temp] = await Promise.all([
    observeNode(name, estate, cell, settings.untouched),
    problemAsData(estate.ownership(name, options), name),
    problemAsData(estate.node(name).agentControl(), name),
    problemAsData(checkTemp(name, estate, cell, rolled), name),
  ]);
  const members = node.members.filter(({ cluster }) => !rolled.untouched.includes(cluster));
  const problems = [
    ...node.problems,
    ...temp.problems,
    ...owned.problems,
    ...ownershipProblems(name, owned.value),
    ...control.problems,
    ...(settings.strategy === "rolling" ? startedByAgent(cell, name, members) : []),
    ...(node.members.length > 0 && members.length === 0 ? [withoutMember(name)] : []),
  ];
  return { ...node, agentService: serviceOf(node, control.value), problems };
}

const withoutMember = (node: string): Problem => ({
  where: `nodes.${node}`,
  found: "no cluster that is rolled has a member on it",
  next: "Remove it from nodes",
});

/**
 * The settings with what a rollout that begins now would leave untouched: what keeps a node out has to be said of the others alone. Members
 * are looked at all the same, since an open rollout may have begun otherwise, and `plan` knows that.
 */
function rolledNow(settings: FixesDesired["settings"], cell: CellObservation | undefined): FixesDesired["settings"] {
  const alone = cell ? aloneIn(settings, nodesOfClusters(cell.topology)) : [];
  return { ...settings, untouched: [...settings.untouched, ...alone] };
}

/** What cannot be cleared is to be known before a node's members are stopped. */
async function checkTemp(
  name: string,
  estate: Estate,
  cell: CellObservation | undefined,
  { nodes, untouched }: FixesDesired["settings"],
): Promise<void> {
  if (!cell) return;
  const { profile } = nodes.find((node) => node.name === name) ?? { profile: "" };
  const members = membersOn(name, cell.topology.clusters, untouched);
  await estate.node(name).checkTemp(tempFolders({ node: name, profile }, cell.topology, members));
}

/** A unit that is not active did not start the agent that runs. */
function serviceOf({ agent }: LiveNode, control: AgentControl | undefined): string | null {
  return control?.by === "service" && (control.active || agent !== "running") ? control.unit : null;
}

export async function observeNode(
  name: string,
  estate: Estate,
  cell: CellObservation | undefined,
  untouched: readonly string[] = [],
): Promise<LiveNode> {
  const members = membersOn(name, cell?.topology.clusters ?? [], untouched);
  const signals = await problemAsData(
    estate
      .node(name)
      .observe([
        { server: "nodeagent", ports: portsOf(cell, name, "nodeagent") },
        ...members.map(({ server }) => ({ server, ports: portsOf(cell, name, server) })),
      ]),
    name,
  );
  const signalOf = (server: string) => signals.value?.find((signal) => signal.server === server);
  const status = cell?.state.nodes.find((node) => node.node === name);
  const statusOf = (server: string) => cell?.state.servers.find((each) => each.node === name && each.server === server);
  const known = cell === undefined || cell.topology.nodes.some((node) => node.name === name);
  return {
    name,
    reached: signals.value !== undefined,
    agent: stateOf("nodeagent", signalOf("nodeagent"), status?.agent).state,
    synchronized: answer(status?.synchronized),
    members: members.map(({ server, cluster }) => ({
      server,
      cluster,
      ...stateOf(server, signalOf(server), statusOf(server)?.state),
      startedAt: startOf(signalOf(server)?.startedAt, statusOf(server)?.startedAt),
    })),
    problems: [
      ...signals.problems,
      ...(known ? [] : [{ where: `nodes.${name}`, found: "the cell has no such node" }]),
      ...(known && cell && members.length === 0 ? [withoutMember(name)] : []),
    ],
  };
}

/** What users or the deployment manager connect to: the port of requests, or of an agent. */
const PORTS: readonly string[] = ["WC_defaulthost", "SOAP_CONNECTOR_ADDRESS"];

function portsOf(cell: CellObservation | undefined, node: string, server: string): readonly number[] {
  const found = cell?.topology.servers.find((each) => each.node === node && each.server === server);
  return Object.entries(found?.endpoints ?? {}).flatMap(([name, { port }]) => (PORTS.includes(name) ? [port] : []));
}

const NO_SIGNALS: Omit<ProcessSignals, "server"> = { process: "unknown", ports: "unknown" };

/** A server that is starting or stopping does not serve, and is not stopped either. */
function stateOf(
  server: string,
  signals: ProcessSignals | undefined,
  cell: ServerState | undefined,
): { state: Running; because?: string } {
  const { state, because } = judge(signals ?? { server, ...NO_SIGNALS }, cell === undefined ? {} : { cell });
  if (state === "started") return { state: "running" };
  return state === "stopped" ? { state } : { state: "unknown", because };
}

const answer = (value: boolean | "unknown" | undefined): Answer =>
  value === true ? "yes" : value === false ? "no" : "unknown";

async function observeWebServer(
  name: string,
  declared: FixesDesired["settings"],
  estate: Estate,
  cell: CellObservation | undefined,
): Promise<LiveWebServer> {
  const [looked, mpm] = await Promise.all([
    problemAsData(estate.webServer(name).look(), name),
    problemAsData(estate.webServer(name).mpm(), name),
  ]);
  const nothing = {
    path: "",
    value: "",
    sha256: "",
    lists: {},
    servers: [],
    refreshInterval: 0,
    hold: null,
    running: "unknown" as const,
  };
  const { servers, ...seen } = looked.value ?? { name, ...nothing, problems: looked.problems };
  // Which of several it is cannot be told, and is refused by its name.
  const isKnown = cell && ambiguousNames(declared, cell.topology.webServers).length === 0;
  const settings = isKnown ? pluginSettingsOf(name, declared, cell.settings.plugin) : undefined;
  const modes = [settings?.generation ?? "unknown", settings?.propagation ?? "unknown"];
  const automatic = modes.includes("automatic") ? "yes" : modes.includes("unknown") ? "unknown" : "no";
  const inCell = cell ? serversInCell(servers, cell.topology) : {};
  return { ...seen, inCell, automatic, mpm: mpm.value ?? "unknown" };
}
