import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import type { z } from "zod";
import { ProblemError } from "../../providers/common/problem.js";
import { type DatabaseConnection, databaseSchema } from "../../providers/targets/db2/connection.js";
import { buildDb2, DATABASE_USER } from "./build.js";

const START_TIMEOUT_MS = 30_000;
const CONTROL_TIMEOUT_MS = 30_000;

/** What can be made to go wrong. Each stays on until it is switched off. */
export const DB2_FAULTS = [
  "refuse",
  "stall",
  "slow",
  "drop-before-commit",
  "drop-after-commit",
  "wrong-password",
  "lock-row",
] as const;
export type Db2Fault = (typeof DB2_FAULTS)[number];

/** The databases of an estate, by the names they usually have; each holds the schemas of its components. */
export const DB2_DATABASES = [
  "BLOGS",
  "DOGEAR",
  "FILES",
  "FORUM",
  "HOMEPAGE",
  "METRICS",
  "MOBILE",
  "OPNACT",
  "PEOPLEDB",
  "PNS",
  "SNCOMM",
  "WIKIS",
] as const;
export type Db2DatabaseName = (typeof DB2_DATABASES)[number];

/** A running stand-in for a Db2 server: Apache Derby, which the real driver takes for one. */
export interface Db2Lab {
  readonly directory: string;
  readonly port: number;
  /** Holds the password of the database user; readable by its owner only. */
  readonly passwordFile: string;
  readonly pid: number;
  /** How to reach one of its databases, default HOMEPAGE; anything can be replaced. */
  connection(database?: Db2DatabaseName, changes?: Partial<z.input<typeof databaseSchema>>): DatabaseConnection;
  /** Runs one statement as somebody else would, in a session of its own beside the driver. Values come as text. */
  sql(text: string, database?: Db2DatabaseName): Promise<readonly Readonly<Record<string, string | null>>[]>;
  fault(name: Db2Fault, on: boolean): Promise<void>;
  /** Ends all connections that are open. */
  cut(): Promise<void>;
  /** Ends the server; what is in `directory` stays, and a later start serves it again. */
  stop(): Promise<void>;
}

/**
 * Starts the server on free ports of 127.0.0.1, with its databases in `directory`. It ends with this process, however that ends.
 *
 * @throws ProblemError `missing` when this machine lacks something, see `db2LabProblem`; `timeout` | `command-failed`
 */
export async function startDb2Lab({ directory }: { readonly directory: string }): Promise<Db2Lab> {
  const build = await buildDb2();
  await mkdir(directory, { recursive: true });
  const databases = join(directory, "databases");
  const passwordFile = join(directory, "db2-password");
  const kept = await readFile(passwordFile, "utf8").catch(() => undefined);
  const password = kept ?? randomBytes(18).toString("base64url");
  if (kept === undefined) {
    await rm(databases, { recursive: true, force: true }); // of a start that did not come this far
    await cp(build.databases, databases, { recursive: true });
    await writeFile(passwordFile, password, { mode: 0o600 });
  }
  const token = randomBytes(24).toString("base64url");
  const log = openSync(join(directory, "db2.log"), "a", 0o600);
  const child = spawn(
    build.java,
    [
      ...["--add-opens", "java.base/javax.net=ALL-UNNAMED"],
      // Quick to start and small: it serves a handful of connections.
      ...["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC"],
      ...["-cp", build.classPath, "LabServer", "serve", databases, DATABASE_USER],
    ],
    { stdio: ["pipe", "pipe", log] },
  );
  closeSync(log);
  child.stdin?.on("error", () => undefined).write(`${password}\n${token}\n`);
  const { port, controlPort } = await ready(child, join(directory, "db2.log"));
  const ask = (path: string, body = "") => control(controlPort, token, path, body);
  return {
    directory,
    port,
    passwordFile,
    pid: child.pid ?? 0,
    connection: (database = "HOMEPAGE", changes = {}) =>
      databaseSchema.parse({
        name: database.toLowerCase(),
        host: "127.0.0.1",
        port,
        database,
        user: DATABASE_USER,
        password: { file: passwordFile },
        // Derby knows no encrypted passwords.
        authentication: "server",
        ...changes,
      }),
    sql: async (text, database = "HOMEPAGE") => JSON.parse(await ask(`/sql/${database}`, text)),
    fault: async (name, on) => void (await ask(`/fault/${name}/${on ? "on" : "off"}`)),
    cut: async () => void (await ask("/cut")),
    stop: () => ended(child),
  };
}

/** The ports it prints when it serves. */
function ready(child: ChildProcess, log: string): Promise<{ port: number; controlPort: number }> {
  return new Promise((resolve, reject) => {
    let output = "";
    const fail = (found: string) => {
      child.kill("SIGKILL");
      reject(new ProblemError("command-failed", { where: "the lab's Db2 server", found, next: `see ${log}` }));
    };
    const timer = setTimeout(() => fail(`it was not ready within ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => fail(`it ended with ${code}`));
    child.stdout?.on("data", (chunk) => {
      output += chunk;
      const match = /^ready (\d+) (\d+)$/m.exec(output);
      if (!match) return;
      clearTimeout(timer);
      child.removeAllListeners("exit");
      resolve({ port: Number(match[1]), controlPort: Number(match[2]) });
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

function control(port: number, token: string, path: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: "127.0.0.1", port, method: "POST", path, headers: { "x-lab-token": token }, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", reject);
        response.on("end", () => {
          if (response.statusCode === 200) resolve(text);
          else reject(new ProblemError("refused", { where: "the lab's Db2 server", found: text }));
        });
      },
    );
    asked.setTimeout(CONTROL_TIMEOUT_MS, () => asked.destroy(new Error(`no answer in ${CONTROL_TIMEOUT_MS} ms`)));
    asked.on("error", reject);
    asked.end(body);
  });
}
