import { posix } from "node:path";
import { type Problem, ProblemError } from "../../common/problem.js";
import { loadRecordAt, recordPath, type TargetRecord } from "../../lifecycle/record.js";
import type { FileReader } from "../../targets/host.js";
import type { HttpdDirective } from "../../targets/httpd.js";
import { fileName, isCopyName } from "../../targets/plugin/copies.js";
import { problemsAsData } from "../../targets/plugin/web-server.js";
import { generatedState } from "./in-place.js";
import type { Kept, LiveFile } from "./live.js";
import { readGenerated } from "./read-file.js";
import type { Identity, Settings } from "./schema.js";

/** Another web server on the same host whose routing is managed too, by whatever stack. */
export interface Neighbour {
  owner: string;
  httpdConf: string;
  /** Copies that it wrote, names, or may go back to. */
  files: string[];
  /** The file in which its directive stands. */
  directiveFile?: string;
  /** The generated file in which its lists stand. */
  edits?: string;
}

const TYPE = "ihs:PluginRouting";

/** Where a file really lies, be it there or not: links may lead to one file, or to one directory, by several paths. */
export async function realPathOf(files: FileReader, path: string): Promise<string> {
  const real = await files.realPath(path);
  if (real !== undefined || !path.startsWith("/")) return real ?? path;
  const directory = await files.realPath(posix.dirname(path));
  return directory === undefined ? path : posix.join(directory, posix.basename(path));
}

export interface Neighbourhood {
  /** Their paths as this web server spells them, where links lead to the same file. */
  readonly neighbours: readonly Neighbour[];
  /** Records that cannot be read: whose files they are about is not known. */
  readonly problems: readonly Problem[];
}

/** Reads the records of this host's other web servers. One whose httpd.conf is gone, or is ours, is no other. */
export async function observeOthers(
  files: FileReader,
  { httpdConf }: Identity,
  { connection }: Settings,
): Promise<readonly Managed[]> {
  const directory = posix.dirname(recordPath(connection.stateDirectory, TYPE, ""));
  const names = (await files.list(directory)) ?? [];
  const known = managedAt.get(names);
  const all = known ?? managedOnHost(files, connection.name, directory, names);
  if (!known) managedAt.set(names, all);
  const [ours, managed] = await Promise.all([realPathOf(files, httpdConf), all]);
  const own = recordPath(connection.stateDirectory, TYPE, ours);
  return managed.filter(({ record, realConf }) => record !== own && realConf !== ours);
}

/** Those of them that may come to share a file with this web server, which has this directive. */
export async function neighbourhoodOf(
  files: FileReader,
  others: readonly Managed[],
  settings: Settings,
  directive: HttpdDirective | undefined,
): Promise<Neighbourhood> {
  const { pluginFile } = settings;
  const paths = [pluginFile, ...(directive ? [directive.path, directive.file] : [])];
  const spelt = await spellingOf(files, others.length > 0 ? paths : [], pluginFile);
  const neighbours = others.flatMap(({ neighbour, real }) => (neighbour ? [respelt(neighbour, real, spelt)] : []));
  return {
    neighbours: neighbours.filter((each) => mayMeet(each, settings, directive)),
    problems: others.flatMap(({ problems }) => problems),
  };
}

