import { readPluginConfig } from "../../formats/plugin-cfg.js";
import type { ClusterRouting, RoutableCluster, RoutableConfig } from "../../formats/routing.js";
import type { FileReader } from "../../targets/host.js";
import { problemsAsData } from "../../targets/plugin/web-server.js";
import type { LiveFile, LiveGenerated } from "./live.js";

/** Stands for the SHA-256 of a file that is there and could not be read. */
export const UNREADABLE = "unreadable";

async function readRoutable(
  files: FileReader,
  host: string,
  path: string,
): Promise<RoutableConfig & { sha256: string; restDigest: string; refreshInterval: number; generatedAt?: string }> {
  const nothing = { restDigest: "", clusters: [], intelligentManagement: false, refreshInterval: 0 };
  const { value: content, problems } = await problemsAsData(() => files.read(path));
  if (!content) return { sha256: problems.length > 0 ? UNREADABLE : "absent", ...nothing, problems };
  const parsed = await parse(content.bytes, `${host}:${path}`);
  if (!parsed.value) return { sha256: content.sha256, ...nothing, problems: parsed.problems };
  const { restDigest, intelligentManagement, clusters, refreshIntervalSeconds, generatedAt } = parsed.value;
  return {
    sha256: content.sha256,
    restDigest,
    intelligentManagement,
    refreshInterval: refreshIntervalSeconds,
    ...(generatedAt === undefined ? {} : { generatedAt }),
    problems: parsed.value.problems,
    clusters: clusters.map(
      (cluster): RoutableCluster => ({
        name: cluster.name,
        line: cluster.line,
        routed: cluster.routed,
        lists: cluster.lists,
        primary: cluster.primary,
        backup: cluster.backup,
        clusterAddress: cluster.clusterAddress,
        dwlm: cluster.dwlm,
        members: cluster.members.map(({ name, cloneId, line }) => ({ name, ...(cloneId ? { cloneId } : {}), line })),
      }),
    ),
  };
}

const parse = (bytes: Buffer, where: string) => problemsAsData(async () => readPluginConfig(bytes, where));

const routingOf = (clusters: readonly RoutableCluster[]): Record<string, ClusterRouting> =>
  Object.fromEntries(clusters.map(({ name, primary, backup }) => [name, { primary, backup }]));

/** The same of the generated file. */
export async function readGenerated(files: FileReader, host: string, path: string): Promise<LiveGenerated> {
  const file = await readRoutable(files, host, path);
  return { path, routing: routingOf(file.clusters), ...file };
}

/** A copy, or whatever else the directive names. Never throws for what is in it. */
export async function readOther(files: FileReader, host: string, path: string): Promise<LiveFile> {
  const { sha256, restDigest, clusters, problems } = await readRoutable(files, host, path);
  return { path, sha256, restDigest, routing: routingOf(clusters), problems };
}

/**
 * What is wrong with a file that the web server follows; undefined = nothing, or nothing that can be told. Processes that
 * start while it is so have no routing at all; those that read the file before go on as they were.
 */
export function damageOf(file: Pick<LiveFile, "path" | "sha256" | "problems"> | undefined): string | undefined {
  if (!file || file.sha256 === UNREADABLE) return undefined;
  if (file.sha256 === "absent") return `${file.path}, which the web server follows, is missing`;
  return file.problems.length > 0 ? `${file.path}, which the web server follows, cannot be used` : undefined;
}

/** The same of bytes that may be put there. */
export async function damageIn(bytes: Buffer, path: string): Promise<string | undefined> {
  const { value, problems } = await parse(bytes, path);
  return damageOf({ path, sha256: "", problems: value?.problems ?? problems });
}
