import { nearest } from "../../common/nearest.js";
import type { Problem } from "../../common/problem.js";
import { noProbe } from "../../targets/plugin/verify.js";
import type { FixesDesired } from "./goal.js";
import type { Journal } from "./journal.js";
import type { Live, LiveWebServer } from "./live.js";
import { clustersBehind, isRolled, listsFor, nodeOfServer, strangeClusters } from "./routes.js";
import type { Target } from "./steps.js";

/**
 * Why users could not be kept off a node, or that could not be proved: which members are stopped is the cell's word, where
 * users are sent goes by the declared nodes, and both have to mean the same members; and each cluster needs a probe.
 */
export function routingRefusals(desired: FixesDesired, live: Live): Problem[] {
  return [
    ...live.webServers.flatMap((webServer) => [
      ...strangerRefusals(desired, live, webServer),
      ...nodeRefusals(desired, live, webServer),
      ...probeRefusals(desired, live, webServer),
    ]),
    ...strangeProbes(desired, live),
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
      .filter(([, { primary }]) => primary.length === 0)
      .filter(([cluster]) => isRolled(desired, live.clusters, cluster, webServer))
      .map(([cluster, { backup }]) => unserved(`${cluster} in ${webServer.name}:${webServer.path}`, target, backup)),
  );
}

const unserved = (where: string, target: Target, backup: readonly string[]): Problem => ({
  where,
  found:
    "without" in target
      ? `without ${target.without} it has no member left: ${backup.join(", ")}`
      : `it names no primary: ${backup.join(", ")}`,
  allowed: "without" in target ? "a member on another node" : "a primary; the plug-in takes backups when none answers",
  why: "Nobody could serve its users while that node is restarted, and such lists are not written",
  next: "Generate and propagate the plug-in file, so that it has the cell's members. If it has others on purpose, or the cluster has no others: leave it untouched (untouched), or use strategy: offline",
});

/** A cluster that may be one that is rolled, under another name. */
function strangerRefusals(desired: FixesDesired, live: Live, webServer: LiveWebServer): Problem[] {
  if (live.deploymentManager.running !== "yes") return [];
  const { strange, missing } = strangeClusters(desired, live.clusters, webServer);
  return strange.map((cluster) => ({
    where: `${cluster} in ${webServer.name}:${webServer.path}`,
    found: `whether it is ${missing.join(" or ")} of the cell cannot be told: none of its servers is one of the cell's`,
    allowed: SIGNS,
    why: "Its users would be sent to members that are stopped",
    next: `Generate, propagate and merge the plug-in file anew. If it is another cell's: untouched: [${cluster}]`,
  }));
}

function nodeRefusals(desired: FixesDesired, live: Live, webServer: LiveWebServer): Problem[] {
  if (live.deploymentManager.running !== "yes") return [];
  const { name, path, inCell = {} } = webServer;
  const declared = nodeOfServer(desired);
  return rolledLists(desired, live, webServer).flatMap(([cluster, { primary, backup }]) => {
    const behind = clustersBehind(cluster, webServer, live.clusters);
    const [only = cluster] = behind;
    if (behind.length > 1) return [mixed(`${cluster} in ${name}:${path}`, behind)];
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
            next: `Generate and propagate the plug-in file, so that it has the cell's members. If no fix changes it: untouched: [${only}]`,
          },
        ];
      }
      const found = said === undefined ? "no node is declared for it" : `declared under ${said}`;
      return [{ where, found, allowed: `${is}, where it runs by the cell's configuration`, why, next: "Correct it" }];
    });
  });
}

const SIGNS = "the CloneID, or the host and port, or the name <node>_<server> of one member";

const mixed = (where: string, clusters: readonly string[]): Problem => ({
  where,
  found: `it holds members of ${clusters.join(" and ")}, or is called like one of them`,
  allowed: "members of one cluster of the cell, under its name or one that the cell does not have",
  why: "While a member is stopped, its users would be sent to servers that do not have their application",
  next: "Generate, propagate and, where it was merged, merge the plug-in file anew",
});

function probeRefusals(desired: FixesDesired, live: Live, webServer: LiveWebServer): Problem[] {
  const { name, shapes = {} } = webServer;
  const probes = probesOf(desired, name);
  return rolledLists(desired, live, webServer).flatMap(([cluster]): Problem[] => [
    ...(shapes[cluster] ?? []),
    ...(probes.includes(cluster)
      ? []
      : [
          noProbe(
            `${name}: verify.clusters.${cluster}`,
            `Add its probeUrl (in a stack's configuration: probes.clusters.${cluster}). If no fix changes it: untouched: [${clustersBehind(cluster, webServer, live.clusters).join(", ")}]`,
          ),
        ]),
  ]);
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
