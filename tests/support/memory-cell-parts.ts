import type { Lists } from "../../providers/kinds/interim-fixes/live.js";
import type { Mpm } from "../../providers/targets/plugin/control.js";
import type { Hold } from "../../providers/targets/plugin/hold.js";
import type { PluginMode } from "../../providers/targets/wsadmin/cell.js";
import type { Ownership } from "../../providers/targets/wsadmin/ownership.js";
import type { MemoryHost } from "./memory-host.js";

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
  /** Of a cluster that has no other member: no fix changes what it runs. */
  alone?: true;
}

export interface Node {
  readonly name: string;
  agent: "started" | "stopped";
  /** Level of the configuration that it has; that of the applications that lie expanded, and since when. */
  level: number;
  expanded: number;
  distributedAt: number;
  /** When it was given its copy of the archives. */
  copiedAt: number;
  /** When somebody gave its files another owner or mode, or a backup program put their access times back. */
  touchedAt?: number;
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
  /** When the deployment manager made it: no two generations have the same first line. */
  generatedAt: number;
  /** It holds what the deployment manager does not generate: another cell's clusters, properties set by hand. */
  merged: boolean;
  inForce: number;
  /** What somebody changed in it by hand, in words. */
  edited: string;
  reloads: number;
  refreshInterval: number;
  mpm: Mpm;
  changedAt: number;
  hold: Hold | null;
  generation: PluginMode;
  propagation: PluginMode;
}

/** With everything as it has been for long; it synchronizes by itself in `nextSync` milliseconds. */
export function newNode(
  name: string,
  clusters: readonly string[],
  { now, nextSync }: { readonly now: number; readonly nextSync: number },
): Node {
  return {
    name,
    agent: "started",
    level: 0,
    expanded: 0,
    distributedAt: now - LONG_AGO_MS,
    copiedAt: now - LONG_AGO_MS,
    nextSync: now + nextSync,
    members: clusters.map((cluster) => newMember(`${name}_${cluster}`, cluster, now)),
  };
}

/** One that has been running for long. */
export const newMember = (server: string, cluster: string, now: number): Member => ({
  server,
  cluster,
  state: "started",
  level: 0,
  startedAt: now - LONG_AGO_MS + 60_000,
  restartingUntil: 0,
  temp: 0,
});

/** What the node has been given lies expanded from now on; changed applications restart on members that run. */
export function expand(node: Node, now: number): void {
  if (node.expanded !== node.level) node.distributedAt = now;
  node.expanded = node.level;
  for (const member of node.members) {
    if (member.alone || member.state !== "started" || member.level === node.expanded) continue;
    member.level = node.expanded;
    member.restartingUntil = now + APP_RESTART_MS;
  }
}

/** As the deployment manager generates them: every member is a primary. */
export const listsOf = (nodes: readonly string[], clusters: readonly string[]): Lists =>
  Object.fromEntries(clusters.map((name) => [name, { primary: nodes.map((node) => `${node}_${name}`), backup: [] }]));

/** The same, from lists with the same servers. */
export const asGenerated = (lists: Lists): Lists =>
  Object.fromEntries(
    Object.entries(lists).map(([name, { primary, backup }]) => [
      name,
      { primary: [...primary, ...backup], backup: [] },
    ]),
  );

/** As the deployment manager writes it: the time stands in the comment on the first line. */
export const generatedText = (level: number, at: number): string =>
  `<?xml version="1.0" encoding="ISO-8859-1"?><!--HTTP server plugin config file for the cell cell1 generated on ${at}--><Config Level="${level}"/>`;

/** Of such a text. */
export function readGenerated(text: string): { readonly level: number; readonly at: number } {
  const [, at, level] = /generated on (\d+)--><Config Level="(\d+)"/.exec(text) ?? [];
  if (at === undefined || level === undefined) throw new RangeError(`not generated: ${text}`);
  return { level: Number(level), at: Number(at) };
}

/** It follows the file that was generated. */
export const newWebServer = (name: string, lists: () => Lists, now: number): WebServer => ({
  name,
  server: name,
  node: "web",
  file: lists(),
  followed: lists(),
  copies: {},
  directive: GENERATED,
  loaded: GENERATED,
  generated: 0,
  generatedAt: 0,
  merged: false,
  inForce: 0,
  edited: "",
  reloads: 0,
  refreshInterval: REFRESH_S,
  mpm: "worker",
  changedAt: now,
  hold: null,
  generation: "automatic",
  propagation: "automatic",
});

/** A command that goes on by itself under its name on its host, and stays there when it has ended, until it is forgotten. */
export interface Command {
  readonly host: MemoryHost;
  readonly job: string;
  /** An update installer on the move. */
  readonly installs: boolean;
  /** Its output, when it has ended. */
  readonly says?: string;
  readonly endsAt: number;
  readonly finish: () => void;
}

/** Commands whose time is over do what they are for. */
export function endDue(commands: Set<Command>, now: number): void {
  for (const command of commands) {
    if (command.endsAt > now) continue;
    commands.delete(command);
    command.host.setJob(command.job, "ended", command.says);
    command.finish();
  }
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
