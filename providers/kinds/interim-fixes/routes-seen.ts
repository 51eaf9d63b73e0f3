import { type Problem, ProblemError } from "../../common/problem.js";
import { SeenOtherwise } from "../../lifecycle/seen-otherwise.js";
import type { CellTopology } from "../../targets/wsadmin/cell.js";
import type { Work } from "./apply.js";
import type { RoutesOfFile } from "./estate.js";
import type { FixesDesired } from "./goal.js";
import type { Journal } from "./journal.js";
import type { CellServers, Lists } from "./live.js";
import { isLost, isRolled, nodeOfServer } from "./routes.js";
import { routingRefusals } from "./routing-checks.js";
import { serversInCell } from "./servers.js";

/** What a web server's plug-in file routes by now, beside what this rollout knows of it. */
export interface RoutesSeen {
  /** As the rollout goes on with it, as it is to be at the end. */
  readonly routing: Lists;
  /** What became other, in words. */
  readonly said: readonly string[];
  /** Why it cannot go on with it, whoever means it. */
  readonly unfit: readonly string[];
  /** What has to be declared for it before. */
  readonly refusals: readonly Problem[];
}

/** Of the file that is routed by: by directive, the one that copies are made of. The cell is asked only where something is other. */
export async function seeRoutes(name: string, { estate, desired, journal, context }: Work): Promise<RoutesSeen> {
  const byDirective = journal.switching[name]?.by === "directive";
  const file = await estate.webServer(name).routes(byDirective ? journal.found.followed[name]?.path : undefined);
  const found = journal.found.routing[name] ?? {};
  if (isAsKnown(found, file)) return { routing: found, said: [], unfit: [], refusals: [] };
  const topology = await estate.topology();
  const inCell = serversInCell(file.servers, topology);
  const seen = compare(found, file, { desired, topology, inCell });
  const clusters = Object.fromEntries(topology.clusters.map((each) => [each.name, nodesOf(each)]));
  // As a plan would, which sees only the file that is followed.
  const webServers = context.live.webServers
    .filter((webServer) => webServer.name === name)
    .map((webServer) => ({ ...webServer, lists: file.lists, inCell }));
  return { ...seen, refusals: routingRefusals(desired, { ...context.live, clusters, webServers }, journal) };
}

const nodesOf = ({ members }: CellTopology["clusters"][number]): string[] => [
  ...new Set(members.map(({ node }) => node)),
];

/**
 * Goes on with what the files route by now.
 *
 * @param own what else is learned
 * @throws SeenOtherwise where that is other than before: where users are to be sent is planned anew
 * @throws ProblemError `refused` where something has to be declared before
 */
export function requireKnownRoutes(
  seen: Readonly<Record<string, RoutesSeen>>,
  own: Partial<Journal>,
  journal: Journal,
): void {
  const others = Object.entries(seen).filter(([, { said }]) => said.length > 0);
  if (others.length === 0) return;
  const refusals = others.flatMap(([, each]) => each.refusals);
  if (refusals.length > 0) throw new ProblemError("refused", refusals);
  const routing = Object.fromEntries(others.map(([name, each]) => [name, each.routing]));
  const found = { ...journal.found, ...own.found };
  const { proved } = journal;
  const lists = proved && { ...proved.lists };
  for (const [name, each] of Object.entries(routing)) {
    if (lists?.[name]) lists[name] = within(lists[name], each);
  }
  throw new SeenOtherwise(
    others.map(([where, { said }]) => ({ where, found: `from now on this rollout goes by it: ${said.join("; ")}` })),
    {
      journal: {
        ...journal,
        ...own,
        found: { ...found, routing: { ...found.routing, ...routing } },
        proved: proved && lists ? { ...proved, lists } : proved,
        // A copy is of the file as it was.
        toRoute: true,
      },
    },
  );
}

const allOf = ({ primary, backup }: Lists[string]): string[] => [...primary, ...backup];

const definedIn = ({ servers }: RoutesOfFile, cluster: string): string[] =>
  servers.filter((server) => server.cluster === cluster).map(({ name }) => name);

/** No cluster and no server is new or gone. One that is defined and in no list gets no users, as it was found. */
function isAsKnown(found: Lists, file: RoutesOfFile): boolean {
  const names = new Set([...Object.keys(found), ...Object.keys(file.lists)]);
  return [...names].every((cluster) => {
    const [then, now] = [found[cluster], file.lists[cluster]];
    if (!then || !now) return false;
    const { gone, added } = differences(then, now, definedIn(file, cluster));
    return gone.length + added.length === 0;
  });
}

