import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { ProblemError } from "../../providers/common/problem.js";
import { type Db2Place, type Db2Server, db2Server, prepareDb2 } from "./server.js";

const START_TIMEOUT_MS = 30_000;
const ANY_PORTS: Db2Place = { address: "127.0.0.1", drda: 0, control: 0 };

/** A server without the rest of the lab. */
export interface Db2Lab extends Db2Server {
  readonly pid: number;
  /** Ends the server; what is in `directory` stays, and a later start serves it again. */
  stop(): Promise<void>;
}

/**
 * Starts the server alone, on free ports of 127.0.0.1, with its databases in `directory`. It ends with this process, however that ends.
 *
 * @throws ProblemError `missing` when this machine lacks something, see `db2LabProblem`; `timeout` | `command-failed`
 */
export async function startDb2Lab({ directory }: { readonly directory: string }): Promise<Db2Lab> {
  const token = randomBytes(24).toString("base64url");
  const { command, input, log: logFile } = await prepareDb2(directory, ANY_PORTS, token);
  const [java, ...args] = command;
  const log = openSync(logFile, "a", 0o600);
  const child = spawn(java, args, { stdio: ["pipe", "pipe", log] });
  closeSync(log);
  child.stdin?.on("error", () => undefined).write(input);
  const place = { ...ANY_PORTS, ...(await ready(child, logFile)) };
  return { ...db2Server(directory, place, token), pid: child.pid ?? 0, stop: () => ended(child) };
}

/** The ports it prints when it serves. */
function ready(child: ChildProcess, log: string): Promise<Pick<Db2Place, "drda" | "control">> {
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
      resolve({ drda: Number(match[1]), control: Number(match[2]) });
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}
