import { milliseconds } from "../../common/duration.js";
import { formatProblem, problemsOf } from "../../common/problem.js";
import type { UndoContext } from "../../lifecycle/kind.js";
import { reloadOrStart } from "../../targets/plugin/control.js";
import { hostOf, previousOf, proveThrough, setDirective } from "./apply.js";
import { type RoutingDesired, webServerOf } from "./goal.js";
import type { Kept, Live } from "./live.js";
import type { RoutingStep } from "./plan.js";

export type RoutingUndoContext = UndoContext<RoutingStep, RoutingDesired, Live, Kept>;

/**
 * After a failed step: the previous plug-in file and directive back, a reload if there had been one, and the probes of
 * before once more. Tells what was done, a sentence each.
 */
export async function undo(context: RoutingUndoContext): Promise<undefined> {
  if (context.failed.key === "check-first") return undefined;
  const host = hostOf(context);
  const { settings } = context.desired;
  const { webServer } = settings;
  let changed = false;
  const tell = (sentence: string) => {
    changed = true;
    context.tell(sentence);
  };
  const previous = previousOf(context.kept, context.live);

  // Old content first, then the directive that may name it, and only after the reload away with what nothing names now.
  for (const [path, sha256] of Object.entries(previous.files)) {
    if (sha256 === "absent") continue;
    const now = await host.files.read(path);
    if (now?.sha256 === sha256 || !isOurs(context.kept, path, now?.sha256)) continue;
    await host.files.write(path, await context.fromBackup(host, sha256), { expected: now?.sha256 ?? "absent" });
    tell(`${path} has its previous content again`);
  }
  if (previous.directive && (await setDirective(previous.directive.value, previous.directive, context, host))) {
    tell(`WebSpherePluginConfig names ${previous.directive.value} again`);
  }
  const reached = [...context.done, context.failed];
  const reloaded = reached.some((step) => step.key === "reload");
  if (reloaded) {
    const how = await reloadOrStart(host, webServerOf(context.desired), settings);
    tell(how === "reloaded" ? `${webServer} was reloaded` : `${webServer} was down and was started again`);
    tell(await verdictOf(context));
  } else if (changed) {
    tell(`${webServer} had not been reloaded, so users noticed nothing`);
  }
  for (const [path, sha256] of Object.entries(previous.files)) {
    const now = sha256 === "absent" ? await host.files.read(path) : undefined;
    if (!now || !isOurs(context.kept, path, now.sha256)) continue;
    await host.files.remove(path, { expected: now.sha256 });
    tell(`${path}, which was new, is removed`);
  }
  return undefined;
}

const isOurs = (kept: Kept, path: string, sha256: string | undefined): boolean =>
  kept.written[path]?.some((version) => version.sha256 === sha256) ?? false;

/** The probes of before, once more; a bad answer is part of the story and not an error of its own. */
async function verdictOf(context: RoutingUndoContext): Promise<string> {
  const check = context.done.find((step) => step.key === "check-first");
  if (!check) return "nothing was probed";
  const { verify } = context.desired.settings;
  try {
    await proveThrough(check.clusters, check.level, context, milliseconds(verify.settleTime));
  } catch (error) {
    const problems = problemsOf(error, context.desired.settings.webServer).map(formatProblem);
    return `after that the probes are still not green: ${problems.join(" ")}`;
  }
  return `after that every probe is green again`;
}
