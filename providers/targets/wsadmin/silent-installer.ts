import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import type { Host } from "../host.js";
import { namesFixes, neededIn, parseFixList, saysSuccess } from "./fix-list.js";
import { blot } from "./messages.js";
import { posixCommands } from "./posix-commands.js";
import { type Login, resolveLogin } from "./private-files.js";
import { runDetached } from "./profile-commands.js";
import { ownLine, requireLogin, requireReachable, requireStarted } from "./program-problems.js";
import { type UpdateInstallerSettings, wasPathSchema } from "./settings.js";
import type { FixAction, FixList, FixOutcome, FixRun, LostFixRun, UpdateInstaller } from "./update-installer.js";

const LOOK_MS = 60_000;
const FIX_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** The update installer of one Connections installation. Nothing is started before it is asked for something. */
export function openUpdateInstaller(host: Host, settings: UpdateInstallerSettings): UpdateInstaller {
  requireReachable(host, settings.profile);
  return new SilentInstaller(host, settings);
}

class SilentInstaller implements UpdateInstaller {
  readonly #where: string;

  constructor(
    private readonly host: Host,
    private readonly settings: UpdateInstallerSettings,
  ) {
    this.#where = `${host.name}:${settings.installDir}/updateInstaller`;
  }

  async checkLogin(): Promise<void> {
    this.#loginLines(await resolveLogin(this.settings.administrator, this.host.name));
  }

  listInstalled(limit: { timeoutMs?: number } = {}): Promise<FixList> {
    return this.#list([], "list installed fixes", limit);
  }

  listOffered(fixDir: string, limit: { timeoutMs?: number } = {}): Promise<FixList> {
    return this.#list(["-fixDir", this.#path(fixDir)], `list the fixes in ${fixDir}`, limit);
  }

  install(ids: readonly string[], fixDir: string, run: FixRun): Promise<FixOutcome> {
    return this.#change("install", ids, ["-fixDir", this.#path(fixDir)], run);
  }

  uninstall(ids: readonly string[], run: FixRun): Promise<FixOutcome> {
    return this.#change("uninstall", ids, [], run);
  }

