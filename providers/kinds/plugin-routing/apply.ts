import { milliseconds } from "../../common/duration.js";
import { sha256 } from "../../common/json.js";
import { ProblemError } from "../../common/problem.js";
import { type PluginConfig, readPluginConfig, routePlugin } from "../../formats/plugin-cfg.js";
import type { ApplyContext } from "../../lifecycle/kind.js";
import type { Host } from "../../targets/host.js";
import { type HttpdDirective, pointDirective } from "../../targets/httpd.js";
import { requireOwnAddress } from "../../targets/plugin/access-log.js";
import { reload, requireAlive, requireSyntax } from "../../targets/plugin/control.js";
import {
  beginSessions,
  followSessions,
  type HeldSession,
  type SessionSettings,
} from "../../targets/plugin/sessions.js";
import { type Proving, prove, targetOf, tokenOf } from "../../targets/plugin/verify.js";
import { directiveIn } from "../../targets/plugin/web-server.js";
import { type RoutingDesired, webServerOf } from "./goal.js";
import { copyPath, fileName, type Kept, type Live, lastChange, type Proven } from "./live.js";
import type { CopyRecipe, RoutingStep } from "./plan.js";
import type { Settings } from "./schema.js";
import { isHalfDone, previousOf, unfinishedRun } from "./unfinished.js";

export type RoutingContext = ApplyContext<RoutingDesired, Live, Kept>;

/** What we remember of older copies: enough to recognise one that an interrupted run left. */
const REMEMBERED_VERSIONS = 4;

/** One step. Each looks at its target anew, so that doing it twice is doing it once. */
export async function apply(step: RoutingStep, context: RoutingContext): Promise<Partial<Kept> | undefined> {
  const host = hostOf(context);
  const { settings } = context.desired;
  if (step.key === "check-first") return checkFirst(step, context, host);
  if (step.key === "prove") {
    await proveThrough({ ...step, level: "routed" }, context, milliseconds(settings.verify.settleTime));
    await sayWhatBecameOfSessions(context, host);
    return { proven: await provenNow(step.path, context), previous: undefined };
  }
  if (step.key === "reload") {
    await holdSessions(context, host);
    await reload(host, webServerOf(context.desired), settings, () => begunReloads.add(context.desired));
  } else if (step.key === "point-directive") await point(step, context, host);
  else if (step.key === "write-copy") {
    const { path, expected, sourcePath } = step.copy;
    await replace(path, await copyBytes(step.copy, host), expected, context, host, sourcePath);
  } else if ("sha256" in step) {
    await replace(step.path, await context.fromBackup(host, step.sha256), step.expected, context, host);
  } else {
    await host.files.remove(step.path, { expected: step.expected });
  }
  return undefined;
}

export const hostOf = (context: RoutingContext): Host => context.host(context.desired.settings.connection);

/**
 * Nothing is changed before every probe is green: what fails afterwards is then known to be our doing. Only a run that
 * goes on from an unfinished one may start from red, since its very changes may be what makes them red.
 */
async function checkFirst(
  step: Extract<RoutingStep, { key: "check-first" }>,
  context: RoutingContext,
  host: Host,
): Promise<Partial<Kept>> {
  const { kept, live, desired } = context;
  const previous = previousOf(kept, live);
  try {
    await requireSyntax(host, webServerOf(desired), desired.settings);
  } catch (error) {
    throw asRefusal(error, "a configuration that the web server does not accept cannot be reloaded");
  }
  const { verify } = desired.settings;
  await requireOwnAddress(host, verify, await targetOf(verify), context.signal);
  try {
    await proveThrough(step, context, 0);
  } catch (error) {
    if (!isHalfDone(kept, live) || !(error instanceof ProblemError) || context.signal.aborted)
      throw asRefusal(error, "with probes that fail before, nothing could be proved after");
    context.progress(`going on from an unfinished run though not every probe is green: ${error.message}`);
  }
  const written = step.copy ? await withVersion(kept, step.copy, host) : kept.written;
  const files = { ...step.touches, ...previous.files };
  const towards = [...new Set([...previous.towards, step.path])];
  const resumed = unfinishedRun(kept, live) ? { resumed: true as const } : {};
  return { proven: null, previous: { ...previous, files, towards, ...resumed }, written };
}

