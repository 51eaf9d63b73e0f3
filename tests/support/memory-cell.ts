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
      cell: modelledCell(this),
      installer: modelledInstaller(this),
      host: this.host("dmgr"),
      node: (name) => modelledNode(this, this.node(name)),
      webServer: (name) => modelledWebServer(this, this.webServer(name)),
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
      pause: async (ms) => {
        this.faults.alive();
        this.advance(ms);
      },
      release: (rollout) =>
        this.#change(`release ${name}`, () => {
          if (webServer.hold?.rollout === rollout) webServer.hold = null;
        }),
    };
  }
}
