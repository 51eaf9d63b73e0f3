import type { Access } from "../../lifecycle/kind.js";
import type { Host } from "../../targets/host.js";
import type { Mpm } from "../../targets/plugin/control.js";
import type { Hold } from "../../targets/plugin/hold.js";
import type { Archive } from "../../targets/wsadmin/application-files.js";
import type { Cell, CellObservation, ServerUsers } from "../../targets/wsadmin/cell.js";
import type { NodeCommands } from "../../targets/wsadmin/node-commands.js";
import type { Ownership } from "../../targets/wsadmin/ownership.js";
import type { UpdateInstaller } from "../../targets/wsadmin/update-installer.js";
import type { Alteration, LossOptions, PutAside, SeenFiles } from "./generated-file.js";
import type { FixesDesired } from "./goal.js";
import type { Lists, LiveControl, LiveWebServer } from "./live.js";
import type { FilesOf } from "./look-at-levels.js";
import type { RoutedServer } from "./servers.js";
import type { FileChange } from "./shared-files.js";
import type { Switching, Way } from "./switching.js";

/**
 * What a probe of a web server has to show: answers at all, or answers by the primaries of these lists. All of the named
 * clusters have to be in the file that the plug-in follows; of other probed ones, those that are.
 */
export type Proof =
  | { readonly level: "answering"; readonly clusters: readonly string[] }
  | { readonly level: "routed"; readonly lists: Lists };

/** What a plug-in file routes: the lists of each cluster that a Route leads to, and all servers that it defines there. */
export interface RoutesOfFile {
  readonly lists: Lists;
  readonly servers: readonly RoutedServer[];
}

/** One web server in front of the cell. */
export interface RoutedWebServer {
  readonly name: string;
  look(): Promise<Omit<LiveWebServer, "automatic" | "mpm" | "inCell"> & { readonly servers: readonly RoutedServer[] }>;
  mpm(): Promise<Mpm>;
  /** Ports that the plug-in forwards to, of these servers by its file's names; of no cluster that is `untouched`. */
  portsOf(servers: readonly string[], untouched: readonly string[]): Promise<readonly number[]>;
  /** What the file that the plug-in follows routes, or another one of its files. */
  routes(path?: string): Promise<RoutesOfFile>;
  /** Brings the file that the plug-in follows to these lists; no byte, and no reload, when they are in force already. */
  route(lists: Lists, way: Way): Promise<void>;
  /** Whether `route` to these would find nothing to write and nothing to reload. Changes nothing. */
  isRouted(lists: Lists, way: Way): Promise<boolean>;
  /** Copies of the rollout that the directive does not name. */
  removeCopies(): Promise<void>;
  /**
   * Samples every probed cluster until all answers are right: at once, or `settle`: for as long as the plug-in may follow
   * its old file, or `restarted`: for as long as it may leave members alone that it could not reach.
   */
  prove(
    proof: Proof,
    options: {
      readonly settle: Switching["by"] | false;
      readonly restarted?: boolean;
      readonly progress: (line: string) => void;
    },
  ): Promise<void>;
  /** Nothing but lists of servers is other in the file that the plug-in follows than in these bytes. */
  isAsGenerated(generated: Buffer): Promise<boolean>;
  /** What was changed besides lists, in the file that the plug-in follows and in `source`, which copies are made of. */
  alterations(seen: SeenFiles, source: string): Promise<readonly Alteration[]>;
  /** What users reach by the file that the plug-in follows, or by another one, and would not by this one, in words. */
  losses(generated: Buffer, options?: LossOptions): Promise<readonly string[]>;
  /** What users would reach by this file, and do not by the one that the plug-in follows, in words. */
  lacks(generated: Buffer): Promise<readonly string[]>;
  /** Keeps the plug-in's files as they are now. */
  putAside(): Promise<PutAside>;
  /** Puts them in place again, with these lists; answers whether anything but lists was different. */
  putBack(before: PutAside, lists: Lists, by: Switching["by"]): Promise<boolean>;
  /**
   * Puts a newly generated file in place, with these lists, and by directive sees to it that it is loaded; answers whether
   * anything but lists was different.
   */
  replace(generated: Buffer, lists: Lists, by: Switching["by"]): Promise<boolean>;
  /** Under the lock of the web server's host. */
  hold(hold: Hold): Promise<void>;
  /** Says in the hold what its rollout is at, and for whom; nothing where the hold is another one's. */
  note(note: Pick<Required<Hold>, "rollout" | "step" | "owner">): Promise<void>;
  /** Only a hold of this rollout. */
  release(rollout: string): Promise<void>;
}

