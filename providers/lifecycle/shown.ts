import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonicalJson, sha256 } from "../common/json.js";
import type { Step } from "./kind.js";

/**
 * What the person at the keyboard was shown. `pulumi up` looks at the live systems twice: for the preview that a person
 * agrees to, and, in another process, for the update. Only the first counts as shown, so it is left where the second
 * finds it.
 */
export interface ShownPlans {
  /** The first plan of an input counts; later ones do not replace it. */
  remember(id: string, inputs: unknown, plan: ShownPlan): void;
  recall(id: string, inputs: unknown): ShownPlan | undefined;
}

export interface ShownPlan {
  readonly steps: readonly Step[];
  /** Why more may be due than the preview could know; it said so. Absent where it had looked as `up` does. */
  readonly unsure?: string;
}

const keyOf = (id: string, inputs: unknown): string => sha256(`${id} ${canonicalJson(inputs)}`);

/** Plans of this process alone: where it was not started by a pulumi command, or that cannot be told. */
export function plansOfThisProcess(): ShownPlans {
  const plans = new Map<string, ShownPlan>();
  return {
    remember: (id, inputs, plan) => {
      const key = keyOf(id, inputs);
      if (!plans.has(key)) plans.set(key, plan);
    },
    recall: (id, inputs) => plans.get(keyOf(id, inputs)),
  };
}

/**
 * Plans of the pulumi command that started this process, in a private folder of this machine, in memory where there is
 * one. Folders of commands that have ended are removed.
 */
export function plansOfThisCommand(): ShownPlans {
  const command = commandAbove(process.ppid);
  const folder = command && privateFolder(command);
  if (!folder) return plansOfThisProcess();
  const fileOf = (id: string, inputs: unknown) => join(folder, `${keyOf(id, inputs)}.json`);
  return {
    remember(id, inputs, plan) {
      try {
        writeFileSync(fileOf(id, inputs), JSON.stringify(plan), { flag: "wx", mode: 0o600 });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    },
    recall(id, inputs) {
      try {
        return JSON.parse(readFileSync(fileOf(id, inputs), "utf8")) as ShownPlan;
      } catch {
        return undefined;
      }
    },
  };
}

interface Command {
  readonly pid: number;
  /** Of the kernel: tells the command from a later process with the same pid. */
  readonly startTime: string;
}

/** More levels than any shell, launcher and language host put between. */
const MOST_LEVELS = 20;

/** The nearest pulumi process among our ancestors. */
function commandAbove(pid: number, levels = MOST_LEVELS): Command | undefined {
  const process = processOf(pid);
  if (!process || levels === 0 || pid <= 1) return undefined;
  return process.name === "pulumi" ? process : commandAbove(process.parent, levels - 1);
}

function processOf(pid: number): (Command & { readonly name: string; readonly parent: number }) | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name stands in parentheses and may hold any character, parentheses too.
    const [, name = "", rest = ""] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
    const fields = rest.split(" ");
    return { pid, name, parent: Number(fields[1]), startTime: fields[19] ?? "" };
  } catch {
    return undefined;
  }
}

/** A folder that only this user can read; undefined when somebody else has put something in its place. */
function privateFolder(command: Command): string | undefined {
  const user = process.getuid?.() ?? 0;
  const base = join(process.env.XDG_RUNTIME_DIR ?? sharedMemory() ?? tmpdir(), `pulumi-connections-${user}`);
  try {
    mkdirSync(base, { recursive: true, mode: 0o700 });
    const stat = lstatSync(base);
    if (!stat.isDirectory() || stat.uid !== user || (stat.mode & 0o077) !== 0) return undefined;
    for (const name of readdirSync(base)) {
      const [pid, startTime] = name.split("-");
      if (processOf(Number(pid))?.startTime !== startTime) rmSync(join(base, name), { recursive: true, force: true });
    }
    const folder = join(base, `${command.pid}-${command.startTime}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  } catch {
    return undefined;
  }
}

function sharedMemory(): string | undefined {
  try {
    return lstatSync("/dev/shm").isDirectory() ? "/dev/shm" : undefined;
  } catch {
    return undefined;
  }
}
