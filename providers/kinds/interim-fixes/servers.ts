import type { PluginCluster } from "../../formats/plugin-cfg.js";
import type { CellTopology, ClusterMember } from "../../targets/wsadmin/cell.js";

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
 * Server → its node by the cell's own configuration, for clusters that the cell has. A member is known by its CloneID (base
 * 32 of its uniqueId, unless somebody set another one), by the host and port that it listens on, or by the whole name that
 * plug-in files are generated with, `<node>_<server>`; null where none of these tells, or they disagree.
 */
export function nodesByCell(
  servers: readonly RoutedServer[],
  topology: Pick<CellTopology, "clusters" | "nodes" | "servers">,
): Record<string, string | null> {
  return Object.fromEntries(
    servers.flatMap((server) => {
      const cluster = topology.clusters.find(({ name }) => name === server.cluster);
      if (!cluster) return [];
      const nodes = new Set(
        cluster.members.filter((member) => isSame(server, member, topology)).map(({ node }) => node),
      );
      const [only] = nodes;
      return [[server.name, nodes.size === 1 && only !== undefined ? only : null]];
    }),
  );
}

function isSame(
  { name, cloneId, transports }: RoutedServer,
  { node, server, uniqueId }: ClusterMember,
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
