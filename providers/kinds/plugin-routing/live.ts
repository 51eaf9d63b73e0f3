import type { Problem } from "../../common/problem.js";
import type { ClusterRouting, RoutableCluster } from "../../formats/routing.js";
import type { Access } from "../../lifecycle/kind.js";
import type { FileReader } from "../../targets/host.js";
import type { HttpdDirective } from "../../targets/httpd.js";
import { directoryOf, isCopyName } from "../../targets/plugin/copies.js";
import type { SeenHold } from "../../targets/plugin/hold.js";
import {
  directiveIn,
  isEditedAfterLoad,
  isRunning,
  lastChange,
  pidFileOf,
  problemsAsData,
  unlinked,
} from "../../targets/plugin/web-server.js";
import { type Neighbour, neighbourhoodOf, observeOthers } from "./neighbours.js";
import { readGenerated, readOther } from "./read-file.js";
import type { Identity, Settings } from "./schema.js";

/** A plug-in file as observed. Its problems are data, so that one sick file hides nothing else. */
export interface LiveFile {
  path: string;
  /** Or "absent", or `UNREADABLE` (read-file.ts). */
  sha256: string;
  /** Everything but the lists of servers; "" when the file could not be read. */
  restDigest: string;
  routing: Record<string, ClusterRouting>;
  problems: Problem[];
}

/** The generated file, which all decisions start from. */
export interface LiveGenerated extends LiveFile {
  clusters: RoutableCluster[];
  intelligentManagement: boolean;
  /** Seconds until a process of the web server looks at its file again; -1 = never. */
  refreshInterval: number;
  /** The time on its first line; absent = none there. */
  generatedAt?: string;
}

export interface LiveWebServer {
  /** "unknown" on hosts whose /proc does not show it. */
  running: "yes" | "no" | "unknown";
  /** The directive's file is newer than the last (re)load: what is running may be older than what is on disk. */
  editedAfterLoad: boolean;
  /** When that file was last changed or put in its place, by the host's clock. */
  editedMs?: number;
}

/** What `plan` knows of reality. */
export interface Live {
  /** Absent when it was not found or not unique; `directiveProblems` says which. */
  directive?: HttpdDirective;
  directiveProblems: Problem[];
  generated: LiveGenerated;
  /** By path: every copy beside the generated file, and the file that the directive names. */
  files: Record<string, LiveFile>;
  neighbours: Neighbour[];
  /** Records of other web servers that cannot be read; absent = none. */
  neighbourProblems?: Problem[];
  webServer: LiveWebServer;
  /** An unfinished rollout has the routing; absent = nobody. */
  hold?: SeenHold;
}

export interface Proven {
  path: string;
  how: "by probes" | "as found";
  /** `LiveWebServer.editedMs` at that time: an edit since then that was not loaded is not what was proved. */
  editedMs?: number;
}

/** What this kind remembers on the target. */
export interface Kept {
  /** The before-image. */
  found: {
    directive?: HttpdDirective;
    /** Copies that were there already, path → SHA-256. */
    files: Record<string, string>;
  };
  /**
   * The file whose routing was last seen in force: by probes, or taken as found at adoption. null from before the first
   * write of a run until its last proof, so that a run that died in between never looks finished.
   */
  proven: Proven | null;
  /** What to go back to when the run under way fails: as it was when `proven` was last set. */
  previous?:
    | {
        directive?: HttpdDirective;
        files: Record<string, string | "absent">;
        proven: Proven | null;
        /** The files that runs since then were to point the directive at. */
        towards: string[];
        /** An earlier run may have reloaded the web server already. */
        resumed?: true;
      }
    | undefined;
  /** Files that we wrote, path → what we put there, newest first. Only copies among these are ever removed. */
  written: Record<string, Written[]>;
  /** The generated file that was edited in place; absent = none ever was. */
  inPlace?: InPlace | undefined;
}

export interface Written {
  sha256: string;
  restDigest: string;
  /** Of the generated file: tells its lists as we wrote them from those that the deployment manager writes. */
  routing?: Record<string, ClusterRouting>;
}

export interface InPlace {
  path: string;
  /** Of the file that was followed before the edit: processes that have not looked again decide by it when to. */
  refreshInterval: number;
  /** As it was generated, before the edit: where "as generated" goes back to. */
  generated: {
    /** null once somebody else edited the file too: then nobody can tell any more which bytes were generated. */
    sha256: string | null;
    restDigest: string;
    routing: Record<string, ClusterRouting>;
    generatedAt?: string;
  };
}

/** Looks at the directive, the generated file, every copy and the web server's process. Changes nothing. */
export async function observe(identity: Identity, settings: Settings, access: Access): Promise<Live> {
  const files = access.files(settings.connection);
  const host = settings.connection.name;
  const [found, generated, beside, webServers] = await Promise.all([
    findDirective(files, identity, settings),
    readGenerated(files, host, settings.pluginFile),
    files.list(directoryOf(settings.pluginFile)),
    observeOthers(files, identity, settings),
  ]);
  const paths = (beside ?? [])
    .filter(isCopyName)
    .map((name) => `${directoryOf(settings.pluginFile)}${name}`)
    .filter((path) => path !== settings.pluginFile);
  const directive = found.directive && (await unlinked(files, found.directive, [settings.pluginFile, ...paths]));
  if (directive && directive.path !== settings.pluginFile) paths.push(directive.path);
  const others = await Promise.all([...new Set(paths)].map((path) => readOther(files, host, path)));
  const { neighbours, problems } = await neighbourhoodOf(files, webServers, settings, directive);
  return {
    ...(directive ? { directive } : {}),
    directiveProblems: found.problems,
    generated,
    files: Object.fromEntries(others.map((file) => [file.path, file])),
    neighbours: [...neighbours],
    ...(problems.length > 0 ? { neighbourProblems: [...problems] } : {}),
    webServer: await observeWebServer(files, settings, directive?.file),
  };
}

async function findDirective(
  files: FileReader,
  identity: Identity,
  settings: Settings,
): Promise<{ directive?: HttpdDirective; problems: Problem[] }> {
  const { value, problems } = await problemsAsData(() =>
    directiveIn(files, { webServer: settings.webServer, httpdConf: identity.httpdConf }, settings),
  );
  return { ...(value ? { directive: value } : {}), problems };
}

async function observeWebServer(
  files: FileReader,
  settings: Settings,
  directiveFile: string | undefined,
): Promise<LiveWebServer> {
  const [running, editedAfterLoad, edited] = await Promise.all([
    isRunning(files, pidFileOf(settings)),
    isEditedAfterLoad(files, settings, directiveFile === undefined ? [] : [directiveFile]),
    directiveFile === undefined ? undefined : files.stat(directiveFile),
  ]);
  return { running, editedAfterLoad, ...(edited ? { editedMs: lastChange(edited) } : {}) };
}
