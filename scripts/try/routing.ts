import { parseArgs } from "node:util";
import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from "diff";
import { formatProblem, ProblemError } from "../../providers/common/problem.js";
import {
  type PluginCluster,
  type PluginConfig,
  readPluginConfig,
  routePlugin,
} from "../../providers/formats/plugin-cfg.js";
import { selectedClusters, wantedRouting } from "../../providers/formats/routing.js";
import { nodesByName, nodesFromOption } from "./nodes.js";
import { readCopy } from "./read-copy.js";
import type { TryVerb } from "./verb.js";

const USAGE =
  "FILE --primary NODE [--clusters A,B] [--skip-clusters C] [--nodes MEMBER=NODE,…] [--session-replication none|memory-to-memory]";

/** Which servers would serve users, and the lines of plugin-cfg.xml that would change for it. */
export const routing: TryVerb = {
  usage: USAGE,
  summary: "what sending users to the members on NODE would change in this plugin-cfg.xml",

  async run(args, print) {
    const options = readOptions(args);
    const bytes = await readCopy(options.file, "a web server's plugin-cfg.xml");
    const config = readPluginConfig(bytes, options.file);
    print(findings(config, options.file));
    const selected = selectedClusters(config, options);
    const nodeOf =
      options.nodes === undefined
        ? nodesByName(selected, options.primaryNode)
        : nodesFromOption(options.nodes, config.clusters);
    const { wanted, refusals, notes } = wantedRouting(config, {
      ...options,
      primaryNodes: [options.primaryNode],
      nodeOf,
      where: options.file,
    });
    if (options.nodes === undefined) print(assumption(nodeOf, options.primaryNode));
    for (const note of notes) print(`Note: ${note}`);
    if (refusals.length > 0) throw new ProblemError("refused", refusals);
    const edited = routePlugin(bytes, options.file, wanted);
    print(edited.equals(bytes) ? "Nothing to change." : patch(options.file, bytes, edited));
    return 0;
  },
};

interface Options {
  readonly file: string;
  readonly primaryNode: string;
  readonly clusters?: readonly string[];
  readonly skipClusters?: readonly string[];
  readonly nodes?: string;
  readonly sessionReplication?: "none" | "memory-to-memory";
}

function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const [file, extra] = positionals;
  const replication = values["session-replication"];
  if (file === undefined || extra !== undefined)
    throw usageError(file === undefined ? "no FILE" : `a second file, ${extra}`);
  if (!values.primary) throw usageError("no --primary NODE");
  if (replication !== undefined && replication !== "none" && replication !== "memory-to-memory")
    throw usageError(`--session-replication ${replication}`);
  return {
    file,
    primaryNode: values.primary,
    clusters: list(values.clusters),
    skipClusters: list(values["skip-clusters"]),
    nodes: values.nodes,
    sessionReplication: replication,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        primary: { type: "string" },
        clusters: { type: "string" },
        "skip-clusters": { type: "string" },
        nodes: { type: "string" },
        "session-replication": { type: "string" },
      },
    });
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

function usageError(found: string): ProblemError {
  return new ProblemError("invalid-input", { where: "npm run try -- routing", found, allowed: USAGE });
}

function list(text: string | undefined): readonly string[] | undefined {
  return text
    ?.split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function findings(config: PluginConfig, file: string): string {
  const routed = config.clusters.filter((cluster) => cluster.routed).length;
  const reread = config.refreshIntervalSeconds > 0 ? `every ${config.refreshIntervalSeconds} s` : "only at a restart";
  const lines = [
    `${file}: ${config.clusters.length} clusters, ${routed} of them routed; the plug-in looks for changes ${reread}`,
    ...config.clusters.flatMap(clusterLines),
    ...config.problems.map((problem) => `  Problem: ${formatProblem(problem)}`),
  ];
  return lines.join("\n");
}

function clusterLines(cluster: PluginCluster): string[] {
  const traits = [
    cluster.routed ? `routes ${shortened(cluster.uris)}` : "no Route leads to it",
    LISTS[cluster.lists],
    cluster.clusterAddress ? "ClusterAddress" : undefined,
    cluster.dwlm ? 'GetDWLMTable="true"' : undefined,
  ].filter((trait) => trait !== undefined);
  const width = Math.max(0, ...cluster.members.map((member) => member.name.length));
  return [
    `  ${cluster.name} (line ${cluster.line}): ${traits.join("; ")}`,
    ...cluster.members.map((member) => {
      const role = roleOf(cluster, member.name);
      const address = member.transports.map(({ protocol, hostname, port }) => `${protocol}://${hostname}:${port}`);
      const clone = member.cloneId ? `CloneID ${member.cloneId}` : "no CloneID";
      return `    ${role.padEnd(8)} ${member.name.padEnd(width)}  ${[clone, ...address].join("  ")}`;
    }),
  ];
}

const LISTS: Readonly<Record<PluginCluster["lists"], string>> = {
  both: "primaries and backups",
  "primary-only": "primaries, no backups",
  "backup-only": "backups, no primaries",
  none: "no lists, so every member is a primary",
};

function roleOf(cluster: PluginCluster, name: string): string {
  if (cluster.primary.includes(name)) return "primary";
  return cluster.backup.includes(name) ? "backup" : "unlisted";
}

function shortened(uris: readonly string[]): string {
  const shown = uris.slice(0, 4).join(", ");
  return uris.length > 4 ? `${shown} and ${uris.length - 4} more` : shown || "no URI";
}

function assumption(nodeOf: ReadonlyMap<string, string>, node: string): string {
  const names = [...nodeOf].filter(([, each]) => each === node).map(([name]) => name);
  return `Taken to be on ${node}, by their names: ${names.join(", ")}. If that is wrong, say it with --nodes.`;
}

/**
 * A unified diff, made cluster by cluster: comparing thousands of scattered changes in one go takes minutes, and a cluster's
 * lines can only have moved within it.
 */
function patch(file: string, before: Buffer, after: Buffer): string {
  let old = sections(text(before));
  let now = sections(text(after));
  // A comment that was removed with its list may have held one of those lines.
  if (old.length !== now.length) [old, now] = [[text(before)], [text(after)]];
  const whole = structuredPatch(file, file, "", "", "now", "routed");
  let oldLine = 0;
  let newLine = 0;
  old.forEach((section, index) => {
    const changed = now[index] ?? "";
    if (section !== changed) {
      const { hunks } = structuredPatch(file, file, section, changed, "", "", { context: 3 });
      for (const hunk of hunks)
        whole.hunks.push({ ...hunk, oldStart: hunk.oldStart + oldLine, newStart: hunk.newStart + newLine });
    }
    oldLine += section.split("\n").length - 1;
    newLine += changed.split("\n").length - 1;
  });
  return formatPatch(whole, FILE_HEADERS_ONLY).trimEnd();
}

/** A text cut before every line that names a ServerCluster element; routing moves none. */
function sections(content: string): readonly string[] {
  return content.split(/(?<=\n)(?=[^\n]*<ServerCluster)/);
}

function text(bytes: Buffer): string {
  const utf8 = bytes.toString("utf8");
  return utf8.includes("\ufffd") ? bytes.toString("latin1") : utf8;
}
