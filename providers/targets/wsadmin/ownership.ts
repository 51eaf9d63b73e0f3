import { ProblemError } from "../../common/problem.js";
import type { Host } from "../host.js";
import { posixCommands } from "./posix-commands.js";
import { requireReachable, requireStarted } from "./program-problems.js";

/** For the rest of the look, whose files are bounded by their own limit. */
const GRACE_MS = 30_000;

/** What of a profile belongs to somebody else than the profile: what root left behind, its servers cannot change any more. */
export interface Ownership {
  readonly owner: string;
  /** The first dozen files of config, logs and temp, relative to the profile. */
  readonly files: readonly { readonly user: string; readonly path: string }[];
  /** Servers that run as another user, and write as that one. */
  readonly processes: readonly { readonly user: string; readonly server: string }[];
  /** false when the time was not enough to look at every file: then nothing is known of the others. */
  readonly complete: boolean;
}

/**
 * Looks through the configuration, logs and temporary files of a profile. Changes nothing.
 *
 * @param timeoutMs longest look at the files
 * @throws ProblemError `permission` when the connection is neither the profile's owner nor root; `missing`: no such profile
 */
export async function lookAtOwnership(host: Host, profile: string, timeoutMs: number): Promise<Ownership> {
  requireReachable(host, profile);
  const what = `see whose files the profile ${profile} holds`;
  const argv = posixCommands.ownership(profile, Math.max(1, Math.floor(timeoutMs / 1_000)));
  const { stdout } = await host.run(argv, { what, timeoutMs: timeoutMs + GRACE_MS });
  requireStarted(host, profile, stdout);
  const lines = stdout.split("\n").map((line) => /^@@ (owner|process|file|ended) ([^\t]*)(?:\t(.*))?$/.exec(line));
  const of = (word: string) => lines.flatMap((line) => (line?.[1] === word ? [line] : []));
  const owner = of("owner")[0]?.[2];
  const files = of("file").map(([, , user = "", path = ""]) => ({ user, path }));
  const ended = of("ended")[0]?.[2];
  // Cut short by its number of lines is as good as an end: what was found is enough to refuse.
  if (owner === undefined || (ended === undefined && files.length === 0)) {
    throw new ProblemError("malformed", {
      where: `${host.name}:${profile}`,
      found: `no answer: ${stdout.slice(0, 300)}`,
    });
  }
  return {
    owner,
    files,
    processes: of("process").map(([, , user = "", server = ""]) => ({ user, server })),
    complete: ended === undefined || !TIMED_OUT.includes(ended),
  };
}

/** Exit codes of a look that timeout(1) ended. */
const TIMED_OUT: readonly string[] = ["124", "137"];

const FOLDER_MS = 60_000;

/**
 * Makes a folder that the profile's owner may write in, and nobody else enter.
 *
 * @throws ProblemError `permission` when its owner cannot get there: a folder above it is not his
 */
export async function makeOwnedFolder(host: Host, profile: string, folder: string): Promise<void> {
  requireReachable(host, profile);
  const what = `make the folder ${folder}`;
  const { stdout, stderr } = await host.run(posixCommands.ownedFolder(profile, folder), { what, timeoutMs: FOLDER_MS });
  requireStarted(host, profile, stdout);
  if (/^@@ owned$/m.test(stdout)) return;
  throw new ProblemError("permission", {
    where: `${host.name}:${folder}`,
    found: `the owner of ${profile} cannot write there: ${stderr.trim() || stdout.trim() || "no reason given"}`,
    next: "Name a folder of his in backupDir",
  });
}
