import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A process list with this test's own processes alone, and with the first process of all: what other tests run at the same time, as
 * the update installers of labs, is not in it. It is as of now: make it anew for each look.
 *
 * @returns the folder, to stand for /proc
 */
export function ownProcesses(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "1"), { recursive: true });
  writeFileSync(join(folder, "1", "cmdline"), "init\0");
  const parents = new Map(readdirSync("/proc").flatMap((pid) => parentOf(pid)));
  for (const pid of parents.keys()) if (isOwn(pid, parents)) symlinkSync(`/proc/${pid}`, join(folder, pid));
  return folder;
}

function parentOf(pid: string): [string, string][] {
  if (!/^\d+$/.test(pid)) return [];
  try {
    const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return parent ? [[pid, parent]] : [];
  } catch {
    return []; // it has ended
  }
}

function isOwn(pid: string, parents: ReadonlyMap<string, string>): boolean {
  const parent = parents.get(pid);
  if (parent === undefined) return false;
  return parent === String(process.pid) || isOwn(parent, parents);
}
