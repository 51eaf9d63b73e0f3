import { sha256 } from "../common/json.js";
import { ProblemError } from "../common/problem.js";
import { MAX_FILE_BYTES, requireSize } from "./file-limits.js";
import { changedMeanwhile, missingDirectory, requireAbsolute, wrongKind } from "./file-problems.js";
import type { FileContent, FileStat, Files, WriteOptions } from "./host.js";
import {
  fileStat,
  MissingExtension,
  SFTP_FAILURE,
  SFTP_NO_SUCH_FILE,
  SFTP_PERMISSION_DENIED,
  SftpSession,
} from "./sftp-session.js";
import { connectionLost, type SshLink, timedOut } from "./ssh-link.js";
import type { SshRunner } from "./ssh-runner.js";
import { ABANDONED_AFTER_MS, isTempOf, type TempPurpose, tempName } from "./temp-names.js";
import { within } from "./timing.js";

/** A file that somebody is writing right now is read again, a few times. */
const READ_ATTEMPTS = 3;
/** There on every Linux that runs SELinux. */
const SELINUX_MARK = "/sys/fs/selinux/enforce";

/** One operation under way. */
interface Operation {
  readonly sftp: SftpSession;
  /** What messages call it. */
  readonly where: string;
  /** Called before the one request after which the outcome is open until it is answered. */
  commit(): void;
}

/** Files as the login user, over the host's one SFTP session. */
export class SftpFiles implements Files {
  constructor(
    private readonly runner: SshRunner,
    private readonly link: SshLink,
    private readonly wrote: () => void,
  ) {}

  read(path: string): Promise<FileContent | undefined> {
    return this.#operation("read", path, ({ sftp }, real) => this.#read(sftp, real));
  }

