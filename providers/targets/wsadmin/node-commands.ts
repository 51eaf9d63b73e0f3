import type { Host } from "../host.js";
import type { ServerState } from "./cell.js";

/** What one look at a node's host tells of a server (or its agent, "nodeagent"), each by itself. No JVM is started. */
export interface ProcessSignals {
  readonly server: string;
  /** Its JVM, found by the pid file and by the process list; its last arguments are `… <cell> <node> <server>`. */
  readonly process: "running" | "absent" | "unknown";
  readonly pid?: number;
  /** ISO 8601, UTC: when that process started. */
  readonly startedAt?: string;
  /** Of the ports that were asked for: open when all are listened on, closed when none is. */
  readonly ports: "open" | "closed" | "some" | "unknown";
}

/** What a command or the deployment manager says besides. */
export interface Claims {
  /** Of serverStatus, startServer …: from its message codes, never from its exit code. */
  readonly message?: StatusMessage;
  /** Of the deployment manager. */
  readonly cell?: ServerState;
}

/**
 * "login-refused": ADMU0509I ("appears to be stopped") is printed, with exit code 0, for a refused login too, so it counts as
 * "stopped" only when nothing of a login is in the output.
 */
export type StatusMessage = ServerState | "login-refused";

/** All signals put together. */
export interface Verdict {
  readonly state: ServerState;
  /** Which signals say so or contradict each other: "process 4711, port 9080 open". */
  readonly because: string;
}

export interface ServerToObserve {
  readonly server: string;
  /** From the topology; without any the ports are "unknown". */
  readonly ports?: readonly number[];
}

/** How a long command is run: detached under this name, found again after a cut line, never started twice. */
export interface Run {
  /** The same in every attempt of the same step, e.g. "interim-fixes-20261123T011234Z-start-node02-app1-1f2e3d4c". */
  readonly job: string;
  readonly timeoutMs: number;
  readonly onOutput?: (line: string) => void;
  /** What it said stays under its name when it has ended: the caller judges that first, and forgets it then. */
  readonly keep?: boolean;
  /** Asked every few seconds until it ends. When it throws, nobody waits any longer; the command goes on. */
  readonly whileRunning?: () => Promise<void>;
}

/** What a command said. A claim: the caller observes again. */
export interface CommandOutcome {
  readonly exitCode: number;
  /** Message codes in order, such as ADMU3000I. */
  readonly codes: readonly string[];
  readonly message: StatusMessage;
  /** The last 64 KiB, credentials blotted out. */
  readonly output: string;
  /** It was found under its name, begun earlier: perhaps for a purpose that is long over. */
  readonly attached: boolean;
}

/** What starts and stops the node agent: a service comes back by itself when only the script stops it. */
export type AgentControl =
  | { readonly by: "service"; readonly unit: string; readonly active: boolean }
  | { readonly by: "script" };

/**
 * What only a node's own machine can do: its agent cannot be started from the deployment manager, and while it is down the
 * servers cannot be reached from there either. Scripts are the profile's own, run as the profile's owner. A command of the same
 * name that was lost with its host is given anew: the caller has looked whether it is due.
 *
 * @throws ProblemError as `Host` does; `login` when a command says that its credentials were refused.
 */
export interface NodeCommands {
  readonly node: string;
  readonly host: Host;

  /** One round trip for all of them; changes nothing. */
  observe(servers: readonly ServerToObserve[]): Promise<readonly ProcessSignals[]>;
  /** serverStatus.sh: one JVM. */
  serverStatus(server: string, limit?: { readonly timeoutMs?: number }): Promise<CommandOutcome>;

  agentControl(): Promise<AgentControl>;
  /**
   * Its first synchronization is full, and restarts applications.
   *
   * @param service the unit that it was started by before it was stopped, null for startNode.sh. Left out: by the service
   *   when there is one that names it. Of a stopped agent nothing else tells
   */
  startAgent(run: Run, service?: string | null): Promise<CommandOutcome>;
  /** By the service when there is one, else stopNode.sh; application servers keep running. */
  stopAgent(run: Run): Promise<CommandOutcome>;
  startServer(server: string, run: Run): Promise<CommandOutcome>;
  stopServer(server: string, run: Run): Promise<CommandOutcome>;

  /**
   * Whether `clearTemp` could empty the folders of these servers, by their WAS_TEMP_DIR. One round trip; changes nothing, and
   * servers may run.
   *
   * @throws ProblemError `refused` for a path that would delete too much or that a link leads away from
   */
  checkTemp(roots: ReadonlyMap<string, readonly string[]>): Promise<void>;
  /**
   * Empties `<WAS_TEMP_DIR>/<node>/<server>` of stopped servers. Never tranlog, never outside of the profile, never through a
   * link, `wstemp` only when asked.
   *
   * @throws ProblemError `refused` for a path that would delete too much, or a server whose process still runs.
   */
  clearTemp(servers: readonly string[], options: ClearTempOptions): Promise<readonly ClearedFolder[]>;
}

export interface ClearTempOptions {
  /** WAS_TEMP_DIR of the node, resolved. Default: `<profile>/temp`. */
  readonly tempRoot?: string;
  /** Administrative work spaces; only while no administrator works. Default false. */
  readonly wstemp?: boolean;
}

export interface ClearedFolder {
  readonly folder: string;
  /** Files that were in it; 0 = there was nothing to do. */
  readonly files: number;
}
