import { ProblemError } from "../../common/problem.js";
import type { Host } from "../host.js";
import { posixCommands } from "./posix-commands.js";
import { requireReachable, requireStarted } from "./program-problems.js";

/** Names and sizes of some ten thousand files are listed. */
const LOOK_MS = 120_000;

/** What lies on one host of one application: an archive, or a folder that it was expanded to. */
export interface ApplicationFiles {
  /** When it was last written on this host, ISO 8601, by this host's clock; undefined = it cannot be told. */
  readonly writtenAt?: string;
  /** Milliseconds since then. Hosts' clocks may differ, so only this may be compared with that of another host. */
  readonly age?: number;
  /** The same on two hosts: the same files, by name and size. */
  readonly content?: string;
}

/**
 * Looks at these applications, by their absolute paths on the host; one round trip, nothing is changed. An expanded EAR was
 * written when its META-INF was: an application may write files of its own beside it. That is the time of the last change of
 * status (ctime), since no document says whether expanding keeps the times that files have in an archive; a chown looks like
 * a new distribution.
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
  const found = [...stdout.matchAll(/^@@ path (\S+) (\S+)$/gm)];
  if (Number.isNaN(now) || found.length !== paths.length) {
    throw new ProblemError("malformed", { where: host.name, found: `${what}: no answer: ${stdout.slice(0, 300)}` });
  }
  return found.map(([, changed = "", content = ""]) => {
    const written = Number(changed) * 1_000;
    if (Number.isNaN(written) || content === "-") return {};
    return { writtenAt: new Date(written).toISOString(), age: now - written, content };
  });
}