function asRefusal(error: unknown, why: string): unknown {
  if (!(error instanceof ProblemError) || !["not-converged", "command-failed"].includes(error.cause)) return error;
  return new ProblemError(
    "refused",
    error.problems.map((problem) => ({
      ...problem,
      why: `Nothing has been changed: ${why}`,
      next: problem.next ?? "Correct the probe, the application or the configuration, and run up again",
    })),
  );
}

/** Recorded before the file is written, so that a copy is known as ours whatever happens in between. */
async function withVersion(kept: Kept, copy: CopyRecipe, host: Host): Promise<Kept["written"]> {
  const bytes = await copyBytes(copy, host);
  const version = { sha256: sha256(bytes), restDigest: readPluginConfig(bytes, copy.path).restDigest };
  const older = (kept.written[copy.path] ?? []).filter((known) => known.sha256 !== version.sha256);
  return { ...kept.written, [copy.path]: [version, ...older].slice(0, REMEMBERED_VERSIONS) };
}

/** The generated file with other primaries; `routePlugin` reads its own result again before it answers. */
async function copyBytes(copy: CopyRecipe, host: Host): Promise<Buffer> {
  const source = await host.files.read(copy.sourcePath);
  const where = `${host.name}:${copy.sourcePath}`;
  if (source?.sha256 !== copy.sourceSha256) throw changed(where, "it was changed after the plan was made");
  return routePlugin(source.bytes, where, new Map(Object.entries(copy.wanted)));
}

/** Puts the old bytes into the backups first. */
async function replace(
  path: string,
  bytes: Buffer,
  expected: string,
  context: RoutingContext,
  host: Host,
  like?: string,
): Promise<void> {
  const present = await host.files.read(path);
  if (present?.sha256 === sha256(bytes)) return;
  if (present) await context.backUp(host, present.bytes);
  await host.files.write(path, bytes, { expected, ...(like ? { like } : {}) });
}

async function point(
  step: Extract<RoutingStep, { key: "point-directive" }>,
  context: RoutingContext,
  host: Host,
): Promise<void> {
  const planned = context.live.directive;
  const directive = await directiveOf(context, host);
  if (directive.value === step.value) return;
  if (directive.fileSha256 !== planned?.fileSha256 || directive.file !== planned.file) {
    throw changed(`${host.name}:${directive.file}`, "it was changed after the plan was made");
  }
  const found = context.kept.found.directive;
  const whole = step.restoresFound && found ? found : undefined;
  await setDirective(step.value, whole, context, host);
}

/**
 * Gives the directive in force another value; answers whether anything was written. With `whole`, the
 * directive as it once was: its file of then, byte for byte, if nothing but the directive differs from it now.
 */
export async function setDirective(
  value: string,
  whole: HttpdDirective | undefined,
  context: RoutingContext,
  host: Host,
): Promise<boolean> {
  const directive = await directiveOf(context, host);
  if (directive.value === value) return false;
  const content = await host.files.read(directive.file);
  const where = `${host.name}:${directive.file}`;
  if (content?.sha256 !== directive.fileSha256) throw changed(where, "it was changed while it was being read");
  await context.backUp(host, content.bytes);
  const once = whole?.file === directive.file ? await backupOrNone(whole.fileSha256, context, host) : undefined;
  const onlyDirective = once && whole && pointDirective(once, whole, directive.value).equals(content.bytes);
  const bytes = once && onlyDirective ? once : pointDirective(content.bytes, directive, value);
  await host.files.write(directive.file, bytes, { expected: content.sha256 });
  const after = await directiveOf(context, host);
  if (after.value === value) return true;
  throw new ProblemError("malformed", {
    where: `${where}:${after.line}`,
    found: `the directive in force names ${after.value} after the edit`,
    allowed: value,
  });
}

const directiveOf = (context: RoutingContext, host: Host): Promise<HttpdDirective> =>
  directiveIn(host.files, webServerOf(context.desired), context.desired.settings);

