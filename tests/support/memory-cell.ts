import { ProblemError } from "../../providers/common/problem.js";
import type { Estate, Proof, RoutedWebServer } from "../../providers/kinds/interim-fixes/estate.js";
import type { Lists, LiveControl } from "../../providers/kinds/interim-fixes/live.js";
import { sameLists } from "../../providers/kinds/interim-fixes/routes.js";
import { connectionSchema } from "../../providers/targets/connection.js";
import type { Hold } from "../../providers/targets/plugin/hold.js";
import type { Cell, CellObservation, PluginMode } from "../../providers/targets/wsadmin/cell.js";
import type { NodeCommands, ProcessSignals } from "../../providers/targets/wsadmin/node-commands.js";
import type { FixOutcome, UpdateInstaller } from "../../providers/targets/wsadmin/update-installer.js";
import { MemoryHost } from "./memory-host.js";

const AUTO_SYNC_MS = 60_000;
const APP_RESTART_MS = 30_000;
const INSTALL_MS = 300_000;
const START_MS = 40_000;
const STOP_MS = 20_000;
const REFRESH_S = 60;
/** How finely the clock runs while something waits: every instant in between is looked at. */
const TICK_MS = 10_000;

interface Member {
  readonly server: string;
  readonly cluster: string;
  state: "started" | "stopped";
  /** Level of the applications that it runs. */
  level: number;
  restartingUntil: number;
  /** Level of the applications whose temporary files it has. */
  temp: number;
}

interface Node {
  readonly name: string;
  agent: "started" | "stopped";
  /** Level of the configuration that it has. */
  level: number;
  nextSync: number;
  readonly members: Member[];
}

interface WebServer {
  readonly name: string;
  file: Lists;
  /** What its processes follow: the file as it was when they last looked. */
  followed: Lists;
  changedAt: number;
  hold: Hold | null;
  generation: PluginMode;
  propagation: PluginMode;
}

interface Job {
  endsAt: number;
  readonly finish: () => void;
}

/** What fails next, told at each operation that changes something. */
export interface Faults {
  before(operation: string): void;
  after(operation: string): void;
}

const NO_FAULTS: Faults = { before() {}, after() {} };

/**
 * A modelled cell under a virtual clock, with the documented hazards: a running agent synchronizes by itself every minute,
 * and in full right after its start, which restarts changed applications on members that run; a stopped member does not
 * serve; web servers look at their file only at times; automatic propagation overwrites it; the update installer changes
 * the master configuration half-way already. `invariants` are asked at every instant. A stand-in: it proves our code alone.
 */
export class MemoryCell {
  now = Date.parse("2026-11-21T22:00:00Z");
  level = 0;
  readonly fixes = new Set<string>();
  readonly offered = new Set<string>(["LO66666", "LO77777"]);
  readonly nodes: Node[];
  readonly webServers: WebServer[];
  readonly installerRuns: string[] = [];
  readonly written: string[] = [];
  readonly invariants: ((cell: MemoryCell) => void)[] = [];
  faults = NO_FAULTS;
  /** A member whose application has the fix answers 500. */
  badFix = false;
  /** The installer says that it is done and did nothing. */
  installerLies = false;
  control: { process: string } | undefined;
  request: { request: LiveControl["request"]; reason: string } | undefined;
  #jobs = new Map<string, Job>();
  #versions = new Map<string, number>();

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
      nextSync: this.now + 10_000 * (index + 1),
      members: clusters.map((cluster) => ({
        server: `${name}_${cluster}`,
        cluster,
        state: "started",
        level: 0,
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
      file: lists(),
      followed: lists(),
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

  /** Servers that new users are sent to, by what the web servers' processes follow. */
  routedServers(): string[] {
    return this.webServers.flatMap(({ followed }) => Object.values(followed).flatMap(({ primary }) => primary));
  }

  // Time.

  advance(ms: number): void {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + TICK_MS);
      this.#pass();
      this.check();
    }
  }

  check(): void {
    for (const invariant of this.invariants) invariant(this);
  }

  #pass(): void {
    for (const node of this.nodes) {
      if (node.agent !== "started" || node.nextSync > this.now) continue;
      this.#distribute(node);
      node.nextSync = this.now + AUTO_SYNC_MS;
    }
    for (const [name, job] of this.#jobs) {
      if (job.endsAt > this.now) continue;
      this.#jobs.delete(name);
      job.finish();
    }
    for (const webServer of this.webServers) {
      if (this.now - webServer.changedAt >= REFRESH_S * 1_000) webServer.followed = webServer.file;
    }
  }

