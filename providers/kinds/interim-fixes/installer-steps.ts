import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import type { CellApplication, CellCluster } from "../../targets/wsadmin/cell.js";
import { SAYS_NOTHING, type Work } from "./apply.js";
import { isAccountedFor } from "./cell-web-servers.js";
import { forgetEnded } from "./commands.js";
import { changeOf, changeText, isNothing } from "./goal.js";
import {
  type Installing,
  LeftHalfWay,
  leftHalfWay,
  ownRuns,
  runName,
  STAY_DOWN,
  StillAtWork,
  settleLostRun,
} from "./half-way.js";
import type { Journal } from "./journal.js";
import { NO_ARCHIVE } from "./master.js";
import type { FileChange } from "./shared-files.js";
import { waitUntil } from "./waiting.js";

/** Changed files that the progress lists one by one. */
const LISTED_CHANGES = 50;

/**
 * Runs the update installer for what is still due at that moment: the plan may have been made long before, and what
 * somebody did meanwhile is not done a second time on a cell that serves.
 */
export async function runInstaller(step: Installing, work: Work): Promise<Partial<Journal>> {
  const { installer } = work.estate;
  if (await installer.goesOn(runName(step.action, work.journal))) return seeThrough(step, work);
  await settleLostRun(step.action, work);
  const listed = await listedIds(work);
  const ids = step.ids.filter((id) => listed.includes(id) !== (step.action === "install"));
  if (ids.length > 0) return seeThrough({ ...step, ids }, work);
  work.context.progress(`nothing is left to ${step.action}: ${step.ids.join(", ")}`);
  return { routed: null };
}

const listedIds = async ({ estate }: Work): Promise<readonly string[]> =>
  (await estate.installer.listInstalled()).fixes.map(({ id }) => id);

/**
 * Runs the update installer, or attaches to the run of this rollout. Installed = its text says so and its list agrees; of
 * an uninstallation, whose text no documentation gives, the list alone decides. What it said is forgotten once that is judged.
 *
 * @throws LeftHalfWay where text and list differ
 */
async function seeThrough({ action, ids }: Installing, work: Work): Promise<Partial<Journal>> {
  const { estate, desired, journal, context, watch } = work;
  const job = runName(action, journal);
  const run = {
    job,
    timeoutMs: await patience(job, work),
    onOutput: context.progress,
    whileRunning: watch,
    customizationBackedUp: journal.backedUp && desired.settings.backUp.length > 0,
  };
  const begun =
    action === "install"
      ? estate.installer.install(ids, desired.settings.fixDir, run)
      : estate.installer.uninstall(ids, run);
  const outcome = await begun.catch(async (error: unknown) => {
    const isLate = error instanceof ProblemError && error.cause === "timeout" && (await estate.installer.goesOn(job));
    throw isLate ? new StillAtWork(desired.settings.limits.installer) : error;
  });
  const listed = await listedIds(work);
  const wrong = ids.filter((id) => listed.includes(id) !== (action === "install"));
  const forget = () => estate.host.jobs.collect(job);
  if (wrong.length > 0 && outcome.requires.length > 0) {
    await forget();
    throw needsOthers(ids, outcome.requires);
  }
  if (outcome.result === "failed" && wrong.length > 0) {
    await forget();
    throw new ProblemError("command-failed", {
      where: "update installer",
      found: `it failed; ${wrong.join(", ")} ${action === "install" ? "is not listed as installed" : "is still listed as installed"}: ${tail(outcome.output)}`,
      why: `What it left in the master configuration is not known, so no node is given it. ${STAY_DOWN}`,
      next: "Look at its logs in version/log of the installation",
    });
  }
  const isProved = wrong.length === 0 && (outcome.result === "done" || action === "uninstall");
  if (!isProved) {
    const ended = `ended with exit code ${outcome.exitCode}`;
    throw await leftHalfWay({ action, ids }, { ...outcome, result: "unproven", ended }, work);
  }
  await forget();
  return { routed: null };
}

