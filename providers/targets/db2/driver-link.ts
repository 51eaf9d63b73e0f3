import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { DriverEnded, DriverFailure, DriverTimeout } from "./errors.js";
import { AnswerReader, requestFrame } from "./frames.js";
import type { Answer, Operation, Request } from "./protocol.js";

/** What the driver may see of our environment: its own settings, nothing of what else a provider's environment holds. */
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "IBM_DB_HOME", "KRB5_CONFIG", "KRB5CCNAME"];

type Success = Extract<Answer, { ok: true }>;

interface Pending {
  readonly resolve: (answer: Success) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** A process of our own with the driver in it. Keeps this process alive only while it has something to answer. */
export class DriverProcess {
  readonly #child: ChildProcess;
  readonly #requests: Socket;
  readonly #answers: Socket;
  readonly #notes: string;
  readonly #pending = new Map<number, Pending>();
  readonly #gone: Promise<void>;
  #ended: string | undefined;
  #last = 0;

  constructor() {
    // Its dumps of a protocol error hold what went over the line; they would lie among the packages otherwise.
    this.#notes = mkdtempSync(join(tmpdir(), `pulumi-connections-db2-${process.pid}-`));
    writeFileSync(join(this.#notes, "db2cli.ini"), `[COMMON]\nDiagPath=${this.#notes}\nDiagLevel=0\n`);
    // Compiled it is .cjs beside this .js; in tests Node runs the .cts itself.
    const file = join(__dirname, `driver-process${extname(__filename) === ".ts" ? ".cts" : ".cjs"}`);
    this.#child = spawn(process.execPath, [file], {
      env: {
        ...Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
        DB2CLIINIPATH: this.#notes,
        // Text is UTF-8 whatever the locale of this process.
        DB2CODEPAGE: "1208",
        // One waits for our requests, one for the server: more are never in use.
        UV_THREADPOOL_SIZE: "2",
      },
      // The driver prints errors with what they are about: where it prints to goes nowhere, and answers have a way of their own.
      stdio: ["pipe", "ignore", "ignore", "pipe"],
    });
    this.#requests = this.#child.stdio[0] as Socket;
    this.#answers = this.#child.stdio[3] as Socket;
    this.#requests.on("error", () => this.end());
    const reader = new AnswerReader();
    this.#answers.on("data", (chunk: Buffer) => {
      for (const answer of reader.read(chunk)) this.#answered(answer);
    });
    this.#gone = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => resolve(this.#exited(signal ?? `exit code ${code}`)));
      this.#child.once("error", (error) => resolve(this.#exited(error.message)));
    });
    this.#hold(false);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#ended === undefined;
  }

  /**
   * Begins to load the driver's file. How that went is answered when a connection is opened, within the time that has.
   *
   * @param compiled a folder that keeps what was compiled of it for the next process; without it each compiles anew
   */
  load(driver: string, compiled?: string): void {
    this.#send({ op: "load", driver, compiled, id: ++this.#last });
  }

  /** @throws DriverFailure | DriverEnded | DriverTimeout (then the process is ended: nobody knows what it still does) */
  request(operation: Operation, timeoutMs: number): Promise<Success> {
    if (this.#ended !== undefined) return Promise.reject(new DriverEnded(this.#ended));
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new DriverTimeout());
        this.end();
      }, timeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
      this.#hold(true);
      this.#send({ ...operation, id });
    });
  }

  /** Ends it at once; the server rolls back what was not committed. */
  async end(): Promise<void> {
    // Who waits for the end must live to see it, and its notes must not outlive it.
    if (this.alive) this.#child.ref();
    this.#child.kill("SIGKILL");
    await this.#gone;
  }

  #send(request: Request): void {
    this.#requests.write(requestFrame(request));
  }

  #answered(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    if (!pending) return;
    this.#settle(answer.id, pending);
    if (answer.ok) pending.resolve(answer);
    else pending.reject(new DriverFailure(answer.failure));
  }

  #exited(how: string): void {
    this.#ended = how;
    rmSync(this.#notes, { recursive: true, force: true });
    for (const [id, pending] of this.#pending) {
      this.#settle(id, pending);
      pending.reject(new DriverEnded(how));
    }
  }

  #settle(id: number, { timer }: Pending): void {
    clearTimeout(timer);
    this.#pending.delete(id);
    this.#hold(this.#pending.size > 0);
  }

  #hold(on: boolean): void {
    for (const handle of [this.#child, this.#requests, this.#answers]) {
      if (on) handle.ref();
      else handle.unref();
    }
  }
}
