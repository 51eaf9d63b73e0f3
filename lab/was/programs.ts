import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ProblemError } from "../../providers/common/problem.js";
import type { Description } from "../description.js";
import { filesBelow, madeOnce, projectRoot } from "../toolchain.js";

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

async function compileOnce(jython: string): Promise<string> {
  const files = await filesBelow(join(projectRoot(), "lab", "was", "java"), ".java");
  return madeOnce("cell-classes", files, "", async (folder) => {
    const words = ["-encoding", "UTF-8", "-d", folder, "-cp", jython, ...files];
    await run("javac", words, { timeout: COMPILE_TIMEOUT_MS }).catch((error: { stderr?: string; code?: string }) => {
      if (error.code !== "ENOENT") {
        const found = (error.stderr ?? String(error)).slice(0, 500);
        throw new ProblemError("command-failed", { where: "lab/was/java", found });
      }
      throw new ProblemError("missing", {
        where: "this machine",
        found: "there is no javac",
        why: "The lab's deployment manager is a Java program",
        next: "apt-get install --no-install-recommends default-jdk-headless",
      });
    });
  });
}
