/** What stands in the lab: names, clusters, CloneIDs, paths. Addresses and ports are chosen at each start. */

/** Every host that a lab may have; `hostsOf` says which ones a lab has. */
export const HOST_NAMES = ["web1", "node1", "node2", "node3", "dmgr"] as const;
export type AnyHostName = (typeof HOST_NAMES)[number];
/** The hosts that every lab has. */
export type HostName = Exclude<AnyHostName, "node3" | "dmgr">;

export const NODE_NAMES = ["node1", "node2", "node3"] as const;
export type NodeName = (typeof NODE_NAMES)[number];

/** What decides which hosts there are. */
export interface Extent {
  readonly nodes: 2 | 3;
  /** "none": nodes without a cell; else the Jython of the deployment manager's wsadmin. */
  readonly cell: "none" | "2.1" | "2.7";
}

export const nodesOf = ({ nodes }: Pick<Extent, "nodes">): readonly NodeName[] => NODE_NAMES.slice(0, nodes);

export const hostsOf = (extent: Extent): readonly AnyHostName[] => [
  "web1",
  ...nodesOf(extent),
  ...(extent.cell === "none" ? [] : (["dmgr"] as const)),
];

export interface LabMember {
  /** `<node>_<server>`, as in the plug-in file. */
  readonly name: string;
  readonly node: NodeName;
  /** What the configuration calls its server. */
  readonly server: string;
  /** Decimal; the CloneID is the same in base 32. */
  readonly uniqueId: string;
  readonly cloneId: string;
  readonly port: number;
}

export interface LabCluster {
  readonly name: string;
  /** active/passive: node1 primary, node2 backup. active/active: both primary and no BackupServers at all. */
  readonly roles: "active/passive" | "active/active";
  readonly uris: readonly string[];
  /** A page that creates a session, so that its answer carries a JSESSIONID. */
  readonly probePath: string;
  readonly members: readonly LabMember[];
}

export const CELL = "labCell01";
export const PUBLIC_NAME = "connections.example.com";
export const IHS_ROOT = "/opt/IBM/HTTPServer";
export const PLUGIN_ROOT = `${IHS_ROOT}/Plugins`;
export const PLUGIN_FILE = `${PLUGIN_ROOT}/config/webserver1/plugin-cfg.xml`;
export const HTTPD_CONF = `${IHS_ROOT}/conf/httpd.conf`;
export const DROP_IN = `${IHS_ROOT}/conf/connections.conf`;
export const APACHECTL = `${IHS_ROOT}/bin/apachectl`;
export const ACCESS_LOG = `${IHS_ROOT}/logs/access_log`;
/** The lab's own files on a host; not part of what the host stands for. */
export const LAB_ROOT = "/opt/lab";
/** While a file of a fault's name exists there, the host's programs misbehave accordingly. */
export const SWITCHES = `${LAB_ROOT}/switches`;
export const STATE_DIRECTORY = "/opt/pulumi-connections";
export const TEST_USER = "labprobe";

/** Milliseconds of the creation of the first member; CloneIDs are such a time in base 32. */
const FIRST_MEMBER_CREATED = Date.UTC(2019, 4, 14, 7, 21, 33, 517);

const CLUSTERS: readonly Omit<LabCluster, "members">[] = [
  {
    name: "AppsCluster",
    roles: "active/passive",
    uris: ["/files/*", "/wikis/*", "/blogs/*", "/activities/*"],
    probePath: "/files/app",
  },
  {
    name: "InfraCluster",
    roles: "active/passive",
    uris: ["/communities/*", "/profiles/*", "/homepage/*", "/search/*"],
    probePath: "/communities/service/html/mycommunities",
  },
  { name: "PushCluster", roles: "active/active", uris: ["/push/*"], probePath: "/push/form" },
];

/** @param ports one for each member, in the order clusters × nodes */
export function clustersWith(ports: readonly number[], nodes: Extent["nodes"]): LabCluster[] {
  return CLUSTERS.map((cluster, c) => ({
    ...cluster,
    members: NODE_NAMES.slice(0, nodes).map((node, n) => {
      const index = c * nodes + n;
      return {
        name: `${node}_${cluster.name}_server${n + 1}`,
        node,
        server: `${cluster.name}_server${n + 1}`,
        uniqueId: String(FIRST_MEMBER_CREATED + index * 93_417),
        cloneId: (FIRST_MEMBER_CREATED + index * 93_417).toString(32),
        port: ports[index] ?? 0,
      };
    }),
  }));
}

export const memberCount = ({ nodes }: Pick<Extent, "nodes">): number => CLUSTERS.length * nodes;
