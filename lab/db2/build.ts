import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { ProblemError } from "../../providers/common/problem.js";
import { filesBelow, madeOnce, programOnPath, projectRoot } from "../toolchain.js";

const run = promisify(execFile);
const COMPILE_TIMEOUT_MS = 120_000;
const PREPARE_TIMEOUT_MS = 120_000;

export const DATABASE_USER = "db2inst1";

/** What the lab's Db2 server is made of on this machine. */
export interface Db2Build {
  readonly java: string;
  readonly classPath: string;
  /** A folder with one database in it for each NAME.sql, made once and copied for each lab. */
  readonly databases: string;
}

const derbyFolder = (): string => join(projectRoot(), ".toolchain", "db2", "derby");

/** What keeps this machine from running the lab's Db2 server, in words; undefined when nothing does. */
export function db2LabProblem(): string | undefined {
  const missing = [
    ...["java", "javac"].filter((name) => !programOnPath(name)).map((name) => `there is no ${name} on PATH`),
    ...(existsSync(derbyFolder()) ? [] : ["Apache Derby is not installed"]),
  ];
  return missing.length === 0 ? undefined : `${missing.join(", ")}: npm run setup says why`;
}

/**
 * Compiles the server and makes its databases; later calls find both in the cache.
 *
 * @throws ProblemError `missing` | `command-failed`
 */
export async function buildDb2(): Promise<Db2Build> {
  const problem = db2LabProblem();
  const [java, javac] = [programOnPath("java"), programOnPath("javac")];
  if (problem || !java || !javac) {
    throw new ProblemError("missing", { where: "the lab's Db2 server", found: problem ?? "no Java" });
  }
  const here = join(projectRoot(), "lab", "db2");
  const sources = await filesBelow(join(here, "server"), ".java");
  const scripts = await filesBelow(join(here, "databases"), ".sql");
  const jars = await filesBelow(derbyFolder(), ".jar");
  const made = await madeOnce("db2", [...sources, ...scripts], jars.join(), async (scratch) => {
    const build = at(scratch, java, jars);
    const classes = join(scratch, "classes");
    try {
      await mkdir(build.databases);
      await run(javac, ["-encoding", "UTF-8", "-cp", jars.join(delimiter), "-d", classes, ...sources], {
        timeout: COMPILE_TIMEOUT_MS,
      });
      await prepare(build, join(here, "databases"));
    } catch (error) {
      const output = (error as { stderr?: string }).stderr ?? String(error);
      throw new ProblemError("command-failed", {
        where: "the lab's Db2 server",
        found: `it cannot be made: ${output.trim().split("\n").slice(0, 5).join(" | ")}`,
      });
    }
  });
  return at(made, java, jars);
}

const at = (folder: string, java: string, jars: readonly string[]): Db2Build => ({
  java,
  classPath: [join(folder, "classes"), ...jars].join(delimiter),
  databases: join(folder, "databases"),
});

/** Passwords are no part of a database: any will do here. */
function prepare(build: Db2Build, scripts: string): Promise<void> {
  const args = ["-cp", build.classPath, "LabServer", "prepare", build.databases, DATABASE_USER, scripts];
  return new Promise((resolve, reject) => {
    const child = spawn(build.java, args, { stdio: ["pipe", "ignore", "pipe"], timeout: PREPARE_TIMEOUT_MS });
    let output = "";
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    child.stdin.on("error", () => undefined).end("none\nnone\n");
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(output || `exit code ${code}`))));
  });
}
