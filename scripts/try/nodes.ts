import { nearest } from "../../providers/common/nearest.js";
import { type Problem, ProblemError } from "../../providers/common/problem.js";
import type { PluginCluster } from "../../providers/formats/plugin-cfg.js";

/** What the file does not tell about a server that is not on the node asked for. */
export const ANOTHER_NODE = "another node";

/**
 * Which servers are on `node`, from names as deployment managers write them: `<node>_<server>`.
 *
 * Both parts may hold `_`, so a name may be split in several ways. A server counts as on `node` when everything before one
 * of its `_` equals `node`: node1 never takes node10's servers. Its other splits with a longer node (`node1_Apps` for
 * `node1_Apps_server1`) are then other readings. One is plausible, and everything is refused, when that longer node would have
 * some but not all of the servers, and either in two clusters, as nodes do, or beside another server of the same cluster
 * (so `cnx` is refused where the nodes are cnx_node1 and cnx_node2).
 *
 * @param clusters those whose routing is asked for
 * @returns server → `node` or ANOTHER_NODE
 * @throws ProblemError "refused" with the way out, --nodes
 */
export function nodesByName(clusters: readonly PluginCluster[], node: string): ReadonlyMap<string, string> {
  const prefix = `${node}_`;
  const names = clusters.flatMap((cluster) => cluster.members.map((member) => member.name));
  const here = clusters.map(({ members }) => members.map(({ name }) => name).filter((name) => isBelow(name, prefix)));
  if (here.flat().length === 0 && names.length > 0) throw new ProblemError("refused", unknownNode(names, node));
  const other = plausibleLongerNode(here, prefix);
  if (other !== undefined) {
    throw new ProblemError("refused", {
      where: "--primary",
      found: `the servers' names leave open whether ${node} or ${other} is the node of ${here
        .flat()
        .filter((name) => isBelow(name, `${other}_`))
        .join(", ")}`,
      why: "Names are <node>_<server>, and both parts may hold an underscore",
      next: nodesHint(names),
    });
  }
  return new Map(names.map((name) => [name, isBelow(name, prefix) ? node : ANOTHER_NODE]));
}

/**
 * `member=node,member=node` as a map. A server without an entry is for the routing's own checks to name.
 *
 * @throws ProblemError "invalid-input" with every entry that cannot be read, stands twice or names no server of the file
 */
export function nodesFromOption(text: string, clusters: readonly PluginCluster[]): ReadonlyMap<string, string> {
  const known = clusters.flatMap((cluster) => cluster.members.map((member) => member.name));
  const nodes = new Map<string, string>();
  const problems: Problem[] = [];
  for (const entry of text.split(",").map((each) => each.trim())) {
    const [, member, node] = /^([^=]+)=([^=]+)$/.exec(entry) ?? [];
    if (!member || !node) problems.push({ where: "--nodes", found: JSON.stringify(entry), allowed: "member=node" });
    else if (!known.includes(member)) {
      const near = nearest(member, known);
      problems.push({
        where: "--nodes",
        found: `no server ${member} in the file${near ? `; did you mean ${near}?` : ""}`,
        allowed: known.join(", "),
      });
    } else if (nodes.has(member)) problems.push({ where: "--nodes", found: `${member} twice`, allowed: "once" });
    else nodes.set(member, node);
  }
  if (problems.length > 0) throw new ProblemError("invalid-input", problems);
  return nodes;
}

function isBelow(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && name.length > prefix.length;
}

function plausibleLongerNode(here: readonly (readonly string[])[], prefix: string): string | undefined {
  const all = here.flat().length;
  for (const candidate of new Set(here.flat().flatMap((name) => splits(name)))) {
    if (!isBelow(candidate, prefix)) continue;
    const taken = here.map((names) => names.filter((name) => isBelow(name, `${candidate}_`)).length);
    const total = taken.reduce((sum, count) => sum + count, 0);
    const splitsCluster = taken.some((count, index) => count > 0 && count < (here[index]?.length ?? 0));
    if (total < all && (splitsCluster || taken.filter((count) => count > 0).length > 1)) return candidate;
  }
  return undefined;
}

/** Everything before each `_` of a name that has something behind it. */
function splits(name: string): string[] {
  return [...name.matchAll(/_(?=.)/g)].map((match) => name.slice(0, match.index)).filter((node) => node !== "");
}

function unknownNode(names: readonly string[], node: string): Problem {
  const near = nearest(node, new Set(names.flatMap(splits)));
  return {
    where: "--primary",
    found: `no server's name begins with ${node}_${near && near !== node ? `; did you mean ${near}?` : ""}`,
    allowed: "a node of the file's servers, whose names are <node>_<server>",
    next: nodesHint(names),
  };
}

function nodesHint(names: readonly string[]): string {
  return `Say it with --nodes ${names.map((name) => `${name}=NODE`).join(",")}`;
}
