/*
 * The one process that owns the processes of a running lab: it starts the hosts and other servers, stands as a TCP front before each host's
 * sshd (so that a host can be made to refuse or to hang), and answers the control port.
 *
 * usage: node supervisor.mts SPECIFICATION.json
 *
 * Lifelines: it ends when its standard input closes (the process that started the lab is gone; a detached lab has none),
 * and every host and server ends when the pipe that this process holds to it closes. So nothing survives, whoever is killed.
 *
 * It imports nothing of the project, so that Node runs this file as it is, from tests and from dist/ alike.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

interface Program {
  name: string;
  command: string[];
  log: string;
}

interface Specification {
  /** Ends with the process that started it. */
  lifeline: boolean;
  /** Hosts are started by a process that stays outside their namespaces. */
  namespaces: boolean;
  token: string;
  stateFile: string;
  hosts: Program[];
  /** Beside the hosts, in no namespaces of their own. `input` is what they read first on their standard input. */
  servers: (Program & { input: string })[];
  fronts: { name: string; address: string; port: number; targetPort: number }[];
}

type FrontMode = "forward" | "refuse" | "hang";
const MODES: readonly string[] = ["forward", "refuse", "hang"] satisfies FrontMode[];

function isMode(text: string): text is FrontMode {
  return MODES.includes(text);
}

/** How long hosts and servers get to end after their lifeline was closed, and hosts to enter their namespaces. */
const END_MS = 5_000;
const ENTER_MS = 5_000;

/** Kernel start time of a process, in clock ticks since boot: with the pid it names one process for ever. */
function startTime(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return []; // it ended
  }
}

class Front {
  mode: FrontMode = "forward";
  private readonly where: Specification["fronts"][number];
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;

  constructor(where: Specification["fronts"][number]) {
    this.where = where;
  }

  async set(mode: FrontMode): Promise<void> {
    if (mode === "refuse") await this.close();
    else await this.open();
    // What hung stays unanswered bytes behind: after a hang the old connections are cut, as after a dead network path.
    if (this.mode === "hang" && mode !== "hang") this.cut();
    this.mode = mode;
    if (mode === "hang") for (const socket of this.sockets) socket.pause();
  }

  open(): Promise<void> {
    if (this.server) return Promise.resolve();
    const server = createServer({ noDelay: true }, (client) => this.accept(client));
    this.server = server;
    return new Promise((opened, failed) => {
      server.once("error", failed);
      server.listen(this.where.port, this.where.address, opened);
    });
  }

  close(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    this.cut();
    if (!server) return Promise.resolve();
    return new Promise((closed) => server.close(() => closed()));
  }

  /** Ends the connections that are open; new ones are welcome. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private accept(client: Socket): void {
    this.keep(client);
    if (this.mode === "hang") {
      client.pause();
      return;
    }
    const server = connect({ host: this.where.address, port: this.where.targetPort, noDelay: true });
    this.keep(server);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on("data", (bytes) => {
        if (!to.write(bytes)) from.pause();
      });
      to.on("drain", () => {
        if (this.mode !== "hang") from.resume();
      });
      from.on("end", () => to.end());
      from.on("close", () => to.destroy());
    }
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  }
}

class Supervisor {
  private readonly specification: Specification;
  private readonly children = new Map<string, ChildProcess>();
  /** First processes of the hosts' own process lists: when one is killed, so is everything of its host. */
  private readonly inits: number[] = [];
  private readonly fronts: Map<string, Front>;
  private readonly control = createHttpServer((request, response) => this.answer(request, response));
  private stopping = false;

  constructor(specification: Specification) {
    this.specification = specification;
    this.fronts = new Map(specification.fronts.map((front) => [front.name, new Front(front)]));
  }

  async start(): Promise<void> {
    process.on("SIGTERM", () => void this.stop());
    process.on("SIGINT", () => {}); // Ctrl-C reaches the whole foreground group; the owner decides, its end is our signal
    process.on("SIGHUP", () => void this.stop());
    if (this.specification.lifeline) {
      process.stdin.on("end", () => void this.stop());
      process.stdin.on("error", () => void this.stop());
      process.stdin.resume();
    }
    for (const front of this.fronts.values()) await front.open();
    for (const host of this.specification.hosts) this.run(host);
    if (this.specification.namespaces) await this.findInits();
    for (const server of this.specification.servers) this.run(server).stdin?.write(server.input);
    await new Promise<void>((opened) => this.control.listen(0, "127.0.0.1", opened));
    this.writeState();
    process.stdout.on("error", () => {}); // the starter reads one line and goes away
    process.stdout.write("ready\n");
  }

