import { milliseconds } from "../../common/duration.js";
import { formatProblem, problemsOf } from "../../common/problem.js";
import type { UndoContext } from "../../lifecycle/kind.js";
import type { Host } from "../../targets/host.js";
import { reloadOrStart } from "../../targets/plugin/control.js";
import { fileName } from "../../targets/plugin/copies.js";
import type { Pause } from "../../targets/plugin/refresh.js";
import { directiveIn, lastChange } from "../../targets/plugin/web-server.js";
import { hasBegunReload, pointAt, waitUntilRead } from "./apply.js";
import { type RoutingDesired, webServerOf, whyOnlyReachable } from "./goal.js";
import type { Kept, Live, Proven } from "./live.js";
import { hostOf, proveThrough } from "./proving.js";
import { damageIn, damageOf, readOther } from "./read-file.js";
import type { RoutingStep } from "./steps.js";
import { isOurDoing, leftHalfDone, previousOf } from "./unfinished.js";

export type RoutingUndoContext = UndoContext<RoutingStep, RoutingDesired, Live, Kept>;

/**
 * After a failed step: the previous plug-in file and directive back, a reload if one had been begun, and a proof that users
 * are served as the previous file says. When all of that went well the run is as if it had never been; else the next one
 * still knows of it. A check that failed has changed nothing; what the run that it was to go on from left does go back.
 */
export async function undo(context: RoutingUndoContext, pause: Pause): Promise<Partial<Kept> | undefined> {
  const { kept, live } = context;
  if (context.failed.key === "check-first" && leftHalfDone(kept, live).length === 0) return undefined;
  if (context.done.some((step) => step.key === "prove")) {
    context.tell("users are where they were declared to be, which was proved; what is left is tidied by the next up");
    return undefined;
  }
  const host = hostOf(context);
  const { settings } = context.desired;
  // Its record was made before the first write.
  const previous = kept.previous ?? previousOf(kept, live);
  const damage = await damageBefore(previous, context, host);
  if (damage !== undefined) {
    context.tell(`nothing is put back: before this run, ${damage}`);
    return undefined;
  }
  const active = live.directive?.path;
  const inPlace = settings.switchRouting === "in-place";
  // An earlier run, be it of another process, may have come further than this one.
  const resumed = previous.resumed === true || !context.done.some((step) => step.key === "check-first");
  let changed = false;
  let pointedBack = false;
  // In place processes may have read what was written, also where somebody else has put it back by now.
  let noticed = inPlace && active !== undefined && active in previous.files && (resumed || context.done.length > 1);
  let whole = true;

  // Old content first, then the directive that may name it, and only after the reload away with what nothing names now.
  for (const [path, sha256] of Object.entries(previous.files)) {
    if (sha256 === "absent") continue;
    const now = await host.files.read(path);
    if (now?.sha256 === sha256) continue;
    if (!isOurDoing(kept, path, now?.sha256)) {
      whole = false;
      context.tell(`${path} stays: somebody changed it since we wrote it`);
      continue;
    }
    const bytes = await context.fromBackup(host, sha256);
    await context.assertHeld();
    await host.files.write(path, bytes, { expected: now?.sha256 ?? "absent" });
    changed = true;
    noticed ||= path === active;
    context.tell(`${path} has its previous content again`);
  }
  if (previous.directive) {
    await context.assertHeld();
    if (await pointAt(previous.directive.value, previous.directive, context, host)) {
      changed = pointedBack = true;
      context.tell(`WebSpherePluginConfig names ${previous.directive.value} again`);
    }
  }
  // In place nothing was reloaded unless the directive was moved: processes follow what is in the file by themselves.
  const reloads = (resumed || hasBegunReload(context)) && (pointedBack || !inPlace);
  let green = true;
  if (reloads) {
    await context.assertHeld();
    const how = await reloadOrStart(host, webServerOf(context.desired), settings);
    context.tell(
      how === "reloaded"
        ? `${settings.webServer} was reloaded`
        : `${settings.webServer} was down and was started again`,
    );
    green = await verdict(context);
  } else if (noticed && inPlace) {
    await waitUntilRead(live.generated.refreshInterval, context, pause);
    green = await verdict(context);
  } else if (changed) {
    context.tell(
      noticed
        ? `${settings.webServer} had not been reloaded, but may have read the file meanwhile by itself (RefreshInterval)`
        : `${settings.webServer} had not been reloaded, so users noticed nothing`,
    );
  }
  for (const [path, sha256] of Object.entries(previous.files)) {
    const now = sha256 === "absent" ? await host.files.read(path) : undefined;
    if (!now || !isOurDoing(kept, path, now.sha256)) continue;
    await context.assertHeld();
    await host.files.remove(path, { expected: now.sha256 });
    context.tell(`${path}, which was new, is removed`);
  }
  if (!whole || !green) return undefined;
  return {
    proven: await provenBefore(previous, context, host),
    previous: undefined,
    ...(await forgottenEdit(kept, host)),
  };
}