/** What an operator asked for, and which process does the work: two small files on the deployment manager's host. */
export interface Control {
  read(): Promise<LiveControl>;
  /** This process is the one from now on. */
  claim(rollout: string): Promise<void>;
  request(what: "roll back", reason: string): Promise<void>;
  /** Takes back what was asked for, if it is that: a `resume` that was followed speaks of one standstill, not of the next one. */
  heard(request: NonNullable<LiveControl["request"]>): Promise<void>;
  /** The rollout has ended: neither its process nor any request means anything. */
  clear(): Promise<void>;
}

export interface ClusterMember {
  readonly node: string;
  readonly server: string;
  readonly cluster: string;
}

/** What a member answered to one request: the declared status, or `text` says where and what else. */
export interface MemberAnswer {
  readonly isRight: boolean;
  readonly text: string;
}

/** Everything that a rollout reaches, behind interfaces: models of them prove what the kind does with the real ones. */
export interface Estate {
  readonly cell: Cell;
  /** What answers of a node or web server that is declared lost: SSH, a member, the web server. Empty = it is gone. */
  answersOf(name: string): Promise<readonly string[]>;
  /** Of the cell, asked once: an estate is opened for one step, and each question of the cell starts a JVM. */
  topology(): Promise<CellObservation["topology"]>;
  readonly installer: UpdateInstaller;
  /** Of the deployment manager. */
  readonly host: Host;
  readonly control: Control;
  node(name: string): NodeCommands;
  /** Of a node's profile, or of the deployment manager's. A preview's answer may be the snapshot's. */
  ownership(node: string | undefined, options: { readonly cached: boolean }): Promise<Ownership>;
  webServer(name: string): RoutedWebServer;
  /** One request to a member on its own port. @throws ProblemError when it has none, or no probe is declared */
  askMember(member: ClusterMember): Promise<MemberAnswer>;
  /** Connections that a node's members are serving now; undefined where it cannot be told. */
  connections(node: string): Promise<number | undefined>;
  /** Of all its members together; undefined where one of them cannot be counted. */
  users(node: string): Promise<ServerUsers | undefined>;
  /**
   * Application → what lies of it expanded on a node, or as its archive in the master configuration.
   *
   * @throws ProblemError as `lookAtApplicationFiles`
   */
  applicationFiles(
    node: string | undefined,
    applications: readonly string[],
    topology: CellObservation["topology"],
  ): Promise<FilesOf>;
  /** Application → its archive in the master configuration, or in a node's copy of it. */
  archives(node: string | undefined, applications: readonly string[]): Promise<Record<string, Archive | undefined>>;
  /** Application → what its archive in the master configuration looks like. */
  fingerprints(applications: readonly string[]): Promise<Record<string, string>>;
  /** Folder → digest of the contents of all files below it, for `sharedChanges`. */
  rememberShared(folders: readonly string[]): Promise<Record<string, string>>;
  /** What is other now below these folders, file by file. */
  sharedChanges(before: Readonly<Record<string, string>>): Promise<readonly FileChange[]>;
  /** Saves what the update installer may change. */
  backUp(rollout: string, progress: (line: string) => void): Promise<void>;
  /** Gives LotusConnections-config.xml a new version stamp. */
  stamp(): Promise<void>;
  now(): number;
  pause(ms: number): Promise<void>;
}

/** Opens what a declaration names; a preview's questions are answered from snapshots. */
export type OpenEstate = (
  desired: Pick<FixesDesired, "identity" | "settings">,
  access: Access & { readonly signal?: AbortSignal },
) => Estate;
