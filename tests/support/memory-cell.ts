import { ProblemError } from "../../providers/common/problem.js";
import type { Estate } from "../../providers/kinds/interim-fixes/estate.js";
import type { LiveControl } from "../../providers/kinds/interim-fixes/live.js";
import type { RoutedServer } from "../../providers/kinds/interim-fixes/servers.js";
import type { FileChange } from "../../providers/kinds/interim-fixes/shared-files.js";
import type { MonitoringPolicy, ServerRef, Tri } from "../../providers/targets/wsadmin/cell.js";
import type { Ownership } from "../../providers/targets/wsadmin/ownership.js";
import { modelledEstate } from "./memory-cell-estate.js";
import { MemoryHosts } from "./memory-cell-hosts.js";
import {
  AUTO_SYNC_MS,
  asGenerated,
  type Command,
  endDue,
  expand,
  INSTALL_MS,
  LONG_AGO_MS,
  listsOf,
  type Member,
  NO_FAULTS,
  type Node,
  newNode,
  newWebServer,
  TICK_MS,
  type WebServer,
} from "./memory-cell-parts.js";
import { reboot } from "./memory-cell-reboot.js";
import { MemoryUsers } from "./memory-cell-users.js";
import { lookAgain } from "./memory-cell-web.js";
import type { MemoryHost } from "./memory-host.js";

/**
 * A modelled cell under a virtual clock, with the documented hazards: a running agent synchronizes by itself every minute,
 * and in full right after its start, which restarts changed applications on members that run; a stopped member does not
 * serve; web servers look at their file only at times; automatic propagation overwrites it; the update installer changes
 * the master configuration half-way already. `invariants` are asked at every instant. A stand-in: it proves our code alone.
 */
export class MemoryCell {
  now = Date.parse("2026-11-21T22:00:00Z");
  level = 0;
  /** When the master configuration's applications were written. */
  changedAt = this.now - LONG_AGO_MS;
  readonly fixes = new Set<string>();
  readonly offered = new Set<string>(["LO66666", "LO77777"]);
  readonly clusters: string[];
  readonly nodes: Node[];
  readonly webServers: WebServer[];
  readonly installerRuns: string[] = [];
  /** Web servers whose plug-in file was asked of the deployment manager, as <node>/<name>. */
  readonly generatedFor = new Set<string>();
  /** Every change, in order. */
  readonly written: string[] = [];
  /** Asked at every instant: what is wrong, or undefined. */
  readonly invariants: (() => string | undefined)[] = [];
  /** Asked before each change. */
  readonly changeInvariants: ((change: string) => string | undefined)[] = [];
  /** What invariants said, once each. A run goes on past them: nothing that it makes of an error may hide them. */
  readonly violations = new Set<string>();
  faults = NO_FAULTS;
  /** A member whose application has the fix answers 500. */
  badFix = false;
  /** How long the update installer takes. */
  installMs = INSTALL_MS;
  /** So long after a node has the configuration its agent has expanded the applications. */
  expansionMs = 0;
  /** The installer puts the very archives back that it replaced. */
  keepsArchives = false;
  /** The deployment manager says whether they are expanded; else "skipped". */
  tellsExpansion = false;
  /** Files that are expanded have the times that they have in their archive; else those of that moment. */
  keepsTimes = false;
  /** Application → what it wrote beside its files on its nodes. */
  readonly ownFiles = new Map<string, string>();
  /** What isAppReady says. */
  ready: Tri = "unknown";
  /** Applications of whose archive in the master configuration nothing is to be seen. */
  readonly unseenArchives = new Set<string>();
  /** The administrator's password has a blank, which the installer does not take. */
  blankInLogin = false;
  /** How long after its process's start a member's applications answer. */
  readyAfterMs = 0;
  /** What the installer says at its end. */
  installerSays = "Fix installation completed successfully.";
  /** Nodes whose agents are down when it all begins, and are to be so again at the end. */
  readonly stoppedAgents = new Set<string>();
  /** The installer did nothing, whatever it says. */
  installerLies = false;
  /** Clusters whose applications are mapped to no web server any more. */
  readonly unmapped = new Set<string>();
  /** Paths that the deployment manager generates no more after the installer. */
  readonly unmappedPaths = new Set<string>();
  /** A web server that follows what is generated after the installer answers nobody. */
  badGenerated = false;
  /** What the installer changes in folders that all nodes share, whatever it does. */
  sharedChanges: readonly FileChange[] = [];
  /** Node → unit that its running agent belongs to, and that nothing tells of while it is stopped. */
  readonly services = new Map<string, string>();
  /** With what it has by then, a member's process ends while it starts. */
  failsToStart = (_: Member): "as said" | "without a word" | undefined => undefined;
  /** What stops an agent ends the members that it started too. */
  agentTakesMembers = false;
  /** How agents were started: "node2: was.service", or null for the script. */
  readonly agentStarts: string[] = [];
  /** Of a node that is drained. */
  users: { sessions: number; requests: number } | undefined = { sessions: 0, requests: 0 };
  /** What the installer says that it needs. */
  requires: readonly string[] = [];
  /** Node, or "dmgr" → whose files and servers its profile has; without an entry all are its owner's. */
  readonly owned = new Map<string, Ownership>();
  /** Node → where a link in the place of its temp folder leads. */
  readonly linkedTemp = new Map<string, string>();
  /** What its monitoring policies say of members, by server; without an entry there is none. */
  readonly restartStates = new Map<string, MonitoringPolicy["nodeRestartState"]>();
  control: { process: string } | undefined;
  request: { request: LiveControl["request"]; reason: string } | undefined;
  readonly commands = new Set<Command>();
  /** Web servers that the cell has besides, and that no application is mapped to. */
  readonly otherWebServers: ServerRef[] = [];
  /** Nodes and web servers that burnt down, or whose hosts have no power. */
  readonly gone = new Set<string>();
  /** Application → level of its archive. */
  readonly versions = new Map<string, number>();
  readonly #users = new MemoryUsers(this);
  readonly #events: { readonly at: number; readonly act: () => void }[] = [];
  readonly hosts = new MemoryHosts(this);

