import { randomBytes } from "node:crypto";
import { isUnknownOutcome, ProblemError } from "../common/problem.js";
import type { JobOptions, JobResult, JobState, Jobs, LostJob } from "./host.js";
import { jobForgotten, jobLost, jobStillRunning, jobTimeout, requireJobName } from "./job-problems.js";
import type { ScriptName } from "./shell.js";
import type { ExecResult } from "./ssh-link.js";
import type { SshRunner } from "./ssh-runner.js";
import { pause } from "./timing.js";

const FIRST_POLL_MS = 50;
const LONGEST_POLL_MS = 5_000;
const POLL_GROWTH = 1.5;
/** Of output, in one poll. */
const CHUNK_BYTES = 256 * 1024;
const RESULT_BYTES = 64 * 1024;
/** A job that is attached to late tells this much of what it said before. */
const LATE_BYTES = 1_048_576;
const USER_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

interface Poll {
  readonly state: JobState;
  readonly outputSize: number;
  readonly output: Buffer;
}

/**
 * Jobs in `<stateDirectory>/jobs/<name>/`: `started`, `process` (number and identity), `output`, and `exit` when it ended.
 * Arguments and environment are visible in the host's process list: no secrets in them.
 */
export class DetachedJobs implements Jobs {
  constructor(
    private readonly runner: SshRunner,
    private readonly wrote: () => void,
  ) {}

