import { ProblemError } from "../../common/problem.js";
import type { Host } from "../host.js";
import { readObservation, readPlugin, readReadiness, readServer, readSync, readUsers } from "./answers.js";
import type {
  Cell,
  CellObservation,
  CellSettings,
  Endpoint,
  Limit,
  PluginChange,
  PluginSettings,
  ServerRef,
  ServerState,
  ServerUsers,
} from "./cell.js";
import { requireLogin, requireReachable } from "./program-problems.js";
import { type CellConnection, wasNameSchema } from "./settings.js";
import { Wsadmin } from "./wsadmin.js";

/** Synchronizations and starts of servers take minutes. */
const DEFAULT_ACTION_MS = 15 * 60_000;
/** What every look asks for. */
const SECTIONS = ["topology", "state", "settings"] as const;
type Section = (typeof SECTIONS)[number] | "distribution";
type Observed<S extends Section> = Pick<CellObservation, S>;

/** The cell whose deployment manager runs on this host. Nothing is connected or started before it is asked for something. */
export function openCell(host: Host, settings: CellConnection): Cell {
  requireReachable(host, settings.profile);
  return new WsadminCell(host, settings);
}

class WsadminCell implements Cell {
  readonly name: string;
  readonly #wsadmin: Wsadmin;

  constructor(
    private readonly host: Host,
    private readonly connection: CellConnection,
  ) {
    this.name = host.name;
    this.#wsadmin = new Wsadmin(host, connection);
  }

  observe({ distribution } = { distribution: false }): Promise<CellObservation> {
    return distribution ? this.#observe(...SECTIONS, "distribution") : this.#observe(...SECTIONS);
  }

  snapshot(): Promise<CellObservation> {
    return this.host.snapshot(`cell ${JSON.stringify(this.connection)}`, () => this.observe({ distribution: true }));
  }

