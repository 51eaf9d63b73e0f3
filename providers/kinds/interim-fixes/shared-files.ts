import { milliseconds } from "../../common/duration.js";
import { sha256 } from "../../common/json.js";
import { ProblemError } from "../../common/problem.js";
import { backUp, fromBackup } from "../../lifecycle/backups.js";
import type { Host } from "../../targets/host.js";
import type { FixesDesired } from "./goal.js";

/** FOLDER: "<sha256>  ./<path>" for every file below it, sorted by path. */
const INVENTORY = 'cd -P -- "$1" && find . -type f -exec sha256sum -- {} + | LC_ALL=C sort -k 2';
const ENTRY = /^(\\?[0-9a-f]{64}) [ *]\.\/(.+)$/;

/** What happened to a file that no synchronization carries, by its absolute path. */
export interface FileChange {
  readonly path: string;
  readonly change: "added" | "changed" | "removed";
}

/** Folder → SHA-256 of the list of all files below it with their contents' SHA-256. The lists go to the host's backups. */
export async function rememberShared(
  host: Host,
  settings: FixesDesired["settings"],
  folders: readonly string[],
): Promise<Record<string, string>> {
  const seen: [string, string][] = [];
  for (const folder of folders)
    seen.push([folder, await backUp(host, Buffer.from(await inventory(host, settings, folder)))]);
  return Object.fromEntries(seen);
}

/** Every file that is other now than in the lists that `rememberShared` answered. */
export async function sharedChanges(
  host: Host,
  settings: FixesDesired["settings"],
  before: Readonly<Record<string, string>>,
): Promise<readonly FileChange[]> {
  const changes: FileChange[] = [];
  for (const [folder, digest] of Object.entries(before)) {
    const text = await inventory(host, settings, folder);
    if (sha256(text) === digest) continue;
    changes.push(...differences(folder, (await fromBackup(host, digest)).toString("utf8"), text));
  }
  return changes;
}

function differences(folder: string, before: string, after: string): readonly FileChange[] {
  const [old, now] = [entriesOf(before), entriesOf(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
  return paths.flatMap((path): FileChange[] => {
    const [was, is] = [old.get(path), now.get(path)];
    if (was === is) return [];
    return [
      { path: `${folder}/${path}`, change: was === undefined ? "added" : is === undefined ? "removed" : "changed" },
    ];
  });
}

function entriesOf(text: string): ReadonlyMap<string, string> {
  const entries = text.split("\n").flatMap((line) => {
    const [, digest, path] = ENTRY.exec(line) ?? [];
    return digest && path ? [[path, digest] as const] : [];
  });
  return new Map(entries);
}

async function inventory(host: Host, settings: FixesDesired["settings"], folder: string): Promise<string> {
  const { exitCode, stdout, stderr } = await host.run(["sh", "-c", INVENTORY, "pulumi-connections", folder], {
    what: `look through ${folder}`,
    timeoutMs: milliseconds(settings.limits.synchronize),
  });
  // A file that cannot be read is said on standard error alone: the list would lack it without a word.
  if (exitCode === 0 && stderr.trim() === "") return stdout;
  throw new ProblemError("missing", {
    where: `${host.name}:${folder}`,
    found: stderr.trim().split("\n")[0] || `it cannot be looked through (exit code ${exitCode})`,
    why: "What the installer changes there reaches every node at once",
    next: "Correct shared",
  });
}
