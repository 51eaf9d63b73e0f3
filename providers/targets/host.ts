import type { Duplex } from "node:stream";
import type { Connection } from "./connection.js";

/** A machine as the code reaches it. One per `Connection` and process; every resource shares its one SSH connection. */
export interface Host {
  /** What the configuration calls it; the first word of progress lines and errors. */
  readonly name: string;
  readonly connection: Connection;
  readonly files: Files;
  readonly jobs: Jobs;

  /**
   * Runs one short command and waits for its end. A non-zero exit code is an answer, not an error; killed by signal N is
   * 128 + N. Output over 16 MiB is an error (`command-failed`). What sudo itself refuses is `login` or `permission`.
   *
   * @throws ProblemError `timeout` when `timeoutMs` passed (the command may go on: outcome unknown), `unknown-outcome` when
   *   the connection closed without an exit status, `unreachable` | `login` | `host-key` when it could not be started.
   */
  run(argv: readonly string[], options: RunOptions): Promise<RunResult>;

  /**
   * A TCP connection that the host makes to `address`, as it sees it. Whoever asked for it ends it.
   *
   * @throws ProblemError `unreachable` when nothing listens there or sshd forbids it (AllowTcpForwarding); as `run` otherwise.
   */
  forward(address: string, port: number): Promise<Duplex>;

  /**
   * What `load` answered for `key` before, if that was at most the snapshot's age ago and nothing was written to this
   * host since; else asks again. Concurrent askers share one load. For previews only: reconcile never uses it.
   */
  snapshot<T>(key: string, load: () => Promise<T>): Promise<T>;

  close(): Promise<void>;
}

export interface RunOptions {
  /** For errors: what this command does, in words ("test the web server's configuration"). */
  readonly what: string;
  readonly timeoutMs: number;
  readonly stdin?: string | Uint8Array;
  /** Run as root with the connection's `sudo` settings. Default: true when the connection has `sudo`. */
  readonly sudo?: boolean;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FileStat {
  readonly kind: "file" | "directory" | "other";
  readonly size: number;
  /** Permission bits, e.g. 0o644. Meaningless on Windows hosts (always 0). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Modification time in milliseconds since the epoch, by the host's clock. */
  readonly modifiedMs: number;
  /** Of the last change of content, attributes or name; absent where the host does not tell. */
  readonly changedMs?: number;
}

export interface FileContent {
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly stat: FileStat;
}

/** Questions about a host's files. They change nothing. Links are followed. Paths are absolute, in the host's own notation. */
export interface FileReader {
  /** undefined when there is no such file. */
  read(path: string): Promise<FileContent | undefined>;
  stat(path: string): Promise<FileStat | undefined>;
  /** Names in a directory, sorted; undefined when there is no such directory. */
  list(directory: string): Promise<readonly string[] | undefined>;
  /** The path with every link resolved; undefined when it leads nowhere. */
  realPath(path: string): Promise<string | undefined>;
}

export interface WriteOptions {
  /** The SHA-256 that the caller read and planned with, or "absent"; anything else found = `changed-meanwhile`, nothing written. */
  readonly expected: string | "absent";
  /** Mode, owner and group of a file that does not exist yet; those of an existing file are always kept. Default 0o644. */
  readonly mode?: number;
  /** Take owner, group and mode of a new file from this one (the directory's owner otherwise decides). */
  readonly like?: string;
}

export interface Files extends FileReader {
  /**
   * Replaces a file as a whole: temporary file in the same directory, write, fsync, mode and owner as before, rename, read
   * back. A link keeps pointing where it did; its target is replaced. The live path holds the old bytes or the new ones at
   * every instant, also when the connection dies.
   */
  write(path: string, bytes: Uint8Array, options: WriteOptions): Promise<FileContent>;
  /** Creates a file that must not exist, in one atomic step. false when it exists already. */
  createExclusive(path: string, bytes: Uint8Array, mode?: number): Promise<boolean>;
  /** Creates a directory and its missing parents, each with this mode. Default 0o755. */
  makeDirectory(path: string, mode?: number): Promise<void>;
  /** Removes a file if its content still has the expected SHA-256; of a link the link itself. No error when it is gone already. */
  remove(path: string, options: { readonly expected: string | "any" }): Promise<void>;
}

/** Longer commands: they run detached on the host, survive a lost connection, and are found again by name. */
export interface Jobs {
  /**
   * Starts `argv` under `name`, or attaches to the run of that name which is still going or has ended and was not
   * collected: nothing is ever started twice. Waits until it ends; `onOutput` gets its output so far, line by line.
   *
   * @throws ProblemError `timeout` when it did not end in `timeoutMs`. It is not killed; the next call attaches again.
   */
  run(name: string, argv: readonly string[], options: JobOptions): Promise<JobResult>;
  /** State of a job without waiting; undefined when none of that name is known. */
  peek(name: string): Promise<JobState | undefined>;
  /** The last 64 KiB of what a job has said so far; "" when none of that name is known. */
  output(name: string): Promise<string>;
  /** Names of the jobs that were not collected and whose names begin so, sorted. */
  list(beginning: string): Promise<readonly string[]>;
  /** Forgets a job that has ended or was lost, so that its name may be started again. */
  collect(name: string): Promise<void>;
}

export interface JobOptions {
  readonly what: string;
  readonly timeoutMs: number;
  /** Run as this user (through sudo). Default: as `run` does, root when the connection has `sudo`, else the login user. */
  readonly asUser?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onOutput?: (line: string) => void;
  /** Asked between two looks at a job that still runs. When it throws, nobody waits any longer; the job goes on. */
  readonly whileRunning?: () => Promise<void>;
}

export interface JobState {
  readonly name: string;
  readonly state: "running" | "ended" | "lost";
  readonly pid: number;
  readonly startedAt: string;
  readonly exitCode?: number;
  /** Of a lost one alone. */
  readonly lost?: LostJob;
}

/** What is known of the end of a job that left no exit status. */
export interface LostJob {
  /** When its host was restarted after the job began, ISO 8601, UTC: nothing of it can run. null = the host was not. */
  readonly restartedAt: string | null;
  /** Numbers of processes of its session that go on without its runner. None = nothing of it runs any more. */
  readonly left: readonly number[];
}

export interface JobResult {
  readonly exitCode: number;
  /** The last 64 KiB of standard output and error together. */
  readonly output: string;
  /** true when this call found the job already started. */
  readonly attached: boolean;
}
