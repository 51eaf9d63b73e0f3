import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import type { CellObservation } from "../../targets/wsadmin/cell.js";
import { lastLines } from "../../targets/wsadmin/messages.js";
import type { CommandOutcome, Run } from "../../targets/wsadmin/node-commands.js";
import type { Work } from "./apply.js";
import { jobOf } from "./commands.js";
import { mappedTo, proofOfExpansion } from "./expansion.js";
import { isBefore, type Journal, type Progress } from "./journal.js";
import { allStarted, type LiveNode, type Running } from "./live.js";
import { observeNode } from "./observe.js";
import { requireAnswers } from "./probing.js";
import { provePast } from "./routing-steps.js";
import { membersOn } from "./servers.js";
import type { Users } from "./steps.js";
import { tempFolders } from "./temp-folders.js";
import { waitUntil } from "./waiting.js";

/** A node as its own machine and the deployment manager see it now. */
async function look(node: string, { estate, desired }: Work): Promise<LiveNode> {
  return observeNode(node, estate, await estate.cell.observe(), desired.settings.untouched);
}

const runOf = (verb: string, names: readonly string[], limit: string, { journal, watch }: Work): Run => ({
  job: jobOf(journal.rollout, verb, ...names),
  timeoutMs: milliseconds(limit),
  whileRunning: watch,
});

interface Bringing {
  readonly node: string;
  readonly work: Work;
  readonly what: string;
  readonly limit: string;
  readonly reached: (node: LiveNode) => boolean;
  /** Runs the commands for what a look finds due. */
  readonly command: (seen: LiveNode) => Promise<readonly CommandOutcome[]>;
}

/**
 * A command's exit code is a claim; the state is waited for. One that is found under its name was begun by an attempt whose
 * outcome was lost. That may have been settled by a look long ago, so another look follows, and what is due then gets its own.
 */
async function bring(first: LiveNode, { node, work, what, limit, reached, command }: Bringing): Promise<void> {
  for (let seen = first; !reached(seen); seen = await look(node, work)) {
    const outcomes = await command(seen);
    if (outcomes.some(({ attached }) => attached)) continue;
    const isReached = async () => {
      seen = await look(node, work);
      return reached(seen);
    };
    await waitUntil(what, limit, work, isReached, () => (seen.problems.length > 0 ? "timeout" : "not-converged"));
    return;
  }
}

export async function stopAgent(node: string, work: Work): Promise<Partial<Journal>> {
  const limit = work.desired.settings.limits.stop;
  const commands = work.estate.node(node);
  const run = runOf("stop-agent", [node], limit, work);
  const before = await look(node, work);
  if (before.agent === "stopped") return {};
  await bring(before, {
    ...{ node, work, limit, what: `the node agent of ${node} to stop` },
    reached: ({ agent }) => agent === "stopped",
    command: async () => [await commands.stopAgent(run)],
  });
  requireMembersAsBefore(before, await look(node, work));
  return {};
}

/** A service, or a script of somebody's, may end more than the agent. Then no other node's agent is touched. */
function requireMembersAsBefore({ name, members }: LiveNode, now: LiveNode): void {
  const gone = members.filter(
    ({ server, state }) =>
      state === "running" && now.members.find((each) => each.server === server)?.state === "stopped",
  );
  if (gone.length === 0) return;
  throw new ProblemError("command-failed", {
    where: name,
    found: `${gone.map(({ server }) => server).join(", ")} stopped together with the node agent`,
    why: "The same on the next node would leave users without any",
    next: "Start them; see what stops them with the agent (KillMode of its service); then run up again",
  });
}

export async function startAgent(node: string, work: Work): Promise<Partial<Journal>> {
  const limit = work.desired.settings.limits.start;
  const commands = work.estate.node(node);
  const service = work.journal.found.agentServices[node];
  const run = runOf("start-agent", [node], limit, work);
  await bring(await look(node, work), {
    ...{ node, work, limit, what: `the node agent of ${node} to run` },
    reached: ({ agent }) => agent === "running",
    command: async () => [await commands.startAgent(run, service)],
  });
  return {};
}

/** The flag alone, and the deployment manager's word, come before the agent has expanded the applications. */
export async function synchronize(node: string, work: Work): Promise<Partial<Journal>> {
  const { estate, desired, journal } = work;
  const { limits } = desired.settings;
  const timeoutMs = milliseconds(limits.synchronize);
  const since = estate.now();
  await waitUntil(
    `${node} to be synchronized`,
    limits.synchronize,
    work,
    async () => (await estate.cell.fullSync(node, { timeoutMs })).synchronized === true,
  );
  const due = journal.changed.length > 0 ? mappedTo(node, journal.changed, await estate.topology()) : [];
  if (due.length > 0) {
    const ask = proofOfExpansion(node, due, { since, work });
    let missing: readonly string[] = due;
    const what = () => `applications to be distributed to ${node} and expanded there (${missing.join("; ")})`;
    await waitUntil(what, limits.synchronize, work, async () => {
      missing = await ask();
      return missing.length === 0;
    });
  }
  return progressed(node, "fresh", journal);
}

const progressed = (node: string, to: Progress, { nodes }: Journal): Partial<Journal> =>
  isBefore(nodes[node] ?? "behind", to) ? { nodes: { ...nodes, [node]: to } } : {};

/** Members of a node that belong to clusters. */
async function membersOf(node: string, { estate, desired }: Work) {
  return membersOn(node, (await estate.topology()).clusters, desired.settings.untouched);
}

