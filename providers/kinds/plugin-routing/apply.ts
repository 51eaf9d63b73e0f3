import { milliseconds } from "../../common/duration.js";
import { sha256 } from "../../common/json.js";
import { ProblemError } from "../../common/problem.js";
import { readPluginConfig, routePlugin } from "../../formats/plugin-cfg.js";
import { changedSincePlanned } from "../../targets/file-problems.js";
import type { Host } from "../../targets/host.js";
import type { HttpdDirective } from "../../targets/httpd.js";
import { requireOwnAddress } from "../../targets/plugin/access-log.js";
import { reload, requireSyntax } from "../../targets/plugin/control.js";
import { setDirective } from "../../targets/plugin/directive.js";
import { type Pause, waitForRefresh } from "../../targets/plugin/refresh.js";
import { targetOf } from "../../targets/plugin/verify.js";
import { directiveIn } from "../../targets/plugin/web-server.js";
import { type RoutingDesired, webServerOf } from "./goal.js";
import type { Kept, Written } from "./live.js";
import {
  holdSessions,
  hostOf,
  provenNow,
  proveThrough,
  type RoutingContext,
  sayWhatBecameOfSessions,
} from "./proving.js";
import type { CopyRecipe, EditRecipe, RoutingStep } from "./steps.js";
import { leftHalfDone, previousOf, unfinishedRun } from "./unfinished.js";

/** What we remember of older copies: enough to recognise one that an interrupted run left. */
const REMEMBERED_VERSIONS = 4;

/** One step. Each looks at its target anew, so that doing it twice is doing it once. */
export async function apply(
  step: RoutingStep,
  context: RoutingContext,
  pause: Pause,
): Promise<Partial<Kept> | undefined> {
  const host = hostOf(context);
  const { settings } = context.desired;
  switch (step.key) {
    case "check-first":
      return checkFirst(step, context, host);
    case "write-copy":
      return void (await replace(step.copy, await copyBytes(step.copy, host), context, host, step.copy.sourcePath));
    case "edit-in-place":
      if (step.followed) await holdSessions(context, host);
      return void (await replace(step.edit, await editedBytes(step.edit, host), context, host));
    case "point-directive":
      return void (await point(step, context, host));
    case "reload":
      await holdSessions(context, host);
      await reload(host, webServerOf(context.desired), settings, () => begunReloads.add(context.desired));
      return undefined;
    case "wait-for-refresh":
      return void (await waitUntilRead(step.intervalSeconds, context, pause));
    case "prove": {
      await proveThrough(
        { ...step, level: "routed", planned: step },
        context,
        milliseconds(settings.verify.settleTime),
      );
      await sayWhatBecameOfSessions(context, host);
      const forgotten = step.asGenerated ? { inPlace: undefined } : {};
      return { proven: await provenNow(step.path, context), previous: undefined, ...forgotten };
    }
    case "forget-edit":
      return { inPlace: undefined };
    default:
      if (!("sha256" in step)) return void (await host.files.remove(step.path, { expected: step.expected }));
      if (step.followed) await holdSessions(context, host);
      await replace(step, await context.fromBackup(host, step.sha256), context, host);
      // After the proof nobody goes back to the edit in place any more.
      return context.kept.proven !== null && step.path === context.kept.inPlace?.path
        ? { inPlace: undefined }
        : undefined;
  }
}

/**
 * Nothing is changed before every probe is green: what fails afterwards is then known to be our doing. Only two may start
 * from red: a run that goes on from an unfinished one, since its very changes may be what makes them red, and one that
 * mends the file that the web server follows, since that damage may be.
 */
async function checkFirst(
  step: Extract<RoutingStep, { key: "check-first" }>,
  context: RoutingContext,
  host: Host,
): Promise<Partial<Kept>> {
  const { kept, live, desired } = context;
  const previous = previousOf(kept, live);
  const halfDone = leftHalfDone(kept, live);
  try {
    if (step.reloads) await requireSyntax(host, webServerOf(desired), desired.settings);
  } catch (error) {
    throw asRefusal(error, halfDone, "a configuration that the web server does not accept cannot be reloaded");
  }
  const { verify } = desired.settings;
  await requireOwnAddress(host, verify, await targetOf(verify), context.signal);
  try {
    await proveThrough(step, context, 0);
  } catch (error) {
    const mayBeWhy = halfDone.length > 0 ? "an unfinished run may be why" : step.damage;
    if (mayBeWhy === undefined || !(error instanceof ProblemError) || context.signal.aborted)
      throw asRefusal(error, halfDone, "with probes that fail before, nothing could be proved after");
    context.progress(`going on though not every probe is green, since ${mayBeWhy}: ${error.message}`);
  }
  const written = await withVersions(step, kept, host);
  const files = { ...step.touches, ...previous.files };
  const towards = [...new Set([...previous.towards, step.path])];
  const resumed = unfinishedRun(kept, live) ? { resumed: true as const } : {};
  const edited = step.edit ? { inPlace: step.edit.inPlace } : {};
  return { proven: null, previous: { ...previous, files, towards, ...resumed }, written, ...edited };
}

