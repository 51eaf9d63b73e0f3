import type { Problem } from "../../common/problem.js";
import type { ClusterRouting } from "../../formats/routing.js";
import type { Plan } from "../../lifecycle/kind.js";
import { otherTarget } from "../../lifecycle/same-target.js";
import { AS_GENERATED } from "../../targets/plugin/schema.js";
import { foundCopies, putAway } from "./copies.js";
import { framed } from "./frame.js";
import { activeFile, isLoaded, type RoutingDesired, whyOnlyReachable } from "./goal.js";
import { changeToGenerated, generatedLists, generatedState, strandedEdit } from "./in-place.js";
import type { Kept, Live } from "./live.js";
import { generatedStep, intervalOf, isProblem, notRunning, refreshRefusal, targetOf } from "./plan.js";
import { damageOf } from "./read-file.js";
import type { RoutingStep } from "./steps.js";

/** Puts back what was found at adoption, and removes the copies that we made. */
export function release(desired: RoutingDesired, live: Live, kept: Kept): Plan<RoutingStep> {
  const { settings } = desired;
  const found = kept.found.directive;
  const generated = changeToGenerated(live, kept, settings.connection.name);
  const refusals = [
    ...otherTarget(targetOf(desired)),
    ...live.directiveProblems,
    ...(live.neighbourProblems ?? []),
    ...strandedEdit(kept, settings.connection.name, settings.pluginFile),
    ...(isProblem(generated) ? [generated] : []),
  ];
  if (!found) refusals.push(nothingRecorded(desired));
  if (refusals.length > 0 || !found || isProblem(generated)) return { steps: [], refusals, notes: [] };

  const restored = foundCopies(live, kept);
  const notes = [...restored.notes, ...generatedNotes(live, kept)];
  const steps = [...restored.steps];
  const moves = live.directive?.value !== found.value;
  const follows = activeFile(live) === live.generated && !moves;
  if (generated) steps.push(generatedStep(desired, live, generated, follows));
  if (moves) {
    const title = `point WebSpherePluginConfig in ${live.directive?.file}:${live.directive?.line} at ${found.value} again`;
    steps.push({ key: "point-directive", title, impact: "none", value: found.value, restoresFound: true });
  }
  const removals = putAway(live, kept, found.path);
  notes.push(...removals.notes);
  const touched = steps.length > 0 || kept.proven === null;
  if (!touched) return { steps: removals.steps, refusals: [], notes };

  const clusters = Object.keys(settings.verify.clusters);
  const target = found.path === live.generated.path ? live.generated : live.files[found.path];
  const reachableOnly = clusters.filter(
    (name) => !(name in (target?.routing ?? {})) || whyOnlyReachable(name, settings, live) !== undefined,
  );
  const waits =
    settings.switchRouting === "in-place" && !moves && isLoaded(live, kept) && !refreshRefusal(desired, live);
  const by = waits ? intervalOf(live, kept) : "reload";
  const to = AS_GENERATED;
  const lists = listsAfter(found.path, restored.steps, live, kept);
  const path = found.path;
  const damage = damageOf(activeFile(live));
  const frame = { clusters, reachableOnly, before: clusters, damage, to, path, lists, asGenerated: true, by } as const;
  return {
    steps: [...framed(desired, steps, frame), ...removals.steps],
    refusals: notRunning(desired, live),
    notes,
  };
}

/** What a file says of routing once these are put back; of a copy from the backups that is not known here. */
function listsAfter(
  path: string,
  restored: readonly RoutingStep[],
  live: Live,
  kept: Kept,
): Readonly<Record<string, ClusterRouting>> {
  if (path === live.generated.path) return generatedLists(live, kept);
  return restored.some((step) => "path" in step && step.path === path) ? {} : (live.files[path]?.routing ?? {});
}

/** A file that was generated again since it was edited has nothing of ours left to take out. */
const generatedNotes = (live: Live, kept: Kept): string[] =>
  kept.inPlace &&
  generatedState(live, kept) === "as generated" &&
  live.generated.sha256 !== kept.inPlace.generated.sha256
    ? [`${live.generated.path} stays as it is: it was generated again since it was edited in place`]
    : [];

const nothingRecorded = ({ identity }: RoutingDesired): Problem => ({
  where: `${identity.host}:${identity.httpdConf}`,
  found: "no directive was recorded at adoption",
  why: "What was there before is not known, so it cannot be put back",
  next: "Set onDestroy: retain",
});
