import { ProblemError } from "../../common/problem.js";
import type { Host } from "../host.js";
import { posixCommands } from "./posix-commands.js";
import { requireReachable, requireStarted } from "./program-problems.js";

/** Names and sizes of some ten thousand files are listed. */
const LOOK_MS = 120_000;

/** EARs of some hundred megabytes each. */
const ARCHIVES_MS = 300_000;

/** What lies on one host of one application: an archive, or a folder that it was expanded to. */
export interface ApplicationFiles {
  /** When it was last written on this host, or touched, ISO 8601, by this host's clock; undefined = it cannot be told. */
  readonly writtenAt?: string;
  /** Milliseconds since then. Hosts' clocks may differ, so only this may be compared with that of another host. */
  readonly age?: number;
  /** The same on two hosts: the same files, by name and size. */
  readonly content?: string;
  /** The latest time that its content bears, which an archive may have given it; no touch of owner, mode or access time moves it. */
  readonly modifiedAt?: string;
  /** Of an expanded EAR. */
  readonly marks?: FileMarks;
}

/** Digests that are the same on one host as long as nothing is written there, however often files are touched. */
export interface FileMarks {
  /** Names, sizes, times and bytes of META-INF. */
  descriptors: string;
  /** Names, sizes and times of all files. */
  files: string;
}

/**
 * Looks at these applications, by their absolute paths on the host; one round trip, nothing is changed. An expanded EAR was
 * written when its META-INF was: an application may write files of its own beside it. That is the time of the last change of
 * status (ctime), since no document says whether expanding keeps the times that files have in an archive. A chown, a chmod and a backup
 * program that puts access times back move it too; they leave `modifiedAt` and `marks` as they are.
 *
 * @param profile whose owner looks: he can read what its servers run
 * @returns one for each path, empty where nothing can be told: no such path, or a host without GNU find
 * @throws ProblemError `permission` when the connection is neither the profile's owner nor root; `missing`: no such profile
 */
export async function lookAtApplicationFiles(
  host: Host,
  profile: string,
  paths: readonly string[],
): Promise<readonly ApplicationFiles[]> {
  if (paths.length === 0) return [];
  requireReachable(host, profile);
  const what = `look at the files of ${paths.length} application(s)`;
  const { stdout } = await host.run(posixCommands.applicationFiles(profile, paths), { what, timeoutMs: LOOK_MS });
  requireStarted(host, profile, stdout);
  const now = Number(/^@@ now (\d+)$/m.exec(stdout)?.[1] ?? Number.NaN) * 1_000;
  const found = [...stdout.matchAll(/^@@ path (\S+) (\S+) (\S+) (\S+) (\S+)$/gm)];
  if (Number.isNaN(now) || found.length !== paths.length) {
    throw new ProblemError("malformed", { where: host.name, found: `${what}: no answer: ${stdout.slice(0, 300)}` });
  }
  return found.map(([, changed = "", content = "", modified = "", descriptors = "", files = ""]) => {
    const [written, times] = [Number(changed) * 1_000, Number(modified) * 1_000];
    if (Number.isNaN(written) || Number.isNaN(times) || content === "-") return {};
    return {
      writtenAt: new Date(written).toISOString(),
      age: now - written,
      content,
      modifiedAt: new Date(times).toISOString(),
      ...(descriptors === "-" ? {} : { marks: { descriptors, files } }),
    };
  });
}

/** An EAR as the configuration of a deployment manager or node has it. */
export interface Archive {
  /** SHA-256 of its bytes. */
  readonly digest: string;
  /** When it was last written on this host, or touched, ISO 8601, by this host's clock. */
  readonly writtenAt: string;
}

/**
 * Reads these archives to their ends, by their absolute paths on the host; one round trip, nothing is changed.
 *
 * @returns one for each path, undefined where there is none
 * @throws ProblemError as `lookAtApplicationFiles`
 */
export async function lookAtArchives(
  host: Host,
  profile: string,
  paths: readonly string[],
): Promise<readonly (Archive | undefined)[]> {
  requireReachable(host, profile);
  const what = `read ${paths.length} archive(s)`;
  const { stdout } = await host.run(posixCommands.archives(profile, paths), { what, timeoutMs: ARCHIVES_MS });
  requireStarted(host, profile, stdout);
  const found = [...stdout.matchAll(/^@@ archive (\S+) (\S+)$/gm)];
  if (found.length !== paths.length) {
    throw new ProblemError("malformed", { where: host.name, found: `${what}: no answer: ${stdout.slice(0, 300)}` });
  }
  return found.map(([, changed = "", digest = ""]) => {
    const written = Number(changed) * 1_000;
    return Number.isNaN(written) ? undefined : { digest, writtenAt: new Date(written).toISOString() };
  });
}
