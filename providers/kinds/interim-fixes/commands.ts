import { milliseconds } from "../../common/duration.js";
import { sha256 } from "../../common/json.js";
import { ProblemError } from "../../common/problem.js";
import type { Host } from "../../targets/host.js";
import { lostInWords } from "../../targets/job-problems.js";
import type { Work } from "./apply.js";
import type { Estate } from "./estate.js";
import { membersOn } from "./servers.js";
import { waitUntil } from "./waiting.js";

/** What every long command of a rollout is called on its host. */
export const jobsOf = (rollout: string): string => `interim-fixes-${rollout}-`;

/** Of the names in a job's name, as long as the rest leaves room for within 100 characters. */
const READABLE = 40;

/**
 * The name of one command of a rollout, the same in every attempt. WebSphere allows names that no folder can have, or longer
 * ones: what people read is shortened, and a hash of the whole tells any two apart.
 *
 * @param names of the node and the server that it is for; none where there is one such command
 */
export function jobOf(rollout: string, work: string, ...names: readonly string[]): string {
  if (names.length === 0) return `${jobsOf(rollout)}${work}`;
  const readable = names
    .join("-")
    .replaceAll(/[^A-Za-z0-9._-]/gu, "_")
    .slice(0, READABLE);
  return `${jobsOf(rollout)}${work}-${readable}-${sha256(JSON.stringify(names)).slice(0, 8)}`;
}

/** Commands of nodes; the update installer and the backups are seen through by steps of their own. */
const OF_NODES = ["start-", "stop-"] as const;

/** Process numbers of the servers and the agent that run on a node. */
async function serversOn(node: string, estate: Estate): Promise<ReadonlySet<number>> {
  const { clusters } = await estate.topology();
  const servers = ["nodeagent", ...membersOn(node, clusters, []).map(({ server }) => server)];
  const signals = await estate.node(node).observe(servers.map((server) => ({ server })));
  return new Set(signals.flatMap(({ pid }) => pid ?? []));
}

/** As `forgetEnded`, of a node: what a start command leaves running in its session is what it started, and not the command. */
const forgetEndedOn = (node: string, estate: Estate, beginning: string, tell: (line: string) => void) =>
  forgetEnded(estate.node(node).host, beginning, tell, () => serversOn(node, estate));

/**
 * Forgets commands whose names begin so and of which nothing runs any more: they have ended, or were lost with their host or their
 * runner. Answers those of which something runs, in words: one whose runner was killed may go on by itself.
 *
 * @param started processes that are no command's, though they may be in its session
 */
export async function forgetEnded(
  { name, jobs }: Host,
  beginning: string,
  tell: (line: string) => void,
  started: () => Promise<ReadonlySet<number>> = async () => new Set(),
): Promise<readonly string[]> {
  const running: string[] = [];
  for (const job of await jobs.list(beginning)) {
    const state = await jobs.peek(job);
    let lost = state?.lost;
    if (lost && lost.left.length > 0) {
      const own = await started();
      lost = { ...lost, left: lost.left.filter((process) => !own.has(process)) };
    }
    if (state?.state === "running") running.push(job);
    else if (lost && lost.left.length > 0) running.push(`${job} (${lostInWords(lost)})`);
    else {
      if (lost) tell(`${name}: the command ${job} ${lostInWords(lost)}`);
      await jobs.collect(job);
    }
  }
  return running;
}

/** At the end of a rollout: also those whose outcome was lost and whose effect was seen all the same. */
export async function forgetAll(
  rollout: string,
  { desired, progress }: Work["context"],
  estate: Estate,
): Promise<void> {
  const tell = (host: Host, jobs: readonly string[]) => {
    for (const job of jobs) progress(`${host.name}: the command ${job} still runs; its log stays among the jobs there`);
  };
  tell(estate.host, await forgetEnded(estate.host, jobsOf(rollout), progress));
  for (const { name } of desired.settings.nodes) {
    tell(estate.node(name).host, await forgetEndedOn(name, estate, jobsOf(rollout), progress));
  }
}

/**
 * Before a rollout goes on in a new process or turns round: commands that were left running on nodes are seen to their end, for
 * a plan made meanwhile takes what they are about to do for not done. All are forgotten, so that no old result is taken for that
 * of a later command of the same name; what they did is there to be seen.
 *
 * @throws ProblemError `unknown-outcome` when there were any: it is to be looked again
 */
export async function settleCommands(
  work: Work,
  nodes: readonly string[] = work.desired.settings.nodes.map(({ name }) => name),
): Promise<void> {
  const { estate, desired, journal, context } = work;
  const { start, stop } = desired.settings.limits;
  const limit = milliseconds(start) > milliseconds(stop) ? start : stop;
  let found = false;
  for (const name of nodes) {
    const { host } = estate.node(name);
    for (const beginning of OF_NODES.map((verb) => `${jobsOf(journal.rollout)}${verb}`)) {
      let running = await host.jobs.list(beginning);
      if (running.length === 0) continue;
      found = true;
      await waitUntil(
        () => `${running.join(", ")} on ${host.name} to end`,
        limit,
        work,
        async () => {
          running = await forgetEndedOn(name, estate, beginning, context.progress);
          return running.length === 0;
        },
      );
    }
  }
  if (!found) return;
  throw new ProblemError("unknown-outcome", {
    where: "rollout",
    found: "commands that it had left running have ended; what they did is looked at now",
  });
}