const differences = (then: Lists[string], now: Lists[string], defined: readonly string[]) => ({
  gone: allOf(then).filter((server) => !defined.includes(server)),
  added: allOf(now).filter((server) => !allOf(then).includes(server)),
});

interface InCell {
  readonly desired: FixesDesired;
  readonly topology: CellTopology;
  readonly inCell: CellServers;
}

function compare(
  found: Lists,
  file: RoutesOfFile,
  { desired, topology, inCell }: InCell,
): Pick<RoutesSeen, "routing" | "said" | "unfit"> {
  const cellClusters = Object.fromEntries(topology.clusters.map(({ name, members }) => [name, members]));
  const routing: Lists = {};
  const said: string[] = [];
  const unfit: string[] = [];
  for (const cluster of Object.keys(found).filter((name) => !(name in file.lists)))
    said.push(`no Route leads to ${cluster} any more`);
  for (const [cluster, now] of Object.entries(file.lists)) {
    const then = found[cluster];
    const { gone, added } = differences(then ?? EMPTY, now, definedIn(file, cluster));
    const rolled = isRolled(desired, cellClusters, cluster, { inCell });
    routing[cluster] = goOn(then, now, { gone, added, rolled });
    if (!then) said.push(`${cluster} is routed, too`);
    else if (added.length > 0) said.push(`${cluster} has ${added.join(", ")}, too`);
    if (gone.length > 0) said.push(`${cluster} has no ${gone.join(", ")} any more`);
    const isChanged = !then || added.length > 0 || gone.some((server) => !isLost(desired, server));
    if (rolled && isChanged) unfit.push(...unfitNodes(cluster, allOf(routing[cluster]), inCell[cluster], desired));
  }
  return { routing, said, unfit };
}

const EMPTY: Lists[string] = { primary: [], backup: [] };

/** Lists as they are to be at the end. What is new there is as it was seen; another cell's cluster is as it is by now. */
function goOn(
  then: Lists[string] | undefined,
  now: Lists[string],
  { gone, added, rolled }: { gone: readonly string[]; added: readonly string[]; rolled: boolean },
): Lists[string] {
  if (!then) return now;
  if (gone.length + added.length === 0) return then;
  if (!rolled) return now;
  return served({
    primary: [...then.primary.filter((server) => !gone.includes(server)), ...now.primary.filter(isIn(added))],
    backup: [...then.backup.filter((server) => !gone.includes(server)), ...now.backup.filter(isIn(added))],
  });
}

const isIn = (servers: readonly string[]) => (server: string) => servers.includes(server);

/** A plug-in takes a backup where no primary is left, and so does what writes the lists. */
const served = ({ primary, backup }: Lists[string]): Lists[string] =>
  primary.length > 0 ? { primary, backup } : { primary: backup, backup: [] };

/** Without what the other has no more; a cluster that has no primary left there is left as it is, for its backups may be stopped. */
const within = (lists: Lists, other: Lists): Lists =>
  Object.fromEntries(
    Object.entries(lists).flatMap(([cluster, { primary, backup }]) => {
      const there = isIn(allOf(other[cluster] ?? EMPTY));
      const left = { primary: primary.filter(there), backup: backup.filter(there) };
      return left.primary.length > 0 ? [[cluster, left]] : [];
    }),
  );

/** Every other node's turn needs members of the cluster elsewhere; and each of them has to have a turn. */
function unfitNodes(
  cluster: string,
  servers: readonly string[],
  signs: Readonly<Record<string, readonly { readonly node: string }[]>> = {},
  desired: FixesDesired,
): string[] {
  const { nodes, lost } = desired.settings;
  const treated = nodes.map(({ name }) => name);
  const nodeOf = (server: string) => {
    const told = signs[server] ?? [];
    return told.length === 1 ? told[0]?.node : nodeOfServer(desired).get(server);
  };
  const strange = servers.flatMap((server) => {
    const node = nodeOf(server);
    return node === undefined || treated.includes(node) || node in lost ? [] : [`${server} on ${node}`];
  });
  const left = new Set(servers.flatMap((server) => treated.filter((node) => node === nodeOf(server))));
  return [
    ...(strange.length > 0 ? [`${cluster} has ${strange.join(", ")}, which this rollout does not treat`] : []),
    ...(treated.length > 1 && left.size < 2
      ? [`${cluster} has members on ${[...left].join("") || "no node"} alone, and nobody else could serve its users`]
      : []),
  ];
}
