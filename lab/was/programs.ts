import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ProblemError } from "../../providers/common/problem.js";
import type { Description } from "../description.js";
import { projectRoot } from "../toolchain.js";

const run = promisify(execFile);
const COMPILE_TIMEOUT_MS = 180_000;

/** What only a lab with a cell needs of this machine. */
export interface CellPrograms {
  /** Compiled classes of the deployment manager's stand-in and of wsadmin. */
  readonly classes: string;
  readonly jython: string;
}

const JARS = { "2.1": "jython-2.1.jar", "2.7": "jython-standalone-2.7.4.jar" } as const;

/** @throws ProblemError `missing` (a JDK, Jython) | `command-failed` */
export async function cellPrograms(version: Exclude<Description["cell"], "none">): Promise<CellPrograms> {
  const folder = join(projectRoot(), ".toolchain", "jython");
  const jython = join(folder, JARS[version]);
  const compileWith = join(folder, JARS["2.1"]);
  const absent = [jython, compileWith].find((file) => !existsSync(file));
  if (absent) {
    throw new ProblemError("missing", {
      where: absent,
      found: "the lab's wsadmin has no Jython",
      next: "npm run setup",
    });
  }
  return { classes: await compileOnce(compileWith), jython };
}

async function sources(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".java"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Into a folder named after the content, by rename: two labs at once cannot disturb each other. */
async function compileOnce(jython: string): Promise<string> {
  const files = await sources(join(projectRoot(), "lab", "was", "java"));
  const digest = createHash("sha256");
  for (const file of files) digest.update(await readFile(file));
  const cache = join(projectRoot(), ".lab", "cache");
  const target = join(cache, `cell-classes-${digest.digest("hex").slice(0, 20)}`);
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, "compiling-"));
  try {
    await run("javac", ["-encoding", "UTF-8", "-d", scratch, "-cp", jython, ...files], { timeout: COMPILE_TIMEOUT_MS });
    await rename(scratch, target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error; // another lab was quicker
    });
  } catch (error) {
    const { stderr, code } = error as { stderr?: string; code?: string };
    if (code === "ENOENT") {
      throw new ProblemError("missing", {
        where: "this machine",
        found: "there is no javac",
        why: "The lab's deployment manager is a Java program",
        next: "apt-get install --no-install-recommends default-jdk-headless",
      });
    }
    throw new ProblemError("command-failed", { where: "lab/was/java", found: (stderr ?? String(error)).slice(0, 500) });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return target;
}
