import { posix } from "node:path";
import { sha256 } from "../../providers/common/json.js";
import { ProblemError } from "../../providers/common/problem.js";
import type { Connection } from "../../providers/targets/connection.js";
import {
  changedMeanwhile,
  missingDirectory,
  requireAbsolute,
  wrongKind,
} from "../../providers/targets/file-problems.js";
import type {
  FileContent,
  FileStat,
  Files,
  Host,
  JobOptions,
  JobResult,
  JobState,
  Jobs,
  LostJob,
  RunOptions,
  RunResult,
  WriteOptions,
} from "../../providers/targets/host.js";
import { jobLost, jobStillRunning, jobTimeout, requireJobName } from "../../providers/targets/job-problems.js";
import { Snapshot } from "../../providers/targets/snapshot.js";

type FileOperation = keyof Files;

/** One call on the host, as the hooks see it. */
export interface Operation {
  readonly name: FileOperation | "run" | "jobs.run" | "jobs.peek" | "jobs.output" | "jobs.list" | "jobs.collect";
  readonly path?: string;
  /** Of "run" and "jobs.run". */
  readonly argv?: readonly string[];
  /** Of "jobs.*". */
  readonly job?: string;
}

export interface MemoryHostOptions {
  /** Answers commands and jobs. Default: exit code 127, as for a command that does not exist. */
  readonly onRun?: (argv: readonly string[], options: RunOptions | JobOptions) => RunResult | Promise<RunResult>;
  /** Throws = the operation never reached the host. */
  readonly beforeOperation?: (operation: Operation) => void | Promise<void>;
  /** Throws = the operation happened and its answer was lost. */
  readonly afterOperation?: (operation: Operation) => void | Promise<void>;
}

interface Entry {
  kind: "file" | "directory" | "link";
  bytes: Buffer;
  target: string;
  mode: number;
  uid: number;
  gid: number;
  modifiedMs: number;
}

const WITH_THE_MACHINE: LostJob = { restartedAt: "1970-01-01T00:00:00Z", left: [] };
const NOT_FOUND: RunResult = { exitCode: 127, stdout: "", stderr: "command not found\n" };
const MAX_LINKS = 40;

/**
 * A modelled host: files, links and directories in a map, commands answered by the test. Same behaviour as a real host over
 * SSH, as far as `tests/targets/host-contract.test.ts` asks both the same questions. No disk, no process, no clock.
 */
export class MemoryHost implements Host {
  readonly name: string;
  readonly files: Files;
  readonly jobs: Jobs;
  /** Every operation that changed something, in order: "write /etc/x", "remove /etc/x", "job rollout-1". */
  readonly written: string[] = [];
  /** Every command that was run, in order. */
  readonly ran: (readonly string[])[] = [];

  readonly #entries = new Map<string, Entry>();
  readonly #jobs = new Map<string, JobState & { readonly output: string }>();
  readonly #snapshot = new Snapshot();
  #ticks = 0;

  constructor(
    readonly connection: Connection,
    private readonly options: MemoryHostOptions = {},
  ) {
    this.name = connection.name;
    this.files = this.#makeFiles();
    this.jobs = this.#makeJobs();
    this.#addDirectory("/");
  }

  // What a test arranges and looks at; no hook sees it and nothing is logged.

  /** Puts a file there, with its directories. An existing one keeps its mode and owner. */
  put(
    path: string,
    content: string | Uint8Array,
    attributes: { mode?: number; uid?: number; gid?: number } = {},
  ): void {
    this.mkdir(posix.dirname(path));
    this.#putFile(this.#resolve(path), Buffer.from(content as Uint8Array), attributes);
  }

