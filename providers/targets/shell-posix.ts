import { posix } from "node:path";
import { ProblemError } from "../common/problem.js";
import type { Shell } from "./shell.js";
import { POSIX_SCRIPTS } from "./shell-posix-scripts.js";

/** Linux passes one argument of at most 128 KiB, and a command line is one argument of the login shell. */
const MAX_COMMAND_BYTES = 120_000;

/** Hosts whose login shell understands single quotes as sh does (sh, dash, bash, ksh, zsh). */
export const posixShell: Shell = {
  commandLine(argv) {
    const line = argv.map(quote).join(" ");
    const problem = unsayable(argv, line);
    if (!problem) return line;
    throw new ProblemError("invalid-input", {
      where: `command ${JSON.stringify(argv[0]?.slice(0, 100) ?? "")}`,
      found: problem,
      allowed: `a program and arguments without NUL characters, ${MAX_COMMAND_BYTES} bytes at most`,
      next: "Long data belongs on standard input",
    });
  },
  script: (name, args) => ["sh", "-c", POSIX_SCRIPTS[name], "pulumi-connections", ...args],
  toSftpPath: (path) => path,
  fromSftpPath: (path) => path,
  split: (path) => ({ directory: posix.dirname(path), base: posix.basename(path) }),
  join: (directory, base) => `${directory === "/" ? "" : directory}/${base}`,
};

/** Within single quotes every character is itself; only the single quote has to step outside. */
function quote(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

function unsayable(argv: readonly string[], line: string): string | undefined {
  if (!argv[0]) return "no program";
  if (line.includes("\0")) return "a NUL character";
  const bytes = Buffer.byteLength(line);
  return bytes > MAX_COMMAND_BYTES ? `${bytes} bytes` : undefined;
}