  async lost(action: FixAction, ids: readonly string[], job: string): Promise<LostFixRun | undefined> {
    const how = (await this.host.jobs.peek(job))?.lost;
    if (!how) return undefined;
    const { administrator } = this.settings;
    const secrets = administrator ? [(await resolveLogin(administrator, this.host.name)).password] : [];
    const output = withoutOwnLines(blot(await this.host.jobs.output(job), secrets));
    return { how, output, ...(await this.#judge(action, ids, output)) };
  }

  async goesOn(job: string): Promise<boolean> {
    return (await this.host.jobs.peek(job))?.state === "running";
  }

  async isRunning(): Promise<boolean> {
    const argv = posixCommands.installerRunning(this.settings.installDir);
    const { stdout } = await this.host.run(argv, { what: "look for a running update installer", timeoutMs: LOOK_MS });
    const word = ownLine(stdout)?.word;
    if (word === "running" || word === "none") return word === "running";
    if (word === "hidden") {
      throw new ProblemError("permission", {
        where: this.#where,
        found: "none is seen, and this user may not see the processes of others (/proc is mounted with hidepid)",
        why: "A second installer beside one of another user would corrupt the configuration",
        next: "Connect as root (sudo), or as a user of the group that hidepid lets see them (gid= of the mount)",
      });
    }
    throw new ProblemError("malformed", { where: this.#where, found: `no answer: ${stdout.slice(0, 300)}` });
  }

  async #list(more: readonly string[], what: string, limit: { timeoutMs?: number }): Promise<FixList> {
    const { profile, installDir } = this.settings;
    const args = ["-fix", "-installDir", installDir, ...more];
    const argv = posixCommands.updateSilent({ profile, installDir, args });
    const timeoutMs = limit.timeoutMs ?? milliseconds(this.settings.timeout);
    const { stdout, stderr } = await this.host.run(argv, { what, timeoutMs });
    const output = `${stdout}${stderr}`;
    requireStarted(this.host, profile, output);
    const where = `${this.#where}: ${what}`;
    // Of a list with fixes the words say nothing: a fix may be described by those of a refused login.
    if (!namesFixes(withoutOwnLines(output))) requireLogin(where, output);
    return parseFixList(where, withoutOwnLines(output));
  }

  async #change(action: FixAction, ids: readonly string[], more: readonly string[], run: FixRun): Promise<FixOutcome> {
    this.#requireIds(ids);
    const { profile, installDir, administrator } = this.settings;
    const what = `${action} ${ids.join(", ")}`;
    await this.#requireAlone(run.job);
    const args = [
      ...["-fix", "-installDir", installDir, ...more],
      ...[`-${action}`, "-fixes", ...ids],
      ...(run.customizationBackedUp ? ["-featureCustomizationBackedUp", "yes"] : []),
    ];
    const outcome = await runDetached(
      { host: this.host, profile, administrator },
      (folder) => posixCommands.updateSilent({ profile, installDir, args, folder }),
      what,
      { ...run, keep: true },
      (login) => ({ login: this.#loginLines(login) }),
    );
    const output = withoutOwnLines(outcome.output);
    const { result, installed } = await this.#judge(action, ids, output);
    // Until somebody has decided about it, its text is all that tells it from one that was completed.
    if (result !== "unproven") await this.host.jobs.collect(run.job);
    if (result === "failed") requireLogin(`${this.#where}: ${what}`, outcome.output);
    const exitCode = Number(ownLine(outcome.output)?.rest ?? outcome.exitCode);
    const isListed = (id: string) => installed.some((fix) => fix.id === id);
    const requires = result === "done" ? [] : neededIn(output).filter((id) => !ids.includes(id) && !isListed(id));
    return { result, installed, exitCode, output, requires };
  }

  /** By its text and a new list. */
  async #judge(
    action: FixAction,
    ids: readonly string[],
    output: string,
  ): Promise<Pick<FixOutcome, "result" | "installed">> {
    const { fixes } = await this.listInstalled();
    const listed = new Set(fixes.map(({ id }) => id));
    const agrees = ids.every((id) => listed.has(id) === (action === "install"));
    const says = saysSuccess(action, output);
    return { result: says && agrees ? "done" : says || agrees ? "unproven" : "failed", installed: fixes };
  }

  /** Two at once corrupt the master configuration. Our own of that name is attached to. */
  async #requireAlone(job: string): Promise<void> {
    if ((await this.host.jobs.peek(job)) !== undefined || !(await this.isRunning())) return;
    throw new ProblemError("refused", {
      where: this.#where,
      found: "an update installer is running already",
      why: "Two at once, or one that is killed in the middle of an application, corrupt the master configuration",
      next: "Wait until it has ended; never kill it",
    });
  }

  #loginLines({ user, password }: Login): string {
    const blank = [user, password].some((word) => /\s/.test(word));
    if (!blank) return `${user}\n${password}\n`;
    throw new ProblemError("refused", {
      where: this.#where,
      found: "a blank in the administrator's user or password",
      why: "updateSilent takes both as arguments and cannot take one with a blank in it (HCL's documentation of the command)",
      next: "Use an administrator whose user and password have none",
    });
  }

  #requireIds(ids: readonly string[]): void {
    const bad = ids.filter((id) => !FIX_ID.test(id));
    if (ids.length > 0 && bad.length === 0) return;
    throw new ProblemError("invalid-input", {
      where: this.#where,
      found: ids.length === 0 ? "no fix" : `fix ids ${bad.map((id) => JSON.stringify(id)).join(", ")}`,
      allowed: "one or more ids such as LO66666 or CFix.70.2110",
    });
  }

  #path(path: string): string {
    const parsed = wasPathSchema.safeParse(path);
    if (parsed.success) return parsed.data;
    throw new ProblemError("invalid-input", {
      where: this.#where,
      found: `the folder ${JSON.stringify(path)}`,
      allowed: "an absolute path without quotes, $ or control characters",
    });
  }
}

const withoutOwnLines = (output: string): string => output.replace(/^@@ .*\n?/gm, "").trim();
