import { canonicalJson, sha256 } from "../../common/json.js";
import { nodeByServer, sameRouting } from "../../formats/routing.js";
import type { FixesDesired } from "./goal.js";
import type { Journal } from "./journal.js";
import type { Lists, Live, LiveWebServer } from "./live.js";
import type { Target, WantedLists } from "./steps.js";

/** Node of a server, by the plug-in file's names. Declared, since it cannot be told from a name. */
export const nodeOfServer = ({ settings }: FixesDesired): ReadonlyMap<string, string> =>
  nodeByServer(settings.topology.nodes);

/**
 * Clusters of the cell that one of a plug-in file has members of, or is called like; none = another cell's, or a stand-alone server's.
 * What a person says to be another cell's is, where none of its servers listens on an address of this one.
 */
export function clustersBehind(
  cluster: string,
  { inCell = {} }: Pick<LiveWebServer, "inCell">,
  cellClusters: Readonly<Record<string, unknown>>,
  { untouched }: Pick<FixesDesired["settings"], "untouched">,
): readonly string[] {
  if (untouched.includes(cluster) && mayBeAnothers(cluster, { inCell }, cellClusters)) return [];
  const members = Object.values(inCell[cluster] ?? {}).flatMap((signs) => signs.flatMap((sign) => sign.cluster ?? []));
  return [...new Set([...(cluster in cellClusters ? [cluster] : []), ...members])];
}

/** Its servers are told by names or CloneIDs alone, which another cell may have too, and it is not called like a cluster of this one. */
export const mayBeAnothers = (
  cluster: string,
  { inCell = {} }: Pick<LiveWebServer, "inCell">,
  cellClusters: Readonly<Record<string, unknown>>,
): boolean =>
  !(cluster in cellClusters) &&
  Object.values(inCell[cluster] ?? {}).every((signs) => signs.every(({ elsewhere }) => elsewhere));

/** A plug-in file's cluster whose members a rollout stops and starts; others, as of a merged cell, keep what they have. */
export const isRolled = (
  { settings }: FixesDesired,
  cellClusters: Readonly<Record<string, unknown>>,
  cluster: string,
  webServer: Pick<LiveWebServer, "inCell">,
): boolean =>
  clustersBehind(cluster, webServer, cellClusters, settings).some((each) => !settings.untouched.includes(each));

/**
 * Clusters of a plug-in file of which nothing says what they are, while `missing` are in no other one of it: they may be these. A cluster
 * that the cell got while a rollout is open is none that the file has had since before.
 */
export function strangeClusters(
  { settings }: FixesDesired,
  cellClusters: Readonly<Record<string, unknown>>,
  { name: webServer, lists, inCell = {} }: Pick<LiveWebServer, "name" | "lists" | "inCell">,
  journal: Journal | null,
): { readonly strange: readonly string[]; readonly missing: readonly string[] } {
  const listed = Object.keys(lists).map((name) => ({
    name,
    behind: clustersBehind(name, { inCell }, cellClusters, settings),
  }));
  const isKnown = (name: string) => Object.values(inCell[name] ?? {}).some((signs) => signs.length > 0);
  const missing = Object.keys(cellClusters).filter(
    (cluster) => !settings.untouched.includes(cluster) && !listed.some(({ behind }) => behind.includes(cluster)),
  );
  const found = journal?.found.routing[webServer] ?? {};
  const then = journal?.foundations.clusters ?? missing;
  const isAsFound = (name: string) => serversText(found[name]) === serversText(lists[name]);
  const mayBe = (name: string) => missing.filter((cluster) => !isAsFound(name) || then.includes(cluster));
  const strange = listed
    .filter(({ name, behind }) => behind.length === 0 && !isKnown(name) && !settings.untouched.includes(name))
    .map(({ name }) => ({ name, mayBe: mayBe(name) }))
    .filter((each) => each.mayBe.length > 0);
  return { strange: strange.map(({ name }) => name), missing: [...new Set(strange.flatMap((each) => each.mayBe))] };
}

/** Whoever serves now, and whoever stands by. */
const serversText = (lists: Lists[string] | undefined): string | undefined =>
  lists && [...lists.primary, ...lists.backup].sort().join(" ");

/** Lists per web server that send users to `target`. Clusters that are left untouched keep what they have. */
export function listsFor(desired: FixesDesired, live: Live, journal: Journal | null, target: Target): WantedLists {
  return Object.fromEntries(
    live.webServers.map((webServer) => [webServer.name, wantedLists(desired, live, webServer, journal, target)]),
  );
}

