import { randomBytes } from "node:crypto";
import { ProblemError } from "../common/problem.js";
import { MAX_FILE_BYTES } from "./file-limits.js";
import type { FileStat } from "./host.js";
import { fileStat } from "./sftp-session.js";
import type { SshRunner } from "./ssh-runner.js";

export type Question = "read" | "stat" | "list" | "realPath";

/** What was found, and the bytes that were asked for: content, NUL-separated names, or a path. */
export interface Answer {
  readonly stat: FileStat;
  readonly content: Buffer;
}

/** All questions of one command have to fit on its command line. */
const MAX_QUESTION_BYTES = 48_000;

interface Asked {
  readonly question: Question;
  readonly path: string;
  readonly settle: (answer: Promise<Answer | string | undefined>) => void;
}

/** Puts the questions about files that come in one tick into one command. */
export class FileQueries {
  #waiting: Asked[] = [];

  constructor(private readonly runner: SshRunner) {}

  /** undefined = there is no such file; a text = the host's reason why it cannot be told. */
  ask(question: Question, path: string): Promise<Answer | string | undefined> {
    return new Promise((resolve) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ question, path, settle: resolve });
    });
  }

  #flush(): void {
    const all = this.#waiting;
    this.#waiting = [];
    let batch: Asked[] = [];
    let bytes = 0;
    for (const asked of all) {
      const size = Buffer.byteLength(asked.path) + 16;
      if (batch.length > 0 && bytes + size > MAX_QUESTION_BYTES) {
        this.#send(batch);
        batch = [];
        bytes = 0;
      }
      batch.push(asked);
      bytes += size;
    }
    this.#send(batch);
  }

  #send(batch: readonly Asked[]): void {
    const answers = this.#query(batch);
    for (const [index, { settle }] of batch.entries()) settle(answers.then((all) => all[index]));
  }

  async #query(batch: readonly Asked[]): Promise<readonly (Answer | string | undefined)[]> {
    // Nobody can put this into a file beforehand, so content needs no escaping.
    const mark = `#${randomBytes(16).toString("hex")}`;
    const args = [mark, ...batch.flatMap(({ question, path }) => [question, path])];
    const what = batch.length === 1 ? `read ${batch[0]?.path}` : `read ${batch.length} files`;
    const options = { what, maxOutputBytes: MAX_FILE_BYTES, sudo: true };
    const { exitCode, stdout, stderr } = await this.runner.script("files-query", args, options);
    const answers = parseAnswers(stdout, mark);
    if (exitCode === 0 && answers?.length === batch.length) return answers;
    throw new ProblemError("command-failed", {
      where: `${this.runner.name}: ${what}`,
      found: `an answer that makes no sense, exit code ${exitCode} (${stderr.toString("utf8").slice(0, 300).trim()})`,
      allowed: "a host with sh and GNU or busybox tools",
    });
  }
}

/** A content whose length differs from the size that was seen first: it was being written. */
export function isTorn({ stat, content }: Answer): boolean {
  return stat.size !== content.length;
}

/** Reads the output of the script "files-query"; undefined when it has no end. */
export function parseAnswers(output: Buffer, mark: string): readonly (Answer | string | undefined)[] | undefined {
  const answers: (Answer | string | undefined)[] = [];
  let at = output.indexOf(mark);
  while (at >= 0) {
    const lineEnd = output.indexOf("\n", at);
    if (lineEnd < 0) return undefined;
    const [kind = "", ...fields] = output.toString("latin1", at + mark.length + 1, lineEnd).split(" ");
    if (kind === "end") return answers;
    const next = output.indexOf(mark, lineEnd);
    if (next < 0) return undefined;
    const content = Buffer.from(output.subarray(lineEnd + 1, next));
    if (kind === "absent") answers.push(undefined);
    else if (kind === "failed") answers.push(content.toString("utf8"));
    else answers.push({ stat: parseStat(fields), content });
    at = next;
  }
  return undefined;
}

function parseStat([mode = "0", size, uid, gid, mtime, ctime]: readonly string[]): FileStat {
  const numbers = {
    mode: Number.parseInt(mode, 16),
    size: Number(size),
    uid: Number(uid),
    gid: Number(gid),
    mtime: Number(mtime),
  };
  return { ...fileStat({ ...numbers, atime: 0 }), ...(ctime ? { changedMs: Number(ctime) * 1000 } : {}) };
}
