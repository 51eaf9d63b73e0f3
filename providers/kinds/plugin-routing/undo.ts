import { milliseconds } from "../../common/duration.js";
import { formatProblem, problemsOf } from "../../common/problem.js";
import type { UndoContext } from "../../lifecycle/kind.js";
import { reloadOrStart } from "../../targets/plugin/control.js";
import type { Pause } from "../../targets/plugin/refresh.js";
import { mayBeLoaded, pointAt, waitUntilRead } from "./apply.js";
import { type RoutingDesired, webServerOf } from "./goal.js";
import type { Kept, Live } from "./live.js";
import { hostOf, provenNow, proveThrough } from "./proving.js";
import type { RoutingStep } from "./steps.js";
import { isOurDoing, previousOf } from "./unfinished.js";

export type RoutingUndoContext = UndoContext<RoutingStep, RoutingDesired, Live, Kept>;

/**
 * After a failed step: the previous plug-in file and directive back, a reload if one had been begun, and the probes of
 * before once more. When all of that went well the run is as if it had never been; else the next one still knows of it.
 */
export async function undo(context: RoutingUndoContext, pause: Pause): Promise<Partial<Kept> | undefined> {
  if (context.failed.key === "check-first") return undefined;
  if (context.done.some((step) => step.key === "prove")) {
    context.tell("users are where they were declared to be, which was proved; what is left is tidied by the next up");
    return undefined;
  }
  const host = hostOf(context);
  const { settings } = context.desired;
  // Its record was made before the first write.
  const previous = context.kept.previous ?? previousOf(context.kept, context.live);
  const active = context.live.directive?.path;
  let changed = false;
  let pointedBack = false;
  let noticed = false;
  let whole = true;

  // Old content first, then the directive that may name it, and only after the reload away with what nothing names now.
  for (const [path, sha256] of Object.entries(previous.files)) {
    if (sha256 === "absent") continue;
    const now = await host.files.read(path);
    if (now?.sha256 === sha256) continue;
    if (!isOurDoing(context.kept, path, now?.sha256)) {
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
  const reloads = mayBeLoaded(context) && (pointedBack || settings.switchRouting === "directive");
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
  } else if (noticed && settings.switchRouting === "in-place") {
    await waitUntilRead(context.live.generated.refreshInterval, context, pause);
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
    if (!now || !isOurDoing(context.kept, path, now.sha256)) continue;
    await context.assertHeld();
    await host.files.remove(path, { expected: now.sha256 });
    context.tell(`${path}, which was new, is removed`);
  }
  if (!whole || !green) return undefined;
  const { proven, directive } = previous;
  // What was proved before is so again. The directive's file is another one now, by its time.
  return {
    proven: proven && directive ? { ...(await provenNow(directive.path, context)), how: proven.how } : null,
    previous: undefined,
  };
}

/** The probes of before, once more; a bad answer is part of the story and not an error of its own. */
async function verdict(context: RoutingUndoContext): Promise<boolean> {
  const check = context.done.find((step) => step.key === "check-first");
  const { verify, webServer } = context.desired.settings;
  if (!check) {
    context.tell("nothing was probed");
    return false;
  }
  try {
    await proveThrough(check, context, milliseconds(verify.settleTime));
  } catch (error) {
    const problems = problemsOf(error, webServer).map(formatProblem);
    context.tell(`after that the probes are still not green: ${problems.join(" ")}`);
    return false;
  }
  context.tell("after that every probe is green again");
  return true;
}