function wantedLists(
  desired: FixesDesired,
  live: Live,
  webServer: LiveWebServer,
  journal: Journal | null,
  target: Target,
): Lists {
  const found = journal?.found.routing[webServer.name] ?? webServer.lists;
  if ("asFound" in target) return listsAsFound(desired, live, webServer.name, found);
  const nodeOf = nodeOfServer(desired);
  const isOut = (server: string) => nodeOf.get(server) === target.without || isLost(desired, server);
  return Object.fromEntries(
    Object.entries(found).map(([cluster, lists]) => {
      const all = [...lists.primary, ...lists.backup];
      if (!isRolled(desired, live.clusters, cluster, webServer) || isGivenUp(desired, lists)) return [cluster, lists];
      return [
        cluster,
        {
          primary: all.filter((server) => !isOut(server)),
          backup: all.filter(isOut),
        },
      ];
    }),
  );
}

/** Servers of a node that is lost. */
export const isLost = (desired: FixesDesired, server: string): boolean =>
  (nodeOfServer(desired).get(server) ?? "") in desired.settings.lost;

/** Nobody is left to serve its users, whatever its lists say, and lists without a primary are not written. */
export const isGivenUp = (desired: FixesDesired, { primary, backup }: Lists[string]): boolean =>
  primary.length + backup.length > 0 && [...primary, ...backup].every((server) => isLost(desired, server));

/** As a web server was found; a lost node's servers are the last backups of every cluster that is rolled, and never all that it has. */
export function listsAsFound(
  desired: FixesDesired,
  { clusters, webServers }: Pick<Live, "clusters" | "webServers">,
  name: string,
  found: Lists,
): Lists {
  const webServer = webServers.find((each) => each.name === name) ?? {};
  return Object.fromEntries(
    Object.entries(found).map(([cluster, { primary, backup }]) => {
      const gone = [...primary, ...backup].filter((server) => isLost(desired, server));
      const stays = gone.length === 0 || isGivenUp(desired, { primary, backup });
      if (stays || !isRolled(desired, clusters, cluster, webServer)) return [cluster, { primary, backup }];
      const [primaries, backups] = [primary, backup].map((list) => list.filter((server) => !gone.includes(server)));
      return primaries?.length
        ? [cluster, { primary: primaries, backup: [...(backups ?? []), ...gone] }]
        : [cluster, { primary: backups ?? [], backup: gone }];
    }),
  );
}

/**
 * Every web server's file says so. The order of primaries has no meaning; backups are tried in listed order. What nobody
 * wants anything of is as it is meant, unless its members are rolled.
 */
export function isRouted(desired: FixesDesired, live: Live, wanted: WantedLists): boolean {
  return live.webServers.every((webServer) => {
    const lists = wanted[webServer.name] ?? {};
    const others = Object.keys(webServer.lists).filter((cluster) => !(cluster in lists));
    const isStray = others.some((cluster) => isRolled(desired, live.clusters, cluster, webServer));
    return !isStray && hasLists(webServer.lists, lists);
  });
}

/** Of the clusters that are named. */
export const hasLists = (lists: Lists, wanted: Lists): boolean =>
  sameRouting(Object.fromEntries(Object.entries(lists).filter(([cluster]) => cluster in wanted)), wanted);

/** Names a route together with the lists that were proved: other lists under the same name are not proved. */
export const routeKey = (target: Target, lists: WantedLists): string =>
  `${"without" in target ? `without ${target.without}` : "as found"} ${sha256(canonicalJson(lists)).slice(0, 16)}`;

/** What was proved, or drained, under this route counts no more once a file is found to say something else. */
export const isReliedOn = (
  { routed, drained }: { readonly routed: string | null; readonly drained: string | null },
  target: Target,
  key: string,
): boolean => routed === key || ("without" in target && drained === target.without);

/** Nodes to which new users are sent by any web server. */
export function routedNodes(desired: FixesDesired, live: Live): ReadonlySet<string> {
  const nodeOf = nodeOfServer(desired);
  const servers = live.webServers.flatMap((webServer) =>
    Object.entries(webServer.lists)
      .filter(([cluster]) => isRolled(desired, live.clusters, cluster, webServer))
      .flatMap(([, lists]) => lists.primary),
  );
  return new Set(servers.flatMap((server) => nodeOf.get(server) ?? []));
}
