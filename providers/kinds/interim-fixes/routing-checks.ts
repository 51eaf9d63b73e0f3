import { nearest } from "../../common/nearest.js";
import type { Problem } from "../../common/problem.js";
import { noProbe } from "../../targets/plugin/verify.js";
import type { FixesDesired } from "./goal.js";
import type { Live, LiveWebServer } from "./live.js";
import { isRolled, nodeOfServer } from "./routes.js";

/**
 * Why users could not be kept off a node, or that could not be proved: which members are stopped is the cell's word, where
 * users are sent goes by the declared nodes, and both have to mean the same members; and each cluster needs a probe.
 */
export function routingRefusals(desired: FixesDesired, live: Live): Problem[] {
  return [
    ...live.webServers.flatMap((webServer) => [
      ...nodeRefusals(desired, live, webServer),
      ...probeRefusals(desired, live, webServer),
    ]),
    ...strangeProbes(desired, live),
  ];
}

function nodeRefusals(desired: FixesDesired, live: Live, { name, path, lists, nodes = {} }: LiveWebServer): Problem[] {
  if (live.deploymentManager.running !== "yes") return [];
  const declared = nodeOfServer(desired);
  return rolledLists(desired, live, lists).flatMap(([cluster, { primary, backup }]) =>
    [...primary, ...backup].flatMap((server): Problem[] => {
      const [said, is] = [declared.get(server), nodes[server] ?? null];
      if (said !== undefined && said === is) return [];
      const where = `topology.nodes, ${server} of ${cluster} in ${name}:${path}`;
      const why = `Users would be sent to it while it is stopped, or kept from it while it serves`;
      if (is === null) {
        return [
          {
            where,
            found: `which member of ${cluster} in the cell it is cannot be told`,
            allowed: "the CloneID, or the host and port, or the name <node>_<server> of one member",
            why,
            next: `Generate and propagate the plug-in file, so that it has the cell's members. If no fix changes it: untouched: [${cluster}]`,
          },
        ];
      }
      const found = said === undefined ? "no node is declared for it" : `declared under ${said}`;
      return [{ where, found, allowed: `${is}, where it runs by the cell's configuration`, why, next: "Correct it" }];
    }),
  );
}

function probeRefusals(desired: FixesDesired, live: Live, { name, lists, shapes = {} }: LiveWebServer): Problem[] {
  const probes = probesOf(desired, name);
  return rolledLists(desired, live, lists).flatMap(([cluster]): Problem[] => [
    ...(shapes[cluster] ?? []),
    ...(probes.includes(cluster)
      ? []
      : [
          noProbe(
            `${name}: verify.clusters.${cluster}`,
            `Add its probeUrl (in a stack's configuration: probes.clusters.${cluster}). If no fix changes it: untouched: [${cluster}]`,
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

const rolledLists = (desired: FixesDesired, live: Live, lists: LiveWebServer["lists"]) =>
  Object.entries(lists).filter(([cluster]) => isRolled(desired, live.clusters, cluster));
