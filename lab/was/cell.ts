import type { Description } from "../description.js";
import { clustersWith, type NodeName, nodesOf } from "../topology.js";

/** What the lab's cell is made of, as its hosts see it. Paths are prefixed where hosts have no trees of their own. */

export const WAS_ROOT = "/opt/IBM/WebSphere/AppServer";
export const DMGR_PROFILE = `${WAS_ROOT}/profiles/Dmgr01`;
export const NODE_PROFILE = `${WAS_ROOT}/profiles/AppSrv01`;
export const CONNECTIONS_ROOT = "/opt/IBM/Connections";
export const UPDATE_INSTALLER = `${CONNECTIONS_ROOT}/updateInstaller`;
/** Where the fixes on offer lie. */
export const FIX_DIRECTORY = "/opt/IBM/fixes";
export const WEB_SERVER = { node: "web1", server: "webserver1" } as const;
export const ADMINISTRATOR = "wasadmin";

/** Milliseconds. In a real cell these are minutes; proportions are kept, roughly. */
export const TIMES = {
  startServer: 1_000,
  /** Requests in hand when a server stops; 180 s in the product. */
  quiesce: 3_000,
  /** What the fault member-slow-stop adds. */
  slowStop: 4_000,
  stopApplication: 300,
  startApplication: 600,
  expand: 200,
  startAgent: 200,
  /** One minute in the product. */
  autoSync: 1_500,
  installApplication: 700,
} as const;

/** Applications by the context roots that the lab's clusters serve. */
const APPLICATIONS: Readonly<Record<string, string>> = {
  "/files": "Files",
  "/wikis": "Wikis",
  "/blogs": "Blogs",
  "/activities": "Activities",
  "/communities": "Communities",
  "/profiles": "Profiles",
  "/homepage": "Homepage",
  "/search": "Search",
  "/push": "PushNotification",
};

/** Of one cluster: context root → application. */
export function applicationsOf(cluster: { readonly uris: readonly string[] }): Record<string, string> {
  const roots = cluster.uris.map((uri) => uri.replace(/\/\*$/, ""));
  return Object.fromEntries(roots.flatMap((root) => (APPLICATIONS[root] ? [[root, APPLICATIONS[root]]] : [])));
}

export interface LabApplication {
  readonly name: string;
  readonly cluster: string;
}

export function applicationsIn(description: Pick<Description, "memberPorts" | "nodes">): LabApplication[] {
  return clustersWith(description.memberPorts, description.nodes).flatMap((cluster) =>
    Object.values(applicationsOf(cluster)).map((name) => ({ name, cluster: cluster.name })),
  );
}

/** How to reach the cell, as configurations and tests need it. Paths are as the hosts see them. */
export interface LabCell {
  readonly name: string;
  /** Jython of its wsadmin. */
  readonly jython: "2.1" | "2.7";
  readonly dmgr: { readonly address: string; readonly soapPort: number; readonly profile: string };
  readonly nodes: readonly { readonly name: NodeName; readonly profile: string; readonly agentPort: number }[];
  readonly webServer: { readonly node: string; readonly server: string };
  readonly applications: readonly LabApplication[];
  /** On this machine: one line. */
  readonly administrator: { readonly name: string; readonly passwordFile: string };
  readonly connectionsRoot: string;
  readonly updateInstaller: string;
  readonly fixDirectory: string;
}

export function labCell(
  description: Description,
  cellName: string,
  prefixOf: (host: "dmgr" | NodeName) => string,
  passwordFile: string,
): LabCell | undefined {
  if (description.cell === "none") return undefined;
  const onDmgr = (path: string) => `${prefixOf("dmgr")}${path}`;
  return {
    name: cellName,
    jython: description.cell,
    dmgr: {
      address: description.addresses.dmgr,
      soapPort: description.dmgrPorts.soap,
      profile: onDmgr(DMGR_PROFILE),
    },
    nodes: nodesOf(description).map((name) => ({
      name,
      profile: `${prefixOf(name)}${NODE_PROFILE}`,
      agentPort: description.agentPorts[name],
    })),
    webServer: WEB_SERVER,
    applications: applicationsIn(description),
    administrator: { name: ADMINISTRATOR, passwordFile },
    connectionsRoot: onDmgr(CONNECTIONS_ROOT),
    updateInstaller: onDmgr(UPDATE_INSTALLER),
    fixDirectory: onDmgr(FIX_DIRECTORY),
  };
}
