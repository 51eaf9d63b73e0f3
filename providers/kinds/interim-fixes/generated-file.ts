import { readPluginConfig, routePlugin } from "../../formats/plugin-cfg.js";
import { goneFrom } from "../../formats/plugin-changes.js";
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

export async function followed(settings: WebServerSettings, host: Host): Promise<PluginFile> {
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

/**
 * What the file that is followed has and the generated one has not, in words. By `found` only what was there then, too.
 *
 * @param found SHA-256 of a file in the backups
 */
export async function losses(
  generated: Buffer,
  found: string | undefined,
  settings: WebServerSettings,
  host: Host,
): Promise<string[]> {
  const { path, content } = await followed(settings, host);
  const then = found === undefined ? [] : [await fromBackup(host, found)];
  return goneFrom([content.bytes, ...then], generated, `${host.name}:${path}`);
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
  const isNew = fresh.restDigest !== now.config.restDigest;
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

/** Where a copy is followed, the generated file beside it is what the copy is compared with from now on. */
async function putGenerated(generated: Buffer, { pluginFile }: WebServerSettings, host: Host): Promise<void> {
  const present = await host.files.read(pluginFile);
  if (!present) return;
  const [now, wanted] = [present.bytes, generated].map((bytes) => readPluginConfig(bytes, pluginFile).restDigest);
  if (now !== wanted) await write({ path: pluginFile, content: present }, generated, host);
}

async function write(
  { path, content }: Pick<PluginFile, "path" | "content">,
  bytes: Buffer,
  host: Host,
): Promise<void> {
  await backUp(host, content.bytes);
  await host.files.write(path, bytes, { expected: content.sha256 });
}
