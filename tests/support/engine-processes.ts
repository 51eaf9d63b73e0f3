import { readdirSync, readFileSync } from "node:fs";
import type { Workspace } from "../../lab/workspace.js";

interface Running {
  readonly pid: number;
  readonly argv: readonly string[];
}

/** Processes that have this in their environment. Ours only: others' environments cannot be read. */
function processesWith(variable: string): readonly Running[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const environment = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
        const argv = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").filter(Boolean);
        const mine = environment.some((entry) => entry.startsWith(variable)) && Number(name) !== process.pid;
        return mine && argv.length > 0 ? [{ pid: Number(name), argv }] : [];
      } catch {
        return [];
      }
    });
}

/** Every process that a command of a workspace started, and that still runs. */
export const processesOf = (workspace: Workspace): readonly Running[] =>
  processesWith(`PULUMI_HOME=${workspace.environment.PULUMI_HOME}`);

/** The processes that our provider runs in. */
export const providersOf = (workspace: Workspace): readonly Running[] =>
  processesOf(workspace).filter(({ argv }) => argv.some((word) => word.includes("dynamic-provider")));

/** The `pulumi` command itself. */
export const commandOf = (workspace: Workspace): readonly Running[] =>
  processesOf(workspace).filter(({ argv }) => /(^|\/)pulumi$/.test(argv[0] ?? ""));

export const childrenLeft = (folder: string): readonly string[] =>
  processesWith(`PULUMI_HOME=${folder}/`).map(({ pid, argv }) => `${pid} ${argv.join(" ")}`);

/** Ends processes without a chance to tidy up. At least one must have been there. */
export function kill(processes: readonly Running[], signal: "SIGKILL" | "SIGINT" = "SIGKILL"): void {
  if (processes.length === 0) throw new Error("there is no process to send a signal to");
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