  async run(name: string, argv: readonly string[], options: JobOptions): Promise<JobResult> {
    const deadline = performance.now() + options.timeoutMs;
    const started = await this.#patiently(deadline, () => this.#start(name, argv, options));
    let offset = 0;
    const lines = new Lines(options.onOutput);
    for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(waitMs * POLL_GROWTH, LONGEST_POLL_MS)) {
      const poll = await this.#patiently(deadline, () => this.#poll(name, offset, CHUNK_BYTES));
      if (!poll) throw jobForgotten(this.runner.name, name, options.what);
      if (offset === 0 && poll.outputSize > LATE_BYTES) {
        offset = poll.outputSize - LATE_BYTES;
        continue;
      }
      offset += poll.output.length;
      lines.add(poll.output);
      if (poll.output.length > 0) waitMs = FIRST_POLL_MS;
      if (offset < poll.outputSize) continue;
      if (poll.state.state !== "running") {
        lines.end();
        return this.#result(name, options, poll.state, started === "exists");
      }
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw jobTimeout(this.runner.name, name, options.what, options.timeoutMs);
      await options.whileRunning?.();
      await pause(Math.min(waitMs, leftMs));
    }
  }

  async peek(name: string): Promise<JobState | undefined> {
    return (await this.#poll(name, 0, 0))?.state;
  }

  async output(name: string): Promise<string> {
    return (await this.#poll(name, -RESULT_BYTES, 0))?.output.toString("utf8") ?? "";
  }

  async list(beginning: string): Promise<readonly string[]> {
    requireJobName(this.runner.name, beginning);
    const { stdout } = await this.#script("job-list", [this.#folder(""), beginning], `list jobs ${beginning}*`);
    return stdout.toString("utf8").split("\n").filter(Boolean);
  }

  async collect(name: string): Promise<void> {
    const state = await this.peek(name);
    if (state?.state === "running") throw jobStillRunning(this.runner.name, name);
    const trash = `${this.#folder("")}.collected-${randomBytes(8).toString("hex")}`;
    await this.#script("job-collect", [this.#folder(name), trash], `forget job ${name}`);
  }

  async #start(name: string, argv: readonly string[], options: JobOptions): Promise<"started" | "exists"> {
    const where = `${this.runner.name}: job ${name}`;
    requireJobName(this.runner.name, name);
    const program = this.#asUser(withEnvironment(argv, options.env, where), options.asUser, where);
    await this.#checkUser(options.asUser, where);
    const { stdout } = await this.#script(
      "job-start",
      [this.#folder(name), options.cwd ?? "", ...program],
      `start ${options.what}`,
    );
    this.wrote();
    return stdout.toString("utf8").trim() === "exists" ? "exists" : "started";
  }

  #asUser(argv: readonly string[], user: string | undefined, where: string): readonly string[] {
    if (user === undefined) return argv;
    if (!USER_NAME.test(user)) {
      throw new ProblemError("invalid-input", {
        where,
        found: `the user ${JSON.stringify(user)}`,
        allowed: "a user's name",
      });
    }
    return this.#isLoginUser(user) ? argv : ["sudo", "-n", "-u", user, "--", ...argv];
  }

  #isLoginUser(user: string): boolean {
    return this.runner.connection.sudo === undefined && user === this.runner.connection.user;
  }

  /** Finds out before anything is started whether sudo would let the job become that user. */
  async #checkUser(user: string | undefined, where: string): Promise<void> {
    if (user === undefined || this.#isLoginUser(user)) return;
    const { exitCode, stderr } = await this.runner.exec(["sudo", "-n", "-u", user, "--", "true"], {
      what: `become ${user}`,
      timeoutMs: this.runner.operationTimeoutMs,
      maxOutputBytes: CHUNK_BYTES,
    });
    if (exitCode === 0) return;
    throw new ProblemError("permission", {
      where,
      found: `sudo does not let it run as ${user} (${stderr.toString("utf8").trim().slice(0, 300)})`,
      next: `Check the user's name, and sudoers with: sudo -l -U ${this.runner.connection.user}`,
    });
  }

  async #poll(name: string, offset: number, maxBytes: number): Promise<Poll | undefined> {
    requireJobName(this.runner.name, name);
    const args = [this.#folder(name), String(offset), String(maxBytes)];
    const { stdout } = await this.#script("job-poll", args, `look at job ${name}`);
    const lineEnd = stdout.indexOf("\n");
    const [state = "", pid, startedAt = "", exitCode, size, ...ofLost] = stdout
      .toString("latin1", 0, lineEnd)
      .split(" ");
    if (state === "absent") return undefined;
    if (state !== "running" && state !== "ended" && state !== "lost") throw this.#nonsense(name, stdout);
    const more = {
      ...(exitCode !== "-" && { exitCode: Number(exitCode) }),
      ...(state === "lost" && { lost: lostBy(ofLost) }),
    };
    return {
      state: { name, state, pid: Number(pid), startedAt, ...more },
      outputSize: Number(size),
      output: stdout.subarray(lineEnd + 1),
    };
  }

  async #result(name: string, options: JobOptions, state: JobState, attached: boolean): Promise<JobResult> {
    if (state.exitCode === undefined) {
      throw jobLost(this.runner.name, name, options.what, state.lost ?? { restartedAt: null, left: [] });
    }
    return { exitCode: state.exitCode, output: await this.output(name), attached };
  }

  /** The job goes on without us: while its line is down, time is the only limit. Starting twice is excluded on the host. */
  async #patiently<T>(deadline: number, act: () => Promise<T>): Promise<T> {
    for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(waitMs * POLL_GROWTH, LONGEST_POLL_MS)) {
      try {
        return await act();
      } catch (error) {
        if (!isUnknownOutcome(error) || performance.now() + waitMs >= deadline) throw error;
        await pause(waitMs);
      }
    }
  }

  async #script(name: ScriptName, args: readonly string[], what: string): Promise<ExecResult> {
    const result = await this.runner.script(name, args, { what, maxOutputBytes: 4 * LATE_BYTES });
    const said = result.stdout.toString("utf8", 0, 300);
    if (result.exitCode === 0 && !said.startsWith("failed ")) return result;
    const words = `${said.replace(/^failed /, "").trim()}: ${result.stderr.toString("utf8").trim().slice(0, 300)}`;
    const noSpace = /No space left on device|Disk quota exceeded/.test(words);
    const denied = /Permission denied|Operation not permitted|Read-only file system/.test(words);
    throw new ProblemError(noSpace ? "no-space" : denied ? "permission" : "command-failed", {
      where: `${this.runner.name}: ${what}`,
      found: `the host failed ${words}`,
      next: `Jobs are kept in ${this.runner.connection.stateDirectory} (stateDirectory): it has to be writable`,
    });
  }

  #nonsense(name: string, stdout: Buffer): ProblemError {
    const found = `an answer that makes no sense: ${stdout.toString("utf8", 0, 100)}`;
    return new ProblemError("malformed", { where: `${this.runner.name}: job ${name}`, found });
  }

  #folder(name: string): string {
    const { shell, connection } = this.runner;
    return shell.join(shell.join(connection.stateDirectory, "jobs"), name);
  }
}

function withEnvironment(argv: readonly string[], env: JobOptions["env"], where: string): readonly string[] {
  const variables = Object.entries(env ?? {});
  const bad = variables.find(([name]) => !VARIABLE_NAME.test(name));
  if (bad)
    throw new ProblemError("invalid-input", {
      where,
      found: `the environment variable ${JSON.stringify(bad[0])}`,
      allowed: "letters, digits and underscores",
    });
  return variables.length === 0 ? argv : ["env", ...variables.map(([name, value]) => `${name}=${value}`), ...argv];
}

/** "<restarted at or -> <process>,<process>…" */
function lostBy([restartedAt = "-", left = ""]: readonly string[]): LostJob {
  return {
    restartedAt: restartedAt === "-" ? null : restartedAt,
    left: left.split(",").filter(Boolean).map(Number),
  };
}

/** Cuts a stream of bytes into lines, whatever the pieces it comes in. */
class Lines {
  #rest = Buffer.alloc(0);

  constructor(private readonly tell: ((line: string) => void) | undefined) {}

  add(bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes]);
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      this.tell?.(rest.toString("utf8", 0, end).replace(/\r$/, ""));
      rest = rest.subarray(end + 1);
    }
    this.#rest = rest;
  }

  end(): void {
    if (this.#rest.length > 0) this.tell?.(this.#rest.toString("utf8"));
  }
}
