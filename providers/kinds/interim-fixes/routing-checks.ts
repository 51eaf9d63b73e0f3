import { nearest } from "../../common/nearest.js";
import { type Problem, sentences } from "../../common/problem.js";
import { noProbe } from "../../targets/plugin/verify.js";
import type { FixesDesired } from "./goal.js";
import type { Journal } from "./journal.js";
import type { Live, LiveWebServer } from "./live.js";
import {
  clustersBehind,
  isGivenUp,
  isRolled,
  listsFor,
  mayBeAnothers,
  nodeOfServer,
  strangeClusters,
} from "./routes.js";
import type { Target } from "./steps.js";

/**
 * Why users could not be kept off a node, or that could not be proved: which members are stopped is the cell's word, where
 * users are sent goes by the declared nodes, and both have to mean the same members; and each cluster needs a probe.
 */
export function routingRefusals(desired: FixesDesired, live: Live, journal: Journal | null): Problem[] {
  return [
    ...live.webServers.flatMap((webServer) => [
      ...strangerRefusals(desired, live, webServer, journal),
      ...nodeRefusals(desired, live, webServer, journal),
      ...probeRefusals(desired, live, webServer, journal),
    ]),
    // A cluster that somebody took out of the files since is told where files are compared: its probe is no slip.
    ...(journal ? [] : strangeProbes(desired, live)),
  ];
}

/** Rolled clusters of web servers' files that would be left without a primary: nobody would serve their users. */
export function unservedRefusals(
  desired: FixesDesired,
  live: Live,
  journal: Journal | null,
  target: Target,
): Problem[] {
  const wanted = listsFor(desired, live, journal, target);
  return live.webServers.flatMap((webServer) =>
    Object.entries(wanted[webServer.name] ?? {})
      .filter(([, lists]) => lists.primary.length === 0 && !isGivenUp(desired, lists))
      .filter(([cluster]) => isRolled(desired, live.clusters, cluster, webServer))
      .map(([cluster, { backup }]) => {
        const where = `${cluster} in ${webServer.name}:${webServer.path}`;
        return unserved(where, target, backup, leavingOut(cluster, desired, live, webServer, journal));
      }),
  );
}

/** @param orElse what leaves it out, for people; undefined where nothing does */
const unserved = (where: string, target: Target, backup: readonly string[], orElse: string | undefined): Problem => ({
  where,
  found:
    "without" in target
      ? `without ${target.without} it has no member left: ${backup.join(", ")}`
      : `it names no primary: ${backup.join(", ")}`,
  allowed: "without" in target ? "a member on another node" : "a primary; the plug-in takes backups when none answers",
  why: "Nobody could serve its users while that node is restarted, and such lists are not written",
  next: sentences(ANEW, orElse && `${orElse}; else use strategy: offline`),
});

const ANEW = "Generate and propagate the plug-in file, so that it has the cell's members.";

/**
 * How a cluster of a plug-in file is left as it is, in the words of the inputs. Undefined once a rollout is open, which rests on
 * what was untouched when it began.
 */
function leavingOut(
  cluster: string,
  desired: FixesDesired,
  live: Live,
  webServer: LiveWebServer,
  journal: Journal | null,
): string | undefined {
  if (journal) return undefined;
  const behind = clustersBehind(cluster, webServer, live.clusters, desired.settings).join(", ");
  return sentences(ifAnothers(cluster, live, webServer, journal), `If no fix changes it: untouched: [${behind}]`);
}

/** The same, for one that only looks like the cell's own. */
const ifAnothers = (
  cluster: string,
  { clusters }: Live,
  webServer: LiveWebServer,
  journal: Journal | null,
): string | undefined =>
  !journal && mayBeAnothers(cluster, webServer, clusters)
    ? `If it is another cell's: untouched: [${cluster}].`
    : undefined;

/** A cluster that may be one that is rolled, under another name. */
function strangerRefusals(
  desired: FixesDesired,
  live: Live,
  webServer: LiveWebServer,
  journal: Journal | null,
): Problem[] {
  if (live.deploymentManager.running !== "yes") return [];
  const { strange, missing } = strangeClusters(desired, live.clusters, webServer, journal);
  return strange.map((cluster) => ({
    where: `${cluster} in ${webServer.name}:${webServer.path}`,
    found: `whether it is ${missing.join(" or ")} of the cell cannot be told: none of its servers is one of the cell's`,
    allowed: SIGNS,
    why: "Its users would be sent to members that are stopped",
    next: sentences(
      "Generate, propagate and merge the plug-in file anew.",
      journal ? undefined : `If it is another cell's: untouched: [${cluster}]`,
    ),
  }));
}

