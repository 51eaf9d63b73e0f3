/*
 * The servers of one node of the cell, as processes: each started server has a process of its own with the arguments of a
 * WebSphere JVM, a pid file, logs, temp and tranlog folders. A member that is no process of its own has one that does nothing but
 * stand for it: when it is killed the server is gone, and the other way round. What the members answer is app-server/server.mts.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Member, Servers } from "../../app-server/server.mts";
import { launch } from "./launch.mts";
import { ask, isOn, logLine, readSettings, type Settings, sleep } from "./settings.mts";

const RETURN_MS = 300;
/** How long a new process gets before it is missed again. */
const START_MS = 2_000;

type State = "STOPPED" | "STARTING" | "STARTED" | "STOPPING";

class ApplicationServer {
  state: State = "STOPPED";
  private process: ChildProcess | undefined;
  private startedAt = 0;
  private readonly settings: Settings;
  private readonly server: Settings["servers"][number];
  private readonly member: Member;

  constructor(settings: Settings, server: Settings["servers"][number], member: Member) {
    this.settings = settings;
    this.server = server;
    this.member = member;
  }

  get memberName(): string {
    return this.server.member;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  get about() {
    return { state: this.state, pid: this.pid ?? null, startedAt: this.startedAt };
  }

  /** @param startMs 0 when the host boots: nobody waits for servers that ran before */
  async start(startMs: number): Promise<string> {
    if (this.state !== "STOPPED") return "running";
    this.state = "STARTING";
    this.makeFolders();
    this.startProcess();
    this.log(`WSVR0200I: Starting application server ${this.server.name}`);
    await sleep(startMs);
    if (isOn(this.settings, `member-no-start_${this.server.member}`)) {
      this.log(`WSVR0009E: Error occurred during startup of ${this.server.name}`);
      await this.end();
      return "failed";
    }
    if (this.process === undefined) return "failed"; // it was killed meanwhile
    for (const name of this.server.applications) {
      await this.member.serve(name, { level: levelOnNode(this.settings, name), status: 0 });
      this.log(`WSVR0221I: Application started: ${name}`);
    }
    try {
      await this.member.open();
    } catch (error) {
      this.log(`WSVR0009E: Error occurred during startup of ${this.server.name}: ${String(error)}`);
      await this.end();
      return "failed";
    }
    this.state = "STARTED";
    this.log(`WSVR0001I: Server ${this.server.name} open for e-business`);
    return "started";
  }

  async stop(quiesce: boolean): Promise<string> {
    if (this.state === "STOPPED") return "not running";
    this.state = "STOPPING";
    this.log(`WSVR0220I: Application server ${this.server.name} is stopping`);
    if (quiesce) await this.member.close(this.settings.times.quiesce);
    if (quiesce && isOn(this.settings, `member-slow-stop_${this.server.member}`))
      await sleep(this.settings.times.slowStop);
    await this.end();
    this.log(`WSVR0024I: Server ${this.server.name} stopped`);
    return "stopped";
  }

  async application(name: string, verb: string): Promise<void> {
    if (this.state !== "STARTED" || !this.server.applications.includes(name)) return;
    if (verb === "stop") await this.member.serve(name, { level: "", status: 404 });
    else if (verb === "begin") await this.member.serve(name, { level: "", status: 500 });
    else await this.member.serve(name, { level: levelOnNode(this.settings, name), status: 0 });
    this.log(`${verb === "ready" ? "WSVR0221I: Application started" : "WSVR0220I: Application stopped"}: ${name}`);
  }

  private startProcess(): void {
    const { profile, cell, node } = this.settings;
    const shown = ["com.ibm.ws.runtime.WsServer", `${profile}/config`, cell, node, this.server.name];
    const child = this.member.launch?.(shown) ?? standFor(shown);
    child.on("error", (error) => process.stderr.write(`${this.server.name}: ${error.message}\n`));
    child.once("exit", () => {
      if (this.process !== child || this.state === "STOPPING") return;
      this.process = undefined;
      void this.member.close(); // killed: the pid file stays, as after a crash
      this.state = "STOPPED";
    });
    this.process = child;
    this.startedAt = Date.now();
    writeFileSync(`${this.logs}/${this.server.name}.pid`, `${child.pid}\n`);
  }

  private async end(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    await this.member.close();
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(`${this.logs}/${this.server.name}.pid`, { force: true });
    this.state = "STOPPED";
  }

  private get logs(): string {
    return `${this.settings.profile}/logs/${this.server.name}`;
  }

  private makeFolders(): void {
    const { profile, cell, node } = this.settings;
    mkdirSync(this.logs, { recursive: true });
    mkdirSync(`${profile}/tranlog/${cell}/${node}/${this.server.name}/transaction`, { recursive: true });
    writeFileSync(`${profile}/tranlog/${cell}/${node}/${this.server.name}/transaction/log1`, "in doubt");
    for (const name of this.server.applications) {
      const compiled = `${profile}/temp/${node}/${this.server.name}/${name}/${name.toLowerCase()}.war`;
      mkdirSync(compiled, { recursive: true });
      writeFileSync(`${compiled}/_page.class`, "a compiled page");
    }
  }

  private log(text: string): void {
    appendFileSync(`${this.logs}/SystemOut.log`, logLine(text));
  }
}

/** A process for a member that has none. */
function standFor(shown: readonly string[]): ChildProcess {
  const jvm = ["java", "-Xmx1024m", "com.ibm.ws.bootstrap.WSLauncher"];
  // The shell waits on a pipe that this process holds: it ends with it, whatever ends it.
  const child = spawn("/bin/sh", ["-c", "read _", ...jvm, ...shown], {
    argv0: "java",
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.stdin?.on("error", () => {});
  return child;
}

/** The fixes in an application as it lies expanded on this node: "base", or their ids. */
function levelOnNode({ profile, cell }: Settings, application: string): string {
  try {
    const text = readFileSync(`${profile}/installedApps/${cell}/${application}.ear/META-INF/level.properties`, "utf8");
    return /^fixes=(.*)$/m.exec(text)?.[1] || "base";
  } catch {
    return "damaged";
  }
}

/** The service manager that the fault agent-returns stands for. */
async function bringAgentBack(settings: Settings): Promise<never> {
  for (;;) {
    await sleep(RETURN_MS);
    if (!isOn(settings, "agent-returns")) continue;
    const runs = await ask(settings, settings.address, settings.agentPort, "GET", "/state", { timeoutMs: 5_000 }).then(
      () => true,
      () => false,
    );
    if (runs) continue;
    launch(settings);
    await sleep(settings.times.startAgent + START_MS);
  }
}

/** Starts all servers, as a node's services do when the machine boots, and answers what they are asked. */
export async function startServers(settingsFile: string, members: Map<string, Member>): Promise<Servers> {
  const settings = readSettings(settingsFile);
  const servers = new Map<string, ApplicationServer>();
  for (const server of settings.servers) {
    const member = members.get(server.member);
    if (member) servers.set(server.name, new ApplicationServer(settings, server, member));
  }
  // One after the other: where they are real, the machine would have more to do than it can.
  for (const server of servers.values()) await server.start(0);
  void bringAgentBack(settings);
  return (method, path) => {
    const [, about, name = "", verb = "", application = ""] = path.split("/").map(decodeURIComponent);
    if (about !== "servers") return undefined;
    if (method === "GET")
      return Promise.resolve(Object.fromEntries([...servers].map(([key, server]) => [key, server.about])));
    if (name === "*") {
      return Promise.all([...servers.values()].map((one) => one.application(application, verb))).then(() => "done");
    }
    const server = servers.get(name) ?? [...servers.values()].find((one) => one.memberName === name);
    if (!server) return Promise.resolve("unknown server");
    if (verb === "start") return server.start(settings.times.startServer);
    return server.stop(verb === "stop");
  };
}
