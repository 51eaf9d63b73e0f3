import { readFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ProblemError } from "../providers/common/problem.js";
import { ask } from "./ask.js";

const CONTROL_TIMEOUT_MS = 15_000;
const KILL_TIMEOUT_MS = 5_000;

const stateSchema = z.object({
  pid: z.number().int(),
  controlPort: z.number().int(),
  processes: z.array(z.object({ pid: z.number().int(), startTime: z.string().min(1) })),
});

/** What the supervisor of a running lab wrote about itself. */
export type RunningState = z.infer<typeof stateSchema>;

export const stateFile = (directory: string): string => join(directory, "state.json");

export async function readState(directory: string): Promise<RunningState | undefined> {
  const text = await readFile(stateFile(directory), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Kernel start time of a process, in clock ticks since boot: with the pid it names one process for ever. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** true when this very process runs, not another one that got its number later. */
export function isAlive(process: RunningState["processes"][number]): boolean {
  return startTime(process.pid) === process.startTime;
}

export function supervisorIsAlive(state: RunningState): boolean {
  return state.processes.some((process) => process.pid === state.pid && isAlive(process));
}

/** Ends what a dead lab left behind: only processes whose start time proves that they are its own. */
export async function endRemains(directory: string): Promise<void> {
  const state = await readState(directory);
  for (const remaining of state?.processes ?? []) {
    if (isAlive(remaining)) process.kill(remaining.pid, "SIGKILL");
  }
  await waitFor(() => (state?.processes ?? []).every((one) => !isAlive(one)), KILL_TIMEOUT_MS, "the old lab to end");
  await rm(stateFile(directory), { force: true });
}

/** Asks the supervisor. @throws ProblemError `unreachable` | `refused` */
export async function control(
  { pid, controlPort: port }: RunningState,
  token: string,
  method: "GET" | "POST",
  path: string,
): Promise<unknown> {
  const where = `lab supervisor (process ${pid})`;
  return JSON.parse(
    await ask({ where, address: "127.0.0.1", port, token, method, path, timeoutMs: CONTROL_TIMEOUT_MS }),
  );
}

/** Asks again every few milliseconds until the answer is true. @throws ProblemError `timeout` */
export async function waitFor(
  question: () => boolean | Promise<boolean>,
  timeoutMs: number,
  what: string,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await question())) {
    if (Date.now() > end) {
      throw new ProblemError("timeout", { where: "lab", found: `waited ${timeoutMs} ms for ${what}` });
    }
    await new Promise((passed) => setTimeout(passed, 10));
  }
}