  private run({ name, command, log: logFile }: Program): ChildProcess {
    const [file = "", ...args] = command;
    const log = openSync(logFile, "a", 0o600);
    const child = spawn(file, args, { stdio: ["pipe", log, log], detached: true, cwd: "/" });
    closeSync(log);
    child.stdin?.on("error", () => {});
    child.on("error", (error) => process.stderr.write(`${name}: ${error.message}\n`));
    child.on("exit", (code, signal) => {
      this.children.delete(name);
      if (!this.stopping) process.stderr.write(`${name} ended: ${signal ?? `exit code ${code}`}\n`);
    });
    this.children.set(name, child);
    return child;
  }

  private async findInits(): Promise<void> {
    const end = Date.now() + ENTER_MS;
    for (const [name, child] of this.children) {
      let found: number | undefined;
      while (found === undefined) {
        found = child.pid === undefined ? undefined : childrenOf(child.pid)[0];
        if (found !== undefined) break;
        if (Date.now() > end) throw new Error(`host ${name} did not enter its namespaces`);
        await new Promise((passed) => setTimeout(passed, 5));
      }
      this.inits.push(found);
    }
  }

  /** What a later start needs to prove that a process is this lab's. */
  private writeState(): void {
    const pids = [process.pid, ...[...this.children.values()].flatMap((child) => child.pid ?? []), ...this.inits];
    const state = {
      pid: process.pid,
      controlPort: (this.control.address() as AddressInfo).port,
      processes: pids.map((pid) => ({ pid, startTime: startTime(pid) })),
    };
    const temporary = `${this.specification.stateFile}.new`;
    writeFileSync(temporary, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(temporary, this.specification.stateFile);
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const reply = (status: number, content: unknown) => {
      response.writeHead(status, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify(content));
    };
    if (request.headers["x-lab-token"] !== this.specification.token) {
      reply(403, "wrong token");
      return;
    }
    const [, verb, name = "", mode = ""] = (request.url ?? "").split("/");
    if (request.method === "GET") {
      const fronts = Object.fromEntries([...this.fronts].map(([key, front]) => [key, front.mode]));
      reply(200, { running: [...this.children.keys()], fronts });
      return;
    }
    if (verb === "stop") {
      void this.stop(() => reply(200, "stopped"));
      return;
    }
    const front = this.fronts.get(name);
    if (verb === "front" && front && mode === "cut") {
      front.cut();
      reply(200, mode);
      return;
    }
    if (verb !== "front" || !front || !isMode(mode)) {
      reply(400, `unknown request ${request.url}`);
      return;
    }
    front.set(mode).then(
      () => reply(200, mode),
      (error: unknown) => reply(500, String(error)),
    );
  }

  /** By force. The first process of a host is the child of the one outside, so its number is still its own. */
  private kill(child: ChildProcess): void {
    for (const pid of child.pid === undefined ? [] : childrenOf(child.pid)) process.kill(pid, "SIGKILL");
    child.kill("SIGKILL");
  }

  private async stop(done?: () => void): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    for (const front of this.fronts.values()) await front.close();
    const ended = [...this.children.values()].map(
      (child) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) return resolve();
          const timer = setTimeout(() => this.kill(child), END_MS);
          child.once("exit", () => {
            clearTimeout(timer);
            resolve();
          });
          child.stdin?.destroy();
        }),
    );
    await Promise.all(ended);
    rmSync(this.specification.stateFile, { force: true });
    done?.();
    this.control.close(() => process.exit(0));
  }
}

const file = process.argv[2];
if (!file) throw new Error("usage: supervisor.mts SPECIFICATION.json");
const supervisor = new Supervisor(JSON.parse(readFileSync(file, "utf8")) as Specification);
supervisor.start().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
