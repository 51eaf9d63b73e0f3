import { readPluginConfig, routePlugin } from "../../formats/plugin-cfg.js";
import { goneFrom, type PluginChange, pluginChanges } from "../../formats/plugin-changes.js";
import { samePluginContent } from "../../formats/plugin-content.js";
import { backUp, fromBackup } from "../../lifecycle/backups.js";
import type { Host } from "../../targets/host.js";
import { reload, reloadOrStart } from "../../targets/plugin/control.js";
import { directiveIn, isEditedAfterLoad } from "../../targets/plugin/web-server.js";
import { identityOf, type PluginFile, readPlugin, type WebServerSettings, wantedIn } from "./directive-routing.js";
import type { Lists } from "./live.js";
import type { Switching } from "./switching.js";

/** The files of a web server's plug-in as they were at a moment, kept in the backups of its host. Plain JSON. */
export interface PutAside {
  /** The file that the plug-in followed, and the SHA-256 of its bytes. */
  path: string;
  sha256: string;
  /** The same of the file that the deployment manager propagates, where the plug-in follows another one. */
  generated?: string;
}

/** Path → SHA-256 of what a file held when it was last seen, in the backups of its host. Plain JSON. */
export type SeenFiles = Record<string, string>;

/** What somebody changed in a file, besides its lists; nothing in it = only comments or white space, or not seen before. */
export interface Alteration {
  readonly path: string;
  /** Of what it held then; undefined = not seen before. */
  readonly before?: string;
  /** Of what it holds now, in the backups. */
  readonly sha256: string;
  readonly changes: readonly PluginChange[];
}

async function followed(settings: WebServerSettings, host: Host): Promise<PluginFile> {
  const { path } = await directiveIn(host.files, identityOf(settings), settings);
  return readPlugin(path, host);
}

/** Nothing but lists of servers is other in the file that is followed than in these bytes. */
export async function isAsGenerated(generated: Buffer, settings: WebServerSettings, host: Host): Promise<boolean> {
  const { path, content } = await followed(settings, host);
  return samePluginContent(content.bytes, generated, `${host.name}:${path}`);
}

export async function putAside(settings: WebServerSettings, host: Host): Promise<PutAside> {
  const { path, content } = await followed(settings, host);
  const other = path === settings.pluginFile ? undefined : await host.files.read(settings.pluginFile);
  return {
    path,
    sha256: await backUp(host, content.bytes),
    ...(other ? { generated: await backUp(host, other.bytes) } : {}),
  };
}

export interface LossOptions {
  /** SHA-256 of a backup: only what was there then, too. */
  readonly found?: string;
  /** Of another file than the one that is followed. */
  readonly path?: string;
}

/** What a file has and the generated one has not, in words. */
export async function losses(
  generated: Buffer,
  { found, path: named }: LossOptions,
  settings: WebServerSettings,
  host: Host,
): Promise<string[]> {
  const { path, content } = named === undefined ? await followed(settings, host) : await readPlugin(named, host);
  const then = found === undefined ? [] : [await fromBackup(host, found)];
  return goneFrom([content.bytes, ...then], generated, `${host.name}:${path}`);
}

/** What the generated file has and the one that is followed has not, in words. */
export async function lacks(generated: Buffer, settings: WebServerSettings, host: Host): Promise<string[]> {
  const { path, content } = await followed(settings, host);
  return goneFrom([generated], content.bytes, `${host.name}:${path}`);
}

/**
 * Puts a newly generated file in place, with these lists, and by directive sees to it that it is loaded; answers whether
 * anything but lists was different.
 */
export async function replace(
  generated: Buffer,
  lists: Lists,
  by: Switching["by"],
  settings: WebServerSettings,
  host: Host,
): Promise<boolean> {
  const now = await followed(settings, host);
  const where = `${host.name}:${now.path}, as generated now`;
  const fresh = readPluginConfig(generated, where);
  const bytes = routePlugin(generated, where, wantedIn(fresh, lists));
  if (now.path !== settings.pluginFile) await putGenerated(generated, settings, host);
  // The time of generation, on its first line, is new each time.
  const isNew = !samePluginContent(now.content.bytes, generated, where);
  if (isNew) await write(now, bytes, host);
  // Also one that a run wrote which died before it reloaded.
  if (by === "directive" && (isNew || (await isEditedAfterLoad(host.files, settings, [now.path])))) {
    await reload(host, identityOf(settings), settings, () => undefined);
  }
  return isNew;
}

/**
 * What was put aside, with these lists; a web server that did not come up with what is there now is started. Answers
 * whether anything but lists was different.
 */
export async function putBack(
  { path, sha256, generated }: PutAside,
  lists: Lists,
  by: Switching["by"],
  settings: WebServerSettings,
  host: Host,
): Promise<boolean> {
  const where = `${host.name}:${path}, as it was`;
  const before = await fromBackup(host, sha256);
  const config = readPluginConfig(before, where);
  const now = await readPlugin(path, host);
  if (generated !== undefined) await putGenerated(await fromBackup(host, generated), settings, host);
  if (now.config.restDigest === config.restDigest) return false;
  await write(now, routePlugin(before, where, wantedIn(config, lists)), host);
  if (by === "directive") await reloadOrStart(host, identityOf(settings), settings);
  return true;
}

/**
 * What was changed, besides lists, in the file that is followed and in the one that copies are made of, since they were
 * seen. A copy is as it was seen itself, or as that one, which it is made of anew at each route, and is then seen as it is:
 * that one may change, and be accepted, before the copy is made anew.
 */
export async function alterations(
  seen: SeenFiles,
  source: string,
  settings: WebServerSettings,
  host: Host,
): Promise<Alteration[]> {
  const now = await followed(settings, host);
  const files = now.path === source ? [now] : [now, await readPlugin(source, host)];
  const found: Alteration[] = [];
  for (const { path, content, config } of files) {
    const marks = [...new Set([seen[path], seen[source]])].filter((mark) => mark !== undefined);
    const [before] = marks;
    if (before === undefined) {
      found.push({ path, sha256: await backUp(host, content.bytes), changes: [] });
      continue;
    }
    if (marks.includes(content.sha256)) continue;
    const where = `${host.name}:${path}`;
    const backups = await Promise.all(marks.map((mark) => fromBackup(host, mark)));
    const same = marks.filter((_, index) => {
      const then = backups[index];
      return then && readPluginConfig(then, where).restDigest === config.restDigest;
    });
    if (same.includes(seen[path] ?? "")) continue;
    if (same.length > 0) {
      found.push({ path, sha256: await backUp(host, content.bytes), changes: [] });
      continue;
    }
    const changes = backups[0] ? pluginChanges(backups[0], content.bytes, where) : [];
    found.push({ path, before, sha256: await backUp(host, content.bytes), changes });
  }
  return found;
}

/** Where a copy is followed, the generated file beside it is what the copy is compared with from now on. */
async function putGenerated(generated: Buffer, { pluginFile }: WebServerSettings, host: Host): Promise<void> {
  const present = await host.files.read(pluginFile);
  if (!present) return;
  if (!samePluginContent(present.bytes, generated, `${host.name}:${pluginFile}`))
    await write({ path: pluginFile, content: present }, generated, host);
}

async function write(
  { path, content }: Pick<PluginFile, "path" | "content">,
  bytes: Buffer,
  host: Host,
): Promise<void> {
  await backUp(host, content.bytes);
  await host.files.write(path, bytes, { expected: content.sha256 });
}
