import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ProblemError } from "../providers/common/problem.js";
import { isAlive, startTime, waitFor } from "./running.js";

/** How long a start waits for another start in the same directory. */
const LOCK_TIMEOUT_MS = 30_000;
/** The first file that a lab writes. */
const MARKER = "lab-directory";

/** Makes the directory, or refuses one that holds something else: everything in it belongs to the lab. */
export async function prepareDirectory(given: string | undefined): Promise<string> {
  if (given === undefined) {
    const made = await realpath(await mkdtemp(join(tmpdir(), "lab-")));
    await chmod(made, 0o711); // a web server started by root serves as another user, who has to get here
    await writeFile(join(made, MARKER), "");
    return made;
  }
  await mkdir(given, { recursive: true });
  const directory = await realpath(given);
  const names = await readdir(directory);
  if (names.length > 0 && !names.includes(MARKER)) {
    throw new ProblemError("refused", {
      where: directory,
      found: "the directory holds files that are not a lab's",
      why: "A lab owns everything in its directory",
      next: "give an empty or a new directory",
    });
  }
  await writeFile(join(directory, MARKER), "");
  return directory;
}

/**
 * Without namespaces, the servers' configuration files name the lab's real path, and a web server that root started serves
 * as nobody below it.
 */
export async function refuseUnusablePath(directory: string): Promise<void> {
  if (!/^[A-Za-z0-9._/+@:-]+$/.test(directory)) {
    throw new ProblemError("refused", {
      where: directory,
      found: "the path has blanks or special characters",
      allowed: "letters, digits and . _ / + @ : -",
      why: "The kernel offers no namespaces here, so configuration files have to name it, and not all of them can",
      next: "give another directory",
    });
  }
  if (process.getuid?.() !== 0) return;
  await chmod(directory, (await stat(directory)).mode | 0o011);
  for (let path = dirname(directory); path !== dirname(path); path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) !== 0) continue;
    throw new ProblemError("refused", {
      where: directory,
      found: `only its owner can pass through ${path}`,
      why: "The kernel offers no namespaces here, so the web server's processes, which are not root's, have to get there",
      next: "give a directory below /tmp or /var/tmp, or start the lab as a normal user",
    });
  }
}

/** Two starts in one directory do not meet; the lock of a dead process does not count. */
export async function lockStart(directory: string): Promise<() => Promise<void>> {
  const file = join(directory, "starting.lock");
  const mine = `${process.pid} ${startTime(process.pid)}`;
  const take = async (): Promise<boolean> => {
    try {
      await writeFile(file, mine, { flag: "wx" });
      return true;
    } catch {
      const [pid, start] = (await readFile(file, "utf8").catch(() => "")).split(" ");
      if (pid && start && !isAlive({ pid: Number(pid), startTime: start })) await rm(file, { force: true });
      return false;
    }
  };
  await waitFor(take, LOCK_TIMEOUT_MS, `another start in ${directory}`);
  return () => rm(file, { force: true });
}
