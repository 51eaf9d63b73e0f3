import { ProblemError } from "../../providers/common/problem.js";
import type { Estate } from "../../providers/kinds/interim-fixes/estate.js";
import type { Lists, LiveControl } from "../../providers/kinds/interim-fixes/live.js";
import { NO_ARCHIVE } from "../../providers/kinds/interim-fixes/master.js";
import type { RoutedServer } from "../../providers/kinds/interim-fixes/servers.js";
import type { FileChange } from "../../providers/kinds/interim-fixes/shared-files.js";
import { connectionSchema } from "../../providers/targets/connection.js";
import type { MonitoringPolicy, Tri } from "../../providers/targets/wsadmin/cell.js";
import type { Ownership } from "../../providers/targets/wsadmin/ownership.js";
import { modelledCell, modelledInstaller, modelledNode } from "./memory-cell-commands.js";
import {
  APP_RESTART_MS,
  AUTO_SYNC_MS,
  CHANGES,
  type Command,
  GENERATED,
  INSTALL_MS,
  LINGER_MS,
  LONG_AGO_MS,
  type Member,
  NO_FAULTS,
  type Node,
  OWN,
  REFRESH_S,
  TICK_MS,
  type WebServer,
} from "./memory-cell-parts.js";
import { contentOf, modelledWebServer } from "./memory-cell-web.js";
import { MemoryHost, type MemoryHostOptions } from "./memory-host.js";

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
  /** The deployment manager says whether they are expanded; else "skipped". */
  tellsExpansion = false;
  /** What isAppReady says. */
  ready: Tri = "unknown";
  /** Applications of whose archive in the master configuration nothing is to be seen. */
  readonly unseenArchives = new Set<string>();
  /** The administrator's password has a blank, which the installer does not take. */
  blankInLogin = false;
  /** The installer says that it is done and did nothing. */
  installerLies = false;
  /** Clusters whose applications are mapped to no web server any more. */
  readonly unmapped = new Set<string>();
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
  /** Nodes and web servers that burnt down. */
  readonly gone = new Set<string>();
  /** Application → level of its archive. */
  readonly versions = new Map<string, number>();
  /** Server → when users were last sent to it. */
  readonly #sentAt = new Map<string, number>();
  readonly #events: { readonly at: number; readonly act: () => void }[] = [];
  readonly #hosts = new Map<string, MemoryHost>();

  constructor(
    nodeCount: number,
    readonly clusters: readonly string[] = ["AppsCluster", "InfraCluster"],
    webServers: readonly string[] = ["webserver1"],
  ) {
    const names = Array.from({ length: nodeCount }, (_, index) => `node${index + 1}`);
    this.nodes = names.map((name, index) => ({
      name,
      agent: "started",
      level: 0,
      expanded: 0,
      distributedAt: this.now - LONG_AGO_MS,
      nextSync: this.now + 10_000 * (index + 1),
      members: clusters.map((cluster) => ({
        server: `${name}_${cluster}`,
        cluster,
        state: "started",
        level: 0,
        startedAt: this.now - LONG_AGO_MS + 60_000,
        restartingUntil: 0,
        temp: 0,
      })),
    }));
    const lists = (): Lists =>
      Object.fromEntries(
        clusters.map((name) => [name, { primary: names.map((node) => `${node}_${name}`), backup: [] }]),
      );
    this.webServers = webServers.map((name) => ({
      name,
      server: name,
      node: "web",
      file: lists(),
      followed: lists(),
      copies: {},
      directive: GENERATED,
      loaded: GENERATED,
      generated: 0,
      merged: false,
      inForce: 0,
      reloads: 0,
      refreshInterval: REFRESH_S,
      mpm: "worker",
      changedAt: this.now,
      hold: null,
      generation: "automatic",
      propagation: "automatic",
    }));
  }

  // What is so at this instant.

  member(server: string): Member {
    const found = this.nodes.flatMap((node) => node.members).find((member) => member.server === server);
    if (!found) throw new Error(`no member ${server}`);
    return found;
  }

  /**
   * As plug-in files have them, in clusters of any name: by nothing but host and port to be told for what they are in the cell;
   * another cell's servers not at all.
   */
  serversIn(lists: Lists): RoutedServer[] {
    return Object.entries(lists).flatMap(([cluster, { primary, backup }]) =>
      [...primary, ...backup].map((name) => ({ cluster, name, transports: this.transportsOf(name) })),
    );
  }

  transportsOf(server: string): RoutedServer["transports"] {
    return this.nodes.flatMap(({ name: hostname, members }) =>
      members
        .filter((member) => member.server === server)
        .map(({ cluster }) => ({ hostname, port: this.portOf(cluster) })),
    );
  }

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
    for (const node of this.nodes.filter((each) => each.name === name)) {
      node.agent = "stopped";
      for (const member of node.members) member.state = "stopped";
    }
  }

  /** @throws ProblemError where it burnt down */
  requireThere(name: string): void {
    if (this.gone.has(name))
      throw new ProblemError("unreachable", { where: name, found: "there is no way to this host" });
  }

  serves(member: Member): boolean {
    return member.state === "started" && member.restartingUntil <= this.now && !this.#isBad(member);
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

  /** Backups of clusters of which no primary serves. */
  #backupsInUse(): string[] {
    const there = this.webServers.filter(({ name }) => !this.gone.has(name));
    const lists = there.flatMap(({ followed }) => Object.values(followed));
    const serving = (servers: readonly string[]) =>
      this.membersOf(servers).filter((server) => this.serves(this.member(server)));
    return lists.flatMap(({ primary, backup }) => (serving(primary).length > 0 ? [] : serving(backup)));
  }

  /** Users who are still connected to a member that runs. */
  connectionsTo({ server, state }: Member): number {
    const sentAt = this.#sentAt.get(server);
    return state === "started" && sentAt !== undefined && this.now < sentAt + LINGER_MS ? 1 : 0;
  }

  requireAnswer(server: string): void {
    const member = this.member(server);
    if (this.serves(member)) return;
    throw new ProblemError("not-converged", { where: server, found: this.#isBad(member) ? "status 500" : "no answer" });
  }

  /** An update installer is at work. */
  get installing(): boolean {
    return [...this.commands].some(({ installs }) => installs);
  }

  // Time.

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
    for (const server of [...this.routedServers(), ...this.#backupsInUse()]) this.#sentAt.set(server, this.now);
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
    for (const command of this.commands) {
      if (command.endsAt > this.now) continue;
      this.commands.delete(command);
      command.host.setJob(command.job, "ended");
      command.finish();
    }
    for (const webServer of this.webServers) {
      const { refreshInterval, changedAt, loaded } = webServer;
      if (refreshInterval < 0 || this.now - changedAt < refreshInterval * 1_000) continue;
      webServer.followed = contentOf(webServer, loaded);
      webServer.inForce = webServer.generated;
    }
  }

  distribute(node: Node): void {
    node.level = this.level;
    if (this.expansionMs === 0 || node.expanded === node.level) this.#expand(node);
    else this.at(this.now + this.expansionMs, () => this.#expand(node));
  }

  #expand(node: Node): void {
    if (node.expanded !== node.level) node.distributedAt = this.now;
    node.expanded = node.level;
    for (const member of node.members) {
      if (member.state !== "started" || member.level === node.expanded) continue;
      member.level = node.expanded;
      member.restartingUntil = this.now + APP_RESTART_MS;
    }
  }

  /** The installer updates an application: generation and propagation follow when they are automatic. */
  changeMaster(): void {
    this.level++;
    this.changedAt = this.now;
    for (const application of ["files"]) this.versions.set(application, this.level);
    for (const webServer of this.webServers) {
      if (webServer.generation !== "manual" && webServer.propagation !== "manual") this.propagate(webServer);
    }
  }

  /** The file as the deployment manager generates it: every member is a primary. */
  propagate(webServer: WebServer): void {
    webServer.file = Object.fromEntries(
      Object.entries(webServer.file).map(([name, { primary, backup }]) => [
        name,
        { primary: [...primary, ...backup], backup: [] },
      ]),
    );
    webServer.generated = this.level;
    webServer.changedAt = this.now;
  }

  // Changes.

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

  /** A machine that a test made itself. */
  addHost(host: MemoryHost): void {
    this.#hosts.set(host.name, host);
  }

  /** What a machine has to tell of each operation on it. */
  hooksOf(name: string): Required<Pick<MemoryHostOptions, "beforeOperation" | "afterOperation">> {
    return {
      beforeOperation: (operation) => {
        if (!CHANGES.has(operation.name)) return this.faults.alive();
        const change = `${name} ${operation.name} ${operation.path ?? operation.job ?? ""}`;
        this.faults.before(change);
        this.written.push(change);
      },
      afterOperation: (operation) => {
        if (CHANGES.has(operation.name)) this.faults.after(`${name} ${operation.name}`);
      },
    };
  }

  /** A machine of the cell: it outlives the processes that reach it. */
  host(name: string): MemoryHost {
    const known = this.#hosts.get(name);
    if (known) return known;
    const connection = connectionSchema.parse({ name, address: "127.0.0.1", user: "admin", auth: { agent: true } });
    const host = new MemoryHost(connection, this.hooksOf(name));
    if (name === "dmgr") host.put("/generated/plugin-cfg.xml", "<Config/>");
    this.#hosts.set(name, host);
    return host;
  }

  /** As the process `id` reaches it. */
  estate(id: string): Estate {
    return {
      cell: modelledCell(this),
      topology: () => modelledCell(this).topology(),
      installer: modelledInstaller(this),
      host: this.host("dmgr"),
      node: (name) => modelledNode(this, this.node(name)),
      answersOf: async (name) => (this.gone.has(name) ? [] : [`${name} by SSH`]),
      ownership: async (name) => this.owned.get(name ?? "dmgr") ?? OWN,
      webServer: (name) => modelledWebServer(this, this.webServer(name)),
      control: {
        read: async () => {
          this.faults.alive();
          const { request = null, reason = "" } = this.request ?? {};
          return { request, reason, here: this.control?.process === id };
        },
        claim: () =>
          this.change("claim", () => {
            this.control = { process: id };
          }),
        request: (request, reason) =>
          this.change("request", () => {
            this.request = { request, reason };
          }),
        heard: (request) =>
          this.change(`heard ${request}`, () => {
            if (this.request?.request === request) this.request = undefined;
          }),
        clear: () =>
          this.change("clear", () => {
            this.control = undefined;
            this.request = undefined;
          }),
      },
      probeMember: async ({ server }) => {
        this.faults.alive();
        this.advance(1_000);
        this.requireAnswer(server);
      },
      connections: async (name) => {
        this.faults.alive();
        return this.node(name).members.reduce((sum, member) => sum + this.connectionsTo(member), 0);
      },
      users: async () => this.users,
      applicationFiles: async (name, applications) => {
        this.faults.alive();
        const node = name === undefined ? undefined : this.node(name);
        const [level, at] = node ? [node.expanded, node.distributedAt] : [this.level, this.changedAt];
        const files = { writtenAt: new Date(at).toISOString(), age: this.now - at, content: `level ${level}` };
        const isUnseen = (application: string) => !node && this.unseenArchives.has(application);
        return Object.fromEntries(applications.map((each) => [each, isUnseen(each) ? {} : files]));
      },
      fingerprints: async (applications) =>
        Object.fromEntries(
          applications.map((name) => [
            name,
            this.unseenArchives.has(name)
              ? NO_ARCHIVE
              : `${1_000 + (this.versions.get(name) ?? 0)} bytes of ${this.changedAt}`,
          ]),
        ),
      rememberShared: async () => ({}),
      sharedChanges: async () => (this.installerRuns.length > 0 ? this.sharedChanges : []),
      backUp: () => this.change("back up", () => this.advance(30_000)),
      stamp: () => this.change("stamp", () => undefined),
      now: () => this.now,
      pause: async (ms) => {
        this.faults.alive();
        this.advance(ms);
      },
    };
  }
}
