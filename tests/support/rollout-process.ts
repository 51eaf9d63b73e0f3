import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import type { Lab } from "../../lab/lab.js";
import { rolloutArgs } from "../../lab/was/rollout.js";

const POLL_MS = 10;

/** Where a process is to be killed: before anything of a step is done, or while a command that the step started goes on. */
export type KillAt = "beginning" | "command";

/** Titles of the steps that go on by themselves on their host. */
export const COMMANDS = /^(back up|(start|stop) the (node agent|members) of|(un)?install)/;

export interface RolloutEnd {
  /** Null when it was killed. */
  readonly code: number | null;
  /** All that it said. */
  readonly output: string;
  /** Titles of the steps that its plan had. */
  readonly planned: readonly string[];
}

/**
 * A rollout of interim fixes by the real provider over SSH, in a process of its own, which is killed where `killAt` says so:
 * it is asked at the beginning of each step, by the step's title. A command that ends unseen is not killed in.
 */
export async function rolloutProcess(
  lab: Lab,
  settings: Readonly<Record<string, unknown>> = {},
  killAt: (title: string) => KillAt | undefined = () => undefined,
): Promise<RolloutEnd> {
  const program = join(__dirname, "rollout-worker.mjs");
  const child = spawn(process.execPath, [program, JSON.stringify(rolloutArgs(lab, settings))], { stdio: "pipe" });
  child.stdin.on("error", () => {}); // it was killed
  const ended = once(child, "close");
  const lines: string[] = [];
  const planned: string[] = [];
  let step = 0;
  createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    const title = titleIn(line, planned);
    if (title === undefined) return child.stdin.write("\n");
    step++;
    const at = killAt(title);
    if (at === "beginning") return child.kill("SIGKILL");
    child.stdin.write("\n");
    const now = step;
    if (at === "command") void killInCommand(child, lab, () => step === now);
    return true;
  });
  const [code] = (await ended) as [number | null];
  return { code, output: lines.join("\n"), planned };
}

/** The plan comes first, a numbered line a step. Then each step's title stands after its number, and again what it says. */
function titleIn(line: string, planned: string[]): string | undefined {
  const listed = /^ {2}\d+\. (.*?)(?: \[[a-z ]+\])?$/.exec(line)?.[1];
  if (listed !== undefined) planned.push(lasting(listed));
  const said = lasting(/^\[dmgr \d+\/\d+\] (.*)$/.exec(line)?.[1] ?? "");
  return planned.includes(said) ? said : undefined;
}

const lasting = (title: string): string => title.replace(/ \(last time .*\)$/, "");

async function killInCommand(child: ChildProcessWithoutNullStreams, lab: Lab, sameStep: () => boolean): Promise<void> {
  for (; sameStep() && child.exitCode === null && child.signalCode === null; await pause(POLL_MS)) {
    if (commandUnderWay(lab)) child.kill("SIGKILL");
    if (child.killed) return;
  }
}

/** Whether a command that a rollout started on any host of the lab goes on there. */
function commandUnderWay(lab: Lab): boolean {
  return Object.values(lab.hosts).some(({ root, connection: { stateDirectory } }) => {
    const folder = `${root}${stateDirectory}/jobs`;
    if (!existsSync(folder)) return false;
    return readdirSync(folder).some(
      (name) => name.startsWith("interim-fixes-") && !existsSync(join(folder, name, "exit")),
    );
  });
}
