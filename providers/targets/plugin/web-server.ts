import { type Cause, type Problem, ProblemError } from "../../common/problem.js";
import type { FileReader, FileStat } from "../host.js";
import { findPluginDirective, type HttpdDirective } from "../httpd.js";
import type { WebServerIdentity, WebServerSettings } from "./schema.js";

export function pidFileOf(settings: Pick<WebServerSettings, "control" | "serverRoot">): string {
  return settings.control.pidFile ?? `${settings.serverRoot}/logs/httpd.pid`;
}

/** Where the configuration is searched from. */
export function directiveIn(
  files: FileReader,
  identity: WebServerIdentity,
  settings: WebServerSettings,
): Promise<HttpdDirective> {
  return findPluginDirective(files, {
    host: settings.connection.name,
    serverRoot: settings.serverRoot,
    httpdConf: identity.httpdConf,
    ...(settings.defines ? { defines: settings.defines } : {}),
    ...(settings.variables ? { variables: settings.variables } : {}),
  });
}

/** A directive that reaches one of these files through a link names that file. */
export async function unlinked(
  files: FileReader,
  directive: HttpdDirective,
  pluginFiles: readonly string[],
): Promise<HttpdDirective> {
  if (pluginFiles.includes(directive.path)) return directive;
  const [named, ...real] = await Promise.all([directive.path, ...pluginFiles].map((path) => files.realPath(path)));
  const same = named === undefined ? undefined : pluginFiles[real.indexOf(named)];
  return same === undefined ? directive : { ...directive, path: same };
}

/** Failures that say something about the configuration, and not about the way to it. */
const ABOUT_CONTENT: readonly Cause[] = ["refused", "missing", "malformed", "permission", "invalid-input"];

export async function problemsAsData<T>(read: () => Promise<T>): Promise<{ value?: T; problems: Problem[] }> {
  try {
    return { value: await read(), problems: [] };
  } catch (error) {
    if (error instanceof ProblemError && ABOUT_CONTENT.includes(error.cause)) return { problems: [...error.problems] };
    throw error;
  }
}

/** Whether the parent process of the pid file lives; "unknown" where this login is not shown the processes of others. */
export async function isRunning(files: FileReader, pidFile: string): Promise<"yes" | "no" | "unknown"> {
  const content = await files.read(pidFile);
  const pid = /^\s*(\d+)\s*$/.exec(content?.bytes.toString("latin1") ?? "")?.[1];
  if (pid === undefined) return "no";
  // Without /proc, or mounted with hidepid=2, not even the first process is there.
  const [parent, first] = await Promise.all([files.stat(`/proc/${pid}`), files.stat("/proc/1")]);
  if (parent !== undefined) return "yes";
  return first === undefined ? "unknown" : "no";
}

/** A file that was moved aside and back keeps the time of its last edit, but not that of its last change. */
export const lastChange = ({ modifiedMs, changedMs }: FileStat): number => Math.max(modifiedMs, changedMs ?? 0);

/**
 * Whether one of these files is newer than the last (re)load. httpd writes its pid file at every start and graceful reload,
 * so its time is that of the last one.
 */
export async function isEditedAfterLoad(
  files: FileReader,
  settings: Pick<WebServerSettings, "control" | "serverRoot">,
  paths: readonly string[],
): Promise<boolean> {
  const [loaded, ...edited] = await Promise.all([pidFileOf(settings), ...paths].map((path) => files.stat(path)));
  return loaded !== undefined && edited.some((stat) => stat !== undefined && lastChange(stat) > loaded.modifiedMs);
}
