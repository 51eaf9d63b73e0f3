import { ProblemError } from "../../common/problem.js";
import { SeenOtherwise } from "../../lifecycle/seen-otherwise.js";
import type { PluginChange } from "../../targets/wsadmin/cell.js";
import { SAYS_NOTHING, type Work } from "./apply.js";
import { pluginSettingsOf } from "./cell-web-servers.js";
import type { Journal } from "./journal.js";
import { lagText } from "./levels.js";
import { type CellServers, type Lists, memberName } from "./live.js";
import { observeMembers } from "./observe.js";
import { requireOwnFiles } from "./plugin-files.js";
import { requireAnswers } from "./probing.js";
import { hasLists, isReliedOn, isRolled, listsAsFound, routeKey, strangeClusters } from "./routes.js";
import { serversInCell } from "./servers.js";
import type { RolloutStep, Ways } from "./steps.js";
import type { Way } from "./switching.js";
import { type FilesSeen, filesProved, judgedNodes } from "./touched.js";

/** Every web server answers for every cluster, and every member on its own port; `restarted`: members were down before. */
async function proveEverything(work: Work, { restarted = false } = {}): Promise<void> {
  const { estate, desired, context, journal } = work;
  for (const { name } of desired.settings.webServers) {
    await estate
      .webServer(name)
      .prove(
        { level: "answering", clusters: Object.keys(journal.found.routing[name] ?? {}) },
        { settle: false, restarted, progress: context.progress },
      );
  }
  const { clusters } = await estate.topology();
  const declared = desired.settings.nodes.map(({ name }) => name);
  for (const { name: cluster, members } of clusters) {
    if (desired.settings.untouched.includes(cluster)) continue;
    for (const { node, server } of members.filter((member) => declared.includes(member.node))) {
      await requireAnswers({ node, server, cluster }, restarted ? "start" : "answer", work);
    }
  }
}

/**
 * Nothing is changed where users get no answers already: nobody could tell then what the rollout did. Offline they get none anyway, and a
 * cell that is down, or that the fix is to mend, is as good a beginning as any.
 */
export async function checkFirst(work: Work): Promise<void> {
  try {
    await proveEverything(work);
  } catch (error) {
    const isOffline = work.journal.foundations.strategy === "offline";
    if (!isOffline || !(error instanceof ProblemError) || error.cause === "interrupted") throw error;
    work.context.progress(`users did not get every answer before, which decides nothing offline: ${error.message}`);
  }
}

/**
 * All web servers first get their lists, then each is proved. Where that fails, all of them get back what was last proved,
 * or was found, whichever run changed them: users are better off where they were.
 */
export async function route(
  { target, lists: wanted, ways, onlyProves }: Extract<RolloutStep, { do: "route" }>,
  work: Work,
): Promise<Partial<Journal>> {
  const { estate, journal } = work;
  const key = routeKey(target, wanted);
  const wayOf = wayIn(ways);
  // A copy is made of a file that may be another one by now: nothing is written before that is known.
  const own = await requireOwnFiles(work);
  try {
    for (const [name, lists] of Object.entries(wanted)) {
      const webServer = estate.webServer(name);
      const now = await webServer.look();
      if (now.problems.length > 0) throw new ProblemError("malformed", now.problems);
      if (!hasLists(now.lists, lists) && isReliedOn(journal, target, key)) {
        throw sentElsewhere(`${name}: ${now.path}`);
      }
      // What it takes to route users stands in a step with its impact.
      if (onlyProves && !(await webServer.isRouted(lists, wayOf(name)))) throw toRoute(name, { ...journal, ...own });
      await webServer.route(lists, wayOf(name));
    }
    for (const [name, lists] of Object.entries(wanted)) await proveRouted(name, lists, wayOf(name), work);
  } catch (error) {
    if (error instanceof ProblemError && !SAYS_NOTHING.includes(error.cause)) await routeBack(ways, work);
    throw error;
  }
  if ("asFound" in target) for (const name of Object.keys(wanted)) await estate.webServer(name).removeCopies();
  return { routed: key, proved: { lists: wanted, ways }, toRoute: false, ...own };
}

