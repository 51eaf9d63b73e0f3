/*
 * A cluster member that is a real Open Liberty server: its JVM, which this process starts, stops, stops in its tracks and kills.
 * What its applications are is lab/liberty/java. Like everything on a lab host, it imports nothing of the project but what is
 * beside it there.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { request } from "node:http";
import type { Config, Member, MemberConfig, Served, Switches } from "../app-server/server.mts";

/** What one member may take of the machine; the compiler that is quickest to start. */
const JVM = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
/** Without it, a server that stops complains: its JNDI resets a field of the JDK. */
const MODULES = ["--add-opens=java.naming/javax.naming.spi=ALL-UNNAMED"];
/** "The server is ready to run a smarter planet", which it says when its applications have started. */
const READY = "CWWKF0011I";
/** The server itself gives requests 30 s to end; then it has other things to stop. */
const STOP_MS = 45_000;
const START_MS = 120_000;
const ASK_MS = 90_000;

/** A real server has no state in which its applications are loaded and answer 500: it answers 404 until they have started. */
const STOPPED = 404;

type Folders = NonNullable<Config["liberty"]>;

/** @param switches as they are at first: all off */
export function libertyMembers({ address, members }: Config, folders: Folders, switches: Switches): Member[] {
  return members.map((member) => new LibertyMember(member, address, folders, switches));
}

class LibertyMember implements Member {
  readonly config: MemberConfig;
  switches: Switches;
  private readonly address: string;
  private readonly folders: Folders;
  private process: ChildProcess | undefined;
  private ready: Promise<void> = Promise.resolve();
  private serves = false;

  constructor(config: MemberConfig, address: string, folders: Folders, switches: Switches) {
    this.config = config;
    this.address = address;
    this.folders = folders;
    this.switches = switches;
  }

  async set(changes: Partial<Switches>): Promise<void> {
    this.switches = { ...this.switches, ...changes };
    if (this.switches.down) return this.close();
    await this.open();
    this.process?.kill("SIGCONT");
    await this.applySwitches();
    if (this.switches.hang) this.process?.kill("SIGSTOP");
  }

  launch(shown: readonly string[]): ChildProcess {
    const { install, user, output } = this.folders;
    const program = ["-jar", `${install}/bin/tools/ws-server.jar`, this.config.name];
    const child = spawn("java", [...JVM, ...MODULES, ...program, "--", ...shown], {
      env: { ...process.env, WLP_USER_DIR: user, WLP_OUTPUT_DIR: output },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.process = child;
    this.ready = new Promise((ready, failed) => {
      const limit = setTimeout(() => failed(new Error(`it was not ready within ${START_MS / 1_000} s`)), START_MS);
      child.stdout?.on("data", (text) => {
        process.stdout.write(`${this.config.name}: ${text}`);
        if (String(text).includes(READY)) ready();
      });
      child.once("error", failed);
      child.once("exit", (code, signal) => {
        clearTimeout(limit);
        this.serves = false;
        failed(new Error(`it ended with ${signal ?? code}`));
      });
    });
    this.ready.catch(() => {}); // who opens it hears of it
    return child;
  }

  async open(): Promise<void> {
    if (this.serves) return;
    if (!this.process || hasEnded(this.process)) this.launch([]);
    await this.ready;
    this.serves = true;
    await this.applySwitches();
  }

  async close(quiesceMs = 0): Promise<void> {
    const child = this.process;
    this.process = undefined;
    this.serves = false;
    if (!child || hasEnded(child)) return;
    const ended = new Promise<void>((done) => child.once("exit", () => done()));
    child.kill("SIGCONT"); // one that hangs could not hear of its end
    child.kill(quiesceMs > 0 ? "SIGTERM" : "SIGKILL");
    const limit = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(limit);
  }

  async serve(application: string, { status }: Served): Promise<void> {
    if (!this.serves || (status > 0 && status !== STOPPED)) return;
    await this.put(`/${status === STOPPED ? "stop" : "start"}/${encodeURIComponent(application)}`);
  }

  private async applySwitches(): Promise<void> {
    const { slow, error, noCookie } = this.switches;
    await this.put(`/?slow=${slow}&error=${error}&noCookie=${noCookie}`);
  }

  /** Asks the application that lab/liberty/java/lab/Administration.java is. */
  private put(path: string): Promise<void> {
    return new Promise((done, failed) => {
      const where = { host: this.address, port: this.config.port, method: "PUT", path: `/lab${path}`, agent: false };
      const asked = request(where, (response) => {
        response.resume();
        if (response.statusCode === 200) done();
        else failed(new Error(`${this.config.name} answered ${path} with ${response.statusCode}`));
      });
      asked.setTimeout(ASK_MS, () => asked.destroy(new Error(`no answer in ${ASK_MS} ms`)));
      asked.on("error", failed);
      asked.end();
    });
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