/** A lost backup of the whole file only means that the directive alone is put back. */
async function backupOrNone(digest: string, context: RoutingContext, host: Host): Promise<Buffer | undefined> {
  try {
    return await context.fromBackup(host, digest);
  } catch (error) {
    if (error instanceof ProblemError && ["missing", "malformed"].includes(error.cause)) return undefined;
    throw error;
  }
}

/** Sessions begun before a reload, by the inputs of their run: a run that is gone leaves none behind. */
const heldSessions = new WeakMap<RoutingDesired, readonly HeldSession[]>();

async function holdSessions(context: RoutingContext, host: Host): Promise<void> {
  const settings = await sessionSettings(context, host);
  if (settings) heldSessions.set(context.desired, await beginSessions(Object.keys(settings.verify.clusters), settings));
}

/** Users' sessions stay, go on elsewhere or begin anew: which of these happened is measured and said. */
async function sayWhatBecameOfSessions(context: RoutingContext, host: Host): Promise<void> {
  const held = heldSessions.get(context.desired) ?? [];
  const settings = held.length > 0 ? await sessionSettings(context, host) : undefined;
  if (settings) for (const line of await followSessions(held, settings)) context.progress(line);
}

/** undefined where nothing can be measured; a measurement must not fail a run whose proof is another. */
async function sessionSettings(context: RoutingContext, host: Host): Promise<SessionSettings | undefined> {
  const { verify, pluginFile } = context.desired.settings;
  try {
    const target = await targetOf(verify);
    const token = await tokenOf(verify, target, context.signal);
    const config = await readConfig(pluginFile, host);
    return { verify, config, target, signal: context.signal, ...(token ? { token } : {}) };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    context.progress(`what becomes of sessions cannot be measured: ${error.message}`);
    return undefined;
  }
}

/** Runs of this process that came as far as asking for a reload, by their inputs. */
const begunReloads = new WeakSet<RoutingDesired>();

/** Whether the web server may run with what this run, or the one that it goes on from, changed. */
export const mayBeLoaded = (context: RoutingContext): boolean =>
  begunReloads.has(context.desired) || context.kept.previous?.resumed === true;

/** To be remembered of a proof that was just given. */
export async function provenNow(path: string, context: RoutingContext): Promise<Proven> {
  const host = hostOf(context);
  const stat = await host.files.stat((await directiveOf(context, host)).file);
  return { path, how: "by probes", ...(stat ? { editedMs: lastChange(stat) } : {}) };
}

/**
 * Probes the clusters. "routed" is judged by the file that the directive names, the very one the reload took; "answering"
 * by the generated file, since the one in place may be what is broken.
 */
export async function proveThrough(
  { clusters, level, reachableOnly }: Pick<Proving, "clusters" | "level" | "reachableOnly">,
  context: RoutingContext,
  settleMs: number,
): Promise<void> {
  const { settings, aspects } = context.desired;
  const host = hostOf(context);
  const path = level === "routed" ? (await directiveOf(context, host)).path : settings.pluginFile;
  const needsConfig = level !== "reachable" && clusters.some((name) => !reachableOnly?.includes(name));
  const proving = {
    host,
    verify: settings.verify,
    ...(needsConfig ? { config: await readConfig(path, host) } : {}),
    clusters,
    level,
    ...(reachableOnly ? { reachableOnly } : {}),
    inWords: level === "routed" ? wordsFor(path, aspects.primaryNode, settings) : "answered",
    signal: context.signal,
    alive: () => requireAlive(host, webServerOf(context.desired), settings),
    progress: context.progress,
  };
  await prove(proving, settleMs);
}

const wordsFor = (path: string, node: string, settings: Settings): string =>
  path === copyPath(settings, node) ? `on ${node}` : `on primaries of ${fileName(path)}`;

async function readConfig(path: string, host: Host): Promise<PluginConfig> {
  const where = `${host.name}:${path}`;
  const content = await host.files.read(path);
  if (content) return readPluginConfig(content.bytes, where);
  throw new ProblemError("missing", { where, found: "there is no such file" });
}

function changed(where: string, found: string): ProblemError {
  return new ProblemError("changed-meanwhile", {
    where,
    found,
    why: "What was planned may no longer be right for it",
    next: "Run up again: it looks anew",
  });
}
