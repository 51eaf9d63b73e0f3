import type { PluginCluster } from "../../formats/plugin-cfg.js";
import type { CellTopology, ClusterMember, ServerRef } from "../../targets/wsadmin/cell.js";
import type { CellServers } from "./live.js";

/** A server of a plug-in file, with all that may tell which member of the cell it is. */
export interface RoutedServer {
  readonly cluster: string;
  readonly name: string;
  readonly cloneId?: string;
  readonly transports: readonly { readonly hostname: string; readonly port: number }[];
}

export const serversOf = (clusters: readonly PluginCluster[]): RoutedServer[] =>
  clusters
    .filter(({ routed }) => routed)
    .flatMap(({ name: cluster, members }) =>
      members.map(({ name, cloneId, transports }) => ({
        cluster,
        name,
        ...(cloneId === undefined ? {} : { cloneId }),
        transports: transports.map(({ hostname, port }) => ({ hostname, port })),
      })),
    );

/**
 * What each server of a plug-in file is by the cell's own configuration, whatever its file calls its cluster: a merged file
 * names clusters anew (pluginCfgMerge: Shared_1_Cluster_0). A server is known by its CloneID (base 32 of the member's uniqueId,
 * unless somebody set another one), by the host and port that it listens on, or by the whole name that plug-in files are
 * generated with, `<node>_<server>`.
 */
export function serversInCell(
  routed: readonly RoutedServer[],
  topology: Pick<CellTopology, "clusters" | "nodes" | "servers">,
): CellServers {
  const known = knownServers(topology);
  const found: CellServers = {};
  for (const server of routed) {
    const same = known.filter((each) => isSame(server, each, topology)).map(({ cluster, node }) => ({ cluster, node }));
    const distinct = same.filter(({ cluster, node }, index) => {
      const first = same.findIndex((each) => each.cluster === cluster && each.node === node);
      return first === index;
    });
    found[server.cluster] = { ...found[server.cluster], [server.name]: distinct };
  }
  return found;
}

type KnownServer = ClusterMember & { readonly cluster: string | null };

/** Members of clusters, then all servers of none. */
function knownServers({ clusters, servers }: Pick<CellTopology, "clusters" | "servers">): KnownServer[] {
  const members = clusters.flatMap(({ name: cluster, members }) => members.map((member) => ({ ...member, cluster })));
  const isMember = ({ node, server }: ServerRef) =>
    members.some((member) => member.node === node && member.server === server);
  const others = servers.filter((each) => !isMember(each)).map(({ node, server }) => ({ node, server, cluster: null }));
  return [...members, ...others];
}

function isSame(
  { name, cloneId, transports }: RoutedServer,
  { node, server, uniqueId }: KnownServer,
  { nodes, servers }: Pick<CellTopology, "nodes" | "servers">,
): boolean {
  if (name === `${node}_${server}`) return true;
  if (uniqueId !== undefined && cloneId !== undefined && base32(uniqueId) === cloneId) return true;
  const machine = nodes.find((each) => each.name === node)?.hostName;
  const endpoints = servers.find((each) => each.node === node && each.server === server)?.endpoints ?? {};
  return Object.values(endpoints).some(({ host, port }) =>
    transports.some(
      (transport) => transport.port === port && isSameHost(transport.hostname, host === "*" ? machine : host),
    ),
  );
}

const isSameHost = (a: string, b: string | undefined): boolean => a.toLowerCase() === b?.toLowerCase();

/** As WebSphere writes the default CloneID of a member. */
const base32 = (decimal: string): string | undefined =>
  /^\d+$/.test(decimal) ? BigInt(decimal).toString(32) : undefined;

/** A node's members of the clusters that are rolled. */
export const membersOn = (
  node: string,
  clusters: CellTopology["clusters"],
  untouched: readonly string[],
): readonly { readonly server: string; readonly cluster: string }[] =>
  clusters
    .filter(({ name }) => !untouched.includes(name))
    .flatMap(({ name: cluster, members }) =>
      members.filter((member) => member.node === node).map(({ server }) => ({ server, cluster })),
    );