/** Milliseconds that are left of its limit: since it began, or since this process took the rollout up, whichever was later. */
async function patience(job: string, { estate, desired, journal }: Work): Promise<number> {
  const limit = milliseconds(desired.settings.limits.installer);
  const begun = await estate.host.jobs.peek(job);
  if (begun?.state !== "running") return limit;
  const since = Math.max(Date.parse(begun.startedAt), Date.parse(journal.takenUpAt ?? journal.startedAt));
  return Math.min(limit, Math.max(0, since + limit - estate.now()));
}

/** The installer's own word for what the fix's notes would have said. */
const needsOthers = (ids: readonly string[], requires: readonly string[]): ProblemError =>
  new ProblemError("refused", {
    where: "update installer",
    found: `it did not install ${ids.join(", ")}: ${requires.join(", ")} is needed first`,
    next: `Go back: npm run rollout -- roll-back, then pulumi up. Then declare ${requires.join(", ")} among fixes, or install it before`,
  });

const tail = (output: string): string => output.trim().split("\n").slice(-5).join(" | ") || "no output";

/** This rollout's own is attached to and judged; any other is waited for. Whatever it comes to is looked at anew after it. */
export async function awaitInstaller(work: Work): Promise<Partial<Journal>> {
  const { estate } = work;
  const { limits } = work.desired.settings;
  for (const step of ownRuns(work.journal)) {
    if (await estate.installer.goesOn(runName(step.action, work.journal))) await seeThrough(step, work);
  }
  const began = estate.now();
  await waitUntil("the update installer to end", limits.installer, work, async () => {
    if (!(await estate.installer.isRunning())) return true;
    if (estate.now() - began > milliseconds(limits.installer)) throw new StillAtWork(limits.installer);
    return false;
  });
  throw new ProblemError("unknown-outcome", {
    where: "update installer",
    found: "it has ended; what it did is looked at now",
  });
}

/** A rollout ends with the fixes that it was to bring about, or with those that it found; by the installer's own list. */
export async function requireFixesAsMeant(work: Work): Promise<void> {
  const { desired, journal } = work;
  if (!journal.touched) return;
  const change = changeOf(desired, await listedIds(work), journal);
  if (isNothing(change)) return;
  throw new ProblemError("unknown-outcome", {
    where: "update installer",
    found: `the installed fixes were changed meanwhile; again due: ${changeText(change)}`,
  });
}

/** One that ended while nobody attended, or was lost, is judged by what it said, too. Then its name is free: its work may be undone by somebody. */
async function judgeUnattended(work: Work): Promise<void> {
  const { host } = work.estate;
  for (const step of ownRuns(work.journal)) {
    const job = runName(step.action, work.journal);
    if ((await host.jobs.peek(job))?.state === "ended") await seeThrough(step, work);
    await settleLostRun(step.action, work);
    await forgetEnded(host, job, work.context.progress);
  }
}

/**
 * Before a rollout turns round: one that ended while nobody attended, or was lost, and of which a person has to decide, is not
 * gone back upon by itself. What plainly failed is.
 */
export async function judgeBeforeTurning(work: Work): Promise<void> {
  for (const step of ownRuns(work.journal)) {
    await settleLostRun(step.action, work);
    if ((await work.estate.host.jobs.peek(runName(step.action, work.journal)))?.state !== "ended") continue;
    await seeThrough(step, work).catch((error: unknown) => {
      const saysFailed = error instanceof ProblemError && !SAYS_NOTHING.includes(error.cause);
      if (error instanceof LeftHalfWay || !saysFailed) throw error;
    });
  }
}

