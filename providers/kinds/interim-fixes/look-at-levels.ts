import { ProblemError } from "../../common/problem.js";
import type { ApplicationFiles } from "../../targets/wsadmin/application-files.js";
import type { CellObservation, CellTopology, ServerRef } from "../../targets/wsadmin/cell.js";
import { resolveVariable } from "../../targets/wsadmin/variables.js";
import type { Estate } from "./estate.js";
import { mappedTo } from "./expansion.js";
import { filesLevel, hasLoaded, memberLevel, type NodeFiles } from "./levels.js";
import type { LiveNode } from "./live.js";
import type { Settings } from "./schema.js";

const APPLICATIONS = "APP_INSTALL_ROOT";
const PROFILE = "USER_INSTALL_ROOT";

/**
 * Folder that a node expands applications to: APP_INSTALL_ROOT as the node sees it, by default installedApps of its profile.
 * The profile counts as it is declared. An application may be given another folder; then nothing of it is found.
 *
 * @returns undefined where it cannot be resolved
 */
export function expandedTo(
  { node, profile }: { readonly node: string; readonly profile: string },
  { cell, variables }: Pick<CellTopology, "cell" | "variables">,
): string | undefined {
  const own = { name: PROFILE, value: profile, scope: { node } };
  const seen = [...variables.filter(({ name }) => name !== PROFILE), own];
  const isDefined = variables.some(({ name, scope }) => name === APPLICATIONS && (scope.node ?? node) === node);
  const root = isDefined ? resolveVariable(seen, APPLICATIONS, { node }) : `${profile}/installedApps`;
  return root && `${root}/${cell}`;
}

/** Application → what lies there of it. */
export type FilesOf = Readonly<Record<string, ApplicationFiles>>;

/** Of every declared node; of the master configuration, for every application of the cell. */
export interface SeenFiles {
  readonly master: FilesOf;
  readonly nodes: Readonly<Record<string, FilesOf>>;
}

/** Applications of clusters that fixes may change. */
function applicationsOf({ applications }: CellTopology, { untouched }: Pick<Settings, "untouched">): string[] {
  return applications
    .filter(({ clusters }) => clusters.some((cluster) => !untouched.includes(cluster)))
    .map(({ name }) => name);
}

/** One round trip for each host. What cannot be looked at is not known; why not is said by the other looks at that host. */
export async function lookAtFiles(
  settings: Settings,
  estate: Estate,
  { topology }: Pick<CellObservation, "topology">,
): Promise<SeenFiles> {
  const names = applicationsOf(topology, settings);
  const all = topology.applications.map(({ name }) => name);
  const look = async (node: string | undefined): Promise<FilesOf> => {
    try {
      return await estate.applicationFiles(node, node === undefined ? all : names, topology);
    } catch (error) {
      if (error instanceof ProblemError) return {};
      throw error;
    }
  };
  const [master, ...nodes] = await Promise.all([look(undefined), ...settings.nodes.map(({ name }) => look(name))]);
  return { master, nodes: Object.fromEntries(settings.nodes.map(({ name }, index) => [name, nodes[index] ?? {}])) };
}

/** Applications that users may be in and whose archive in the master configuration is not to be seen. */
export function withoutArchive({ topology }: Pick<CellObservation, "topology">, { master }: SeenFiles): string[] {
  const isWebServer = (server: ServerRef) =>
    topology.webServers.some((each) => each.node === server.node && each.server === server.server);
  return topology.applications
    .filter(({ clusters, servers }) => clusters.length > 0 || servers.some((server) => !isWebServer(server)))
    .filter(({ name }) => master[name]?.content === undefined)
    .map(({ name }) => name);
}

/**
 * Node → applications of which it could not be proved that a synchronization brought them: the deployment manager does not tell
 * that they are expanded there, and nothing is to be seen of their files.
 */
export function withoutProof(
  settings: Settings,
  { topology, distribution = [] }: Pick<CellObservation, "topology" | "distribution">,
  { nodes }: SeenFiles,
): Record<string, string[]> {
  const names = applicationsOf(topology, settings);
  const isTold = (name: string, node: string) =>
    typeof distribution.find(({ application }) => application === name)?.expanded[node] === "boolean";
  const of = ({ name: node }: { readonly name: string }) =>
    mappedTo(node, names, topology).filter((name) => !isTold(name, node) && nodes[node]?.[name]?.content === undefined);
  return Object.fromEntries(
    settings.nodes.map((node) => [node.name, of(node)] as const).filter(([, applications]) => applications.length > 0),
  );
}

/** A node's members with what is known of their level. */
export function withLevels(
  node: LiveNode,
  { topology, distribution = [] }: Pick<CellObservation, "topology" | "distribution">,
  files: SeenFiles,
): LiveNode {
  const wordOf = (application: string, name: string) =>
    distribution.find((each) => each.application === application)?.distributed[name] ?? "unknown";
  const filesOf = (application: string): NodeFiles => {
    const here = files.nodes[node.name]?.[application] ?? {};
    const master = files.master[application] ?? {};
    const proven = Object.entries(files.nodes)
      .filter(([name]) => wordOf(application, name) === true)
      .map(([, applications]) => applications[application]?.content);
    const { agent, synchronized } = node;
    const level = filesLevel({ word: wordOf(application, node.name), agent, synchronized, here, master, proven });
    const { writtenAt, modifiedAt, marks } = here;
    return { application, level, writtenAt, modifiedAt, marks, masterWrittenAt: master.writtenAt };
  };
  const members = node.members.map((member) => {
    const its = topology.applications.filter(({ clusters }) => clusters.includes(member.cluster));
    return { member, applications: its.map(({ name }) => filesOf(name)) };
  });
  const proved = members
    .flatMap(({ applications }) => applications)
    .flatMap((files) => {
      const runningIt = members.filter(({ applications }) =>
        applications.some(({ application }) => application === files.application),
      );
      return files.marks && runningIt.every(({ member }) => hasLoaded(member, files))
        ? [[files.application, files.marks] as const]
        : [];
    });
  return {
    ...node,
    members: members.map(({ member, applications }) => ({ ...member, ...memberLevel(member, applications) })),
    proved: Object.fromEntries(proved),
  };
}