/** Members are stopped only after a proof that users are elsewhere, so where they were proved to be last is still served. */
async function routeBack(ways: Ways, { estate, desired, journal, context }: Work): Promise<void> {
  const { proved, found } = journal;
  for (const { name } of desired.settings.webServers) {
    const before = (proved?.lists ?? found.routing)[name];
    if (!before) continue;
    const lists = listsAsFound(desired, context.live, name, before);
    const way = wayIn(ways)(name);
    const foundWay: Way = way.by === "directive" ? { ...way, follow: way.found.path } : way;
    try {
      await estate.webServer(name).route(lists, proved ? wayIn(proved.ways)(name) : foundWay);
      context.progress(`${name}: users are sent where they were before`);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      context.progress(`${name}: users could not be sent where they were before: ${error.message}`);
    }
  }
}

/**
 * The same users on the same nodes, shown once more and nothing changed: what somebody did to a web server meanwhile is looked at
 * anew, so that what it takes to route users stands in a step of its own, with its impact.
 */
export async function proveRoute(
  { target, lists: wanted, ways }: Extract<RolloutStep, { do: "prove route" }>,
  work: Work,
): Promise<Partial<Journal>> {
  const wayOf = wayIn(ways);
  const own = await requireOwnFiles(work);
  for (const [name, lists] of Object.entries(wanted)) {
    if (!(await work.estate.webServer(name).isRouted(lists, wayOf(name))))
      throw toRoute(name, { ...work.journal, ...own });
  }
  for (const [name, lists] of Object.entries(wanted)) await proveRouted(name, lists, wayOf(name), work);
  return { routed: routeKey(target, wanted), ...own };
}

const wayIn =
  (ways: Ways) =>
  (name: string): Way =>
    ways[name] ?? { by: "in-place" };

const proveRouted = (name: string, lists: Lists, { by }: Way, { estate, context }: Work): Promise<void> =>
  estate.webServer(name).prove({ level: "routed", lists }, { settle: by, progress: context.progress });

/** The loop looks and plans again at this: users who were sent back to a node are let finish again before it is stopped. */
const sentElsewhere = (where: string): ProblemError => new ProblemError("unknown-outcome", changedSince(where));

/** By directive it takes a new copy, too, where the file changed that copies are made of: no plan sees that. */
const toRoute = (where: string, journal: Journal): SeenOtherwise =>
  new SeenOtherwise([changedSince(where)], { journal: { ...journal, routed: null, toRoute: true } });

const changedSince = (where: string) => ({ where, found: "somebody changed it since its routing was proved" });

/**
 * The files still say so, and requests still show it: something may have rewritten them since. Whose members are about to
 * be stopped is asked of the cell, by nothing that was declared. Answers the files as they were seen.
 */
export async function provePast(node: string, work: Work): Promise<Partial<Journal>> {
  const { estate, desired, context, journal } = work;
  const own = await requireOwnFiles(work);
  const topology = await estate.topology();
  const cellClusters = Object.fromEntries(topology.clusters.map(({ name, members }) => [name, members]));
  for (const { name } of desired.settings.webServers) {
    const webServer = estate.webServer(name);
    const { lists, path, servers } = await webServer.look();
    const inCell = serversInCell(servers, topology);
    const { strange } = strangeClusters(desired, cellClusters, { name, lists, inCell }, journal);
    const stray = Object.keys(lists)
      .filter((cluster) => isRolled(desired, cellClusters, cluster, { inCell }))
      .filter((cluster) => lists[cluster]?.primary.some((server) => mayBeOn(node, inCell[cluster]?.[server])));
    if (stray.length + strange.length > 0) {
      throw new ProblemError("refused", {
        where: `${name}: ${path}`,
        found: `it sends users of ${[...stray, ...strange].join(", ")} to ${node} again, or may do so`,
        why: `The members of ${node} are about to be stopped`,
        next: "Find out what rewrote the file (a propagation?); the next up routes again",
      });
    }
    // What the file lost since it was found is asked for, too.
    const all = { ...journal.found.routing[name], ...lists };
    await webServer.prove({ level: "routed", lists: all }, { settle: false, progress: context.progress });
  }
  return own;
}