/** A web server whose record stands on the host. */
export interface Managed {
  readonly record: string;
  readonly realConf?: string;
  readonly neighbour?: Neighbour;
  /** Its paths → where they really lead. */
  readonly real: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/** By listing: all who were given the same one, the resources of one preview, share the reading of its files. */
const managedAt = new WeakMap<readonly string[], Promise<readonly Managed[]>>();

async function managedOnHost(
  files: FileReader,
  host: string,
  directory: string,
  names: readonly string[],
): Promise<readonly Managed[]> {
  const prefix = posix.basename(recordPath("", TYPE, "")).slice(0, TYPE.length + 1);
  const records = names.filter((name) => name.startsWith(prefix) && name.endsWith(".json")).sort();
  const found = await Promise.all(
    records.map(async (name): Promise<Managed | undefined> => {
      const record = `${directory}/${name}`;
      const { value, problems } = await problemsAsData(() => readNeighbour(files, host, record));
      if (problems.length > 0) return { record, real: new Map(), problems };
      const realConf = value && (await files.realPath(value.httpdConf));
      if (!value || realConf === undefined) return undefined;
      const real = await Promise.all(
        pathsOf(value).map(async (path) => [path, await realPathOf(files, path)] as const),
      );
      return { record, realConf, neighbour: value, real: new Map(real), problems };
    }),
  );
  return found.filter((managed) => managed !== undefined);
}

const pathsOf = ({ files, directiveFile, edits }: Neighbour): string[] => [
  ...new Set([...files, ...[directiveFile, edits].filter((path) => path !== undefined)]),
];

async function readNeighbour(files: FileReader, host: string, path: string): Promise<Neighbour | undefined> {
  const record = await loadRecordAt(files, host, TYPE, path);
  if (!record) return undefined;
  const { id, owner } = record;
  const kept = keptOf(record, `${host}:${path}`);
  const { found, written, proven, previous, inPlace } = kept;
  const named = [found.directive?.path, proven?.path, previous?.directive?.path, ...(previous?.towards ?? [])];
  const edited = inPlace && isEdited(await readGenerated(files, host, inPlace.path), kept);
  return {
    owner,
    httpdConf: id,
    files: [...new Set([...Object.keys(written), ...named.filter((name) => name !== undefined)])].sort(),
    ...(found.directive ? { directiveFile: found.directive.file } : {}),
    ...(inPlace && edited ? { edits: inPlace.path } : {}),
  };
}

/** Its lists stand in it; of a file that cannot be read nobody can say that they do not. */
function isEdited(generated: LiveFile, kept: Kept): boolean {
  if (generated.sha256 === "absent") return false;
  return generated.problems.length > 0 || generatedState({ generated }, kept) !== "as generated";
}

function keptOf({ kept }: TargetRecord, where: string): Kept {
  const { found, written } = (kept ?? {}) as Partial<Kept>;
  if (found && written) return kept as Kept;
  throw new ProblemError("malformed", {
    where,
    found: "not a record of routing",
    allowed: `what ${TYPE} remembers of a web server`,
    why: "Which files another web server uses cannot be told",
    next: "Restore the file from a backup, or move it away to adopt that web server anew",
  });
}

/** Real path → as this web server spells it, for its own files and all that lie beside its plug-in file. */
async function spellingOf(
  files: FileReader,
  paths: readonly string[],
  pluginFile: string,
): Promise<(real: string) => string | undefined> {
  const reals = await Promise.all(paths.map(async (path) => [await realPathOf(files, path), path] as const));
  const bySpelling = new Map(reals);
  const beside = posix.dirname(pluginFile);
  const realBeside = paths.length > 0 ? await files.realPath(beside) : undefined;
  return (real) =>
    bySpelling.get(real) ?? (posix.dirname(real) === realBeside ? posix.join(beside, posix.basename(real)) : undefined);
}

function respelt(
  neighbour: Neighbour,
  real: ReadonlyMap<string, string>,
  spelt: (real: string) => string | undefined,
): Neighbour {
  const ours = (path: string) => spelt(real.get(path) ?? path) ?? path;
  const { files, directiveFile, edits } = neighbour;
  return {
    ...neighbour,
    files: [...new Set(files.map(ours))].sort(),
    ...(directiveFile === undefined ? {} : { directiveFile: ours(directiveFile) }),
    ...(edits === undefined ? {} : { edits: ours(edits) }),
  };
}

/** Whether the two may come to share a file. The others, often most of a host's web servers, need not be remembered. */
function mayMeet(
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
