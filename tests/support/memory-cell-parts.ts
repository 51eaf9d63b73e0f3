import type { Lists } from "../../providers/kinds/interim-fixes/live.js";
import type { Mpm } from "../../providers/targets/plugin/control.js";
import type { Hold } from "../../providers/targets/plugin/hold.js";
import type { PluginMode } from "../../providers/targets/wsadmin/cell.js";
import type { Ownership } from "../../providers/targets/wsadmin/ownership.js";
import type { MemoryHost, Operation } from "./memory-host.js";

/** How long things take in the modelled cell, and how finely its clock runs: every instant in between is looked at. */
export const TICK_MS = 10_000;
export const START_MS = 40_000;
export const STOP_MS = 20_000;
export const INSTALL_MS = 300_000;
/** Where the deployment manager propagates to. */
export const GENERATED = "/plugin-cfg.xml";
export const REFRESH_S = 60;
/** A probe that fails is tried again for so long. */
export const SETTLE_MS = 60_000;
/** Users keep their connection for so long after the last request that was sent their way. */
export const LINGER_MS = 60_000;
export const AUTO_SYNC_MS = 60_000;
/** Since then nothing was changed. */
export const LONG_AGO_MS = 86_400_000;
export const APP_RESTART_MS = 30_000;

export interface Member {
  readonly server: string;
  readonly cluster: string;
  state: "started" | "stopped";
  /** Level of the applications that it runs. */
  level: number;
  startedAt: number;
  restartingUntil: number;
  /** Level of the applications whose temporary files it has. */
  temp: number;
}

export interface Node {
  readonly name: string;
  agent: "started" | "stopped";
  /** Level of the configuration that it has; that of the applications that lie expanded, and since when. */
  level: number;
  expanded: number;
  distributedAt: number;
  nextSync: number;
  readonly members: Member[];
}

export interface WebServer {
  /** What a declaration calls it. */
  readonly name: string;
  /** In the cell, where a name is unique on its node only. */
  server: string;
  node: string;
  file: Lists;
  /** What its processes follow: the file as it was when they last looked. */
  followed: Lists;
  /** Other files than the generated one, by path. */
  readonly copies: Record<string, Lists>;
  /** The file that the directive names, and the one that the processes follow. */
  directive: string;
  loaded: string;
  /** Level of the master configuration that the generated file was made from, and that of the one in force. */
  generated: number;
  /** It holds what the deployment manager does not generate: another cell's clusters, properties set by hand. */
  merged: boolean;
  inForce: number;
  reloads: number;
  refreshInterval: number;
  mpm: Mpm;
  changedAt: number;
  hold: Hold | null;
  generation: PluginMode;
  propagation: PluginMode;
}

/** A command that goes on by itself under its name on its host, and stays there when it has ended, until it is forgotten. */
export interface Command {
  readonly host: MemoryHost;
  readonly job: string;
  /** An update installer on the move. */
  readonly installs: boolean;
  readonly endsAt: number;
  readonly finish: () => void;
}

/** What fails next, told at each operation that changes something. Each may throw: a process dies, an answer is lost. */
export interface Faults {
  before(operation: string): void;
  after(operation: string): void;
  /** At an operation that changes nothing: throws when the process is dead, for then it asks nothing any more. */
  alive(): void;
}

export const NO_FAULTS: Faults = { before() {}, after() {}, alive() {} };

/** A profile in which nothing is anybody else's. */
export const OWN: Ownership = { owner: "wasadmin", files: [], processes: [], complete: true };

/** Operations on a host that change something; a directory that is made again and again is the same one. */
export const CHANGES: ReadonlySet<Operation["name"]> = new Set(["write", "createExclusive", "remove", "jobs.run"]);
