import { nearest } from "../../common/nearest.js";
import type { Problem } from "../../common/problem.js";
import type { FixesDesired } from "./goal.js";
import type { Journal } from "./journal.js";
import type { Live } from "./live.js";
import { clustersBehind } from "./routes.js";
import { unservedRefusals } from "./routing-checks.js";

/** Why the cell's clusters cannot be rolled as they are declared. */
export function clusterRefusals({ settings }: FixesDesired, live: Live): Problem[] {
  const refusals: Problem[] = [];
  for (const name of settings.untouched.filter((cluster) => !(cluster in live.clusters))) {
    const routing = live.webServers.filter(({ lists }) => name in lists);
    const behind = [
      ...new Set(routing.flatMap((webServer) => clustersBehind(name, webServer, live.clusters, settings))),
    ];
    // Said to be another cell's, and nothing speaks against it.
    if (routing.length > 0 && behind.length === 0) continue;
    const hint = nearest(name, Object.keys(live.clusters));
    const meant = hint ? `; did you mean ${hint}?` : "";
    refusals.push({
      where: "untouched",
      found:
        behind.length > 0 ? `${name} is ${behind.join(", ")} of the cell` : `the cell has no cluster ${name}${meant}`,
      ...(behind.length > 0 ? { next: "Name it as the cell does, if no fix changes it" } : {}),
    });
  }
  const rolled = Object.keys(live.clusters).filter((cluster) => !settings.untouched.includes(cluster));
  const orElse = (cluster: string) => `If no fix changes it: untouched: [${cluster}]. Else use strategy: offline`;
  return [...refusals, ...rolled.flatMap((cluster) => unfitCluster(cluster, settings, live, orElse(cluster)))];
}

/** What was untouched when the rollout began was not looked at then. */
export function takenOffUntouched({ settings }: FixesDesired, live: Live, { foundations }: Journal): Problem[] {
  const clusters = foundations.untouched.filter(
    (cluster) => cluster in live.clusters && !settings.untouched.includes(cluster),
  );
  return clusters.flatMap((cluster) =>
    unfitCluster(cluster, settings, live, `Put it back: untouched: [${cluster}]. Then: npm run rollout -- roll-back`),
  );
}

/** @param orElse what to do about a cluster that cannot be rolled */
function unfitCluster(cluster: string, settings: FixesDesired["settings"], live: Live, orElse: string): Problem[] {
  const nodes = live.clusters[cluster] ?? [];
  const known = [...live.nodes.map(({ name }) => name), ...Object.keys(settings.lost)];
  const strange = nodes.filter((node) => !known.includes(node));
  const refusals: Problem[] = [];
  if (strange.length > 0) {
    refusals.push({
      where: cluster,
      found: `it has members on ${strange.join(", ")}, which nodes does not declare`,
      why: "They would keep the old level, or get the new one while users are on them",
      next: "Declare every node of the cluster",
    });
  }
  if (settings.strategy === "rolling" && nodes.length < 2) {
    refusals.push({
      where: cluster,
      found: `all of its members run on ${nodes[0] ?? "no node"}`,
      why: "Nobody could serve its users while that node is restarted",
      next: orElse,
    });
  }
  if (!(cluster in settings.memberProbes)) {
    refusals.push({
      where: `memberProbes.${cluster}`,
      found: "no probe is declared",
      why: "A node goes back into service only when each of its members was seen to answer",
      next: "Declare a page that every member answers",
    });
  }
  return refusals;
}

/** For each web server, cluster and node, whatever the cell says of the rest. */
export function stillServed(desired: FixesDesired, live: Live): Problem[] {
  if (live.nodes.length < 2) return [];
  const targets = [{ asFound: true } as const, ...live.nodes.map(({ name }) => ({ without: name }))];
  return targets.flatMap((target) => unservedRefusals(desired, live, null, target));
}
