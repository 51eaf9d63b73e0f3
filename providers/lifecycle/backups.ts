import { sha256 } from "../common/json.js";
import { ProblemError } from "../common/problem.js";
import type { Host } from "../targets/host.js";

const pathOf = (host: Host, digest: string) => `${host.connection.stateDirectory}/backups/${digest}`;

/** Puts bytes under their SHA-256 into the host's backups, readable by owner and group alone; answers the digest. */
export async function backUp(host: Host, bytes: Uint8Array): Promise<string> {
  const digest = sha256(bytes);
  const path = pathOf(host, digest);
  const present = await host.files.read(path);
  if (present?.sha256 === digest) return digest;
  await host.files.makeDirectory(`${host.connection.stateDirectory}/backups`, 0o770);
  await host.files.write(path, bytes, { expected: present?.sha256 ?? "absent", mode: 0o660 });
  return digest;
}

/**
 * Bytes from the backups.
 *
 * @throws ProblemError `missing` when there is no such backup, `malformed` when its bytes are not those of its name.
 */
export async function fromBackup(host: Host, digest: string): Promise<Buffer> {
  const path = pathOf(host, digest);
  const content = await host.files.read(path);
  if (!content) {
    throw new ProblemError("missing", {
      where: `${host.name}:${path}`,
      found: "the backup is gone",
      why: "Without it what was there before cannot be put back",
      next: "Restore the file from your own backup of the state directory, or set onDestroy to retain",
    });
  }
  if (content.sha256 !== digest) {
    throw new ProblemError("malformed", {
      where: `${host.name}:${path}`,
      found: `the backup's bytes have SHA-256 ${content.sha256}`,
      allowed: "bytes whose SHA-256 is the file's name",
      why: "Restoring damaged bytes would be worse than leaving what is there",
      next: "Restore the file from your own backup of the state directory, or set onDestroy to retain",
    });
  }
  return content.bytes;
}