function asRefusal(error: unknown, halfDone: readonly string[], why: string): unknown {
  if (!(error instanceof ProblemError) || !["not-converged", "command-failed"].includes(error.cause)) return error;
  const changed =
    halfDone.length > 0
      ? `This check has changed nothing; the unfinished run before it had: ${halfDone.join(", ")}`
      : "Nothing has been changed";
  return new ProblemError(
    "refused",
    error.problems.map((problem) => ({
      ...problem,
      why: `${changed}: ${why}`,
      next: problem.next ?? "Correct the probe, the application or the configuration, and run up again",
    })),
  );
}

/** Recorded before a file is written, so that it is known as ours whatever happens in between. */
async function withVersions(
  { copy, edit }: Extract<RoutingStep, { key: "check-first" }>,
  { written }: Kept,
  host: Host,
): Promise<Kept["written"]> {
  if (copy) return withVersion(written, copy.path, versionOf(await copyBytes(copy, host), copy.path));
  if (!edit) return written;
  const bytes = await editedBytes(edit, host);
  const { clusters } = readPluginConfig(bytes, edit.path);
  const routing = Object.fromEntries(clusters.map(({ name, primary, backup }) => [name, { primary, backup }]));
  return withVersion(written, edit.path, { ...versionOf(bytes, edit.path), routing });
}

const versionOf = (bytes: Buffer, path: string): Written => ({
  sha256: sha256(bytes),
  restDigest: readPluginConfig(bytes, path).restDigest,
});

function withVersion(written: Kept["written"], path: string, version: Written): Kept["written"] {
  const older = (written[path] ?? []).filter((known) => known.sha256 !== version.sha256);
  return { ...written, [path]: [version, ...older].slice(0, REMEMBERED_VERSIONS) };
}

/** The generated file with other primaries; `routePlugin` reads its own result again before it answers. */
async function copyBytes(copy: CopyRecipe, host: Host): Promise<Buffer> {
  const source = await host.files.read(copy.sourcePath);
  const where = `${host.name}:${copy.sourcePath}`;
  if (source?.sha256 !== copy.sourceSha256) throw changedSincePlanned(where, "it was changed after the plan was made");
  return routePlugin(source.bytes, where, new Map(Object.entries(copy.wanted)));
}

/** The generated file with other lists. A file that has them already is as we left it: the step is done twice. */
async function editedBytes({ path, lists }: EditRecipe, host: Host): Promise<Buffer> {
  const present = await host.files.read(path);
  const where = `${host.name}:${path}`;
  if (!present) throw changedSincePlanned(where, "it is gone since the plan was made");
  return routePlugin(present.bytes, where, new Map(Object.entries(lists)));
}

/** Puts the old bytes into the backups first. */
async function replace(
  { path, expected }: { readonly path: string; readonly expected: string },
  bytes: Buffer,
  context: RoutingContext,
  host: Host,
  like?: string,
): Promise<void> {
  const present = await host.files.read(path);
  if (present?.sha256 === sha256(bytes)) return;
  if (present) await context.backUp(host, present.bytes);
  await host.files.write(path, bytes, { expected, ...(like ? { like } : {}) });
}

/** The directive, unless it is not the one that was planned for any more. */
async function point(
  step: Extract<RoutingStep, { key: "point-directive" }>,
  context: RoutingContext,
  host: Host,
): Promise<void> {
  const planned = context.live.directive;
  const directive = await directiveIn(host.files, webServerOf(context.desired), context.desired.settings);
  if (directive.value === step.value) return;
  if (directive.fileSha256 !== planned?.fileSha256 || directive.file !== planned.file) {
    throw changedSincePlanned(`${host.name}:${directive.file}`, "it was changed after the plan was made");
  }
  await pointAt(step.value, step.restoresFound ? context.kept.found.directive : undefined, context, host);
}

/** Answers whether anything was written. With `once`, the whole file of then, if nothing but the directive differs from it. */
export async function pointAt(
  value: string,
  once: HttpdDirective | undefined,
  context: RoutingContext,
  host: Host,
): Promise<boolean> {
  const { desired } = context;
  const bytes = once && (await backupOrNone(once.fileSha256, context, host));
  return setDirective(host, webServerOf(desired), desired.settings, value, {
    backUp: (replaced) => context.backUp(host, replaced),
    ...(once && bytes ? { once: { directive: once, bytes } } : {}),
  });
}

/** A lost backup of the whole file only means that the directive alone is put back. */
async function backupOrNone(digest: string, context: RoutingContext, host: Host): Promise<Buffer | undefined> {
  try {
    return await context.fromBackup(host, digest);
  } catch (error) {
    if (error instanceof ProblemError && ["missing", "malformed"].includes(error.cause)) return undefined;
    throw error;
  }
}

export const waitUntilRead = (intervalSeconds: number, context: RoutingContext, pause: Pause): Promise<void> =>
  waitForRefresh({
    webServer: context.desired.settings.webServer,
    intervalSeconds,
    pause,
    progress: context.progress,
    signal: context.signal,
  });

/** Runs of this process that came as far as asking for a reload, by their inputs. */
const begunReloads = new WeakSet<RoutingDesired>();

/** This run came as far as asking for a reload. */
export const hasBegunReload = (context: RoutingContext): boolean => begunReloads.has(context.desired);
