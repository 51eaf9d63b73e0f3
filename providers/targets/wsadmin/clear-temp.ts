import { posix } from "node:path";
import { ProblemError } from "../../common/problem.js";
import type { ClearedFolder, ClearTempOptions } from "./node-commands.js";

/** Folders of a profile that a temp folder can never be, nor be in. */
const PROTECTED = ["tranlog", "config", "logs", "properties", "bin", "installedApps", "installableApps", "etc"];

const REASONS: Readonly<Record<string, string>> = {
  "no-profile": "there is no such profile",
  "not-a-folder": "it is not a folder",
  outside: "it lies outside of the profile",
  link: "a link leads there",
  protected: "it is not a temp folder",
  failed: "it could not be emptied",
};

/**
 * The folders that clearing the temp of these servers means: `<tempRoot>/<node>/<server>`, and the profile's `wstemp` when
 * asked.
 *
 * @throws ProblemError `refused` for any that is not well inside of the profile, before anything is looked at
 */
export function foldersToClear(
  { host, profile, node }: { readonly host: string; readonly profile: string; readonly node: string },
  servers: readonly string[],
  { tempRoot = `${profile}/temp`, wstemp = false }: ClearTempOptions,
): readonly string[] {
  const folders = [
    ...servers.map((server) => `${tempRoot}/${node}/${server}`),
    ...(wstemp ? [`${profile}/wstemp`] : []),
  ];
  const problems = folders.flatMap((folder) => {
    const reason = tooMuch(profile, folder);
    return reason === undefined ? [] : [refusal(host, folder, reason)];
  });
  if (problems.length > 0) throw new ProblemError("refused", problems);
  return folders;
}

function tooMuch(profile: string, folder: string): string | undefined {
  const normal = posix.normalize(folder);
  if (normal !== folder) return "its path goes up or is not a plain one";
  if (!folder.startsWith(`${profile}/`)) return "it lies outside of the profile";
  const inside = folder.slice(profile.length + 1).split("/");
  if (inside.some((part) => part === "tranlog") || PROTECTED.includes(inside[0] ?? ""))
    return "it is not a temp folder";
  if (inside[0] === "wstemp") return inside.length === 1 ? undefined : "it is in the administrators' work spaces";
  return inside.length < 3 ? "it is more than one server's folder" : undefined;
}

function refusal(host: string, folder: string, reason: string, leads?: string) {
  return {
    where: `${host}:${folder}`,
    found: `it is not cleared: ${reason}${leads ? `; it leads to ${leads}` : ""}`,
    allowed: "a server's own folder in the profile's temp folder",
    why: "Transaction logs hold what is in doubt, and nothing else of a profile may be deleted either",
    next: leads ? WITHOUT_LINK : "Check WAS_TEMP_DIR of the node and the setting profile",
  };
}

/** A mounted file system is no link: it lies where its folder does. */
const WITHOUT_LINK =
  "Set WAS_TEMP_DIR of the node to a folder of the profile that no link leads to, and restart its servers; or stop them and put " +
  "a folder in the link's place (if it is for space on another file system: mount that there)";

function requireNoRefusal(where: string, output: string): void {
  const [host = where] = where.split(":");
  const [, reason = "", folder = "", leads] = /^@@ refused (\S+) ([^\t\n]*)(?:\t(.*))?$/m.exec(output) ?? [];
  if (reason) throw new ProblemError("refused", refusal(host, folder, REASONS[reason] ?? "", leads));
}

/** What LOOK_AT_FOLDERS said. @throws ProblemError `refused` with its reason; `command-failed` when it said nothing */
export function requireFit(where: string, output: string): void {
  requireNoRefusal(where, output);
  if (/^@@ fit$/m.test(output)) return;
  throw new ProblemError("command-failed", { where, found: `no answer: ${output.trim().slice(0, 300)}` });
}

/** What CLEAR_FOLDERS said. @throws ProblemError `refused` with its reason; `command-failed` when it said nothing */
export function parseCleared(where: string, output: string): readonly ClearedFolder[] {
  requireNoRefusal(where, output);
  const cleared = [...output.matchAll(/^@@ cleared (\d+) (.*)$/gm)];
  if (cleared.length === 0) {
    throw new ProblemError("command-failed", { where, found: `nothing was cleared: ${output.trim().slice(0, 300)}` });
  }
  return cleared.map(([, files, folder = ""]) => ({ folder, files: Number(files) }));
}
