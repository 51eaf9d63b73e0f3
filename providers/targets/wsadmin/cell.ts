/** What is known of a server or node agent. "unknown" is an answer: nothing that was asked proves one of the others. */
export type ServerState = "started" | "starting" | "stopping" | "stopped" | "unknown";

/** A fact that could not be had is "unknown", never taken for false. */
export type Tri = boolean | "unknown";

/** How the deployment manager's configuration names a server: never by a prefix (node1/node10, app1/app10). */
export interface ServerRef {
  readonly node: string;
  readonly server: string;
}

/** A named port, such as WC_defaulthost or SOAP_CONNECTOR_ADDRESS. The host may be "*". */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface CellServer extends ServerRef {
  readonly type: "application" | "web" | "node-agent" | "deployment-manager" | "other";
  /** By name, from the node's serverindex. */
  readonly endpoints: Readonly<Record<string, Endpoint>>;
}

export interface CellNode {
  readonly name: string;
  readonly hostName: string;
  /** "unmanaged": a node that only describes where a web server is; it has no agent. */
  readonly role: "deployment-manager" | "managed" | "unmanaged";
  /** SOAP port of the node agent (8878 unless configured). */
  readonly agentPort?: number;
  /** USER_INSTALL_ROOT of the node, resolved; in that node's own notation. */
  readonly profileRoot?: string;
}

export interface ClusterMember extends ServerRef {
  /** Decimal; base 32 of it is the default CloneID. Absent when it has none. */
  readonly uniqueId?: string;
  readonly weight?: number;
}

export interface CellCluster {
  readonly name: string;
  readonly members: readonly ClusterMember[];
}

/** Where an application is mapped to. */
export interface CellApplication {
  readonly name: string;
  readonly clusters: readonly string[];
  /** Stand-alone servers and web servers. */
  readonly servers: readonly ServerRef[];
}

/** A WebSphere variable as configured, nested `${…}` still in it: `resolveVariable` in variables.ts resolves. */
export interface WebSphereVariable {
  readonly name: string;
  readonly value: string;
  readonly scope: VariableScope;
}

/** The narrowest that is given: a server on a node, a node, a cluster, else the cell. */
export interface VariableScope {
  readonly node?: string;
  readonly server?: string;
  readonly cluster?: string;
}

export interface CellTopology {
  readonly cell: string;
  readonly nodes: readonly CellNode[];
  /** Every server of every type. */
  readonly servers: readonly CellServer[];
  readonly clusters: readonly CellCluster[];
  /** Application servers that belong to no cluster. */
  readonly standAlone: readonly ServerRef[];
  readonly webServers: readonly ServerRef[];
  readonly applications: readonly CellApplication[];
  readonly variables: readonly WebSphereVariable[];
}

export interface ServerStatus extends ServerRef {
  /** "stopped" only when the node's agent answers and knows no such server; without the agent it is "unknown". */
  readonly state: ServerState;
  readonly pid?: number;
  /** ISO 8601, UTC. Where the server does not tell, `NodeCommands.observe` has the start of its process. */
  readonly startedAt?: string;
}

export interface NodeStatus {
  readonly node: string;
  /** "started" when the deployment manager reaches it, else "unknown": it cannot tell stopped from unreachable. */
  readonly agent: ServerState;
  readonly synchronized: Tri;
  /** The running agent's own setting; it is back at the configured one after a restart. */
  readonly autoSync: Tri;
}

export interface ClusterStatus {
  readonly cluster: string;
  readonly state: "started" | "partially started" | "partially stopped" | "stopped" | "unknown";
}

export interface CellState {
  /** Application servers. */
  readonly servers: readonly ServerStatus[];
  /** Managed nodes. */
  readonly nodes: readonly NodeStatus[];
  readonly clusters: readonly ClusterStatus[];
}

export type PluginMode = "automatic" | "manual" | "unknown";

/** Whether the deployment manager rewrites and pushes a web server's plugin-cfg.xml by itself. */
export interface PluginSettings {
  readonly node: string;
  readonly webServer: string;
  readonly generation: PluginMode;
  readonly propagation: PluginMode;
  /** Where propagation puts the file on the web server's host. */
  readonly remoteFile?: string;
}

export interface PluginChange {
  readonly node: string;
  readonly webServer: string;
  readonly generation?: "automatic" | "manual";
  readonly propagation?: "automatic" | "manual";
}

export interface MonitoringPolicy extends ServerRef {
  /** What a starting node agent does with the server. */
  readonly nodeRestartState: "STOPPED" | "RUNNING" | "PREVIOUS" | "unknown";
  readonly autoRestart: Tri;
}

