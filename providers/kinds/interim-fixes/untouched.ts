import type { Problem } from "../../common/problem.js";
import type { CellTopology } from "../../targets/wsadmin/cell.js";
import type { FixesDesired } from "./goal.js";
import type { Journal } from "./journal.js";
import { inShort } from "./levels.js";
import type { Live } from "./live.js";
import type { Settings } from "./schema.js";

/** Cluster → nodes on which the cell's configuration has members, whether they are declared, lost or neither. */
export const nodesOfClusters = ({ clusters }: Pick<CellTopology, "clusters">): Live["clusters"] =>
  Object.fromEntries(clusters.map(({ name, members }) => [name, [...new Set(members.map(({ node }) => node))]]));

/**
 * Clusters that a rollout leaves untouched by itself: no other node could serve their users meanwhile, and no probe says that
 * somebody expects them to be rolled. Offline nobody serves anyway, so there are none.
 */
export function aloneIn(
  { strategy, memberProbes }: Pick<Settings, "strategy" | "memberProbes">,
  clusters: Live["clusters"],
): string[] {
  if (strategy !== "rolling") return [];
  return Object.keys(clusters)
    .filter((cluster) => (clusters[cluster] ?? []).length < 2 && !(cluster in memberProbes))
    .sort();
}

/** One that another version recorded in another shape is refused, whatever it left. */
function aloneBy(settings: Settings, { clusters }: Live, journal: Journal | null): readonly string[] {
  if (!journal) return aloneIn(settings, clusters);
  const foundations: Journal["foundations"] | undefined = journal.foundations;
  return foundations?.alone ?? [];
}

/**
 * The declaration with all that is left untouched under `untouched`, and what was observed without its members: all that is
 * decided or done reads these, and knows one list alone. What is left by itself is fixed when a rollout begins: one that is open goes
 * by its journal, whatever members or probes the cell and the declaration have by then.
 */
export function leavingUntouched<D extends Pick<FixesDesired, "settings">>(
  declared: D,
  live: Live,
  journal: Journal | null,
): { readonly desired: D; readonly live: Live } {
  const { settings } = declared;
  const alone = aloneBy(settings, live, journal);
  const untouched = [...new Set([...settings.untouched, ...alone])];
  const nodes = live.nodes.map((node) => ({
    ...node,
    members: node.members.filter(({ cluster }) => !untouched.includes(cluster)),
  }));
  return { desired: { ...declared, settings: { ...settings, untouched } }, live: { ...live, nodes } };
}

/**
 * Nobody said of these clusters that no fix changes them. Where their node is still to get an application of theirs, the next
 * synchronization restarts it; before the installer ran that is known, so it is no matter of freezing after it.
 *
 * @param observed with the members of all clusters
 */
export function dueUnderUsers({ settings }: Pick<FixesDesired, "settings">, observed: Live): Problem[] {
  const alone = aloneIn(settings, observed.clusters).filter((cluster) => !settings.untouched.includes(cluster));
  return observed.nodes.flatMap(({ name, members }) =>
    members
      .filter(({ cluster }) => alone.includes(cluster))
      .flatMap(({ server, cluster, lags = [] }) => {
        const due = lags.filter(({ cause }) => cause === "not distributed").map(({ application }) => application);
        return due.length > 0 ? [restarted(name, { server, cluster, due: inShort(due) })] : [];
      }),
  );
}

const restarted = (node: string, { server, cluster, due }: Record<"server" | "cluster" | "due", string>): Problem => ({
  where: `${server} of ${node}`,
  found: `its node does not have ${due} as the deployment manager has it`,
  why: `A synchronization of ${node} would restart it under its users, whom no other node serves`,
  next: `Synchronize ${node} when they can be without it; or strategy: offline, with memberProbes.${cluster} declared`,
});

/** For the plan's note. Those that the rollout leaves by itself come with the reason. */
export function untouchedInWords({ settings }: FixesDesired, live: Live, journal: Journal | null): string[] {
  const alone = aloneBy(settings, live, journal);
  const clusters = settings.untouched.map((cluster) =>
    alone.includes(cluster) ? `${cluster} (${whyAlone(live.clusters[cluster] ?? [])})` : cluster,
  );
  return [...clusters, ...(live.standAlone ?? [])];
}

function whyAlone(nodes: readonly string[]): string {
  const [only, another] = nodes;
  if (another !== undefined) return "its members ran on one node only when the rollout began";
  return only === undefined ? "it has no member" : `its members run on ${only} only`;
}