/** Which applications are other than before, where they run, and what no synchronization carries. */
export async function acceptChanges(work: Work): Promise<Partial<Journal>> {
  const { estate, desired, journal, context } = work;
  await judgeUnattended(work);
  const { settings } = desired;
  const rolling = settings.strategy === "rolling";
  const { applications, clusters } = await estate.topology();
  const now = await estate.fingerprints(applications.map(({ name }) => name));
  // One that was not to be seen is never "as before".
  const changed = Object.keys(now).filter(
    (name) => now[name] === NO_ARCHIVE || now[name] !== journal.found.applications[name],
  );
  context.progress(changed.length > 0 ? `changed: ${changed.join(", ")}` : "no application was changed");
  // Nothing runs in a cluster without a member, so nothing restarts there.
  const empty = clusters.filter(({ members }) => members.length === 0).map(({ name }) => name);
  const astray = applications
    .filter(({ name }) => changed.includes(name))
    .flatMap(({ name, clusters, servers }) => [
      ...clusters
        .filter((cluster) => settings.untouched.includes(cluster) && !empty.includes(cluster))
        .map((cluster) => `${name} on ${cluster}`),
      ...servers
        .filter((server) => !isAccountedFor(server, settings))
        .map(({ node, server }) => `${name} on ${server} of ${node}`),
    ]);
  const shared = await estate.sharedChanges(journal.found.shared);
  for (const { path, change } of shared.slice(0, LISTED_CHANGES))
    context.progress(`${change} for all nodes at once: ${path}`);
  if (shared.length > LISTED_CHANGES) context.progress(`and ${shared.length - LISTED_CHANGES} more files`);
  // Going back ends with what the fix's own removal leaves there: refusing it would leave the rollout half-way for ever.
  const forward = journal.direction === "forward";
  if (astray.length > 0 && !forward)
    context.progress(`restarted by the synchronizations of the way back, under its users' feet: ${astray.join("; ")}`);
  const problems = [
    ...(astray.length > 0 && forward
      ? [
          {
            where: "update installer",
            found: `it changed what runs on servers that were not drained: ${astray.join("; ")}`,
            why: "The next synchronization would restart it under users' feet",
            next: wayOn(
              work,
              applications.filter(({ name }) => changed.includes(name)),
              clusters,
            ),
          },
        ]
      : []),
    ...(shared.length > 0 && !settings.acceptSharedChange && rolling && forward
      ? [
          {
            where: "update installer",
            found: `it changed what all nodes share: ${inWords(shared)}`,
            why: "Nodes with the old level meet it while they serve",
            next: "Set acceptSharedChange: true if the fix's notes allow it, or go back: npm run rollout -- roll-back",
          },
        ]
      : []),
  ];
  if (problems.length > 0) throw new ProblemError("refused", problems);
  return { accepted: true, changed };
}

/** What runs on one node alone has nobody to serve it meanwhile. */
function wayOn(
  { desired: { settings }, journal: { foundations } }: Work,
  changed: readonly CellApplication[],
  cellClusters: readonly CellCluster[],
): string {
  const names = settings.untouched.filter((name) => changed.some(({ clusters }) => clusters.includes(name)));
  const nodesOf = (cluster: string) =>
    new Set(
      cellClusters.filter(({ name }) => name === cluster).flatMap(({ members }) => members.map(({ node }) => node)),
    );
  const back = "npm run rollout -- roll-back";
  const stuck = names.filter((name) => nodesOf(name).size < 2 || foundations.alone?.includes(name));
  if (names.length > 0 && (settings.strategy === "offline" || stuck.length === 0))
    return `Remove ${names.join(", ")} from untouched, or go back: ${back}`;
  if (stuck.length === 0) return `Go back: ${back}`;
  const probes = stuck.map((name) => `memberProbes.${name}`).join(", ");
  return `Go back: ${back}, then pulumi up. Then strategy: offline, with ${probes} declared and nothing of it under untouched`;
}

/** In a message; the progress lists more of them. */
const NAMED_CHANGES = 5;

function inWords(changes: readonly FileChange[]): string {
  const named = changes.slice(0, NAMED_CHANGES).map(({ path, change }) => `${path} (${change})`);
  const more = changes.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
