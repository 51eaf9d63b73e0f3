import { ProblemError, problemsOf } from "../../providers/common/problem.js";
import type { FixesDesired } from "../../providers/kinds/interim-fixes/goal.js";
import type { Kept } from "../../providers/kinds/interim-fixes/journal.js";
import { interimFixesOver } from "../../providers/kinds/interim-fixes/kind.js";
import { aspectsSchema, settingsSchema } from "../../providers/kinds/interim-fixes/schema.js";
import type { Access } from "../../providers/lifecycle/kind.js";
import { connectionSchema } from "../../providers/targets/connection.js";
import type { Host } from "../../providers/targets/host.js";
import type { Faults, MemoryCell } from "../support/memory-cell.js";
import { MemoryHost } from "../support/memory-host.js";

const connection = (name: string) => ({ name, address: "127.0.0.1", user: "admin", auth: { agent: true as const } });

/** A declaration for a modelled cell. */
export function declaration(
  cell: MemoryCell,
  settings: Record<string, unknown> = {},
  aspects: Record<string, unknown> = {},
): FixesDesired {
  const verify = {
    connectTo: { address: "127.0.0.1", port: 80 },
    publicHost: "connections.example.com",
    clusters: Object.fromEntries(cell.clusters.map((name) => [name, { probeUrl: "/" }])),
  };
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
      webServers: cell.webServers.map(({ name }) => ({
        name,
        httpdConf: "/opt/IBM/HTTPServer/conf/httpd.conf",
        connection: connection(name),
        serverRoot: "/opt/IBM/HTTPServer",
        pluginFile: "/plugin-cfg.xml",
        verify,
      })),
      memberProbes: Object.fromEntries(cell.clusters.map((name) => [name, { path: "/" }])),
      fixDir: "/opt/fixes",
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

  before(): void {
    if (this.#dead) throw this.#end();
    this.#seen++;
    if (this.#seen !== this.index) return;
    this.reached = true;
    if (this.kind === "killed before" || this.kind === "cut") {
      this.#dead = true;
      throw this.#end();
    }
  }

  after(): void {
    if (this.#dead) throw this.#end();
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

  #end(): Error {
    return this.kind === "cut" ? new ProblemError("unreachable", { where: "line", found: "cut" }) : new Killed();
  }
}

const NO_FAULTS: Faults = { before() {}, after() {} };

export interface Outcome {
  readonly ended: "converged" | "failed" | "killed";
  readonly message: string;
  readonly steps: readonly string[];
}

/**
 * The loop of `lifecycle/execute.ts` without locks, files and time: observe, plan, apply each step and remember, look again
 * after an unknown outcome, and at the end the plan has to be empty. What is remembered survives the process.
 */
export class Driver {
  kept: Kept | undefined;
  runs = 0;

  constructor(
    readonly cell: MemoryCell,
    public desired: FixesDesired,
  ) {}

  async observe(id: string) {
    return this.#kind(id).observe(this.desired.identity, this.desired.settings, NO_ACCESS);
  }

  #kind(id: string) {
    return interimFixesOver(() => this.cell.estate(id));
  }

  async plan(id = "preview") {
    const kind = this.#kind(id);
    const live = await this.observe(id);
    return kind.plan(this.desired, live, this.kept ?? kind.adopt(live));
  }

  async up(faults: Faults = NO_FAULTS): Promise<Outcome> {
    const id = `process ${++this.runs}`;
    const steps: string[] = [];
    this.cell.faults = faults;
    try {
      await this.#converge(id, steps);
      return { ended: "converged", message: "", steps };
    } catch (error) {
      if (error instanceof Killed) return { ended: "killed", message: "", steps };
      return {
        ended: "failed",
        message: problemsOf(error, "up")
          .map(({ found }) => found)
          .join("; "),
        steps,
      };
    } finally {
      this.cell.faults = NO_FAULTS;
    }
  }

  async #converge(id: string, steps: string[]): Promise<void> {
    const kind = this.#kind(id);
    let live = await this.observe(id);
    let kept = this.kept ?? kind.adopt(live);
    const first = kind.plan(this.desired, live, kept);
    if (first.refusals.length > 0) throw new ProblemError("refused", first.refusals);
    let todo = [...first.steps];
    const tries = new Map<string, number>();
    for (let step = todo.shift(); step; step = todo.shift()) {
      const context = {
        desired: this.desired,
        live,
        kept,
        progress() {},
        signal: new AbortController().signal,
        assertHeld: async () => {},
        underLockOf: <T>(_host: Host, work: () => Promise<T>) => work(),
        ...NO_ACCESS,
        backUp: never,
        fromBackup: never,
      };
      try {
        const patch = await kind.apply(step, context);
        kept = { ...kept, ...(patch ?? {}) };
        this.cell.faults.before("save");
        this.kept = kept;
        this.cell.faults.after("save");
        steps.push(step.key);
      } catch (error) {
        const tried = (tries.get(step.key) ?? 0) + 1;
        tries.set(step.key, tried);
        const unknown =
          error instanceof ProblemError && ["unknown-outcome", "unreachable", "timeout"].includes(error.cause);
        if (!unknown || tried > 1) throw error;
        live = await this.observe(id);
        todo = [...kind.plan(this.desired, live, kept).steps];
      }
    }
    const left = kind.plan(this.desired, await this.observe(id), kept);
    const remains = [...left.steps.map(({ title }) => title), ...left.refusals.map(({ found }) => found)];
    if (remains.length > 0) throw new ProblemError("not-converged", { where: "up", found: remains.join("; ") });
  }
}

const never = async (): Promise<never> => {
  throw new Error("the kind does not ask this");
};
const HOST = new MemoryHost(connectionSchema.parse(connection("dmgr")));
const NO_ACCESS: Access = { host: () => HOST, files: () => HOST.files };
