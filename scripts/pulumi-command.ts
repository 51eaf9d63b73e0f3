import { spawn } from "node:child_process";

/** Longest that one Pulumi command may take; beyond it is killed. A rollout runs on the target, not in here. */
const COMMAND_TIMEOUT_MS = 30 * 60_000;

export interface PulumiResult {
  readonly code: number;
  /** Standard output and error in the order they came. */
  readonly output: string;
  readonly stdout: string;
}

export interface PulumiOptions {
  /** Complete, with PATH. Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** The project's folder. Default: the working folder. */
  readonly cwd?: string;
  /** Gets the output as it comes. */
  readonly onOutput?: (text: string) => void;
  /** Kills the command when aborted. */
  readonly signal?: AbortSignal;
}

/** Runs `pulumi`. Any exit code is an answer; throws only when it cannot be started or was aborted. */
export function pulumiCommand(args: readonly string[], options: PulumiOptions = {}): Promise<PulumiResult> {
  return new Promise((resolve, reject) => {
    const child = spawn("pulumi", args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: COMMAND_TIMEOUT_MS,
      signal: options.signal,
    });
    let output = "";
    let stdout = "";
    const take = (text: string) => {
      output += text;
      options.onOutput?.(text);
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      take(text);
    });
    child.stderr.setEncoding("utf8").on("data", take);
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code: code ?? (signal ? 128 : 1), output, stdout }));
  });
}