  #distribute(node: Node): void {
    node.level = this.level;
    for (const member of node.members) {
      if (member.state !== "started" || member.level === node.level) continue;
      member.level = node.level;
      member.restartingUntil = this.now + APP_RESTART_MS;
    }
  }

  /** The installer updates an application: generation and propagation follow when they are automatic. */
  #changeMaster(): void {
    this.level++;
    for (const application of ["files"]) this.#versions.set(application, this.level);
    for (const webServer of this.webServers) {
      if (webServer.generation !== "automatic" || webServer.propagation !== "automatic") continue;
      webServer.file = Object.fromEntries(
        Object.entries(webServer.file).map(([name, { primary, backup }]) => [
          name,
          { primary: [...primary, ...backup], backup: [] },
        ]),
      );
      webServer.changedAt = this.now;
    }
  }

  /** One operation that changes something. */
  async #change<T>(name: string, act: () => T | Promise<T>): Promise<T> {
    this.faults.before(name);
    this.written.push(name);
    const result = await act();
    this.check();
    this.faults.after(name);
    return result;
  }

  /** As the process `id` reaches it. */
  estate(id: string): Estate {
    const host = new MemoryHost(
      connectionSchema.parse({ name: "dmgr", address: "127.0.0.1", user: "admin", auth: { agent: true } }),
    );
    host.put("/generated/plugin-cfg.xml", "<Config/>");
    return {
      cell: this.#cell(),
      topology: async () => this.#observation().topology,
      installer: this.#installer(),
      host,
      node: (name) => this.#commands(this.#node(name), host),
      ownership: async () => ({ owner: "wasadmin", files: [], processes: [], complete: true }),
      webServer: (name) => this.#webServer(name),
      control: {
        read: async () => ({
          request: this.request?.request ?? null,
          reason: this.request?.reason ?? "",
          here: this.control?.process === id,
        }),
        claim: () =>
          this.#change("claim", () => {
            this.control = { process: id };
          }),
        request: (request, reason) =>
          this.#change("request", () => {
            this.request = { request, reason };
          }),
        clear: () =>
          this.#change("clear", () => {
            this.control = undefined;
            this.request = undefined;
          }),
      },
      probeMember: async ({ server }) => {
        this.advance(1_000);
        this.#requireAnswer(server);
      },
      connections: async () => 0,
      fingerprints: async (applications) =>
        Object.fromEntries(applications.map((name) => [name, String(this.#versions.get(name) ?? 0)])),
      digests: async () => ({}),
      backUp: () => this.#change("back up", () => this.advance(30_000)),
      stamp: () => this.#change("stamp", () => undefined),
      now: () => this.now,
      pause: async (ms) => this.advance(ms),
    };
  }

  #requireAnswer(server: string): void {
    const member = this.member(server);
    if (this.serves(member)) return;
    throw new ProblemError("not-converged", { where: server, found: this.#isBad(member) ? "status 500" : "no answer" });
  }

  #node(name: string): Node {
    const node = this.nodes.find((each) => each.name === name);
    if (!node) throw new ProblemError("missing", { where: name, found: "no such node" });
    return node;
  }

  #observation(): CellObservation {
    const agents = this.nodes.map((node) => ({
      node: node.name,
      agent: node.agent === "started" ? ("started" as const) : ("unknown" as const),
      synchronized: node.agent === "started" ? node.level === this.level : ("unknown" as const),
      autoSync: node.agent === "started" ? true : ("unknown" as const),
    }));
    const members = this.nodes.flatMap((node) => node.members.map((member) => ({ node, member })));
    return {
      topology: {
        cell: "cell1",
        nodes: this.nodes.map(({ name }) => ({ name, hostName: name, role: "managed" as const })),
        servers: [],
        clusters: this.clusters.map((name) => ({
          name,
          members: members
            .filter(({ member }) => member.cluster === name)
            .map(({ node, member }) => ({ node: node.name, server: member.server })),
        })),
        standAlone: [],
        webServers: this.webServers.map(({ name }) => ({ node: "web", server: name })),
        applications: [{ name: "files", clusters: [this.clusters[0] ?? ""], servers: [] }],
        variables: [],
      },
      state: {
        servers: members.map(({ node, member }) => ({
          node: node.name,
          server: member.server,
          state: node.agent === "started" ? member.state : ("unknown" as const),
        })),
        nodes: agents,
        clusters: [],
      },
      settings: {
        plugin: this.webServers.map(({ name, generation, propagation }) => ({
          node: "web",
          webServer: name,
          generation,
          propagation,
        })),
        monitoring: [],
        soapRequestTimeout: { client: 0 },
        keyGeneration: [],
      },
    };
  }

  #cell(): Cell {
    const unused = async (): Promise<never> => {
      throw new Error("the kind does not ask this");
    };
    return {
      name: "dmgr",
      observe: async () => this.#observation(),
      snapshot: async () => this.#observation(),
      topology: async () => this.#observation().topology,
      state: async () => this.#observation().state,
      settings: async () => this.#observation().settings,
      fullSync: (name) =>
        this.#change(`sync ${name}`, () => {
          const node = this.#node(name);
          this.advance(5_000);
          if (node.agent === "started") this.#distribute(node);
          return { synchronized: node.agent === "started" ? node.level === this.level : "unknown" };
        }),
      setAutoSync: unused,
      startServer: unused,
      stopServer: unused,
      applicationReadiness: async (applications) =>
        applications.map((application) => ({
          application,
          ready: "unknown",
          distributed: Object.fromEntries(
            this.nodes.map((node) => [node.name, node.agent === "started" ? node.level === this.level : "unknown"]),
          ),
        })),
      setPluginSettings: (changes) =>
        this.#change("plug-in settings", () => {
          for (const { webServer, generation, propagation } of changes) {
            const found = this.webServers.find((each) => each.name === webServer);
            if (found && generation) found.generation = generation;
            if (found && propagation) found.propagation = propagation;
          }
          return this.#observation().settings.plugin;
        }),
      generatePlugin: async () => ({ file: "/generated/plugin-cfg.xml" }),
      propagatePlugin: unused,
    };
  }

  #commands(node: Node, host: MemoryHost): NodeCommands {
    const outcome = { exitCode: 0, codes: [], message: "unknown" as const, output: "" };
    const signal = (server: string): ProcessSignals => {
      const state = server === "nodeagent" ? node.agent : node.members.find((each) => each.server === server)?.state;
      return state === "started"
        ? { server, process: "running", pid: 1, ports: "open" }
        : { server, process: "absent", ports: "closed" };
    };
    const unused = async (): Promise<never> => {
      throw new Error("the kind does not ask this");
    };
    return {
      node: node.name,
      host,
      observe: async (servers) => servers.map(({ server }) => signal(server)),
      serverStatus: unused,
      agentControl: async () => ({ by: "script" }),
      startAgent: () =>
        this.#change(`start agent ${node.name}`, () => {
          this.advance(START_MS);
          if (node.agent === "stopped") node.nextSync = this.now;
          node.agent = "started";
          this.advance(TICK_MS);
          return outcome;
        }),
      stopAgent: () =>
        this.#change(`stop agent ${node.name}`, () => {
          this.advance(STOP_MS);
          node.agent = "stopped";
          return outcome;
        }),
      syncNode: unused,
      startServer: (server) =>
        this.#change(`start ${server}`, () => {
          const member = this.member(server);
          this.advance(START_MS);
          if (member.state === "stopped") member.level = node.level;
          member.state = "started";
          return outcome;
        }),
      stopServer: (server) =>
        this.#change(`stop ${server}`, () => {
          this.member(server).state = "stopped";
          this.advance(STOP_MS);
          return outcome;
        }),
      clearTemp: (servers) =>
        this.#change(`clear ${node.name}`, () => {
          for (const server of servers) {
            if (this.member(server).state !== "stopped")
              throw new ProblemError("refused", { where: server, found: "runs" });
            this.member(server).temp = node.level;
          }
          return [];
        }),
    };
  }

  #installer(): UpdateInstaller {
    const list = (ids: Iterable<string>) => ({ fixes: [...ids].sort().map((id) => ({ id })), raw: "" });
    const run = async (action: "install" | "uninstall", ids: readonly string[], job: string): Promise<FixOutcome> => {
      if (!this.#jobs.has(job) && this.#jobs.size > 0) {
        throw new ProblemError("refused", { where: "update installer", found: "another run is under way" });
      }
      await this.#change(`${action} ${ids.join(",")}`, () => {
        if (this.#jobs.has(job)) return;
        this.installerRuns.push(job);
        if (!this.installerLies)
          this.#jobs.set(`${job} half-way`, { endsAt: this.now + INSTALL_MS / 2, finish: () => this.#changeMaster() });
        this.#jobs.set(job, {
          endsAt: this.now + INSTALL_MS,
          finish: () => {
            if (this.installerLies) return;
            this.#changeMaster();
            for (const id of ids) action === "install" ? this.fixes.add(id) : this.fixes.delete(id);
          },
        });
      });
      while (this.#jobs.has(job)) this.advance(TICK_MS);
      this.faults.after(`${action} ended`);
      return { result: "done", installed: list(this.fixes).fixes, exitCode: 0, output: "Fix installation completed" };
    };
    return {
      listInstalled: async () => list(this.fixes),
      listOffered: async () => list(this.offered),
      install: (ids, _fixDir, { job }) => run("install", ids, job),
      uninstall: (ids, { job }) => run("uninstall", ids, job),
      isRunning: async () => this.#jobs.size > 0,
    };
  }

  #webServer(name: string): RoutedWebServer {
    const webServer = this.webServers.find((each) => each.name === name);
    if (!webServer) throw new ProblemError("missing", { where: name, found: "no such web server" });
    return {
      name,
      look: async () => ({
        name,
        running: "yes",
        path: "/plugin-cfg.xml",
        sha256: "",
        lists: structuredClone(webServer.file),
        refreshInterval: REFRESH_S,
        hold: webServer.hold,
        problems: [],
      }),
      route: async (lists) => {
        if (sameLists(lists, webServer.file)) return;
        await this.#change(`route ${name}`, () => {
          webServer.file = structuredClone(lists);
          webServer.changedAt = this.now;
        });
      },
      prove: async (proof: Proof, { settle }) => {
        if (settle) while (webServer.followed !== webServer.file) this.advance(TICK_MS);
        if (proof.level === "routed" && !sameLists(webServer.followed, proof.lists)) {
          throw new ProblemError("not-converged", { where: name, found: "answered by others" });
        }
        for (const { primary } of Object.values(webServer.followed))
          for (const server of primary) this.#requireAnswer(server);
      },
      replace: async () => false,
      hold: (hold) =>
        this.#change(`hold ${name}`, () => {
          webServer.hold = hold;
        }),
      note: async (rollout, step) => {
        if (webServer.hold?.rollout === rollout) webServer.hold.step = step;
      },
      release: (rollout) =>
        this.#change(`release ${name}`, () => {
          if (webServer.hold?.rollout === rollout) webServer.hold = null;
        }),
    };
  }
}