  stat(path: string): Promise<FileStat | undefined> {
    return this.#operation("look at", path, async ({ sftp }, asked) => {
      const found = await ifThere(sftp.stat(asked));
      return found && fileStat(found);
    });
  }

  list(directory: string): Promise<readonly string[] | undefined> {
    return this.#operation("list", directory, async ({ sftp }, asked) => {
      const found = await ifThere(sftp.stat(asked));
      if (!found) return undefined;
      if (fileStat(found).kind !== "directory") throw wrongKind(this.runner.name, directory, "file", "directory");
      const entries = await sftp.readdir(asked);
      return entries
        .map(({ filename }) => filename)
        .filter((name) => name !== "." && name !== "..")
        .sort();
    });
  }

  realPath(path: string): Promise<string | undefined> {
    return this.#operation("resolve", path, async ({ sftp }, asked) => {
      // OpenSSH resolves a path whose last part is missing, too.
      if (!(await ifThere(sftp.stat(asked)))) return undefined;
      return this.runner.shell.fromSftpPath(await sftp.realpath(asked));
    });
  }

  write(path: string, bytes: Uint8Array, options: WriteOptions): Promise<FileContent> {
    requireSize(this.runner.name, path, bytes.length);
    return this.#operation("write", path, async (operation, asked) => {
      const { sftp } = operation;
      const real = await this.#destination(sftp, path, asked);
      const before = await this.#expect(sftp, path, real, options.expected);
      const like = options.like === undefined ? undefined : await this.#like(sftp, options.like);
      const attributes = before ?? like ?? { mode: options.mode ?? 0o644 };
      await this.#removeLeftovers(sftp, real, "replace", Number.POSITIVE_INFINITY);
      await this.#throughTemp(operation, real, "replace", Buffer.from(bytes), attributes, async (temp) => {
        if (before) await this.#label(sftp, real, temp);
        await this.#expect(sftp, path, real, options.expected);
        operation.commit();
        if (before) return sftp.renameOver(temp, real);
        await sftp.renameIfAbsent(temp, real).catch(async (error) => {
          // That is how it fails when somebody made the file in the meantime.
          if (codeOf(error) === SFTP_FAILURE) await this.#expect(sftp, path, real, "absent");
          throw error;
        });
      });
      const after = await this.#read(sftp, real);
      if (after?.sha256 !== sha256(bytes)) throw changedAfterwards(operation.where);
      return after;
    });
  }

  createExclusive(path: string, bytes: Uint8Array, mode = 0o644): Promise<boolean> {
    requireSize(this.runner.name, path, bytes.length);
    return this.#operation("create", path, async (operation, asked) => {
      const { sftp } = operation;
      const { directory, base } = this.runner.shell.split(asked);
      if (!(await ifThere(sftp.stat(directory)))) throw missingDirectory(this.runner.name, path);
      if (await ifThere(sftp.lstat(asked))) return false;
      const real = this.runner.shell.join(await sftp.realpath(directory), base);
      try {
        await this.#throughTemp(operation, real, "create", Buffer.from(bytes), { mode }, async (temp) => {
          const { modifiedMs: now } = fileStat(await sftp.stat(temp));
          await this.#removeLeftovers(sftp, real, "create", now - ABANDONED_AFTER_MS);
          operation.commit();
          await sftp.renameIfAbsent(temp, real);
        });
        return true;
      } catch (error) {
        if (codeOf(error) === SFTP_FAILURE && (await ifThere(sftp.lstat(asked)))) return false;
        throw error;
      }
    });
  }

  makeDirectory(path: string, mode = 0o755): Promise<void> {
    return this.#operation("create directory", path, async ({ sftp }, asked) => {
      const missing: string[] = [];
      for (let directory = asked; ; directory = this.runner.shell.split(directory).directory) {
        const found = await ifThere(sftp.stat(directory));
        if (found && fileStat(found).kind !== "directory") throw wrongKind(this.runner.name, path, "file", "directory");
        if (found) break;
        missing.unshift(directory);
      }
      for (const directory of missing) {
        try {
          await sftp.mkdir(directory, mode);
          // The server's umask may have taken bits away.
          await sftp.chmod(directory, mode);
          this.wrote();
        } catch (error) {
          // Somebody else was quicker: that is what was wanted.
          const found = codeOf(error) === SFTP_FAILURE ? await ifThere(sftp.stat(directory)) : undefined;
          if (!found || fileStat(found).kind !== "directory") throw error;
        }
      }
    });
  }

  remove(path: string, { expected }: { readonly expected: string | "any" }): Promise<void> {
    return this.#operation("remove", path, async (operation, asked) => {
      const { sftp } = operation;
      const entry = await ifThere(sftp.lstat(asked));
      if (!entry) return;
      const target = await ifThere(sftp.stat(asked));
      if (target && fileStat(target).kind === "directory") throw wrongKind(this.runner.name, path, "directory", "file");
      if (expected !== "any") await this.#expect(sftp, path, asked, expected);
      operation.commit();
      await ifThere(sftp.unlink(asked));
      this.wrote();
    });
  }

  async #read(sftp: SftpSession, path: string): Promise<FileContent | undefined> {
    for (let attempt = 1; ; attempt++) {
      const handle = await ifThere(sftp.open(path, "r"));
      if (!handle) return undefined;
      try {
        const stat = fileStat(await sftp.fstat(handle));
        const shown = this.runner.shell.fromSftpPath(path);
        if (stat.kind !== "file")
          throw wrongKind(this.runner.name, shown, stat.kind === "other" ? "special file" : "directory", "file");
        requireSize(this.runner.name, shown, stat.size);
        const bytes = await sftp.readAll(handle, stat.size);
        const after = fileStat(await sftp.fstat(handle));
        if (after.size === bytes.length && after.modifiedMs === stat.modifiedMs)
          return { bytes, sha256: sha256(bytes), stat };
        if (attempt === READ_ATTEMPTS) throw beingWritten(this.runner.name, shown);
      } finally {
        await sftp.close(handle).catch(() => undefined);
      }
    }
  }

  /** Where the bytes of `path` are: behind its links, in a directory that exists. */
  async #destination(sftp: SftpSession, path: string, asked: string): Promise<string> {
    const { directory } = this.runner.shell.split(asked);
    if (!(await ifThere(sftp.stat(directory)))) throw missingDirectory(this.runner.name, path);
    const real = await sftp.realpath(asked);
    // A dangling link may lead into a directory that is not there.
    if (!(await ifThere(sftp.stat(this.runner.shell.split(real).directory))))
      throw missingDirectory(this.runner.name, path);
    return real;
  }

  async #expect(sftp: SftpSession, path: string, real: string, expected: string): Promise<FileStat | undefined> {
    const found = await this.#read(sftp, real);
    const hash = found?.sha256 ?? "absent";
    if (hash !== expected) throw changedMeanwhile(this.runner.name, path, expected, hash);
    return found?.stat;
  }

  async #like(sftp: SftpSession, path: string): Promise<FileStat> {
    const found = await ifThere(sftp.stat(this.runner.shell.toSftpPath(path)));
    if (!found) throw missingDirectory(this.runner.name, path);
    return fileStat(found);
  }

  async #removeLeftovers(sftp: SftpSession, real: string, purpose: TempPurpose, olderThan: number): Promise<void> {
    const { directory, base } = this.runner.shell.split(real);
    for (const { filename, attrs } of await sftp.readdir(directory)) {
      if (!isTempOf(base, purpose, filename) || attrs.mtime * 1000 >= olderThan) continue;
      await ifThere(sftp.unlink(this.runner.shell.join(directory, filename)));
    }
  }

  /** Writes a temporary file beside `real`, durable and with its final owner and mode, and lets `publish` rename it. */
  async #throughTemp(
    { sftp, where }: Operation,
    real: string,
    purpose: TempPurpose,
    bytes: Buffer,
    attributes: Partial<FileStat> & { readonly mode: number },
    publish: (temp: string) => Promise<void>,
  ): Promise<void> {
    const { directory, base } = this.runner.shell.split(real);
    const temp = this.runner.shell.join(directory, tempName(base, purpose));
    const handle = await sftp.open(temp, "wx", 0o600);
    try {
      try {
        await this.#fill(sftp, where, handle, bytes, directory);
        await this.#dress(sftp, where, handle, attributes);
        await sftp.fsync(handle);
      } finally {
        await sftp.close(handle).catch(() => undefined);
      }
      await publish(temp);
      this.wrote();
    } catch (error) {
      await sftp.unlink(temp).catch(() => undefined);
      throw error;
    }
  }

  async #fill(sftp: SftpSession, where: string, handle: Buffer, bytes: Buffer, directory: string): Promise<void> {
    try {
      await sftp.writeAll(handle, bytes);
    } catch (error) {
      // SFTP has no word for a full disk: "failure" is all it says.
      const free = codeOf(error) === SFTP_FAILURE ? await sftp.freeBytes(directory) : undefined;
      if (free === undefined || free > bytes.length) throw error;
      throw new ProblemError("no-space", {
        where,
        found: `no room: ${free} bytes are free`,
        allowed: `${bytes.length} bytes are needed`,
        why: "The old content stays; nothing is left behind",
        next: `Make room on the file system of ${this.runner.shell.fromSftpPath(directory)}`,
      });
    }
  }

  async #dress(
    sftp: SftpSession,
    where: string,
    handle: Buffer,
    attributes: Partial<FileStat> & { readonly mode: number },
  ): Promise<void> {
    const { uid, gid, mode } = attributes;
    const own = await sftp.fstat(handle);
    if (uid !== undefined && gid !== undefined && (own.uid !== uid || own.gid !== gid)) {
      try {
        await sftp.fchown(handle, uid, gid);
      } catch (error) {
        if (codeOf(error) !== SFTP_PERMISSION_DENIED && codeOf(error) !== SFTP_FAILURE) throw error;
        throw new ProblemError("permission", {
          where,
          found: `user ${own.uid} may not give a file to user ${uid}, group ${gid}`,
          why: "A replaced file has to keep its owner and group",
          next: "Set sudo for this connection, or log in as the owner of the file",
        });
      }
    }
    await sftp.fchmod(handle, mode);
  }

  /** A file made anew gets its directory's default SELinux label; one that was set by hand has to survive. */
  async #label(sftp: SftpSession, real: string, temp: string): Promise<void> {
    if (!(await ifThere(sftp.stat(SELINUX_MARK)))) return;
    const what = `label the successor of ${real}`;
    const { exitCode } = await this.runner.script("label-like", [real, temp], { what, maxOutputBytes: MAX_FILE_BYTES });
    if (exitCode === 0) return;
    throw new ProblemError("permission", {
      where: `${this.runner.name}:${real}`,
      found: "its SELinux context cannot be given to its successor",
      why: "The program that reads it might not be allowed to any more",
      next: `Look at it with ls -Z ${real}; set sudo for this connection if the login user may not set it`,
    });
  }

  /** Bounded, with the failures of SFTP and of the line in words. */
  async #operation<T>(
    verb: string,
    path: string,
    act: (operation: Operation, sftpPath: string) => Promise<T>,
  ): Promise<T> {
    requireAbsolute(this.runner.name, path);
    const where = `${this.runner.name}:${path}`;
    const timeoutMs = this.runner.operationTimeoutMs;
    let committed = false;
    const { session, closed } = await this.link.sftp(timeoutMs);
    const sftp = new SftpSession(session);
    const lost = closed.then(() => Promise.reject(connectionLost(`${where}: ${verb}`, committed)));
    const operation = { sftp, where, commit: () => (committed = true) };
    try {
      const acting = act(operation, this.runner.shell.toSftpPath(path));
      return await within(Promise.race([acting, lost]), timeoutMs, () => {
        // The line is dead or the server stuck: nothing of this may happen later, and later operations start afresh.
        this.link.retire();
        return committed ? connectionLost(where, true) : timedOut({ where: `${where}: ${verb}`, timeoutMs });
      });
    } catch (error) {
      throw error instanceof ProblemError ? error : inWords(error, where, verb, committed);
    }
  }
}

