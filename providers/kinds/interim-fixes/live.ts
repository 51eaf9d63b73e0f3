import type { Problem } from "../../common/problem.js";
import type { Mpm } from "../../targets/plugin/control.js";
import type { SeenHold } from "../../targets/plugin/hold.js";
import type { FileMarks } from "../../targets/wsadmin/application-files.js";

/** Three values, for a state that could not be told is not the opposite of the one that was hoped for. */
export type Running = "running" | "stopped" | "unknown";
export type Answer = "yes" | "no" | "unknown";

/** Whether applications are as the deployment manager has them. */
export type Level = "current" | "behind" | "unknown";

/** An application that a member does not have as the deployment manager has it. Times are ISO 8601, by that host's clock. */
export interface Lag {
  application: string;
  /** "not distributed": the node has older files; "not restarted": the member runs since before its node got them. */
  cause: "not distributed" | "not restarted";
  /** When the deployment manager, or the node, got what the member lacks; null = not known. */
  since: string | null;
  /** Of "not restarted": the node's files. Absent in states of older versions, or where they cannot be told. */
  marks?: FileMarks;
  /** Of "not restarted": their content bears a time after the member's start; else only their status changed since. */
  written?: boolean;
}

export interface LiveMember {
  server: string;
  cluster: string;
  state: Running;
  /** The signals of an unknown state, which do not agree or are missing. */
  because?: string;
  /** When its process started, ISO 8601, by its node's clock; null = not known, or it does not run. */
  startedAt?: string | null;
  /** Of its applications together. Absent in states of older versions: not known. */
  level?: Level;
  /** Why it is "behind"; by the status of files, a touch of them may be all there was. */
  lags?: Lag[];
  /** Why it is "unknown", or would be if it were not "behind". */
  doubt?: string;
}

export interface LiveNode {
  name: string;
  /** Its host answered. Absent in states of older versions: not known. */
  reached?: boolean;
  agent: Running;
  /** The service that its running agent was started by, or that would start a stopped one; null = its own script. */
  agentService?: string | null;
  /** The node says that its configuration is the deployment manager's. Says nothing while the agent is down. */
  synchronized: Answer;
  /** Members of clusters; stand-alone servers are never touched. */
  members: LiveMember[];
  /** Application → its files, where every member that runs it here started after they came. */
  proved?: Record<string, FileMarks>;
  /** What keeps the node out of a rollout: profile, file ownership, servers that start by themselves. */
  problems: Problem[];
}

/** Servers per routed cluster, by the names of the plug-in file. */
export type Lists = Record<string, { primary: string[]; backup: string[] }>;

/**
 * What a server of a plug-in file may be in the cell. A `cluster` of null is none: a stand-alone server, a deployment manager.
 * `elsewhere`: by its addresses it is nobody of the cell; its name or its CloneID says so alone.
 */
export interface SignOfServer {
  cluster: string | null;
  node: string;
  elsewhere?: true;
}

/**
 * What each server of a plug-in file, by its cluster and name there, may be in the cell: the one that it is told to be; none;
 * or several, where the signs disagree.
 */
export type CellServers = Record<string, Record<string, SignOfServer[]>>;

export interface LiveWebServer {
  name: string;
  running: Answer;
  /** The file that the plug-in follows. */
  path: string;
  /** The same, as written in the directive. */
  value: string;
  sha256: string;
  /** What runs was loaded after the last edit of that file and of the directive. Absent: not known. */
  loaded?: boolean;
  lists: Lists;
  /** Absent in states of older versions: not known. */
  inCell?: CellServers;
  /** Cluster → why its lists do not decide, or no answer proves, who serves its users. */
  shapes?: Record<string, Problem[]>;
  /** Seconds between two looks of the plug-in at its file; -1 = it never looks again. */
  refreshInterval: number;
  hold: SeenHold | null;
  mpm: Mpm;
  /** The deployment manager generates or propagates the file by itself. */
  automatic: Answer;
  problems: Problem[];
}

export interface LiveInstaller {
  /** An installation or uninstallation on the deployment manager's host, ours or somebody's; a mere listing is none. */
  running: Answer;
  /** null = not known: while one is at work its list says nothing, so no declared fix counts as missing. */
  installed: string[] | null;
  offered: string[];
  /** Offered fix → fixes that it needs, where the installer's list says so. */
  requires?: Record<string, string[]>;
  /** Why it cannot be given the administrator's login; nobody minds while it is not to be run. */
  login?: Problem[];
  problems: Problem[];
}

/** What the operator asked for by `npm run rollout`, and which process the rollout runs in. */
export interface LiveControl {
  request: "stop" | "roll back" | "resume" | null;
  reason: string;
  /** The process that began or last took up the rollout is this one. */
  here: boolean;
}

/** What `plan` knows of reality. Plain JSON. */
export interface Live {
  deploymentManager: {
    running: Answer;
    /** Seconds; 0 = no limit, null = not known. */
    soapRequestTimeout: number | null;
    /** When an automatic generation of LTPA keys is due, ISO 8601. */
    keyGenerationDue: string | null;
    problems: Problem[];
  };
  /** As declared, in their order. */
  nodes: LiveNode[];
  /** Cluster → nodes on which it has members, whether declared or not. */
  clusters: Record<string, string[]>;
  /** "ccm of node1": application servers of no cluster. They are never touched; a fix that changes one freezes the rollout. */
  standAlone?: string[];
  /** Applications whose archive in the master configuration cannot be seen: whether the installer changes them could not be told. */
  withoutArchive?: string[];
  /** Node → applications of which nobody could tell there whether a synchronization brought them. */
  withoutProof?: Record<string, string[]>;
  /** As declared, in their order. */
  webServers: LiveWebServer[];
  /** What is declared lost, with all that answers there all the same. */
  lost?: { name: string; answers: string[] }[];
  /** All that the cell defines. */
  webServersOfCell: { node: string; server: string }[];
  installer: LiveInstaller;
  control: LiveControl;
}

/** How a member is called in messages. */
export const memberName = ({ name }: Pick<LiveNode, "name">, { server }: Pick<LiveMember, "server">): string =>
  `${name} ${server}`;

export const allStarted = (node: LiveNode): boolean => node.members.every((member) => member.state === "running");
export const allStopped = (node: LiveNode): boolean => node.members.every((member) => member.state === "stopped");