  async topology(): Promise<CellObservation["topology"]> {
    return (await this.#observe("topology")).topology;
  }

  async state(): Promise<CellObservation["state"]> {
    return (await this.#observe("state")).state;
  }

  async settings(): Promise<CellSettings> {
    return (await this.#observe("settings")).settings;
  }

  async fullSync(node: string, limit: Limit = {}): Promise<{ synchronized: boolean | "unknown" }> {
    const what = `synchronize ${node} fully`;
    const request = { node: name(this.name, node), action: "full" };
    const answer = await this.#wsadmin.run({ script: "sync", request, what, timeoutMs: limitOf(limit) });
    return { synchronized: readSync(`${this.name}: ${what}`, answer).synchronized };
  }

  async setAutoSync(node: string, enabled: boolean): Promise<boolean | "unknown"> {
    const what = `turn automatic synchronization of ${node} ${enabled ? "on" : "off"}`;
    const request = { node: name(this.name, node), action: enabled ? "auto-on" : "auto-off" };
    const answer = await this.#wsadmin.run({ script: "sync", request, what });
    return readSync(`${this.name}: ${what}`, answer).autoSync;
  }

  startServer(server: ServerRef, limit: Limit = {}): Promise<ServerState> {
    return this.#server(server, "start", limit);
  }

  stopServer(server: ServerRef, limit: Limit & { immediate?: boolean } = {}): Promise<ServerState> {
    return this.#server(server, limit.immediate ? "stop-immediate" : "stop", limit);
  }

  async users({ node, server, host, port }: ServerRef & Endpoint, limit: Limit = {}): Promise<ServerUsers> {
    const what = `count the users of ${server} on ${node}`;
    const request = { node: name(this.name, node), server: name(this.name, server) };
    const call = { script: "sessions", request, what, process: { host, port }, timeoutMs: limit.timeoutMs } as const;
    return readUsers(`${this.name}: ${what}`, await this.#wsadmin.run(call));
  }

  async applicationReadiness(applications: readonly string[], limit: Limit = {}) {
    if (applications.length === 0) return [];
    const what = `look whether ${applications.length} application(s) are distributed`;
    const request = numbered("application", applications);
    const answer = await this.#wsadmin.run({ script: "readiness", request, what, timeoutMs: limit.timeoutMs });
    return readReadiness(`${this.name}: ${what}`, answer);
  }

  async setPluginSettings(changes: readonly PluginChange[]): Promise<readonly PluginSettings[]> {
    const what = "change when plug-in files are generated and propagated";
    const lines = changes.map(({ node, webServer, generation = "", propagation = "" }) =>
      [name(this.name, node), name(this.name, webServer), generation.toUpperCase(), propagation.toUpperCase()].join(
        "\t",
      ),
    );
    const request = { action: "settings", ...numbered("change", lines) };
    return readPlugin(`${this.name}: ${what}`, await this.#wsadmin.run({ script: "plugin", request, what }));
  }

  async generatePlugin(webServer: ServerRef, limit: Limit = {}): Promise<{ file: string }> {
    await this.#plugin("generate", webServer, limit);
    return { file: await this.generatedFile(webServer) };
  }

  async generatedFile({ node, server }: ServerRef): Promise<string> {
    const cell = this.connection.cell ?? (await this.topology()).cell;
    const parts = ["config", "cells", cell, "nodes", node, "servers", server, "plugin-cfg.xml"];
    return [this.connection.profile, ...parts].join("/");
  }

  propagatePlugin(webServer: ServerRef, limit: Limit = {}): Promise<void> {
    return this.#plugin("propagate", webServer, limit);
  }

  async #observe<S extends Section>(...sections: readonly S[]): Promise<Observed<S>> {
    const what = `look at the cell (${sections.join(", ")})`;
    const answer = await this.#wsadmin.run({ script: "observe", request: numbered("want", sections), what });
    const where = `${this.name}: ${what}`;
    const found: Partial<CellObservation> = readObservation(where, answer);
    if (sections.some((section) => found[section] === undefined)) {
      throw new ProblemError("malformed", { where, found: "wsadmin answered less than it was asked" });
    }
    if (found.settings) return { ...found, settings: await this.#withClientTimeout(found.settings) } as Observed<S>;
    return found as Observed<S>;
  }

  /** What the installer's own calls wait is in the profile's file, which wsadmin does not know of. */
  async #withClientTimeout(settings: CellSettings): Promise<CellSettings> {
    const file = `${this.connection.profile}/properties/soap.client.props`;
    const text = await this.host.files
      .read(file)
      .then((content) => content?.bytes.toString("latin1") ?? "", unreadable);
    const client = [...text.matchAll(/^\s*com\.ibm\.SOAP\.requestTimeout\s*[=:]\s*(\d+)\s*$/gm)].at(-1)?.[1];
    if (client === undefined) return settings;
    return { ...settings, soapRequestTimeout: { ...settings.soapRequestTimeout, client: Number(client) } };
  }

  async #server({ node, server }: ServerRef, action: string, limit: Limit): Promise<ServerState> {
    const what = `${action.replace("-", " ")} ${server} on ${node}`;
    const where = `${this.name}: ${what}`;
    const request = { node: name(this.name, node), server: name(this.name, server), action };
    const answer = await this.#wsadmin.run({ script: "server", request, what, timeoutMs: limitOf(limit) });
    const { state, said } = readServer(where, answer);
    requireLogin(where, said);
    return state;
  }

  async #plugin(action: "generate" | "propagate", { node, server }: ServerRef, limit: Limit): Promise<void> {
    const what = `${action} the plug-in file of ${server}`;
    const request = {
      action,
      node: name(this.name, node),
      server: name(this.name, server),
      configuration: `${this.connection.profile}/config`,
    };
    await this.#wsadmin.run({ script: "plugin", request, what, timeoutMs: limitOf(limit) });
  }
}

/** Not everybody may read it: the timeout is then not known. Any other failure is one. */
function unreadable(error: unknown): string {
  if (error instanceof ProblemError && error.cause === "permission") return "";
  throw error;
}

const limitOf = ({ timeoutMs }: Limit): number => timeoutMs ?? DEFAULT_ACTION_MS;

const numbered = (key: string, values: readonly string[]): Record<string, string> =>
  Object.fromEntries(values.map((value, index) => [`${key}.${index}`, value]));

/** Names become parts of queries: one that WebSphere would not take itself never gets there. */
function name(where: string, value: string): string {
  if (wasNameSchema.safeParse(value).success) return value;
  throw new ProblemError("invalid-input", {
    where,
    found: `the name ${JSON.stringify(value)}`,
    allowed: "a node's or server's name as WebSphere takes it",
  });
}
