import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { milliseconds } from "../../common/duration.js";
import { type Cause, ProblemError } from "../../common/problem.js";
import type { Host } from "../host.js";
import { blot, isLoginRefused } from "./messages.js";
import { posixCommands } from "./posix-commands.js";
import { clientProperties, packFiles, resolveLogin } from "./private-files.js";
import { requireStarted, wsadminProblem } from "./program-problems.js";
import { propertiesText } from "./properties.js";
import type { CellConnection } from "./settings.js";

/** The scripts beside common.py in providers/remote/wsadmin. */
export type ScriptName = "observe" | "sync" | "server" | "readiness" | "plugin" | "sessions";

const SCRIPTS = join(__dirname, "..", "..", "remote", "wsadmin");
/** The start of wsadmin's JVM takes up to that on a busy machine; what a script itself may wait is what remains. */
const JVM_START_MS = 60_000;
/** Between the limit on the host, which ends wsadmin there, and ours. */
const GRACE_MS = 20_000;

const CAUSES: Readonly<Record<string, Cause>> = {
  "wrong-cell": "refused",
  missing: "missing",
  "no-agent": "unreachable",
  invalid: "invalid-input",
};

export interface Call {
  readonly script: ScriptName;
  readonly request: Readonly<Record<string, string>>;
  /** In words, for errors: "synchronize node02". */
  readonly what: string;
  readonly timeoutMs?: number;
  /** The process that is asked, as the deployment manager's host reaches it. Default: the deployment manager. */
  readonly process?: { readonly host: string; readonly port: number };
}

/**
 * Runs our scripts in wsadmin on the deployment manager's host: one JVM a call. Credentials travel on standard input into a
 * private folder that is gone when the call ends; exit codes and messages are not trusted, only the line with our own mark.
 */
export class Wsadmin {
  constructor(
    readonly host: Host,
    readonly settings: CellConnection,
  ) {}

  /** What the script answered. */
  async run({
    script,
    request,
    what,
    timeoutMs = milliseconds(this.settings.timeout),
    process,
  }: Call): Promise<unknown> {
    const { profile, soapHost, soapPort, administrator, cell } = this.settings;
    const where = `${this.host.name}: ${what}`;
    const seconds = Math.ceil(timeoutMs / 1000);
    const nonce = randomBytes(12).toString("hex");
    const login = administrator && (await resolveLogin(administrator, this.host.name));
    const inner = Math.floor(Math.max(timeoutMs / 2, timeoutMs - JVM_START_MS) / 1000);
    const { args, stdin } = packFiles({
      ...clientProperties(login, seconds),
      "script.py": await scriptText(script),
      "request.properties": propertiesText({
        ...request,
        nonce,
        seconds: String(inner),
        ...(cell !== undefined && { cell }),
      }),
    });
    const argv = posixCommands.wsadmin({
      connection: this.host.connection,
      profile,
      soapHost: process?.host ?? soapHost,
      soapPort: process?.port ?? soapPort,
      seconds,
      files: args,
    });
    const { stdout, stderr } = await this.host.run(argv, { what, timeoutMs: timeoutMs + GRACE_MS, stdin });
    const secrets = login ? [login.password] : [];
    const json = stdout.split(`@@${nonce}@@`)[1];
    if (json !== undefined) return valueFrom(json, where, seconds, secrets);
    const output = blot(`${stdout}\n${stderr}`, secrets);
    requireStarted(this.host, profile, output);
    throw wsadminProblem(where, output, seconds);
  }
}

function valueFrom(json: string, where: string, seconds: number, secrets: readonly string[]): unknown {
  const answer = JSON.parse(json) as { ok: string; value?: unknown; kind?: string; error?: string };
  if (answer.ok === "yes") return answer.value;
  const error = blot(answer.error ?? "", secrets);
  const cause = CAUSES[answer.kind ?? ""];
  // What the script did not find wrong itself is the product's text, with all that a refused login can look like.
  if (cause === undefined || isLoginRefused(error)) throw wsadminProblem(where, error, seconds);
  throw new ProblemError(cause, { where, found: error });
}

/** A script with what all of them share in front of it. */
export async function scriptText(name: ScriptName): Promise<string> {
  const parts = ["common.py", `${name}.py`].map((file) => readFile(join(SCRIPTS, file), "utf8"));
  return (await Promise.all(parts)).join("\n");
}
