import { sha256 } from "../common/json.js";
import { ProblemError } from "../common/problem.js";
import { MAX_FILE_BYTES, requireSize } from "./file-limits.js";
import { changedMeanwhile, missingDirectory, requireAbsolute, wrongKind } from "./file-problems.js";
import { type Answer, FileQueries, isTorn } from "./file-queries.js";
import type { FileContent, FileStat, Files, WriteOptions } from "./host.js";
import type { ScriptName } from "./shell.js";
import type { SshRunner } from "./ssh-runner.js";
import { ABANDONED_AFTER_MS, type TempPurpose, tempName, tempPrefix } from "./temp-names.js";

const READ_ATTEMPTS = 3;

/** Files as root, through sudo and small scripts: SFTP always runs as the login user. Questions of one tick share a command. */
export class SudoFiles implements Files {
  readonly #queries: FileQueries;

  constructor(
    private readonly runner: SshRunner,
    private readonly wrote: () => void,
  ) {
    this.#queries = new FileQueries(runner);
  }

  async read(path: string): Promise<FileContent | undefined> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#ask("read", path);
      if (!answer) return undefined;
      this.#requireFile(path, answer);
      requireSize(this.runner.name, path, answer.stat.size);
      if (!isTorn(answer)) return { bytes: answer.content, sha256: sha256(answer.content), stat: answer.stat };
      if (attempt < READ_ATTEMPTS) continue;
      throw new ProblemError("changed-meanwhile", {
        where: this.#where(path),
        found: `it changed during each of ${READ_ATTEMPTS} readings`,
        next: "Wait until the program that writes it is done",
      });
    }
  }

  async stat(path: string): Promise<FileStat | undefined> {
    return (await this.#ask("stat", path))?.stat;
  }

  async list(directory: string): Promise<readonly string[] | undefined> {
    const answer = await this.#ask("list", directory);
    if (answer && answer.stat.kind !== "directory") throw wrongKind(this.runner.name, directory, "file", "directory");
    return answer?.content.toString("utf8").split("\0").filter(Boolean).sort();
  }

  async realPath(path: string): Promise<string | undefined> {
    return (await this.#ask("realPath", path))?.content.toString("utf8");
  }

  async write(path: string, bytes: Uint8Array, options: WriteOptions): Promise<FileContent> {
    const like = options.like === undefined ? undefined : await this.stat(options.like);
    if (options.like !== undefined && !like) throw missingDirectory(this.runner.name, options.like);
    const mode = like?.mode ?? options.mode ?? 0o644;
    const owner = like ? `${like.uid}:${like.gid}` : "-";
    const found = await this.#put(path, bytes, { expected: options.expected, mode, owner, purpose: "replace" });
    if (found !== options.expected) throw changedMeanwhile(this.runner.name, path, options.expected, found);
    const after = await this.read(path);
    if (after?.sha256 === sha256(bytes)) return after;
    throw new ProblemError("changed-meanwhile", {
      where: this.#where(path),
      found: "other content than was just written",
      why: "Somebody else wrote to it at the same time",
      next: "Run the preview again and look at the difference",
    });
  }

  async createExclusive(path: string, bytes: Uint8Array, mode = 0o644): Promise<boolean> {
    return (await this.#put(path, bytes, { expected: "absent", mode, owner: "-", purpose: "create" })) === "absent";
  }

  async makeDirectory(path: string, mode = 0o755): Promise<void> {
    requireAbsolute(this.runner.name, path);
    const umask = (~mode & 0o777).toString(8);
    const { word } = await this.#script("make-directory", [umask, path], path, "create directory");
    if (word === "file") throw wrongKind(this.runner.name, path, "file", "directory");
    this.wrote();
  }

  async remove(path: string, { expected }: { readonly expected: string | "any" }): Promise<void> {
    requireAbsolute(this.runner.name, path);
    const { word, rest } = await this.#script("file-remove", [path, expected], path, "remove");
    if (word === "directory") throw wrongKind(this.runner.name, path, "directory", "file");
    if (word === "changed") throw changedMeanwhile(this.runner.name, path, expected, rest);
    this.wrote();
  }

  /** Answers what was found where `expected` should be: the same = written. */
  async #put(
    path: string,
    bytes: Uint8Array,
    options: {
      readonly expected: string;
      readonly mode: number;
      readonly owner: string;
      readonly purpose: TempPurpose;
    },
  ): Promise<string> {
    requireAbsolute(this.runner.name, path);
    requireSize(this.runner.name, path, bytes.length);
    const { base } = this.runner.shell.split(path);
    const { purpose } = options;
    const args = [
      path,
      options.expected,
      options.mode.toString(8),
      options.owner,
      sha256(bytes),
      tempPrefix(base, purpose),
      tempName(base, purpose),
      purpose,
      String(ABANDONED_AFTER_MS / 60_000),
    ];
    const { word, rest } = await this.#script("file-write", args, path, "write", bytes);
    if (word === "missing-directory") throw missingDirectory(this.runner.name, path);
    if (word === "directory" && purpose === "replace") throw wrongKind(this.runner.name, path, "directory", "file");
    if (word === "changed" || word === "directory") return rest || "directory";
    if (word === "torn") throw this.#failed(path, "write", "fewer bytes arrived than were sent");
    this.wrote();
    return options.expected;
  }

  /** Runs a script that answers one line, and turns "failed" into an error by its cause. */
  async #script(
    name: ScriptName,
    args: readonly string[],
    path: string,
    verb: string,
    stdin?: Uint8Array,
  ): Promise<{ word: string; rest: string }> {
    const what = `${verb} ${path}`;
    const options = { what, maxOutputBytes: MAX_FILE_BYTES, sudo: true, ...(stdin && { stdin }) };
    const { exitCode, stdout, stderr } = await this.runner.script(name, args, options);
    const [word = "", ...rest] = stdout.toString("utf8").trim().split(" ");
    if (exitCode === 0 && word !== "" && word !== "failed") return { word, rest: rest.join(" ") };
    throw this.#failed(path, verb, `${rest.join(" ")} ${stderr.toString("utf8")}`.trim());
  }

  #failed(path: string, verb: string, said: string): ProblemError {
    const where = this.#where(path);
    const words = said.replace(/\s+/g, " ").slice(0, 400);
    if (/No space left on device|Disk quota exceeded/.test(said)) {
      return new ProblemError("no-space", {
        where,
        found: `no room (${words})`,
        why: "The old content stays; nothing is left behind",
        next: "Make room on its file system",
      });
    }
    if (/Permission denied|Operation not permitted|Read-only file system/.test(said)) {
      return new ProblemError("permission", {
        where,
        found: `root may not ${verb} it (${words})`,
        next: "Look for a read-only mount, chattr +i, or NFS",
      });
    }
    return new ProblemError("command-failed", { where, found: `cannot ${verb} it: ${words}` });
  }

  async #ask(question: "read" | "stat" | "list" | "realPath", path: string): Promise<Answer | undefined> {
    requireAbsolute(this.runner.name, path);
    const answer = await this.#queries.ask(question, path);
    if (typeof answer === "string") throw this.#failed(path, "read", answer);
    return answer;
  }

  #requireFile(path: string, { stat }: Answer): void {
    if (stat.kind === "file") return;
    throw wrongKind(this.runner.name, path, stat.kind === "other" ? "special file" : "directory", "file");
  }

  #where(path: string): string {
    return `${this.runner.name}:${path}`;
  }
}
