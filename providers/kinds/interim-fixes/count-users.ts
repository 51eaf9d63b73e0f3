import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import type { Host } from "../../targets/host.js";
import type { Cell, CellTopology, ServerUsers } from "../../targets/wsadmin/cell.js";
import type { RoutedWebServer } from "./estate.js";
import type { Settings } from "./schema.js";
import { membersOn } from "./servers.js";

/** State of a TCP connection in /proc/net/tcp. */
const ESTABLISHED = "01";

interface Member {
  readonly server: string;
  readonly cluster: string;
  /** By name, as the node's serverindex has them. */
  readonly endpoints: CellTopology["servers"][number]["endpoints"];
}

/** Of the clusters that a rollout drains. */
function membersOf(node: string, { servers, clusters }: CellTopology, { untouched }: Settings): readonly Member[] {
  return membersOn(node, clusters, untouched).map(({ server, cluster }) => {
    const found = servers.find((each) => each.node === node && each.server === server);
    return { server, cluster, endpoints: found?.endpoints ?? {} };
  });
}

/** By which web servers may reach a member besides its probed port, if it has them. */
const PORTS_OF_USERS: readonly string[] = ["WC_defaulthost", "WC_defaulthost_secure"];

/** By the cell; undefined where a member has not even the port that it is probed on. */
function ownPorts(node: string, topology: CellTopology, settings: Settings): readonly number[] | undefined {
  const ports: number[] = [];
  for (const { cluster, endpoints } of membersOf(node, topology, settings)) {
    const probed = endpoints[settings.memberProbes[cluster]?.port ?? "WC_defaulthost"];
    if (!probed) return undefined;
    ports.push(probed.port, ...PORTS_OF_USERS.flatMap((name) => endpoints[name]?.port ?? []));
  }
  return ports;
}

/**
 * Established connections to every port that users may come by, by the node's /proc: the members' own ports for HTTP and
 * HTTPS, and those that the web servers' plug-ins forward to. Undefined where they cannot be counted.
 */
export async function connections(
  host: Host,
  node: string,
  topology: CellTopology,
  settings: Settings,
  webServers: readonly Pick<RoutedWebServer, "portsOf">[],
): Promise<number | undefined> {
  const own = ownPorts(node, topology, settings);
  const forwarded = await forwardedPorts(node, settings, webServers);
  if (!own || !forwarded) return undefined;
  // A merged file calls clusters otherwise: whose port it is, the cell tells.
  const others = portsOfUntouched(node, topology, settings);
  const ports = new Set([...own, ...forwarded.filter((port) => !others.includes(port))]);
  const { exitCode, stdout } = await host.run(["cat", "/proc/net/tcp", "/proc/net/tcp6"], {
    what: `count connections of ${node}`,
    timeoutMs: milliseconds(host.connection.operationTimeout),
  });
  if (exitCode !== 0 && !stdout.includes("local_address")) return undefined;
  const lines = stdout.split("\n").map((line) => /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ ([0-9A-F]{2}) /.exec(line));
  return lines.filter((line) => line?.[2] === ESTABLISHED && ports.has(Number.parseInt(line[1] ?? "", 16))).length;
}

/** Of members that go on serving while their node is out. */
const portsOfUntouched = (
  node: string,
  { servers, clusters }: CellTopology,
  { untouched }: Settings,
): readonly number[] => {
  const members = clusters
    .filter(({ name }) => untouched.includes(name))
    .flatMap((cluster) => cluster.members.filter((member) => member.node === node));
  return servers
    .filter((each) => each.node === node && members.some(({ server }) => server === each.server))
    .flatMap(({ endpoints }) => Object.values(endpoints).map(({ port }) => port));
};

/** Undefined where a web server cannot be asked. */
async function forwardedPorts(
  node: string,
  { topology, untouched }: Settings,
  webServers: readonly Pick<RoutedWebServer, "portsOf">[],
): Promise<readonly number[] | undefined> {
  try {
    const servers = topology.nodes[node] ?? [];
    return (await Promise.all(webServers.map((webServer) => webServer.portsOf(servers, untouched)))).flat();
  } catch (error) {
    if (error instanceof ProblemError) return undefined;
    throw error;
  }
}

/** Sessions and requests of a node's members, each asked on its own SOAP port; undefined where one does not answer. */
export async function users(
  cell: Pick<Cell, "users">,
  node: string,
  topology: CellTopology,
  settings: Settings,
): Promise<ServerUsers | undefined> {
  const machine = topology.nodes.find(({ name }) => name === node)?.hostName;
  let sum: ServerUsers = { sessions: 0, requests: 0 };
  for (const { server, endpoints } of membersOf(node, topology, settings)) {
    const end = endpoints.SOAP_CONNECTOR_ADDRESS;
    const host = end?.host === "*" ? machine : end?.host;
    if (!end || !host) return undefined;
    try {
      const { sessions, requests } = await cell.users({ node, server, host, port: end.port });
      sum = { sessions: sum.sessions + sessions, requests: sum.requests + requests };
    } catch (error) {
      if (error instanceof ProblemError) return undefined;
      throw error;
    }
  }
  return sum;
}
