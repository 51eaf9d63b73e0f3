import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { expandHome } from "./paths.js";
import { ProblemError } from "./problem.js";
import type { SecretReference } from "./secret.js";

const COMMAND_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 1_048_576;

/**
 * The credential a reference stands for, asked for anew at every use: nothing is remembered, so nothing is stale.
 *
 * A file of ours that others may read is refused, as OpenSSH refuses such a private key: whoever wrote a password there did
 * not mean everybody to read it. One that belongs to another user (a secret mounted into a container) is that user's
 * decision. `{command: ["cat", FILE]}` reads any file on purpose.
 *
 * @param purpose for messages: "password of web1".
 * @throws ProblemError `login` that names the reference and the cause, never a value or a program's output.
 */
export async function resolveSecret(reference: SecretReference, purpose: string): Promise<string> {
  if ("env" in reference) return fromEnvironment(reference.env, purpose);
  if ("file" in reference) return fromFile(reference.file, purpose);
  return fromCommand(reference.command, purpose);
}

function fromEnvironment(name: string, purpose: string): string {
  const value = process.env[name];
  if (value) return value;
  throw unresolved(
    purpose,
    `the environment variable ${name} is ${value === undefined ? "not set" : "empty"}`,
    `Set ${name} for the pulumi command`,
  );
}

async function fromFile(file: string, purpose: string): Promise<string> {
  const path = expandHome(file);
  let text: string;
  try {
    const { uid, mode } = await stat(path);
    if (uid === process.getuid?.() && (mode & 0o077) !== 0) {
      const permissions = (mode & 0o777).toString(8).padStart(4, "0");
      throw unresolved(purpose, `${path} may be read by others (mode ${permissions})`, `chmod 600 ${path}`);
    }
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw unresolved(purpose, `${path} cannot be read (${code})`, "Check the path and its permissions");
  }
  const value = text.replace(/\r?\n$/, "");
  if (value) return value;
  throw unresolved(purpose, `${path} is empty`, "Write the secret into it");
}

function fromCommand(command: readonly string[], purpose: string): Promise<string> {
  const [program = "", ...args] = command;
  // Arguments may hold more than a person wants to see in a log: only the program is named.
  const where = `the command ${JSON.stringify(program)}`;
  const next = "Run it by hand to see what it says";
  return new Promise((resolve, reject) => {
    const options = { timeout: COMMAND_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, encoding: "utf8" as const };
    const child = execFile(program, args, options, (error, stdout) => {
      if (error) return reject(unresolved(purpose, `${where} ${failureOf(error)}`, next));
      const line = stdout.split(/\r?\n/, 1)[0];
      if (!line) return reject(unresolved(purpose, `${where} printed nothing on its first line`, next));
      resolve(line);
    });
    // Nobody can answer a question that it asks; a program that does not listen must not matter.
    child.stdin?.on("error", () => undefined).end();
  });
}

function failureOf(error: Error & { code?: string | number | null; killed?: boolean }): string {
  if (error.killed) return `did not end within ${COMMAND_TIMEOUT_MS / 1000} s`;
  return typeof error.code === "number" ? `ended with exit code ${error.code}` : `cannot be run (${error.code})`;
}

function unresolved(purpose: string, found: string, next: string): ProblemError {
  return new ProblemError("login", { where: purpose, found, next });
}
