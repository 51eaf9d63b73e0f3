import type { Problem } from "../common/problem.js";

/** One address that the plug-in forwards to. */
export interface PluginTransport {
  hostname: string;
  port: number;
  protocol: string;
}

/** One `Server` definition of a `ServerCluster`: an application server that requests can be sent to. */
export interface PluginMember {
  /** As deployment managers write it: `<node>_<server>`; both parts may contain `_`. */
  name: string;
  /** Absent on stand-alone servers, whose sessions have no affinity. */
  cloneId?: string;
  line: number;
  transports: PluginTransport[];
}

/** One `ServerCluster` element. Names are decoded; everything is in file order. */
export interface PluginCluster {
  name: string;
  line: number;
  /** A Route names it. */
  routed: boolean;
  members: PluginMember[];
  /** Which lists name at least one server. With "none" the plug-in treats every member as primary. */
  lists: "both" | "primary-only" | "backup-only" | "none";
  /** Server names in file order, as effective: with lists "none" all members. */
  primary: string[];
  backup: string[];
  /** Another balancer stands in front of the members: new requests do not follow the primary list. */
  clusterAddress: boolean;
  /** GetDWLMTable="true": with memory-to-memory replication the plug-in follows that table, not the lists. */
  dwlm: boolean;
  cloneSeparator: ":" | "+";
  /** Names of the affinity cookies of the Uris routed to it, each once. */
  affinityCookies: string[];
  /** Patterns of the Uris routed to it, each once. */
  uris: string[];
}

/** What a plug-in configuration file (plugin-cfg.xml) says about routing. */
export interface PluginConfig {
  clusters: PluginCluster[];
  /** Default 60. -1 = the file is never read again. */
  refreshIntervalSeconds: number;
  /** On-demand routers steer dynamically: the lists are not the whole story. */
  intelligentManagement: boolean;
  /** The plug-in's own log file. */
  logPath?: string;
  /**
   * SHA-256 of everything except the PrimaryServers and BackupServers elements and the white space before them: equal for
   * two files that differ in routing only.
   */
  restDigest: string;
  /** What the plug-in would reject, or what makes the routing ambiguous. A file with problems is not edited. */
  problems: Problem[];
}

export declare function readPluginConfig(bytes: Uint8Array, where: string): PluginConfig;

export declare function routePlugin(
  bytes: Uint8Array,
  where: string,
  wanted: ReadonlyMap<string, { primary: readonly string[]; backup: readonly string[] }>,
): Buffer;
