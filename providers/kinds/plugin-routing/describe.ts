import { sameJson } from "../../common/json.js";
import { type ClusterRouting, type ClusterRoutings, sameRouting, wantedRouting } from "../../formats/routing.js";
import type { Description } from "../../lifecycle/kind.js";
import { fileName } from "../../targets/plugin/copies.js";
import { AS_GENERATED } from "../../targets/plugin/schema.js";
import { activeFile, type Goal, goalOf, isAtItsPlace, isProven, nodeOf, type RoutingDesired } from "./goal.js";
import { asGeneratedView, generatedState, regeneratedLines, serverList } from "./in-place.js";
import type { Kept, Live, LiveFile } from "./live.js";
import { UNREADABLE } from "./read-file.js";
import type { Aspects } from "./schema.js";

/**
 * Reality in the words of the inputs: another node (or "as generated") where the whole picture is that of another
 * declaration, and a sentence for each thing that differs on its own.
 */
export function describe(desired: RoutingDesired, live: Live, kept: Kept): Description<Aspects> {
  const goal = goalOf(desired, live, kept);
  const active = activeFile(live);
  const deviations: Record<string, string> = {};
  live.directiveProblems.forEach((problem, index) => {
    deviations[index === 0 ? "directive" : `directive ${index + 1}`] = `${problem.where}: ${problem.found}`;
  });
  describeFile(deviations, "generated", live.generated);
  if (!active) return { aspects: desired.aspects, deviations };

  const atItsPlace = isAtItsPlace(goal, live, kept, desired);
  if (!atItsPlace) {
    deviations.directive = `${live.directive?.file}:${live.directive?.line} names ${active.path}; declared: ${goal.path}`;
  }
  if (active !== live.generated) describeFile(deviations, "copy", active);
  if ([live.generated, active].some((file) => file.problems.length > 0 || file.sha256 === "absent")) {
    return { aspects: desired.aspects, deviations };
  }

  const again = goal.inPlace && active === live.generated ? regeneratedLines(live, kept, goal.routing) : [];
  if (again.length > 0) {
    for (const [key, line] of again) deviations[key] = line;
    return { aspects: desired.aspects, deviations };
  }
  const seen = atItsPlace && isRouted(active, goal, live) ? undefined : primaryNodeOf(desired, live, kept, active);
  // With a refusal the declared lists are not known in full.
  if (seen === undefined && goal.refusals.length === 0) {
    for (const [key, line] of routingLines(active, goal, live)) deviations[key] = line;
  }
  if (active !== live.generated) describeRest(deviations, live, active, kept);
  if (Object.keys(deviations).length === 0 && seen === undefined && !isProven(live, kept)) {
    deviations.proof = live.webServer.editedAfterLoad
      ? `${live.directive?.file} was changed or replaced after the last reload: what is running may be older`
      : `${active.path} is in place, but no request has proved yet that the web server follows it`;
  }
  return { aspects: seen === undefined ? desired.aspects : { ...desired.aspects, primaryNode: seen }, deviations };
}

function describeFile(deviations: Record<string, string>, key: string, file: LiveFile): void {
  if (file.sha256 === "absent") deviations[key] = `${file.path} is missing`;
  file.problems.forEach((problem, index) => {
    deviations[index === 0 ? key : `${key} ${index + 1}`] = `${problem.where}: ${problem.found}`;
  });
}

/** In the generated file the order of primaries is as it is, since it has no meaning; a copy is ours to the letter. */
const sameIn = (active: LiveFile, live: Live): ((a: ClusterRoutings, b: ClusterRoutings) => boolean) =>
  active === live.generated ? sameRouting : sameJson;

const isRouted = (active: LiveFile, goal: Goal, live: Live): boolean =>
  sameIn(active, live)(active.routing, goal.routing);

/** Which declaration of `primaryNode` the active file's routing is exactly that of, when it is not the declared one. */
function primaryNodeOf(desired: RoutingDesired, live: Live, kept: Kept, active: LiveFile): string | undefined {
  if (active === live.generated && generatedState(live, kept) === "as generated") return AS_GENERATED;
  const generated = asGeneratedView(live, kept);
  const nodes = [...new Set(nodeOf(desired.settings).values())];
  const matching = nodes.filter((node) => {
    const { wanted, refusals } = wantedRouting(generated, {
      ...desired.aspects,
      primaryNodes: [node],
      nodeOf: nodeOf(desired.settings),
      sessionReplication: desired.settings.sessionReplication,
    });
    const routing = { ...generated.routing, ...Object.fromEntries(wanted) };
    return refusals.length === 0 && sameIn(active, live)(active.routing, routing);
  });
  return matching.find((node) => node !== desired.aspects.primaryNode);
}

/** One line per list of servers that differs. Short: Pulumi cuts long values. */
function routingLines(active: LiveFile, goal: Goal, live: Live): [string, string][] {
  const same = sameIn(active, live);
  const lines: [string, string][] = [];
  for (const [cluster, declared] of Object.entries(goal.routing)) {
    const found = active.routing[cluster];
    if (!found) {
      lines.push([`routing ${cluster}`, `not in ${fileName(active.path)}`]);
      continue;
    }
    for (const list of ["primary", "backup"] as const) {
      if (same(alone(list, found), alone(list, declared))) continue;
      lines.push([`${cluster} ${list}`, `${serverList(found[list])}; declared ${serverList(declared[list])}`]);
    }
  }
  for (const cluster of Object.keys(active.routing)) {
    if (!(cluster in goal.routing)) lines.push([`routing ${cluster}`, "no longer in the generated file"]);
  }
  return lines;
}

const alone = (list: "primary" | "backup", lists: ClusterRouting): ClusterRoutings => ({
  "": { primary: [], backup: [], [list]: lists[list] },
});

/** Says which of the two changed when more than routing differs: the generated file, the copy, or both. */
function describeRest(deviations: Record<string, string>, live: Live, active: LiveFile, kept: Kept): void {
  if (active.sha256 === UNREADABLE || active.restDigest === live.generated.restDigest) return;
  const source = kept.written[active.path]?.[0]?.restDigest;
  const name = fileName(active.path);
  const generated = fileName(live.generated.path);
  if (source === undefined) {
    deviations.copy = `${name} differs from ${generated} in more than routing`;
    return;
  }
  if (live.generated.restDigest !== source) {
    deviations.stale = `${name} is stale: ${generated} was changed after the copy was made`;
  }
  if (active.restDigest !== source) {
    deviations.copy = `${name} was edited by hand: it differs from what was written in more than routing`;
  }
}