  /** Puts a directory there, with its parents. */
  mkdir(path: string): void {
    for (const directory of ancestors(this.#resolve(path)))
      if (!this.#entries.has(directory)) this.#addDirectory(directory);
  }

  link(path: string, target: string): void {
    this.mkdir(posix.dirname(path));
    this.#entries.set(
      this.#resolve(posix.dirname(path), posix.basename(path)),
      this.#entry("link", { target, mode: 0o777 }),
    );
  }

  /** The content of a file as text; undefined when there is none. */
  text(path: string): string | undefined {
    const entry = this.#entries.get(this.#resolve(path));
    return entry?.kind === "file" ? entry.bytes.toString("utf8") : undefined;
  }

  /** Takes a file away behind the code's back. */
  delete(path: string): void {
    this.#entries.delete(this.#resolve(path));
  }

  /** Every file's path, sorted. */
  paths(): string[] {
    return [...this.#entries]
      .filter(([, entry]) => entry.kind === "file")
      .map(([path]) => path)
      .sort();
  }

  /** Arranges a job that this process did not start: still running, ended well, or lost with the machine. */
  setJob(name: string, state: JobState["state"], output = "", startedAt = new Date(0).toISOString()): void {
    const more = state === "ended" ? { exitCode: 0 } : state === "lost" ? { lost: WITH_THE_MACHINE } : {};
    this.#jobs.set(name, { name, state, pid: 4711, startedAt, output, ...more });
  }

  /** What still ran is lost: with the machine's restart, files alone stay; or a job's runner is killed alone. */
  lose(lost: LostJob): void {
    for (const [name, job] of this.#jobs)
      if (job.state !== "ended") this.#jobs.set(name, { ...job, state: "lost", lost });
  }

  /** Names of the jobs that were not forgotten, sorted. */
  jobNames(): string[] {
    return [...this.#jobs.keys()].sort();
  }

  // Host

  run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
    return this.#operation({ name: "run", argv }, async () => {
      this.ran.push([...argv]);
      return (await this.options.onRun?.(argv, options)) ?? NOT_FOUND;
    });
  }

  forward(address: string, port: number): Promise<never> {
    const found = `a host in memory makes no connection to ${address} port ${port}`;
    return Promise.reject(new ProblemError("unreachable", { where: this.name, found }));
  }

  snapshot<T>(key: string, load: () => Promise<T>): Promise<T> {
    return this.#snapshot.get(key, load);
  }

  async close(): Promise<void> {
    this.#snapshot.drop();
  }

  // Inside

  async #operation<T>(operation: Operation, act: () => T | Promise<T>): Promise<T> {
    await this.options.beforeOperation?.(operation);
    const result = await act();
    await this.options.afterOperation?.(operation);
    return result;
  }

  #fileOperation<T>(name: FileOperation, path: string, act: (resolved: string) => T): Promise<T> {
    return this.#operation({ name, path }, () => {
      requireAbsolute(this.name, path);
      return act(this.#resolve(path));
    });
  }

  #wrote(what: string): void {
    this.written.push(what);
    this.#snapshot.drop();
  }

  #entry(kind: Entry["kind"], more: Partial<Entry>): Entry {
    return {
      kind,
      bytes: Buffer.alloc(0),
      target: "",
      mode: 0o644,
      uid: 0,
      gid: 0,
      modifiedMs: ++this.#ticks * 1000,
      ...more,
    };
  }

  #addDirectory(path: string, mode = 0o755): void {
    this.#entries.set(path, this.#entry("directory", { mode }));
  }

  #putFile(path: string, bytes: Buffer, attributes: { mode?: number; uid?: number; gid?: number }): FileContent {
    const before = this.#entries.get(path);
    const kept = before && { mode: before.mode, uid: before.uid, gid: before.gid };
    const entry = this.#entry("file", { bytes, ...kept, ...attributes });
    this.#entries.set(path, entry);
    return contentOf(entry);
  }

  /** The path with every link on it followed; the last parts may be missing. */
  #resolve(...parts: string[]): string {
    let links = 0;
    let done = "/";
    const left = posix
      .resolve(...parts)
      .split("/")
      .filter(Boolean);
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      const next = posix.resolve(done, part);
      const entry = this.#entries.get(next);
      if (entry?.kind !== "link") {
        done = next;
        continue;
      }
      if (++links > MAX_LINKS) throw new Error(`too many links: ${parts.join("/")}`);
      left.unshift(...posix.resolve(done, entry.target).split("/").filter(Boolean));
      done = "/";
    }
    return done;
  }

  #requireParent(path: string, resolved: string): void {
    if (this.#entries.get(posix.dirname(resolved))?.kind !== "directory") throw missingDirectory(this.name, path);
  }

  #file(path: string, resolved: string): Entry | undefined {
    const entry = this.#entries.get(resolved);
    if (entry?.kind === "directory") throw wrongKind(this.name, path, "directory", "file");
    return entry;
  }

  #makeFiles(): Files {
    return {
      read: (path) =>
        this.#fileOperation("read", path, (resolved) => {
          const entry = this.#file(path, resolved);
          return entry && contentOf(entry);
        }),
      stat: (path) =>
        this.#fileOperation("stat", path, (resolved) => {
          const entry = this.#entries.get(resolved);
          return entry && statOf(entry);
        }),
      list: (directory) =>
        this.#fileOperation("list", directory, (resolved) => {
          const entry = this.#entries.get(resolved);
          if (!entry) return undefined;
          if (entry.kind !== "directory") throw wrongKind(this.name, directory, "file", "directory");
          const inside = [...this.#entries.keys()].filter((path) => path !== "/" && posix.dirname(path) === resolved);
          return inside.map((path) => posix.basename(path)).sort();
        }),
      realPath: (path) =>
        this.#fileOperation("realPath", path, (resolved) => (this.#entries.has(resolved) ? resolved : undefined)),
      write: (path, bytes, options) =>
        this.#fileOperation("write", path, (resolved) => this.#write(path, resolved, Buffer.from(bytes), options)),
      createExclusive: (path, bytes, mode = 0o644) =>
        this.#fileOperation("createExclusive", path, (resolved) => {
          this.#requireParent(path, resolved);
          // A link counts as existing, wherever it leads.
          const unfollowed = posix.join(this.#resolve(posix.dirname(path)), posix.basename(path));
          if (this.#entries.has(unfollowed)) return false;
          this.#putFile(resolved, Buffer.from(bytes), { mode });
          this.#wrote(`createExclusive ${path}`);
          return true;
        }),
      makeDirectory: (path, mode = 0o755) =>
        this.#fileOperation("makeDirectory", path, (resolved) => {
          const missing = ancestors(resolved).filter((directory) => {
            const entry = this.#entries.get(directory);
            if (entry && entry.kind !== "directory") throw wrongKind(this.name, directory, "file", "directory");
            return !entry;
          });
          for (const directory of missing) this.#addDirectory(directory, mode);
          if (missing.length > 0) this.#wrote(`makeDirectory ${path}`);
        }),
      remove: (path, { expected }) =>
        this.#fileOperation("remove", path, (resolved) => {
          const unfollowed = posix.join(this.#resolve(posix.dirname(path)), posix.basename(path));
          if (!this.#entries.has(unfollowed)) return;
          const entry = this.#file(path, resolved);
          const found = entry ? sha256(entry.bytes) : "absent";
          if (expected !== "any" && found !== expected) throw changedMeanwhile(this.name, path, expected, found);
          this.#entries.delete(unfollowed);
          this.#wrote(`remove ${path}`);
        }),
    };
  }

  #write(path: string, resolved: string, bytes: Buffer, options: WriteOptions): FileContent {
    this.#requireParent(path, resolved);
    const before = this.#file(path, resolved);
    const found = before ? sha256(before.bytes) : "absent";
    if (found !== options.expected) throw changedMeanwhile(this.name, path, options.expected, found);
    const like = options.like === undefined ? undefined : this.#entries.get(this.#resolve(options.like));
    if (options.like !== undefined && !like) throw missingDirectory(this.name, options.like);
    const fresh = like ? { mode: like.mode, uid: like.uid, gid: like.gid } : { mode: options.mode ?? 0o644 };
    const content = this.#putFile(resolved, bytes, before ? {} : fresh);
    this.#wrote(`write ${path}`);
    return content;
  }

  #makeJobs(): Jobs {
    const operation = <T>(
      name: "run" | "peek" | "output" | "list" | "collect",
      job: string,
      act: () => T | Promise<T>,
      argv?: readonly string[],
    ) =>
      this.#operation<T>({ name: `jobs.${name}`, job, ...(argv && { argv }) }, () => {
        requireJobName(this.name, job);
        return act();
      });
    return {
      run: (name, argv, options) => operation("run", name, () => this.#runJob(name, argv, options), argv),
      peek: (name) => operation("peek", name, () => withoutOutput(this.#jobs.get(name))),
      output: (name) => operation("output", name, () => this.#jobs.get(name)?.output ?? ""),
      list: (beginning) =>
        operation("list", beginning, () => this.jobNames().filter((name) => name.startsWith(beginning))),
      collect: (name) =>
        operation("collect", name, () => {
          if (this.#jobs.get(name)?.state === "running") throw jobStillRunning(this.name, name);
          this.#jobs.delete(name);
        }),
    };
  }

  async #runJob(name: string, argv: readonly string[], options: JobOptions): Promise<JobResult> {
    const attached = this.#jobs.has(name);
    if (!attached) {
      this.setJob(name, "running");
      this.#wrote(`job ${name}`);
      this.ran.push([...argv]);
      const result = (await this.options.onRun?.(argv, options)) ?? NOT_FOUND;
      const started = this.#jobs.get(name);
      if (started) {
        const output = result.stdout + result.stderr;
        this.#jobs.set(name, { ...started, state: "ended", exitCode: result.exitCode, output });
      }
    }
    const job = this.#jobs.get(name);
    if (!job || job.state === "lost") throw jobLost(this.name, name, options.what, job?.lost ?? WITH_THE_MACHINE);
    if (job.state === "running" || job.exitCode === undefined) {
      throw jobTimeout(this.name, name, options.what, options.timeoutMs);
    }
    for (const line of job.output.split("\n").filter(Boolean)) options.onOutput?.(line);
    return { exitCode: job.exitCode, output: job.output, attached };
  }
}

function ancestors(path: string): string[] {
  const parts = path.split("/").filter(Boolean);
  return parts.map((_part, index) => `/${parts.slice(0, index + 1).join("/")}`);
}

function statOf(entry: Entry): FileStat {
  const { mode, uid, gid, modifiedMs } = entry;
  return { kind: entry.kind === "link" ? "other" : entry.kind, size: entry.bytes.length, mode, uid, gid, modifiedMs };
}

function contentOf(entry: Entry): FileContent {
  return { bytes: Buffer.from(entry.bytes), sha256: sha256(entry.bytes), stat: statOf(entry) };
}

function withoutOutput(job: (JobState & { readonly output: string }) | undefined): JobState | undefined {
  if (!job) return undefined;
  const { output: _output, ...state } = job;
  return state;
}

/** Rejects as a line that went dead would: for hooks that make an operation or its answer get lost. */
export function lineCut(where: string): ProblemError {
  return new ProblemError("unknown-outcome", { where, found: "the connection was cut" });
}