export interface CellSettings {
  readonly plugin: readonly PluginSettings[];
  readonly monitoring: readonly MonitoringPolicy[];
  /** Seconds, 0 = no limit; undefined where not set or not readable. */
  readonly soapRequestTimeout: {
    /** Of the deployment manager's SOAP connector. */
    readonly connector?: number;
    /** `com.ibm.SOAP.requestTimeout` in the profile's soap.client.props: what the update installer's own calls use. */
    readonly client?: number;
  };
  /** Key set groups, LTPA's among them. */
  readonly keyGeneration: readonly {
    readonly group: string;
    readonly automatic: Tri;
    /** ISO 8601, UTC. */
    readonly due?: string;
  }[];
}

/** Everything a preview asks of a cell, from one JVM. */
export interface CellObservation {
  readonly topology: CellTopology;
  readonly state: CellState;
  readonly settings: CellSettings;
  /** Of applications that are mapped to clusters, when it was asked for. */
  readonly distribution?: readonly Distribution[];
}

/** AdminApp.getDeployStatus: whether what lies expanded on a node is what the master configuration has. */
export interface Distribution {
  readonly application: string;
  /**
   * Per node; one that is not mentioned, or whose agent is down, is "unknown". false too while it says that the application is
   * not expanded yet.
   */
  readonly distributed: Readonly<Record<string, Tri>>;
  /** Whether it is expanded there, per node; "unknown" where the deployment manager does not look or does not say. */
  readonly expanded: Readonly<Record<string, Tri>>;
}

export interface ApplicationReadiness extends Distribution {
  /** AdminApp.isAppReady: distributed to every node, and ready to run; a node whose agent is down makes it false. */
  readonly ready: Tri;
}

/** How many users one member has, by its session managers (PMI level basic, LiveCount and ActiveCount). */
export interface ServerUsers {
  /** In memory, those of users who went home without logging out included, until they expire. */
  readonly sessions: number;
  /** That are being answered now, within a session. */
  readonly requests: number;
}

export interface Limit {
  /** Of the whole call, the start of the JVM included. It is bounded on the host too. */
  readonly timeoutMs?: number;
}

/**
 * A WebSphere cell, reached through wsadmin on the deployment manager's host. Every call is one JVM start (10–30 s on real
 * machines). What a call says it did is re-read in the same JVM; a cut line leaves the outcome unknown: ask `state` again.
 *
 * @throws ProblemError from every method: `login` when the deployment manager refused the credentials, `unreachable` when it
 *   cannot be reached (neither says anything about a server's state), `refused` when it manages another cell than the configured
 *   one, `timeout`, `missing` for a node or server that the cell does not have, `command-failed` with what wsadmin said.
 */
export interface Cell {
  /** What messages call it: the deployment manager's host. */
  readonly name: string;

  /**
   * Fresh; one JVM for all of it. `distribution` asks every node about every application, 30 s at most: not for waits that
   * look again and again.
   */
  observe(more?: { readonly distribution: boolean }): Promise<CellObservation>;
  /** The same, with the distribution, from the host's snapshot: for previews only. */
  snapshot(): Promise<CellObservation>;
  topology(): Promise<CellTopology>;
  state(): Promise<CellState>;
  settings(): Promise<CellSettings>;

  /** Full synchronization of one node through its running agent; answers what the node says afterwards. */
  fullSync(node: string, limit?: Limit): Promise<{ readonly synchronized: Tri }>;
  /** Of the running agent only; not persisted. Answers what it says afterwards. */
  setAutoSync(node: string, enabled: boolean): Promise<Tri>;
  /** Needs the node's agent. Waits for the end of the start, `limit` at most; answers the state read afterwards. */
  startServer(server: ServerRef, limit?: Limit): Promise<ServerState>;
  /** Quiesces and stops; `immediate` does not quiesce. Needs the node's agent. */
  stopServer(server: ServerRef, limit?: Limit & { readonly immediate?: boolean }): Promise<ServerState>;
  /**
   * Asks a running member on its own SOAP port, so whether its node's agent runs does not matter.
   *
   * @throws ProblemError `missing` where the member does not count them; as every method otherwise
   */
  users(member: ServerRef & Endpoint, limit?: Limit): Promise<ServerUsers>;
  /** Whether the applications are fully distributed: the sync flag alone comes before an agent has expanded the EARs. */
  applicationReadiness(applications: readonly string[], limit?: Limit): Promise<readonly ApplicationReadiness[]>;
  /** One saved change for all that differ; answers the settings read afterwards. Nothing to change saves nothing. */
  setPluginSettings(changes: readonly PluginChange[]): Promise<readonly PluginSettings[]>;
  /** Where the deployment manager has plugin-cfg.xml of a web server: what it generates, and propagates. */
  generatedFile(webServer: ServerRef): Promise<string>;
  /** Writes it anew, over whatever is there. */
  generatePlugin(webServer: ServerRef, limit?: Limit): Promise<{ readonly file: string }>;
  /** Pushes the generated file to the web server's host. */
  propagatePlugin(webServer: ServerRef, limit?: Limit): Promise<void>;
}
