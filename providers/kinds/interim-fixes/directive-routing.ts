import { ProblemError } from "../../common/problem.js";
import { type PluginConfig, readPluginConfig, routePlugin } from "../../formats/plugin-cfg.js";
import { sameRouting } from "../../formats/routing.js";
import { backUp } from "../../lifecycle/backups.js";
import type { FileContent, Host } from "../../targets/host.js";
import { reload } from "../../targets/plugin/control.js";
import { directoryOf, fileName } from "../../targets/plugin/copies.js";
import { setDirective } from "../../targets/plugin/directive.js";
import { directiveIn, isEditedAfterLoad } from "../../targets/plugin/web-server.js";
import type { Lists } from "./live.js";
import type { Settings } from "./schema.js";
import { rolloutPrefix, type Way } from "./switching.js";

export type WebServerSettings = Settings["webServers"][number];
type DirectiveWay = Extract<Way, { by: "directive" }>;

/** A plug-in file as it was read. */
export interface PluginFile {
  readonly path: string;
  readonly content: FileContent;
  readonly config: PluginConfig;
}

/**
 * Routes by a copy of the file that was followed before the rollout, and the directive that names it; or by that file
 * again, with the lists it had. Users move with the graceful reload at the end: a run that died before it is known by the
 * files' being newer than what runs.
 */
export async function routeByDirective(
  lists: Lists,
  way: DirectiveWay,
  settings: WebServerSettings,
  host: Host,
): Promise<void> {
  const identity = identityOf(settings);
  const { write, follow, value, moves, now } = await dueFor(lists, way, settings, host);
  if (write) {
    if (write.present) await backUp(host, write.present.bytes);
    await host.files.write(follow, write.bytes, {
      expected: write.present?.sha256 ?? "absent",
      like: way.found.path,
    });
  }
  const moved = moves && (await setDirective(host, identity, settings, value, { backUp: kept(host) }));
  if (!moved && !(await isEditedAfterLoad(host.files, settings, [now.file, follow]))) return;
  await reload(host, identity, settings, () => undefined);
}

/** Whether that would find nothing to write, and what runs was loaded after the last edit of anybody's. */
export async function isRoutedByDirective(
  lists: Lists,
  way: DirectiveWay,
  settings: WebServerSettings,
  host: Host,
): Promise<boolean> {
  const { write, follow, moves, now } = await dueFor(lists, way, settings, host);
  return !write && !moves && !(await isEditedAfterLoad(host.files, settings, [now.file, follow]));
}

/** What the web server is to follow, and what of that its files do not say yet. */
async function dueFor(lists: Lists, way: DirectiveWay, settings: WebServerSettings, host: Host) {
  const now = await directiveIn(host.files, identityOf(settings), settings);
  const source = await readPlugin(way.found.path, host);
  const isThere = now.path === way.found.path && sameRouting(listsOf(source.config), lists);
  const follow = isThere ? now.path : way.follow;
  // A file that somebody else pointed the directive at is gone back to, and never written.
  const ours = follow === source.path || fileName(follow).startsWith(rolloutPrefix(settings.name));
  const write = !isThere && ours ? await changeOf(lists, source, follow, host) : undefined;
  const value = follow === way.found.path ? way.found.value : follow;
  return { now, follow, value, write, moves: follow !== now.path };
}

/** `path` with these lists, everything else from `source`; undefined when it is so already. */
async function changeOf(lists: Lists, source: PluginFile, path: string, host: Host) {
  const where = `${host.name}:${source.path}`;
  const bytes = routePlugin(source.content.bytes, where, wantedIn(source.config, lists));
  const present = path === source.path ? source.content : await host.files.read(path);
  return present?.bytes.equals(bytes) ? undefined : { bytes, present };
}

export const identityOf = ({ name, httpdConf }: WebServerSettings) => ({ webServer: name, httpdConf });

const kept = (host: Host) => (bytes: Buffer) => backUp(host, bytes);

/** Copies of rollouts that nothing names any more. */
export async function removeCopies(settings: WebServerSettings, host: Host): Promise<void> {
  const { path: followed } = await directiveIn(host.files, identityOf(settings), settings);
  const directory = directoryOf(settings.pluginFile);
  const names = (await host.files.list(directory)) ?? [];
  const copies = names.filter((name) => name.startsWith(rolloutPrefix(settings.name)) && name.endsWith(".xml"));
  for (const path of copies.map((name) => `${directory}${name}`)) {
    const content = path === followed ? undefined : await host.files.read(path);
    if (content) await host.files.remove(path, { expected: content.sha256 });
  }
}

/** @throws ProblemError `missing` */
export async function readPlugin(
  path: string,
  { name, files }: Pick<Host, "name"> & { files: Pick<Host["files"], "read"> },
): Promise<PluginFile> {
  const content = await files.read(path);
  const where = `${name}:${path}`;
  if (!content) {
    throw new ProblemError("missing", { where, found: "no such file, though the plug-in's directive names it" });
  }
  return { path, content, config: readPluginConfig(content.bytes, where) };
}

export const listsOf = (config: PluginConfig): Lists =>
  Object.fromEntries(
    config.clusters.filter(({ routed }) => routed).map(({ name, primary, backup }) => [name, { primary, backup }]),
  );

/**
 * Clusters that the file does not have, or not any more, are no reason to leave the others; nor are those that stay as they are,
 * whatever they are like: another cell's may have backups alone.
 */
export const wantedIn = (config: PluginConfig, lists: Lists): ReadonlyMap<string, Lists[string]> =>
  new Map(
    Object.entries(lists).filter(([name, wanted]) => {
      const now = config.clusters.find((cluster) => cluster.name === name);
      return now && !sameRouting({ now: { primary: now.primary, backup: now.backup } }, { now: wanted });
    }),
  );
