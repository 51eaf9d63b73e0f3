import { ProblemError } from "../../providers/common/problem.js";
import type { Estate } from "../../providers/kinds/interim-fixes/estate.js";
import type { FixesDesired } from "../../providers/kinds/interim-fixes/goal.js";
import type { Journal, Kept } from "../../providers/kinds/interim-fixes/journal.js";
import { interimFixesOver } from "../../providers/kinds/interim-fixes/kind.js";
import { aspectsSchema, settingsSchema } from "../../providers/kinds/interim-fixes/schema.js";
import type { Access } from "../../providers/lifecycle/kind.js";
import { managedProvider } from "../../providers/lifecycle/provider.js";
import { recordPath, type TargetRecord } from "../../providers/lifecycle/record.js";
import { plansOfThisProcess } from "../../providers/lifecycle/shown.js";
import type { MemoryCell } from "../support/memory-cell.js";
import { type Faults, NO_FAULTS } from "../support/memory-cell-parts.js";

const connection = (name: string) => ({ name, address: "127.0.0.1", user: "admin", auth: { agent: true as const } });

/** A declaration for a modelled cell. */
export function declaration(
  cell: MemoryCell,
  settings: Record<string, unknown> = {},
  aspects: Record<string, unknown> = {},
): FixesDesired {
  const verifying = (clusters: readonly string[]) => ({
    connectTo: { address: "127.0.0.1", port: 80 },
    publicHost: "connections.example.com",
    clusters: Object.fromEntries(clusters.map((name) => [name, { probeUrl: "/" }])),
  });
  return {
    identity: { cell: "cell1", installDir: "/opt/IBM/Connections" },
    settings: settingsSchema.parse({
      deploymentManager: {
        connection: connection("dmgr"),
        profile: "/opt/dmgr",
        administrator: { user: "wasadmin", password: { env: "WAS_PASSWORD" } },
      },
      nodes: cell.nodes.map(({ name }) => ({ name, connection: connection(name), profile: `/opt/${name}` })),
      topology: {
        nodes: Object.fromEntries(cell.nodes.map(({ name, members }) => [name, members.map((m) => m.server)])),
      },
      webServers: cell.webServers.map(({ name, server, node, file }) => ({
        name,
        ...(server === name ? {} : { server, node }),
        httpdConf: "/opt/IBM/HTTPServer/conf/httpd.conf",
        connection: connection(name),
        serverRoot: "/opt/IBM/HTTPServer",
        pluginFile: "/plugin-cfg.xml",
        verify: verifying(Object.keys(file)),
      })),
      memberProbes: Object.fromEntries(cell.clusters.map((name) => [name, { path: "/" }])),
      fixDir: "/opt/fixes",
      backUp: ["/opt/IBM/Connections/data/shared/customization"],
      acceptUnsupported: true,
      ...settings,
    }),
    aspects: aspectsSchema.parse({ fixes: { LO66666: { readme: "reviewed" } }, ...aspects }),
  };
}

/** Ends a process: nothing of what it would do next happens. */
class Killed extends Error {}

/** At the index-th change of a run: the process dies, an answer is lost, or the line is dead from there on. */
export class FaultAt implements Faults {
  reached = false;
  #seen = -1;
  #dead = false;

  constructor(
    readonly index: number,
    readonly kind: "killed before" | "killed after" | "reply lost" | "cut",
  ) {}

  get killed(): boolean {
    return this.#dead && this.kind.startsWith("killed");
  }

  before(): void {
    this.alive();
    this.#seen++;
    if (this.#seen !== this.index) return;
    this.reached = true;
    if (this.kind === "killed before" || this.kind === "cut") {
      this.#dead = true;
      throw this.#end();
    }
  }

  after(): void {
    this.alive();
    if (this.#seen !== this.index || !this.reached) return;
    if (this.kind === "killed after") {
      this.#dead = true;
      throw this.#end();
    }
    if (this.kind === "reply lost") {
      this.#seen = Number.POSITIVE_INFINITY;
      throw new ProblemError("unknown-outcome", { where: "line", found: "the answer was lost" });
    }
  }

  alive(): void {
    if (this.#dead) throw this.#end();
  }

  #end(): Error {
    return this.kind === "cut" ? new ProblemError("unreachable", { where: "line", found: "cut" }) : new Killed();
  }
}

/** Dies right after the change that matches. */
export function killedAfter(change: RegExp) {
  let killed = false;
  const alive = () => {
    if (killed) throw new Error("killed");
  };
  const after = (name: string) => {
    alive();
    killed = change.test(name);
    alive();
  };
  const fault = { before: alive, after, alive };
  return Object.defineProperty(fault, "killed", { get: () => killed }) as typeof fault & { readonly killed: boolean };
}

export interface Outcome {
  readonly ended: "converged" | "failed" | "killed";
  readonly message: string;
}

/** The real loop, with lock and record on a modelled host, over a modelled cell. Each `up` is a process of its own. */
export class Driver {
  readonly said: string[] = [];
  #runs = 0;

  constructor(
    readonly cell: MemoryCell,
    public desired: FixesDesired,
    private readonly open: (id: string) => Estate = (id) => cell.estate(id),
  ) {}

  /** What the record on the deployment manager's host remembers. */
  get kept(): Kept | undefined {
    return this.record?.kept as Kept | undefined;
  }

  get record(): TargetRecord | undefined {
    const text = this.cell.host("dmgr").text(this.#recordPath);
    return text === undefined ? undefined : (JSON.parse(text) as TargetRecord);
  }

  /** As another version would have written it. */
  rewriteJournal(rewritten: (journal: Journal) => Journal): void {
    const { record, kept } = this;
    if (!record || !kept?.journal) throw new Error("no rollout is open");
    const text = JSON.stringify({ ...record, kept: { ...kept, journal: rewritten(kept.journal) } });
    this.cell.host("dmgr").put(this.#recordPath, text);
  }

  get #recordPath(): string {
    const kind = this.#kind("record");
    const { stateDirectory } = this.cell.host("dmgr").connection;
    return recordPath(stateDirectory, kind.type, kind.identify(this.desired.identity));
  }

  observe(id: string) {
    return this.#kind(id).observe(this.desired.identity, this.desired.settings, this.#access);
  }

  async plan(id = "preview") {
    const kind = this.#kind(id);
    const live = await this.observe(id);
    return kind.plan(this.desired, live, this.kept ?? kind.adopt(live));
  }

  async up(faults: Faults & { readonly killed?: boolean } = NO_FAULTS): Promise<Outcome> {
    const environment = {
      fresh: this.#access,
      cached: this.#access,
      say: (line: string) => void this.said.push(line),
      shown: plansOfThisProcess(),
    };
    const provider = managedProvider(this.#kind(`process ${++this.#runs}`), environment);
    const { identity, settings, aspects } = this.desired;
    this.cell.faults = faults;
    try {
      await provider.create({ ...identity, ...settings, ...aspects, owner: OWNER, __provider: "pointer" });
      return { ended: "converged", message: "" };
    } catch (error) {
      return { ended: faults.killed ? "killed" : "failed", message: String((error as Error).message) };
    } finally {
      this.cell.faults = NO_FAULTS;
    }
  }

  #kind(id: string) {
    return interimFixesOver(() => this.open(id));
  }

  get #access(): Access {
    const host: Access["host"] = ({ name }) => this.cell.host(name);
    return { host, files: (connection) => host(connection).files };
  }
}

const OWNER = "shop/prod/fixes";