/** Each member only when its users have somewhere else to go, seen right before: what was so at the last one may be over. */
export async function stopMembers(node: string, users: Users, work: Work): Promise<Partial<Journal>> {
  const cell = await work.estate.cell.observe();
  const seen = await observeNode(node, work.estate, cell, work.desired.settings.untouched);
  let own: Partial<Journal> = {};
  await each(seen, work, "stop", "stopped", work.desired.settings.limits.stop, async (server, run) => {
    if (users === "elsewhere") own = await provePast(node, { ...work, journal: { ...work.journal, ...own } });
    if (users === "everywhere") await probeOthers(node, work);
    if (users !== "nowhere") await requireOthersServing(node, cell, work);
    return work.estate.node(node).stopServer(server, run);
  });
  return users === "nowhere" ? { ...own, outage: node } : own;
}

const othersThan = (node: string, { desired }: Work): string[] =>
  desired.settings.nodes.map(({ name }) => name).filter((name) => name !== node);

/** Where users are on all nodes, their answers do not tell who is able to take over: each member itself does. */
async function probeOthers(node: string, work: Work): Promise<void> {
  for (const other of othersThan(node, work)) {
    for (const { server, cluster } of await membersOf(other, work)) {
      await requireAnswers({ node: other, server, cluster }, "answer", work);
    }
  }
}

/** By their processes and ports now; the deployment manager, whose answer takes a JVM, was asked when the step began. */
async function requireOthersServing(node: string, cell: CellObservation, work: Work): Promise<void> {
  for (const name of othersThan(node, work)) {
    const other = await observeNode(name, work.estate, cell, work.desired.settings.untouched);
    if (allStarted(other)) continue;
    throw new ProblemError("refused", {
      where: name,
      found: `not every member runs, while ${node} is to be stopped`,
      why: "All but one node have to serve users at every moment",
      next: "Start its members and see that they answer, then run up again",
    });
  }
}

export async function startMembers(node: string, work: Work): Promise<Partial<Journal>> {
  await each(await look(node, work), work, "start", "running", work.desired.settings.limits.start, (server, run) =>
    work.estate.node(node).startServer(server, run),
  );
  return {};
}

/**
 * By the node's own scripts: they work with and without its agent. One server after the other; the cell, whose every answer
 * takes a JVM, is asked when all commands have ended.
 */
async function each(
  first: LiveNode,
  work: Work,
  verb: "start" | "stop",
  wanted: Running,
  limit: string,
  command: (server: string, run: Run) => Promise<CommandOutcome>,
): Promise<void> {
  const node = first.name;
  const dueOf = ({ members }: LiveNode) => members.filter(({ state }) => state !== wanted).map(({ server }) => server);
  const ended = new Map<string, CommandOutcome>();
  await bring(first, {
    ...{ node, work, limit, what: `${dueOf(first).join(", ")} of ${node} to be ${wanted}` },
    reached(seen) {
      if (verb === "start") requireNoneFailed(seen, ended);
      return dueOf(seen).length === 0;
    },
    async command(seen) {
      const outcomes: CommandOutcome[] = [];
      for (const server of dueOf(seen)) {
        await work.watch();
        work.context.progress(`${verb} ${server} of ${node}`);
        const outcome = await command(server, runOf(verb, [node, server], limit, work));
        outcomes.push(outcome);
        if (!outcome.attached) ended.set(server, outcome);
      }
      return outcomes;
    },
  });
}

/** A command that says it failed is believed where the server is down: it does not come by itself any more. */
function requireNoneFailed({ name, members }: LiveNode, ended: ReadonlyMap<string, CommandOutcome>): void {
  const failed = members.flatMap(({ server, state }) => {
    const outcome = state === "stopped" ? ended.get(server) : undefined;
    return outcome && outcome.exitCode !== 0 ? [{ server, outcome }] : [];
  });
  if (failed.length === 0) return;
  throw new ProblemError(
    "command-failed",
    failed.map(({ server, outcome }) => ({
      where: `${name}: start ${server}`,
      found: `it did not come up: exit code ${outcome.exitCode}, ${outcome.codes.join(", ") || lastLines(outcome.output)}`,
      next: `See SystemOut.log of ${server}`,
    })),
  );
}

export async function clearTemp(node: string, work: Work): Promise<Partial<Journal>> {
  // A synchronization that was to come before, and did not come about.
  if (isBefore(work.journal.nodes[node] ?? "behind", "fresh")) return {};
  const { profile } = work.desired.settings.nodes.find(({ name }) => name === node) ?? { profile: "" };
  const roots = tempFolders({ node, profile }, await work.estate.topology(), await membersOf(node, work));
  for (const [tempRoot, servers] of roots) {
    const folders = await work.estate.node(node).clearTemp(servers, { tempRoot });
    for (const { folder, files } of folders) work.context.progress(`${folder}: ${files} files removed`);
  }
  return progressed(node, "cleared", work.journal);
}

export async function probeMembers(node: string, work: Work): Promise<Partial<Journal>> {
  for (const { server, cluster } of await membersOf(node, work)) {
    await requireAnswers({ node, server, cluster }, "start", work);
    work.context.progress(`${server} of ${node} answers`);
  }
  // One that was brought back as it was proves nothing about a fix.
  return work.journal.nodes[node] === "cleared" ? progressed(node, "proven", work.journal) : {};
}