/** Why there is nothing to go back to: with it loaded, a web server may not even come up. */
async function damageBefore(
  { directive, files }: NonNullable<Kept["previous"]>,
  context: RoutingUndoContext,
  host: Host,
): Promise<string | undefined> {
  if (!directive) return undefined;
  const { path } = directive;
  const now = await readOther(host.files, host.name, path);
  const sha256 = files[path] ?? now.sha256;
  if (sha256 === now.sha256) return damageOf(now);
  if (sha256 === "absent") return damageOf({ path, sha256, problems: [] });
  return damageIn(await context.fromBackup(host, sha256), path);
}

/** What was in force at the start is so again: the directive's file has the bytes of then, and another time. */
async function provenBefore(
  { proven, directive }: NonNullable<Kept["previous"]>,
  { desired }: RoutingUndoContext,
  host: Host,
): Promise<Proven | null> {
  if (!proven || !directive) return null;
  const now = await directiveIn(host.files, webServerOf(desired), desired.settings);
  const stat = await host.files.stat(now.file);
  if (!stat || now.file !== directive.file || now.fileSha256 !== directive.fileSha256) return null;
  return { ...proven, editedMs: lastChange(stat) };
}

/** With the generated bytes back nothing of an edit in place is left. */
async function forgottenEdit({ inPlace }: Kept, host: Host): Promise<Partial<Kept>> {
  const now = inPlace && (await host.files.read(inPlace.path));
  return now && now.sha256 === inPlace.generated.sha256 ? { inPlace: undefined } : {};
}

/** Whether users are served as the file in force says; a bad answer is part of the story and not an error of its own. */
async function verdict(context: RoutingUndoContext): Promise<boolean> {
  const check = [...context.done, context.failed].find((step) => step.key === "check-first");
  const { settings } = context.desired;
  if (!check) {
    context.tell("nothing was probed");
    return false;
  }
  const reachableOnly = check.clusters.filter((name) => whyOnlyReachable(name, settings, context.live) !== undefined);
  const { path } = await directiveIn(hostOf(context).files, webServerOf(context.desired), settings);
  const inWords = `on primaries of ${fileName(path)}`;
  const waitingFor = settings.switchRouting === "in-place" ? "every process to have read the file again" : undefined;
  const asked = { clusters: check.clusters, level: "routed", reachableOnly, inWords } as const;
  try {
    await proveThrough(
      { ...asked, ...(waitingFor ? { waitingFor } : {}) },
      context,
      milliseconds(settings.verify.settleTime),
    );
  } catch (error) {
    const problems = problemsOf(error, settings.webServer).map(formatProblem);
    context.tell(`after that the probes are still not green: ${problems.join(" ")}`);
    return false;
  }
  context.tell("after that every probe is green again");
  return true;
}