function nodeRefusals(desired: FixesDesired, live: Live, webServer: LiveWebServer, journal: Journal | null): Problem[] {
  if (live.deploymentManager.running !== "yes") return [];
  const { name, path, inCell = {} } = webServer;
  const declared = nodeOfServer(desired);
  return rolledLists(desired, live, webServer).flatMap(([cluster, { primary, backup }]) => {
    const behind = clustersBehind(cluster, webServer, live.clusters, desired.settings);
    const [only = cluster] = behind;
    const anothers = ifAnothers(cluster, live, webServer, journal);
    if (behind.length > 1) return [mixed(`${cluster} in ${name}:${path}`, behind, anothers)];
    return [...primary, ...backup].flatMap((server): Problem[] => {
      const signs = inCell[cluster]?.[server] ?? [];
      const [said, is] = [declared.get(server), signs.length === 1 ? signs[0]?.node : undefined];
      if (said !== undefined && said === is) return [];
      const where = `topology.nodes, ${server} of ${cluster} in ${name}:${path}`;
      const why = `Users would be sent to it while it is stopped, or kept from it while it serves`;
      if (is === undefined) {
        return [
          {
            where,
            found: `which member of ${only} in the cell it is cannot be told`,
            allowed: SIGNS,
            why,
            next: sentences(ANEW, leavingOut(cluster, desired, live, webServer, journal)),
          },
        ];
      }
      if (journal && !isTreated(is, desired)) return [untreated(where, is)];
      const found = said === undefined ? "no node is declared for it" : `declared under ${said}`;
      return [
        {
          where,
          found,
          allowed: `${is}, where it runs by the cell's configuration`,
          why,
          next: sentences("Correct it.", anothers),
        },
      ];
    });
  });
}

const isTreated = (node: string, { settings }: FixesDesired): boolean =>
  node in settings.lost || settings.nodes.some(({ name }) => name === node);

/** `nodes` stays as it is until the rollout's end, so declaring it is no way out before. */
const untreated = (where: string, node: string): Problem => ({
  where,
  found: `it runs on ${node}, which this rollout does not treat`,
  allowed: "members on nodes that the rollout began with",
  why: "It would get the fix, or not, while users are on it",
  next: "Take it out of the plug-in file until the rollout has ended; then declare its node",
});

const SIGNS = "the CloneID, or the host and port, or the name <node>_<server> of one member";

const mixed = (where: string, clusters: readonly string[], anothers: string | undefined): Problem => ({
  where,
  found: `it holds members of ${clusters.join(" and ")}, or is called like one of them`,
  allowed: "members of one cluster of the cell, under its name or one that the cell does not have",
  why: "While a member is stopped, its users would be sent to servers that do not have their application",
  next: sentences("Generate, propagate and, where it was merged, merge the plug-in file anew.", anothers),
});

function probeRefusals(
  desired: FixesDesired,
  live: Live,
  webServer: LiveWebServer,
  journal: Journal | null,
): Problem[] {
  const { name, shapes = {} } = webServer;
  const probes = probesOf(desired, name);
  return rolledLists(desired, live, webServer).flatMap(([cluster]): Problem[] => {
    const orElse = leavingOut(cluster, desired, live, webServer, journal);
    const add = `Add its probeUrl (in a stack's configuration: probes.clusters.${cluster}).`;
    return [
      ...(shapes[cluster] ?? []).map((problem) => ({ ...problem, next: sentences(problem.next, orElse) })),
      ...(probes.includes(cluster)
        ? []
        : [noProbe(`${name}: verify.clusters.${cluster}`, sentences(add, orElse) ?? add)]),
    ];
  });
}

/** Web servers may route different clusters; a name that none of them has is a slip that leaves the meant one unproved. */
function strangeProbes(desired: FixesDesired, { webServers }: Live): Problem[] {
  const known = [...new Set(webServers.flatMap(({ lists }) => Object.keys(lists)))];
  if (known.length === 0) return [];
  const probed = new Set(webServers.flatMap(({ name }) => probesOf(desired, name)));
  return [...probed]
    .filter((cluster) => !known.includes(cluster))
    .map((cluster) => {
      const near = nearest(cluster, known);
      return {
        where: `verify.clusters.${cluster}`,
        found: `no web server routes a cluster ${cluster}${near ? `; did you mean ${near}?` : ""}`,
        allowed: known.join(", "),
        next: "Correct the name, or remove the probe",
      };
    });
}

const probesOf = ({ settings }: FixesDesired, webServer: string): string[] =>
  Object.keys(settings.webServers.find(({ name }) => name === webServer)?.verify.clusters ?? {});

const rolledLists = (desired: FixesDesired, live: Live, webServer: LiveWebServer) =>
  Object.entries(webServer.lists).filter(([cluster]) => isRolled(desired, live.clusters, cluster, webServer));
