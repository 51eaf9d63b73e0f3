import type { Attributes, FileEntryWithStats, InputAttributes, OpenMode, SFTPWrapper, Stats } from "ssh2";
import type { FileStat } from "./host.js";

/** SFTP version 3 status codes (draft-ietf-secsh-filexfer-02 §7). Everything else a server cannot do is FAILURE. */
export const SFTP_NO_SUCH_FILE = 2;
export const SFTP_PERMISSION_DENIED = 3;
export const SFTP_FAILURE = 4;

/** Requests in flight for one file: hides the round trips of a slow line. */
const REQUESTS_AT_ONCE = 8;
/** At most what every server takes in one packet. */
const CHUNK_BYTES = 32_768;

/** The server lacks an OpenSSH extension without which a file cannot be replaced safely. */
export class MissingExtension extends Error {
  constructor(readonly extension: string) {
    super(`the SFTP server lacks ${extension}`);
  }
}

/** ssh2's SFTP calls as promises. Errors are ssh2's, with the server's status as `code`. */
export class SftpSession {
  constructor(private readonly sftp: SFTPWrapper) {}

  stat(path: string) {
    return this.#call<Stats>((done) => this.sftp.stat(path, done));
  }

  lstat(path: string) {
    return this.#call<Stats>((done) => this.sftp.lstat(path, done));
  }

  realpath(path: string) {
    return this.#call<string>((done) => this.sftp.realpath(path, done));
  }

  readdir(path: string) {
    return this.#call<FileEntryWithStats[]>((done) => this.sftp.readdir(path, done));
  }

  unlink(path: string) {
    return this.#call<void>((done) => this.sftp.unlink(path, done));
  }

  mkdir(path: string, mode: number) {
    return this.#call<void>((done) => this.sftp.mkdir(path, { mode } as InputAttributes, done));
  }

  chmod(path: string, mode: number) {
    return this.#call<void>((done) => this.sftp.chmod(path, mode, done));
  }

  open(path: string, flags: OpenMode, mode?: number) {
    return this.#call<Buffer>((done) => this.sftp.open(path, flags, mode ?? 0o600, done));
  }

  close(handle: Buffer) {
    return this.#call<void>((done) => this.sftp.close(handle, done));
  }

  fstat(handle: Buffer) {
    return this.#call<Stats>((done) => this.sftp.fstat(handle, done));
  }

  fchmod(handle: Buffer, mode: number) {
    return this.#call<void>((done) => this.sftp.fchmod(handle, mode, done));
  }

  fchown(handle: Buffer, uid: number, gid: number) {
    return this.#call<void>((done) => this.sftp.fchown(handle, uid, gid, done));
  }

  /** Plain SFTP rename: fails when the new name exists. */
  renameIfAbsent(from: string, to: string) {
    return this.#call<void>((done) => this.sftp.rename(from, to, done));
  }

  /** Replaces atomically. */
  renameOver(from: string, to: string) {
    return this.#extension<void>("posix-rename@openssh.com", (done) => this.sftp.ext_openssh_rename(from, to, done));
  }

  fsync(handle: Buffer) {
    return this.#extension<void>("fsync@openssh.com", (done) => this.sftp.ext_openssh_fsync(handle, done));
  }

  /** Bytes that the login user may still use on the file system of `path`; undefined when the server does not say. */
  async freeBytes(path: string): Promise<number | undefined> {
    const answer = this.#extension<{ f_frsize: number; f_bavail: number }>("statvfs@openssh.com", (done) =>
      this.sftp.ext_openssh_statvfs(path, done),
    );
    const space = await answer.catch(() => undefined);
    return space && space.f_frsize * space.f_bavail;
  }

  /** The first `size` bytes of an open file; fewer when it has become shorter. */
  async readAll(handle: Buffer, size: number): Promise<Buffer> {
    const bytes = Buffer.alloc(size);
    let end = size;
    await this.#inChunks(size, async (from, length) => {
      // A server may answer with fewer bytes than asked for; only none at all is the end.
      for (let done = 0; done < length; ) {
        const got = await this.#read(handle, bytes, from + done, length - done);
        done += got;
        if (got > 0) continue;
        end = Math.min(end, from + done);
        return;
      }
    });
    return bytes.subarray(0, end);
  }

  async writeAll(handle: Buffer, bytes: Buffer): Promise<void> {
    await this.#inChunks(bytes.length, (from, length) =>
      this.#call<void>((done) => this.sftp.write(handle, bytes, from, length, from, done)),
    );
  }

  async #inChunks(size: number, act: (from: number, length: number) => Promise<void>): Promise<void> {
    let next = 0;
    const worker = async () => {
      while (next < size) {
        const from = next;
        next += CHUNK_BYTES;
        await act(from, Math.min(CHUNK_BYTES, size - from));
      }
    };
    await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, worker));
  }

  #read(handle: Buffer, into: Buffer, from: number, length: number): Promise<number> {
    return this.#call<number>((done) =>
      this.sftp.read(handle, into, from, length, from, (error, count) => done(error, count)),
    );
  }

  #call<T>(send: (done: (error: Error | null | undefined, result?: T) => void) => unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      send((error, result) => (error ? reject(error) : resolve(result as T)));
    });
  }

  async #extension<T>(
    name: string,
    send: (done: (error: Error | null | undefined, result?: T) => void) => unknown,
  ): Promise<T> {
    try {
      return await this.#call<T>(send);
    } catch (error) {
      // ssh2 says so before it sends anything.
      if (error instanceof Error && /does not support this extended request/.test(error.message))
        throw new MissingExtension(name);
      throw error;
    }
  }
}

const TYPE_BITS = 0o170000;
const REGULAR = 0o100000;
const DIRECTORY = 0o040000;

export function fileStat(attributes: Attributes): FileStat {
  const type = attributes.mode & TYPE_BITS;
  return {
    kind: type === REGULAR ? "file" : type === DIRECTORY ? "directory" : "other",
    size: attributes.size,
    mode: attributes.mode & 0o7777,
    uid: attributes.uid,
    gid: attributes.gid,
    modifiedMs: attributes.mtime * 1000,
  };
}