const mayBeOn = (node: string, signs: CellServers[string][string] = []): boolean =>
  signs.length !== 1 || signs[0]?.node === node;

/** What the deployment manager would overwrite is not safe from it until it says so itself. */
export async function automaticOff(work: Work): Promise<Partial<Journal>> {
  const { settings } = work.desired;
  const { plugin } = await work.estate.cell.settings();
  const changes = settings.webServers.flatMap(({ name }): PluginChange[] => {
    const found = pluginSettingsOf(name, settings, plugin);
    return found ? [{ node: found.node, webServer: found.webServer, generation: "manual", propagation: "manual" }] : [];
  });
  await setPlugin(changes, work);
  return {};
}

export async function automaticOn(work: Work): Promise<Partial<Journal>> {
  const { plugin } = await work.estate.cell.settings();
  const { settings } = work.desired;
  const declared = settings.webServers.map(({ name }) => name);
  const found = Object.entries(work.journal.found.automatic).filter(([name]) => declared.includes(name));
  const changes = found.flatMap(([name, modes]): PluginChange[] => {
    const now = pluginSettingsOf(name, settings, plugin);
    return now ? [{ node: now.node, webServer: now.webServer, ...modes }] : [];
  });
  await setPlugin(changes, work);
  for (const [name, modes] of found) {
    const unread = (["generation", "propagation"] as const).filter((setting) => modes[setting] === undefined);
    if (unread.length === 0) continue;
    work.context.progress(
      `${name}: its plug-in ${unread.join(" and ")} could not be read when the rollout began, so it stays manual; set it as it is meant`,
    );
  }
  return {};
}

async function setPlugin(changes: readonly PluginChange[], { estate }: Work): Promise<void> {
  const now = await estate.cell.setPluginSettings(changes);
  const wrong = changes.filter(
    (change) =>
      !now.some(
        ({ node, webServer, generation, propagation }) =>
          node === change.node &&
          webServer === change.webServer &&
          (change.generation ?? generation) === generation &&
          (change.propagation ?? propagation) === propagation,
      ),
  );
  if (wrong.length === 0) return;
  throw new ProblemError("not-converged", {
    where: estate.cell.name,
    found: `plug-in generation and propagation of ${wrong.map(({ webServer }) => webServer).join(", ")} are not as they were set`,
  });
}

/** That a member answers says nothing of what it answers with: its start, and its node's files, do. */
async function requireMembersCurrent({ estate, desired, context }: Work): Promise<FilesSeen> {
  const found = await observeMembers(desired.settings, estate);
  const nodes = judgedNodes(found, context.kept);
  const seen = nodes.flatMap((node) => node.members.map((member) => ({ name: memberName(node, member), member })));
  for (const { name, member } of seen.filter(({ member: { level } }) => level !== "behind")) {
    const { startedAt, doubt } = member;
    context.progress(
      doubt === undefined ? `${name}: runs what was distributed, since ${startedAt}` : `${name}: not proved: ${doubt}`,
    );
  }
  const behind = seen.flatMap(({ name, member }) => {
    const found = lagText(member, Object.keys(desired.aspects.fixes));
    return found === undefined ? [] : [{ where: name, found }];
  });
  // The loop looks and plans again at this: a node that fell behind is treated once more.
  if (behind.length > 0) throw new ProblemError("unknown-outcome", behind);
  return filesProved(found, context.kept.seen);
}

export async function finalCheck(work: Work): Promise<Partial<Journal>> {
  await proveEverything(work, { restarted: true });
  if (!work.journal.touched && !work.journal.catchingUp) return { finallyChecked: true };
  return { finallyChecked: true, seen: await requireMembersCurrent(work) };
}
