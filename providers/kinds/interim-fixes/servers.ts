import { isIP } from "node:net";
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
 * generated with, `<node>_<server>`. Names are the same in a cell that was built like this one: against a CloneID and an
 * address that are both known, and both nobody's here, a name says nothing.
 */
export function serversInCell(
  routed: readonly RoutedServer[],
  topology: Pick<CellTopology, "clusters" | "nodes" | "servers">,
): CellServers {
  const known = knownServers(topology);
  const found: CellServers = {};
  for (const server of routed) {
    const named = known.filter((each) => server.name === each.wholeName);
    const told = known.filter((each) => hasCloneIdOf(each, server) || listensAs(each, server));
    const elsewhere = listensElsewhere(server, known);
    const isAnothers = told.length === 0 && elsewhere && named.every((each) => hasAnotherCloneId(each, server));
    const same = known.filter((each) => told.includes(each) || (named.includes(each) && !isAnothers));
    const signs = same.map(({ cluster, node }) => ({ cluster, node, ...(elsewhere ? { elsewhere } : {}) }));
    const distinct = signs.filter(({ cluster, node }, index) => {
      const first = signs.findIndex((each) => each.cluster === cluster && each.node === node);
      return first === index;
    });
    found[server.cluster] = { ...found[server.cluster], [server.name]: distinct };
  }
  return found;
}

interface KnownServer {
  /** null = it is in none. */
  readonly cluster: string | null;
  readonly node: string;
  /** As plug-in files are generated with. */
  readonly wholeName: string;
  /** Base 32 of its uniqueId; absent where it has none. */
  readonly cloneId?: string;
  /** Empty where the cell does not say. */
  readonly listens: readonly { readonly host: string | undefined; readonly port: number }[];
}

/** Members of clusters, then all servers of none. */
function knownServers({
  clusters,
  servers,
  nodes,
}: Pick<CellTopology, "clusters" | "servers" | "nodes">): KnownServer[] {
  const members = clusters.flatMap(({ name: cluster, members }) => members.map((member) => ({ ...member, cluster })));
  const isMember = ({ node, server }: ServerRef) =>
    members.some((member) => member.node === node && member.server === server);
  const others = servers.filter((each) => !isMember(each)).map(({ node, server }) => ({ node, server, cluster: null }));
  return [...members, ...others].map((each: ClusterMember & { readonly cluster: string | null }) => {
    const { cluster, node, server, uniqueId } = each;
    const machine = nodes.find(({ name }) => name === node)?.hostName;
    const endpoints = servers.find((one) => one.node === node && one.server === server)?.endpoints ?? {};
    const cloneId = uniqueId === undefined ? undefined : base32(uniqueId);
    return {
      ...{ cluster, node, wholeName: `${node}_${server}` },
      ...(cloneId === undefined ? {} : { cloneId }),
      listens: Object.values(endpoints).map(({ host, port }) => ({ host: host === "*" ? machine : host, port })),
    };
  });
}

const hasCloneIdOf = (known: KnownServer, { cloneId }: RoutedServer): boolean =>
  known.cloneId !== undefined && known.cloneId === cloneId;

const hasAnotherCloneId = (known: KnownServer, { cloneId }: RoutedServer): boolean =>
  known.cloneId !== undefined && cloneId !== undefined && known.cloneId !== cloneId;

const listensAs = ({ listens }: KnownServer, { transports }: RoutedServer): boolean =>
  listens.some(({ host, port }) =>
    transports.some((transport) => transport.port === port && isSameHost(transport.hostname, host)),
  );

/** It has addresses, those of the cell's members are known, and no server of the cell can be meant by them. */
const listensElsewhere = ({ transports }: RoutedServer, known: readonly KnownServer[]): boolean =>
  transports.length > 0 &&
  known.every(
    ({ cluster, listens }) =>
      (cluster === null || listens.length > 0) &&
      listens.every(({ host, port }) =>
        transports.every((transport) => transport.port !== port || isOtherHost(transport.hostname, host)),
      ),
  );

const isSameHost = (a: string, b: string | undefined): boolean => a.toLowerCase() === b?.toLowerCase();

/** An address may be that of any name, and a short name is that of a long one which begins with it. */
function isOtherHost(a: string, b: string | undefined): boolean {
  if (b === undefined || isIP(a) !== isIP(b) || isSameHost(a, b)) return false;
  const [short = "", long = ""] = [a, b].map((name) => name.toLowerCase()).sort((x, y) => x.length - y.length);
  return isIP(a) !== 0 || short.includes(".") || !long.startsWith(`${short}.`);
}

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
