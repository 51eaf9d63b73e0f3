import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import type { Host } from "../../targets/host.js";
import { lostInWords } from "../../targets/job-problems.js";
import { fileName } from "../../targets/plugin/copies.js";
import { lastLines } from "../../targets/wsadmin/messages.js";
import { makeOwnedFolder } from "../../targets/wsadmin/ownership.js";
import { posixCommands } from "../../targets/wsadmin/posix-commands.js";
import { forgetLost } from "../../targets/wsadmin/profile-commands.js";
import { requireStarted } from "../../targets/wsadmin/program-problems.js";
import { jobOf } from "./commands.js";
import type { FixesDesired } from "./goal.js";

/** `value="…"` of the one versionStamp element, whatever its prefix. */
const VERSION_STAMP = /(<(?:[A-Za-z_][\w.-]*:)?versionStamp\s[^>]*?\bvalue=")([^"]*)(")/g;

const MOVE_MS = 60_000;

/**
 * Exit code of GNU tar: some files were written, or went away, while it read them, as happens in folders of a live installation.
 * 2 = something could not be saved.
 */
const CHANGED_WHILE_READ = 1;

type Reached = Pick<FixesDesired, "identity" | "settings">;

/** An application's archive in the master configuration, or in what a node has of it. */
export const archiveOf = (
  { identity, settings }: Reached,
  application: string,
  { profile }: { readonly profile: string } = settings.deploymentManager,
): string => `${profile}/config/cells/${identity.cell}/applications/${application}.ear/${application}.ear`;

/** Of what cannot be told whether the installer changed it. */
export const NO_ARCHIVE = "no archive";

/** Size and time of each application's archive: the installer writes a new one for what it changes. */
export async function fingerprints(
  host: Host,
  { identity, settings }: Reached,
  applications: readonly string[],
): Promise<Record<string, string>> {
  const seen = await Promise.all(
    applications.map(async (name) => {
      const stat = await host.files.stat(archiveOf({ identity, settings }, name));
      return [name, stat ? `${stat.size} bytes of ${stat.modifiedMs}` : NO_ARCHIVE] as const;
    }),
  );
  return Object.fromEntries(seen);
}

/** Where a rollout's backups are. */
export function backupFiles(host: Host, { backupDir }: Pick<Reached["settings"], "backupDir">, rollout: string) {
  const folder = `${backupDir ?? `${host.connection.stateDirectory}/backups`}/${rollout}`;
  return { folder, configuration: `${folder}/config.zip`, folders: `${folder}/folders.tar.gz` };
}

/**
 * The deployment manager's configuration with its own backupConfig, which leaves it running; then the folders that the
 * installer changes; both as the owner of the profile, who is the installer's user too. Only with both is the installer told
 * that customizations are backed up.
 */
export async function backUpMaster(
  host: Host,
  { identity, settings }: Reached,
  rollout: string,
  progress: (line: string) => void,
): Promise<void> {
  const { profile } = settings.deploymentManager;
  const { folder, configuration, folders } = backupFiles(host, settings, rollout);
  await makeOwnedFolder(host, profile, folder);
  const paths = [`${identity.installDir}/version`, ...settings.backUp].map((path) => path.replace(/^\//, ""));
  await save("configuration", configuration, (part) => [`${profile}/bin/backupConfig.sh`, part, "-nostop"]);
  await save("folders", folders, (part) => ["tar", "-czf", part, "-C", "/", "--", ...paths], CHANGED_WHILE_READ);

  /** Under its own name only when it is whole: what a full disk or a restart of the machine cut off is none. */
  async function save(
    what: string,
    file: string,
    argv: (part: string) => readonly string[],
    warning?: number,
  ): Promise<void> {
    const job = jobOf(rollout, `backup-${what}`);
    const sizeOf = async (path: string) => (await host.files.stat(path))?.size ?? 0;
    if ((await sizeOf(file)) === 0) {
      const part = `${folder}/part-${fileName(file)}`;
      const lost = (await host.jobs.peek(job))?.lost;
      if (lost && (await forgetLost(host, job))) progress(`the backup of the ${what} ${lostInWords(lost)}: made anew`);
      if ((await host.jobs.peek(job)) === undefined) await host.files.remove(part, { expected: "any" });
      const { exitCode, output } = await host.jobs.run(job, posixCommands.asProfileOwner(profile, argv(part)), {
        what: `back up the ${what}`,
        timeoutMs: milliseconds(settings.limits.backup),
      });
      requireStarted(host, profile, output);
      const size = await sizeOf(part);
      const isWhole = exitCode === 0 || exitCode === warning;
      if (!isWhole || size === 0) {
        await host.jobs.collect(job);
        throw new ProblemError("command-failed", {
          where: `${host.name}:${file}`,
          found: `the backup of the ${what} ended with exit code ${exitCode} and ${size} bytes: ${output.trim().split("\n").slice(-3).join(" | ")}`,
          why: "The installer changes what only a backup could bring back",
        });
      }
      if (exitCode !== 0)
        progress(
          `files changed while the ${what} were backed up, and are saved as they were read: ${lastLines(output)}`,
        );
      const move = posixCommands.asProfileOwner(profile, ["mv", "-f", "--", part, file]);
      await host.run(move, { what: `keep the backup of the ${what}`, timeoutMs: MOVE_MS });
    }
    const size = await sizeOf(file);
    if (size === 0) {
      throw new ProblemError("command-failed", {
        where: `${host.name}:${file}`,
        found: "the backup could not be kept",
      });
    }
    await host.jobs.collect(job);
    progress(`${file}: ${size} bytes`);
  }
}

/** By the time in UTC, as the product writes it; every other byte stays. Nothing is done without the setting. */
export async function stampVersion(host: Host, path: string | undefined, now: Date): Promise<void> {
  if (path === undefined) return;
  const content = await host.files.read(path);
  const where = `${host.name}:${path}`;
  const text = content?.bytes.toString("latin1") ?? "";
  const found = [...text.matchAll(VERSION_STAMP)];
  if (!content || found.length !== 1) {
    throw new ProblemError("malformed", {
      where,
      found: content ? `${found.length} versionStamp elements` : "no such file",
      allowed: "LotusConnections-config.xml with one versionStamp",
      next: "Correct versionStamp, or leave it out",
    });
  }
  const stamp = now
    .toISOString()
    .replace(/[-:]|\..*/g, "")
    .replace("T", ".");
  const bytes = Buffer.from(text.replace(VERSION_STAMP, `$1${stamp}$3`), "latin1");
  await host.files.write(path, bytes, { expected: content.sha256 });
}
