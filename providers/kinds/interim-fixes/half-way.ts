import { type Problem, ProblemError } from "../../common/problem.js";
import { jobLost, lostInWords } from "../../targets/job-problems.js";
import { lastLines } from "../../targets/wsadmin/messages.js";
import type { FixAction, LostFixRun } from "../../targets/wsadmin/update-installer.js";
import type { Work } from "./apply.js";
import { jobOf } from "./commands.js";
import { wholeChange } from "./goal.js";
import type { HalfWay, Journal } from "./journal.js";
import { backupFiles } from "./master.js";

/** A run of the update installer, with all fixes that it was begun for. */
export interface Installing {
  readonly action: FixAction;
  readonly ids: readonly string[];
}

/** The same in every attempt, in this direction. */
export const runName = (action: FixAction, { rollout, direction }: Journal): string =>
  jobOf(rollout, `${direction === "forward" ? "" : "back-"}${action}`);

/** All that a rollout runs the update installer for in its direction, in that order. */
export function ownRuns(journal: Journal): readonly Installing[] {
  const { uninstall, install } = wholeChange(journal);
  return [
    { action: "uninstall", ids: uninstall },
    { action: "install", ids: install },
  ];
}

/** An update installer that may have left the master configuration half-way. Only a person goes on from there, or back. */
export class LeftHalfWay extends ProblemError {
  constructor(readonly halfWay: HalfWay) {
    super("refused", halfWay.problem);
  }
}

/** An update installer that is not done within its limit. It goes on, and nobody goes back upon it: the rollout stands still until somebody looks. */
export class StillAtWork extends ProblemError {
  constructor(limit: string) {
    super("refused", {
      where: "update installer",
      found: `it is still at work after ${limit} (limits.installer)`,
      why: "It is never killed: cut off in the middle of an application it corrupts the configuration. No node is given what it does before that is looked at",
      next: `See its logs in version/log of the installation; pulumi up waits for it again, and goes on when it has ended. Raise limits.installer where it takes longer. ${STAY_DOWN}`,
    });
  }
}

/**
 * What a run that was lost with its host comes to. One that says that it is done, and whose list agrees, is; it is forgotten
 * then. A second one never starts before a person has seen to what the first one left.
 *
 * @throws LeftHalfWay | ProblemError `unknown-outcome` while processes of it go on
 */
export async function settleLostRun(action: FixAction, work: Work): Promise<void> {
  const { estate, journal, context } = work;
  const job = runName(action, journal);
  const ids = ownRuns(journal).find((run) => run.action === action)?.ids ?? [];
  const lost = await estate.installer.lost(action, ids, job);
  if (!lost) return;
  if (lost.how.left.length > 0) throw jobLost(estate.host.name, job, `${action} ${ids.join(", ")}`, lost.how);
  if (lost.result !== "done") throw await leftHalfWay({ action, ids }, { ...lost, ended: lostInWords(lost.how) }, work);
  context.progress(
    `the update installer ${lostInWords(lost.how)} by that; it says that it is done, and its list agrees`,
  );
  await estate.host.jobs.collect(job);
}

/** What a run came to, and how it ended in words: "ended with exit code 0". */
type Ended = Pick<LostFixRun, "result" | "installed" | "output"> & { readonly ended: string };

/** The first node's agent has to run, and synchronizes by itself. */
export const STAY_DOWN =
  "A node whose agent runs, the first one as a rule, may have it by its own synchronization all the same: do not start its members";

/** For a person, with what is seen and the ways on. */
export const leftHalfWay = async (step: Installing, ended: Ended, work: Work): Promise<LeftHalfWay> =>
  new LeftHalfWay({ job: runName(step.action, work.journal), problem: await whatIsLeft(step, ended, work) });

