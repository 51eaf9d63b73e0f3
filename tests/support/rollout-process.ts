import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Lab } from "../../lab/lab.js";

export interface RolloutEnd {
  /** Null when it was killed. */
  readonly code: number | null;
  /** All that it said. */
  readonly output: string;
}

/**
 * A rollout of interim fixes by the real provider over SSH, in a process of its own, which is killed where `killAt` says so:
 * it is asked at the beginning of each step, by the step's title, and nothing of that step is done then.
 */
export async function rolloutProcess(
  lab: Lab,
  settings: Readonly<Record<string, unknown>> = {},
  killAt: (title: string) => boolean = () => false,
): Promise<RolloutEnd> {
  const program = join(__dirname, "rollout-worker.mjs");
  const child = spawn(process.execPath, [program, lab.directory, JSON.stringify(settings)], { stdio: "pipe" });
  child.stdin.on("error", () => {}); // it was killed
  const ended = once(child, "close");
  const lines: string[] = [];
  const planned = new Set<string>();
  createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    const title = titleIn(line, planned);
    if (title !== undefined && killAt(title)) child.kill("SIGKILL");
    else child.stdin.write("\n");
  });
  const [code] = (await ended) as [number | null];
  return { code, output: lines.join("\n") };
}

/** The plan comes first, a numbered line a step. Then each step's title stands after its number, as does what it says. */
function titleIn(line: string, planned: Set<string>): string | undefined {
  const listed = /^ {2}\d+\. (.*?)(?: \[[a-z ]+\])?$/.exec(line)?.[1];
  if (listed !== undefined) planned.add(listed);
  const said = /^\[dmgr \d+\/\d+\] (.*)$/.exec(line)?.[1] ?? "";
  return planned.has(said) ? said : undefined;
}