  constructor(
    nodeCount: number,
    clusters: readonly string[] = ["AppsCluster", "InfraCluster"],
    webServers: readonly string[] = ["webserver1"],
  ) {
    this.clusters = [...clusters];
    const names = Array.from({ length: nodeCount }, (_, index) => `node${index + 1}`);
    this.nodes = names.map((name, index) => newNode(name, clusters, { now: this.now, nextSync: 10_000 * (index + 1) }));
    this.webServers = webServers.map((name) => newWebServer(name, () => listsOf(names, clusters), this.now));
  }

  // What is so at this instant.

  member(server: string): Member {
    const found = this.nodes.flatMap((node) => node.members).find((member) => member.server === server);
    if (!found) throw new Error(`no member ${server}`);
    return found;
  }

  /** Of a server by its name in a plug-in file; another cell's servers have none. */
  transportsOf(server: string): RoutedServer["transports"] {
    return this.nodes.flatMap(({ name: hostname, members }) =>
      members
        .filter((member) => member.server === server)
        .map(({ cluster }) => ({ hostname, port: this.portOf(cluster) })),
    );
  }

  /** Server, by its name in a plug-in file → its CloneID there; without an entry it has none. */
  readonly cloneIds = new Map<string, string>();

  /** The one application; any other name is mapped nowhere. */
  clusterOf(application: string): string {
    return application === "files" ? (this.clusters[0] ?? "") : "";
  }

  targets(application: string): Node[] {
    const cluster = this.clusterOf(application);
    return this.nodes.filter(({ members }) => members.some((member) => member.cluster === cluster));
  }

  /** Decimal; base 32 of it is the member's CloneID. */
  uniqueIdOf(server: string): string {
    const all = this.nodes.flatMap(({ members }) => members.map((member) => member.server));
    return String(1_235_000_000_000 + all.indexOf(server));
  }

  /** The same on every node, as real estates have it. */
  portOf(cluster: string): number {
    return 9080 + this.clusters.indexOf(cluster);
  }

  node(name: string): Node {
    const node = this.nodes.find((each) => each.name === name);
    if (!node) throw new ProblemError("missing", { where: name, found: "no such node" });
    return node;
  }

  webServer(name: string): WebServer {
    const webServer = this.webServers.find((each) => each.name === name);
    if (!webServer) throw new ProblemError("missing", { where: name, found: "no such web server" });
    return webServer;
  }

  /** Nothing of it runs, or answers, any more. */
  burn(name: string): void {
    this.gone.add(name);
    reboot(this, name);
  }

