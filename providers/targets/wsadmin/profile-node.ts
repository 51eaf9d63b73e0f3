import { milliseconds } from "../../common/duration.js";
import { type Problem, ProblemError } from "../../common/problem.js";
import type { Host } from "../host.js";
import { foldersToClear, parseCleared, requireFit } from "./clear-temp.js";
import { lastLines } from "./messages.js";
import type {
  AgentControl,
  ClearedFolder,
  ClearTempOptions,
  CommandOutcome,
  NodeCommands,
  ProcessSignals,
  Run,
  ServerToObserve,
} from "./node-commands.js";
import { posixCommands } from "./posix-commands.js";
import { forgetLost, requireAccepted, runDetached, runShort } from "./profile-commands.js";
import { requireReachable } from "./program-problems.js";
import { type NodeConnection, wasNameSchema } from "./settings.js";
import { parseSignals } from "./signals.js";

const LOOK_MS = 60_000;
const CLEAR_MS = 10 * 60_000;

/** The commands of one node's profile on its host. */
export function openNode(host: Host, settings: NodeConnection): NodeCommands {
  requireReachable(host, settings.profile);
  return new ProfileNode(host, settings);
}

class ProfileNode implements NodeCommands {
  readonly node: string;

  constructor(
    readonly host: Host,
    private readonly settings: NodeConnection,
  ) {
    this.node = settings.node;
  }

