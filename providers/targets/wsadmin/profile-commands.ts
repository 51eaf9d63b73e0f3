import type { Host, JobResult } from "../host.js";
import { blot, messageCodes, statusMessage } from "./messages.js";
import type { CommandOutcome, Run } from "./node-commands.js";
import { posixCommands } from "./posix-commands.js";
import { clientProperties, type Login, packFiles, resolveLogin } from "./private-files.js";
import { ownLine, requireLogin, requireStarted } from "./program-problems.js";
import type { Administrator } from "./settings.js";

const PREPARE_MS = 60_000;

/** A command that may need a folder with a login: its arguments once it has one. */
export type ArgvOf = (folder: string | undefined) => readonly string[];

export interface Credentials {
  readonly host: Host;
  readonly profile: string;
  readonly administrator?: Administrator;
}

/**
 * Runs a long command detached. The login lies in a private folder that the command itself removes when it ends, however our
 * line or process fares; a command that already runs, or has run and was not looked at, is attached to instead.
 *
 * @throws ProblemError `unknown-outcome` for one that was lost with its host
 */
export async function runDetached(
  credentials: Credentials,
  argvOf: ArgvOf,
  what: string,
  run: Run,
  files: (login: Login) => Readonly<Record<string, string>> = loginFiles(run.timeoutMs),
): Promise<CommandOutcome> {
  const { host, profile } = credentials;
  const earlier = await host.jobs.peek(run.job);
  const login = credentials.administrator && (await resolveLogin(credentials.administrator, host.name));
  const secrets = login ? [login.password] : [];
  const folder = login && !earlier ? await prepareFolder(credentials, files(login)) : undefined;
  const onOutput = run.onOutput && ((line: string) => run.onOutput?.(blot(line, secrets)));
  try {
    const { timeoutMs, whileRunning } = run;
    const result = await host.jobs.run(run.job, argvOf(folder), { what, timeoutMs, onOutput, whileRunning });
    if (!run.keep) await host.jobs.collect(run.job);
    const output = blot(result.output, secrets);
    requireStarted(host, profile, output);
    return outcomeOf({ ...result, output });
  } finally {
    if (folder !== undefined) await dropUnlessRunning(credentials, run.job, folder);
  }
}

/**
 * For a command that may be given a second time, after a look at whether it is still due: one that was lost with its host, and
 * of which nothing runs any more, is forgotten. Answers whether there was one.
 */
export async function forgetLost({ jobs }: Host, job: string): Promise<boolean> {
  const lost = (await jobs.peek(job))?.lost;
  if (!lost || lost.left.length > 0) return false;
  await jobs.collect(job);
  return true;
}

/** Runs a short command to its end, with a login when there is one. */
export async function runShort(
  { host, profile, administrator }: Credentials,
  argvOf: ArgvOf,
  what: string,
  timeoutMs: number,
): Promise<CommandOutcome> {
  const login = administrator && (await resolveLogin(administrator, host.name));
  const folder = login && (await prepareFolder({ host, profile, administrator }, loginFiles(timeoutMs)(login)));
  try {
    const { exitCode, stdout, stderr } = await host.run(argvOf(folder), { what, timeoutMs });
    const output = blot(`${stdout}${stderr}`, login ? [login.password] : []);
    requireStarted(host, profile, output);
    return outcomeOf({ exitCode, output, attached: false });
  } finally {
    if (folder !== undefined) await drop(host, profile, folder);
  }
}

function outcomeOf({ exitCode, output, attached }: JobResult): CommandOutcome {
  return { exitCode, codes: messageCodes(output), message: statusMessage(output), output, attached };
}

/** For the commands that are told to log in: a refusal is an error, not an outcome. */
export function requireAccepted(host: Host, what: string, outcome: CommandOutcome): CommandOutcome {
  requireLogin(`${host.name}: ${what}`, outcome.output);
  return outcome;
}

function loginFiles(timeoutMs: number): (login: Login) => Record<"soap" | "ipc", string> {
  return (login) => clientProperties(login, Math.ceil(timeoutMs / 1000));
}

async function prepareFolder(
  { host, profile }: Credentials,
  files: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const { args, stdin } = packFiles(files);
  const options = { what: "prepare a private folder", timeoutMs: PREPARE_MS, stdin };
  const { stdout, stderr } = await host.run(posixCommands.prepareFolder(host.connection, profile, args), options);
  requireStarted(host, profile, `${stdout}\n${stderr}`);
  const line = ownLine(stdout);
  return line?.word === "folder" ? line.rest : undefined;
}

/** A command that goes on still needs it, and removes it itself. A line that is down leaves it to the next run's clearing. */
async function dropUnlessRunning({ host, profile }: Credentials, job: string, folder: string): Promise<void> {
  const state = await host.jobs.peek(job).catch(() => ({ state: "running" }) as const);
  if (state?.state !== "running") await drop(host, profile, folder);
}

async function drop(host: Host, profile: string, folder: string): Promise<void> {
  const options = { what: "remove a private folder", timeoutMs: PREPARE_MS };
  await host.run(posixCommands.dropFolder(profile, folder), options).catch(() => undefined);
}