async function whatIsLeft({ action, ids }: Installing, lost: Ended, work: Work): Promise<Problem> {
  const { estate, journal } = work;
  const listed = ids.filter((id) => lost.installed.some((each) => each.id === id));
  const agrees = listed.length === (action === "install" ? ids.length : 0);
  const says = lost.result === "unproven" && !agrees;
  const other = Object.entries(await otherArchives(work)).map(([name, { now }]) => `${name} (${sizeIn(now)})`);
  const seen = [
    listed.length > 0 ? `its list has ${listed.join(", ")}` : `its list does not have ${ids.join(", ")}`,
    `its text ${says ? "says" : "does not say"} that it is done`,
    await readable(work),
    other.length > 0
      ? `other than before the rollout: ${other.join(", ")}`
      : "every application's archive is as before",
    `its last words: ${lastLines(lost.output) || "none"}`,
  ];
  return {
    where: `${estate.host.name}: update installer (${action} ${ids.join(", ")})`,
    found: `it ${lost.ended}; ${seen.join("; ")}`,
    why: `The master configuration may be written half-way, so no node is given it and no second one is started. ${STAY_DOWN}`,
    next: waysOn(work, journal),
  };
}

/** What a person can do, with the paths of this rollout. */
function waysOn({ estate, desired }: Work, { rollout, direction }: Journal): string {
  const { profile } = desired.settings.deploymentManager;
  const { configuration, folders } = backupFiles(estate.host, desired.settings, rollout);
  const restore = [
    "Stop the deployment manager",
    `as the owner of its profile run ${profile}/bin/restoreConfig.sh ${configuration} -nostop`,
    `and unpack the folders (tar -xzf ${folders} -C /)`,
    "start it",
  ].join(", ");
  const back = direction === "forward" ? " (or npm run rollout -- roll-back)" : "";
  return `${restore}; then npm run rollout -- resume${back} and pulumi up. Without restoring: only if the logs in version/log of the installation say that every application was finished`;
}

async function readable({ estate }: Work): Promise<string> {
  try {
    const { applications } = await estate.topology();
    return `the master configuration can be read (${applications.length} applications)`;
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return `the master configuration cannot be read (${error.message})`;
  }
}

/** Applications whose archive is not what it was when the rollout began. */
async function otherArchives({ estate, journal: { found } }: Work) {
  const now = await estate.fingerprints(Object.keys(found.applications));
  const other = Object.entries(now).filter(([name, print]) => print !== found.applications[name]);
  return Object.fromEntries(
    other.map(([name, print]) => [name, { now: print, before: found.applications[name] ?? "" }]),
  );
}

/** Its size: one that was restored has another time. */
const sizeIn = (fingerprint: string): string => fingerprint.split(" of ")[0] ?? "";

/**
 * A person was told what an installer left, and asks to go on or back. What can be seen has to bear that out: either the list
 * has what the installer was for, or every archive is as large as it was found, by a configuration that can be read. Then the run
 * is forgotten, and what is restored is what was found.
 *
 * @throws LeftHalfWay where it does not
 */
export async function takeWord(work: Work): Promise<Partial<Journal>> {
  const { estate, journal, context } = work;
  const { halfWay } = journal;
  if (!halfWay) return {};
  const applications = { ...journal.found.applications };
  if (journal.direction === "forward" && !(await isListedAsMeant(work))) {
    // Asked of the deployment manager: one that cannot read its configuration is not gone on with.
    await estate.topology();
    const others = Object.entries(await otherArchives(work));
    const torn = others.filter(([, { now, before }]) => sizeIn(now) !== sizeIn(before));
    if (torn.length > 0) {
      const found = torn
        .map(([name, { now, before }]) => `${name} has ${sizeIn(now)}, and had ${sizeIn(before)}`)
        .join("; ");
      throw new LeftHalfWay({
        ...halfWay,
        problem: { ...halfWay.problem, found: `asked to go on, yet nothing was restored: ${found}` },
      });
    }
    for (const [name, { now }] of others) applications[name] = now;
    context.progress(
      "every application's archive is as large as it was found: what the update installer left is put right",
    );
  } else context.progress("what the update installer left counts as seen to, as was asked for");
  await estate.host.jobs.collect(halfWay.job);
  return { halfWay: null, found: { ...journal.found, applications } };
}

async function isListedAsMeant({ estate, journal }: Work): Promise<boolean> {
  const { fixes } = await estate.installer.listInstalled();
  const has = (id: string) => fixes.some((fix) => fix.id === id);
  return ownRuns(journal).every(({ action, ids }) => ids.every((id) => has(id) === (action === "install")));
}
