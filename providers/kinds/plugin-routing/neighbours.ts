import { posix } from "node:path";
import type { Problem } from "../../common/problem.js";
import { recordPath } from "../../lifecycle/record.js";
import type { FileReader } from "../../targets/host.js";
import type { HttpdDirective } from "../../targets/httpd.js";
import { fileName, isCopyName } from "../../targets/plugin/copies.js";
import type { Kept } from "./live.js";
import type { Identity, Settings } from "./schema.js";

/** Another web server on the same host whose routing is managed too, by whatever stack. */
export interface Neighbour {
  owner: string;
  httpdConf: string;
  /** Copies that it wrote, names, or may go back to. */
  files: string[];
  /** The file in which its directive stands. */
  directiveFile?: string;
  /** The generated file that it edits in place. */
  edits?: string;
}

const TYPE = "ihs:PluginRouting";

/** Reads their records. One whose httpd.conf is gone, or is ours under another path, is no neighbour. */
export async function observeNeighbours(
  files: FileReader,
  { httpdConf }: Identity,
  { connection }: Settings,
): Promise<Neighbour[]> {
  const own = recordPath(connection.stateDirectory, TYPE, httpdConf);
  const directory = posix.dirname(own);
  const names = await files.list(directory);
  if (!names) return [];
  const known = managedAt.get(names);
  const all = known ?? managedOnHost(files, directory, names);
  if (!known) managedAt.set(names, all);
  const [ours, managed] = await Promise.all([files.realPath(httpdConf), all]);
  return managed
    .filter(({ record, realConf }) => record !== own && realConf !== ours)
    .map(({ neighbour }) => neighbour);
}

interface Managed {
  readonly record: string;
  readonly realConf: string;
  readonly neighbour: Neighbour;
}

/** By listing: all who were given the same one, the resources of one preview, share the reading of its files. */
const managedAt = new WeakMap<readonly string[], Promise<readonly Managed[]>>();

async function managedOnHost(files: FileReader, directory: string, names: readonly string[]): Promise<Managed[]> {
  const prefix = posix.basename(recordPath("", TYPE, "")).slice(0, TYPE.length + 1);
  const records = names.filter((name) => name.startsWith(prefix) && name.endsWith(".json")).sort();
  const found = await Promise.all(
    records.map(async (name): Promise<Managed | undefined> => {
      const record = `${directory}/${name}`;
      const neighbour = await readNeighbour(files, record);
      if (!neighbour) return undefined;
      const realConf = await files.realPath(neighbour.httpdConf);
      return realConf === undefined ? undefined : { record, realConf, neighbour };
    }),
  );
  return found.filter((managed) => managed !== undefined);
}

async function readNeighbour(files: FileReader, path: string): Promise<Neighbour | undefined> {
  const content = await files.read(path);
  if (!content) return undefined;
  try {
    const { id, owner, kept } = JSON.parse(content.bytes.toString("utf8")) as { id: string; owner: string; kept: Kept };
    const { found, written, proven, previous, inPlace } = kept;
    const named = [found.directive?.path, proven?.path, previous?.directive?.path, ...(previous?.towards ?? [])];
    return {
      owner,
      httpdConf: id,
      files: [...new Set([...Object.keys(written), ...named.filter((name) => name !== undefined)])].sort(),
      ...(found.directive ? { directiveFile: found.directive.file } : {}),
      ...(inPlace ? { edits: inPlace.path } : {}),
    };
  } catch {
    // Whoever it belongs to is told when they look at it; here it names nothing.
    return undefined;
  }
}

/** Whether the two may come to share a file. The others, often most of a host's web servers, need not be remembered. */
export function mayMeet(
  { files, directiveFile, edits }: Neighbour,
  { pluginFile }: Settings,
  directive: HttpdDirective | undefined,
): boolean {
  if (edits === pluginFile || (directiveFile !== undefined && directiveFile === directive?.file)) return true;
  return files.some((path) => path === pluginFile || path === directive?.path || isCopyName(fileName(path)));
}

/** Why this web server cannot have the copy, or the directive's file, for itself. */
export function sharedProblems(
  neighbours: readonly Neighbour[],
  host: string,
  copy: string | undefined,
  directiveFile: string | undefined,
): Problem[] {
  return neighbours.flatMap(({ owner, httpdConf, files, directiveFile: theirs }): Problem[] => [
    ...(copy !== undefined && files.includes(copy)
      ? [
          {
            where: `${host}:${copy}`,
            found: `the web server of ${httpdConf}, managed by ${owner}, uses this file too`,
            allowed: "a copy of its own for each web server",
            why: "Each would rewrite and remove what the other's users are served by",
            next: 'Set copyPrefix on one of the two, e.g. "plugin-cfg-intranet-primary-"',
          },
        ]
      : []),
    ...(directiveFile !== undefined && directiveFile === theirs
      ? [
          {
            where: `${host}:${directiveFile}`,
            found: `the WebSpherePluginConfig in it is that of ${httpdConf} too, managed by ${owner}`,
            allowed: "a directive of its own for each web server",
            why: "Changing it moves the users of both, and only one of the two would be reloaded and proved",
            next: "Give each a WebSpherePluginConfig in a file of its own, or manage one of the two",
          },
        ]
      : []),
  ]);
}

/** Why the generated file, shared with another web server, cannot be edited in place, or is edited by that one. */
export function sharedGenerated(
  neighbours: readonly Neighbour[],
  { connection, pluginFile }: Pick<Settings, "connection" | "pluginFile">,
  inPlace: boolean,
): Problem[] {
  const sharing = neighbours.filter((each) => (inPlace ? each.files.includes(pluginFile) : each.edits === pluginFile));
  return sharing.map(({ owner, httpdConf }) => ({
    where: `${connection.name}:${pluginFile}`,
    found: `the web server of ${httpdConf}, managed by ${owner}, ${inPlace ? "uses this file too" : "edits it in place"}`,
    allowed: "in place: a plug-in file of its own for each web server",
    why: "An edit moves the users of both, and only one of the two would be proved",
    next: "Set switchRouting: directive for both, with a copyPrefix of its own each",
  }));
}
