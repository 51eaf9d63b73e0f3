import { ProblemError } from "../../common/problem.js";
import { type PluginConfig, readPluginConfig } from "../../formats/plugin-cfg.js";
import { sameRouting } from "../../formats/routing.js";
import type { ApplyContext } from "../../lifecycle/kind.js";
import { changedSincePlanned } from "../../targets/file-problems.js";
import type { Host } from "../../targets/host.js";
import type { HttpdDirective } from "../../targets/httpd.js";
import { requireAlive } from "../../targets/plugin/control.js";
import {
  beginSessions,
  followSessions,
  type HeldSession,
  type SessionSettings,
} from "../../targets/plugin/sessions.js";
import { type Proving, prove, targetOf, tokenOf } from "../../targets/plugin/verify.js";
import { directiveIn, lastChange, unlinked } from "../../targets/plugin/web-server.js";
import { type RoutingDesired, webServerOf } from "./goal.js";
import type { Kept, Live, Proven } from "./live.js";
import type { RoutingStep } from "./steps.js";

export type RoutingContext = ApplyContext<RoutingDesired, Live, Kept>;

export const hostOf = (context: RoutingContext): Host => context.host(context.desired.settings.connection);

/** Sessions begun before a switch, by the inputs of their run: a run that is gone leaves none behind. */
const heldSessions = new WeakMap<RoutingDesired, readonly HeldSession[]>();

export async function holdSessions(context: RoutingContext, host: Host): Promise<void> {
  const settings = await sessionSettings(context, host);
  if (settings) heldSessions.set(context.desired, await beginSessions(Object.keys(settings.verify.clusters), settings));
}

/** Users' sessions stay, go on elsewhere or begin anew: which of these happened is measured and said. */
export async function sayWhatBecameOfSessions(context: RoutingContext, host: Host): Promise<void> {
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

/** To be remembered of a proof that was just given. */
export async function provenNow(path: string, context: RoutingContext): Promise<Proven> {
  const host = hostOf(context);
  const stat = await host.files.stat((await directiveOf(context, host)).file);
  return { path, how: "by probes", ...(stat ? { editedMs: lastChange(stat) } : {}) };
}

type Planned = Extract<RoutingStep, { key: "prove" }>;

export interface Asked extends Pick<Proving, "clusters" | "level" | "reachableOnly" | "waitingFor"> {
  readonly inWords?: string;
  /** What the plan made of directive and file; they have to be so from before the first request until after the last. */
  readonly planned?: Pick<Planned, "path" | "lists">;
}

/**
 * Probes the clusters. "routed" is judged by the file that the directive names, the very one the web server follows;
 * "answering" by the generated file, since the one in place may be what is broken.
 *
 * @throws ProblemError `changed-meanwhile` when directive or file are not as planned: who answers would prove nothing
 */
export async function proveThrough(asked: Asked, context: RoutingContext, settleMs: number): Promise<void> {
  const { clusters, level, reachableOnly, planned, inWords = "answered", waitingFor } = asked;
  const { settings } = context.desired;
  const host = hostOf(context);
  const provable = level === "reachable" ? [] : clusters.filter((name) => !reachableOnly?.includes(name));
  const configNow = async (): Promise<PluginConfig | undefined> => {
    const path = level === "routed" ? await followedPath(context, host, planned?.path) : settings.pluginFile;
    const config = provable.length > 0 ? await readConfig(path, host) : undefined;
    if (planned && config) requireAsPlanned(config, provable, planned, `${host.name}:${path}`);
    return config;
  };
  const { signal, progress } = context;
  const alive = () => requireAlive(host, webServerOf(context.desired), settings);
  const question = { clusters, level, reachableOnly, inWords, waitingFor, config: await configNow() };
  await prove({ ...question, host, verify: settings.verify, signal, alive, progress }, settleMs);
  if (planned) await configNow();
}

/** The file that the directive names. @throws ProblemError `changed-meanwhile` when it is not the planned one any more */
async function followedPath(context: RoutingContext, host: Host, planned: string | undefined): Promise<string> {
  const named = await directiveOf(context, host);
  if (planned === undefined) return named.path;
  const { path, file } = await unlinked(host.files, named, [planned]);
  if (path === planned) return path;
  throw changedSincePlanned(`${host.name}:${file}`, `it names ${path}: it was changed after the plan was made`);
}

function requireAsPlanned(
  { clusters }: PluginConfig,
  names: readonly string[],
  { lists }: Pick<Planned, "lists">,
  where: string,
): void {
  for (const name of names) {
    const [wanted, found] = [lists[name], clusters.find((cluster) => cluster.name === name)];
    if (!wanted || (found && sameRouting({ [name]: found }, { [name]: wanted }))) continue;
    throw changedSincePlanned(where, `it was changed after the plan was made: ${name} has other servers`);
  }
}

const directiveOf = (context: RoutingContext, host: Host): Promise<HttpdDirective> =>
  directiveIn(host.files, webServerOf(context.desired), context.desired.settings);

async function readConfig(path: string, host: Host): Promise<PluginConfig> {
  const where = `${host.name}:${path}`;
  const content = await host.files.read(path);
  if (content) return readPluginConfig(content.bytes, where);
  throw new ProblemError("missing", { where, found: "there is no such file" });
}