  /** @throws ProblemError where it burnt down */
  requireThere(name: string): void {
    if (this.gone.has(name))
      throw new ProblemError("unreachable", { where: name, found: "there is no way to this host" });
  }

  serves(member: Member): boolean {
    const since = Math.max(member.restartingUntil, member.startedAt + this.readyAfterMs);
    return member.state === "started" && since <= this.now && !this.#isBad(member);
  }

  #isBad(member: Member): boolean {
    return this.badFix && member.level > 0 && this.fixes.has("LO66666");
  }

  /** Nodes all of whose members serve. */
  serving(): string[] {
    return this.nodes.filter((node) => node.members.every((member) => this.serves(member))).map((node) => node.name);
  }

  /** Members that new users are sent to, by what the web servers' processes follow. */
  routedServers(): string[] {
    const there = this.webServers.filter(({ name }) => !this.gone.has(name));
    return there.flatMap(({ followed }) => Object.values(followed).flatMap(({ primary }) => this.membersOf(primary)));
  }

  /** Without another cell's servers. */
  membersOf(servers: readonly string[]): string[] {
    const own = this.nodes.flatMap(({ members }) => members.map(({ server }) => server));
    return servers.filter((server) => own.includes(server));
  }

  /** Users who are still connected to a member that runs. */
  connectionsTo(member: Member): number {
    return this.#users.connectionsTo(member);
  }

  wrongAnswer(server: string): string | undefined {
    const member = this.member(server);
    if (this.serves(member)) return undefined;
    return this.#isBad(member) ? "status 500" : "no answer";
  }

  requireAnswer(server: string): void {
    const found = this.wrongAnswer(server);
    if (found !== undefined) throw new ProblemError("not-converged", { where: server, found });
  }

  /** An update installer is at work. */
  get installing(): boolean {
    return [...this.commands].some(({ installs }) => installs);
  }

  /** Something that nobody of ours does, at that instant. */
  at(instant: number, act: () => void): void {
    this.#events.push({ at: instant, act });
  }

  advance(ms: number): void {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + TICK_MS);
      this.#pass();
      this.check();
    }
  }

  check(): void {
    this.#users.ask();
    for (const invariant of this.invariants) this.#note(invariant());
  }

  #note(violation: string | undefined): void {
    if (violation !== undefined) this.violations.add(violation);
  }

  #pass(): void {
    for (const event of this.#events.filter(({ at }) => at <= this.now)) {
      this.#events.splice(this.#events.indexOf(event), 1);
      event.act();
    }
    for (const node of this.nodes) {
      if (node.agent !== "started" || node.nextSync > this.now) continue;
      this.distribute(node);
      node.nextSync = this.now + AUTO_SYNC_MS;
    }
    endDue(this.commands, this.now);
    for (const webServer of this.webServers) lookAgain(webServer, this.now);
  }

  distribute(node: Node): void {
    if (node.level !== this.level) node.copiedAt = this.now;
    node.level = this.level;
    if (this.expansionMs === 0 || node.expanded === node.level) expand(node, this.now);
    else this.at(this.now + this.expansionMs, () => expand(node, this.now));
  }

  /** The installer updates an application: generation and propagation follow when they are automatic. */
  changeMaster(level = this.level + 1): void {
    this.level = level;
    this.changedAt = this.now;
    for (const application of ["files"]) this.versions.set(application, this.level);
    for (const webServer of this.webServers) {
      if (webServer.generation !== "manual" && webServer.propagation !== "manual") this.propagate(webServer);
    }
  }

  propagate(webServer: WebServer): void {
    webServer.file = asGenerated(webServer.file);
    webServer.generated = this.level;
    webServer.generatedAt = this.now;
    webServer.merged = false;
    webServer.changedAt = this.now;
  }

  /** One operation that changes something. */
  async change<T>(name: string, act: () => T | Promise<T>): Promise<T> {
    this.faults.before(name);
    for (const invariant of this.changeInvariants) this.#note(invariant(name));
    this.written.push(name);
    const result = await act();
    this.check();
    this.faults.after(name);
    return result;
  }

  /** A machine of the cell: it outlives the processes that reach it. */
  host(name: string): MemoryHost {
    return this.hosts.get(name);
  }

  /** As the process `id` reaches it. */
  estate(id: string): Estate {
    return modelledEstate(this, id);
  }
}