async function ifThere<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (codeOf(error) === SFTP_NO_SUCH_FILE) return undefined;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function inWords(error: unknown, where: string, verb: string, committed: boolean): ProblemError {
  if (error instanceof MissingExtension) {
    return new ProblemError("refused", {
      where,
      found: error.message,
      why: "Without it a file cannot be replaced as a whole, and half a file would go live; nothing was changed",
      next: "Use the OpenSSH server, or set sudo for this connection: files then go another way",
    });
  }
  const code = codeOf(error);
  const said = error instanceof Error ? error.message : String(error);
  if (code === SFTP_PERMISSION_DENIED) {
    const next = "Check the owner and mode of the file and its directories, or set sudo for this connection";
    return new ProblemError("permission", { where, found: `no permission to ${verb} it`, next });
  }
  if (code === SFTP_NO_SUCH_FILE)
    return new ProblemError("missing", { where, found: `it vanished while trying to ${verb} it` });
  if (code === undefined) return connectionLost(`${where}: ${verb}`, committed);
  return new ProblemError("command-failed", {
    where,
    found: `the server could not ${verb} it: ${said}`,
    next: "Look for a quota, a read-only file system or a full disk there",
  });
}

function changedAfterwards(where: string): ProblemError {
  return new ProblemError("changed-meanwhile", {
    where,
    found: "other content than was just written",
    why: "Somebody else wrote to it at the same time",
    next: "Run the preview again and look at the difference",
  });
}

function beingWritten(host: string, path: string): ProblemError {
  return new ProblemError("changed-meanwhile", {
    where: `${host}:${path}`,
    found: `it changed during each of ${READ_ATTEMPTS} readings`,
    next: "Wait until the program that writes it is done",
  });
}