  async observe(servers: readonly ServerToObserve[]): Promise<readonly ProcessSignals[]> {
    if (servers.length === 0) return [];
    const asked = servers.map(({ server, ports = [] }) => ({ server: this.#name(server), ports }));
    const { profile } = this.settings;
    const argv = posixCommands.observeServers(profile, this.node, this.host.connection.address, asked);
    const what = `look at ${servers.length} process(es) of ${this.node}`;
    const { stdout } = await this.host.run(argv, { what, timeoutMs: LOOK_MS });
    return parseSignals(`${this.host.name}: ${what}`, stdout, asked);
  }

  serverStatus(server: string, limit: { timeoutMs?: number } = {}): Promise<CommandOutcome> {
    const call = { profile: this.settings.profile, command: "serverStatus", args: [this.#name(server)] };
    const timeoutMs = limit.timeoutMs ?? milliseconds(this.settings.timeout);
    const argvOf = (folder?: string) => posixCommands.server({ ...call, folder });
    return runShort(this.#credentials, argvOf, `ask for the state of ${server}`, timeoutMs);
  }

  async agentControl(): Promise<AgentControl> {
    const what = `find out what starts the agent of ${this.node}`;
    const argv = posixCommands.agentControl(this.settings.profile, this.node);
    const { stdout } = await this.host.run(argv, { what, timeoutMs: LOOK_MS });
    const [kind, ...words] = /^@@ (.*)$/m.exec(stdout)?.[1]?.split(" ") ?? [];
    if (kind === "script") return { by: "script" };
    const [unit = "", active = ""] = words;
    if (kind === "service" && unit !== "") return { by: "service", unit, active: active === "active" };
    throw new ProblemError("refused", { where: `${this.host.name}: ${this.node}`, ...unusable(kind, words, stdout) });
  }

  async startAgent(run: Run, service?: string | null): Promise<CommandOutcome> {
    const unit = service === undefined ? await this.#unitOfStoppedAgent() : service;
    if (unit !== null) return this.#service("start", unit, run);
    return this.#command("startNode", [], `start the agent of ${this.node}`, run, { login: false });
  }

  async #unitOfStoppedAgent(): Promise<string | null> {
    const control = await this.agentControl();
    return control.by === "service" ? control.unit : null;
  }

  async stopAgent(run: Run): Promise<CommandOutcome> {
    const control = await this.agentControl();
    // A unit that is not active did not start the agent that runs now: stopping it would stop nothing.
    if (control.by === "service" && control.active) return this.#service("stop", control.unit, run);
    return this.#command("stopNode", [], `stop the agent of ${this.node}`, run);
  }

  startServer(server: string, run: Run): Promise<CommandOutcome> {
    const name = this.#name(server);
    return this.#command("startServer", [name], `start ${name} on ${this.node}`, run, { login: false });
  }

  stopServer(server: string, run: Run): Promise<CommandOutcome> {
    const name = this.#name(server);
    return this.#command("stopServer", [name], `stop ${name} on ${this.node}`, run);
  }

  async checkTemp(roots: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const folders = [...roots].flatMap(([tempRoot, servers]) => this.#foldersOf(servers, { tempRoot }));
    if (folders.length === 0) return;
    const what = `see where the temp folders of ${this.node} lie`;
    const argv = posixCommands.lookAtFolders(this.settings.profile, folders);
    const { stdout, stderr } = await this.host.run(argv, { what, timeoutMs: LOOK_MS });
    requireFit(`${this.host.name}: ${what}`, `${stdout}\n${stderr}`);
  }

  async clearTemp(servers: readonly string[], options: ClearTempOptions = {}): Promise<readonly ClearedFolder[]> {
    const folders = this.#foldersOf(servers, options);
    if (folders.length === 0) return [];
    await this.#requireStopped(servers);
    const argv = posixCommands.clearFolders(this.settings.profile, folders);
    const what = `clear temp folders of ${servers.join(", ")} on ${this.node}`;
    const { stdout, stderr } = await this.host.run(argv, { what, timeoutMs: CLEAR_MS });
    return parseCleared(`${this.host.name}: ${what}`, `${stdout}\n${stderr}`);
  }

  #foldersOf(servers: readonly string[], options: ClearTempOptions): readonly string[] {
    const { host, node, settings } = this;
    const names = servers.map((server) => this.#name(server));
    return foldersToClear({ host: host.name, profile: settings.profile, node }, names, options);
  }

  get #credentials() {
    return { host: this.host, profile: this.settings.profile, administrator: this.settings.administrator };
  }

  #name(server: string): string {
    if (wasNameSchema.safeParse(server).success && !server.startsWith("-")) return server;
    throw new ProblemError("invalid-input", {
      where: `${this.host.name}: ${this.node}`,
      found: `the server name ${JSON.stringify(server)}`,
      allowed: "a server's name as WebSphere takes it",
    });
  }

  async #requireStopped(servers: readonly string[]): Promise<void> {
    const running = (await this.observe(servers.map((server) => ({ server })))).filter(
      ({ process }) => process !== "absent",
    );
    if (running.length === 0) return;
    throw new ProblemError(
      "refused",
      running.map(({ server, process, pid }) => ({
        where: `${this.host.name}: ${server} on ${this.node}`,
        found: process === "running" ? `it still runs (process ${pid})` : "it is not known whether it runs",
        why: "Its temp folder holds the compiled pages that it works with",
        next: "Stop it first",
      })),
    );
  }

  async #command(command: string, args: readonly string[], what: string, run: Run, { login = true } = {}) {
    const credentials = login ? this.#credentials : { host: this.host, profile: this.settings.profile };
    const argvOf = (folder?: string) => posixCommands.server({ profile: this.settings.profile, command, args, folder });
    return requireAccepted(this.host, what, await this.#detached(credentials, argvOf, what, run));
  }

  /** Whoever gives a command to a node has looked whether it is due. */
  async #detached(...[credentials, argvOf, what, run]: Parameters<typeof runDetached>): Promise<CommandOutcome> {
    await forgetLost(this.host, run.job);
    return runDetached(credentials, argvOf, what, run);
  }

  /** As root where the connection has sudo; systemd itself refuses anybody else. */
  async #service(verb: "start" | "stop", unit: string, run: Run): Promise<CommandOutcome> {
    const credentials = { host: this.host, profile: this.settings.profile };
    const argvOf = () => ["systemctl", verb, "--", unit];
    return this.#detached(credentials, argvOf, `${verb} the service ${unit}`, run);
  }
}

/** Why an agent is neither stopped nor started by what `agentControl` found. */
function unusable(kind: string | undefined, words: readonly string[], stdout: string): Omit<Problem, "where"> {
  const [unit = "", mode = "", ...others] = words;
  if (kind === "stranger") {
    return {
      found: `the node agent runs in the service ${unit}, whose text does not name the agent of this profile`,
      why: "To stop that service could stop something else altogether",
      next: "Start the agent by startNode.sh of its profile, or by a service whose unit file names that",
    };
  }
  if (kind === "shared") {
    const who =
      others.join(", ") === "unknown" ? "processes that cannot be listed" : `the processes ${others.join(", ")}`;
    return {
      found: `the service ${unit} (KillMode=${mode}) would end ${who} together with the node agent`,
      allowed: "the agent alone in the service, or KillMode=process",
      why: "Members that the agent started would stop with users on them",
      next: `Set KillMode=process in the unit (systemctl edit ${unit}), or start those members by startServer.sh`,
    };
  }
  return {
    found:
      kind === "several"
        ? `several services start a node agent of this profile: ${words.join(", ")}`
        : lastLines(stdout),
    why: "Stopped by the wrong one the agent would come back by itself in the middle of a rollout",
    next: "Leave one of them",
  };
}
