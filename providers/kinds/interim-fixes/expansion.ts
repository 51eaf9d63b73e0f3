import { ProblemError } from "../../common/problem.js";
import type { ApplicationFiles, Archive } from "../../targets/wsadmin/application-files.js";
import type { ApplicationReadiness, CellTopology } from "../../targets/wsadmin/cell.js";
import type { Work } from "./apply.js";
import { filesLevel } from "./levels.js";
import type { FilesOf } from "./look-at-levels.js";

/** What is seen of one application on one node after a synchronization. */
export interface Seen {
  readonly node: string;
  /** undefined = the deployment manager says nothing of the application. */
  readonly readiness: ApplicationReadiness | undefined;
  readonly here: ApplicationFiles;
  /** `content` of the look before. */
  readonly before: string | undefined;
  readonly master: ApplicationFiles;
  /** What lies on nodes where it was proved. */
  readonly proven: readonly (string | undefined)[];
  /** Milliseconds since the synchronization began. */
  readonly since: number;
  /** The node's own copy of the archive and the deployment manager's; undefined = not read, or not there. */
  readonly copy?: Archive | undefined;
  readonly original?: Archive | undefined;
}

/**
 * What is missing to the proof that a node has an application as the deployment manager has it, expanded; undefined when
 * nothing is. The deployment manager's "yes" to distribution may come before the agent has expanded anything; its "no" counts, and so
 * does that of isAppReady where no node explains it, for that speaks of all. Of the expansion its "yes" counts. Where it says "skipped" or
 * "unknown" the node's files decide: META-INF was written since the synchronization began, or after the deployment manager's
 * archive, or its files are those of a node where they were proved, or of a copy that is the archive byte for byte: where the way back
 * leads to the archive that a node has had all along, nothing is brought there; and two looks see the same files.
 */
export function missingProof(seen: Seen): string | undefined {
  const { node, readiness, here, before, master, proven, since } = seen;
  if (readiness?.expanded[node] === false) return "it is not expanded, says the deployment manager";
  if (readiness?.distributed[node] !== true) return "the deployment manager does not say that it is distributed";
  if (readiness.ready === false && Object.values(readiness.distributed).every((word) => word === true))
    return "it is not ready, says AdminApp.isAppReady";
  if (readiness.expanded[node] === true) return undefined;
  if (here.content === undefined || here.age === undefined) return "whether it is expanded cannot be seen";
  const isWritten = here.age <= since || (master.age !== undefined && here.age <= master.age);
  const words = { word: "unknown", agent: "running", synchronized: "yes" } as const;
  if (!isWritten && filesLevel({ ...words, here, master, proven }) !== "current" && !isOfCopy(seen))
    return `${NOT_WRITTEN} ${here.writtenAt ?? "an unknown time"}`;
  return here.content === before ? undefined : "its files there are still changing";
}

const NOT_WRITTEN = "its META-INF there was not written since";

/** Expanded from a copy that is the deployment manager's archive: after it came, by one clock, and so not waiting to be expanded. */
const isOfCopy = ({ here, copy, original }: Seen): boolean =>
  copy !== undefined &&
  copy.digest === original?.digest &&
  here.writtenAt !== undefined &&
  copy.writtenAt <= here.writtenAt;

/** To be asked until it answers with nothing: what is not proved yet of applications that a node was synchronized for. */
export function proofOfExpansion(
  node: string,
  names: readonly string[],
  { since, work }: { readonly since: number; readonly work: Work },
): () => Promise<readonly string[]> {
  const { estate, journal } = work;
  // Not of those that are lost by now.
  const proved = journal.order.filter((name) => name !== node && (journal.nodes[name] ?? "behind") !== "behind");
  const archives = async (
    of: string | undefined,
    applications: readonly string[],
  ): Promise<Record<string, Archive | undefined>> => (applications.length > 0 ? estate.archives(of, applications) : {});
  let before: Readonly<Record<string, ApplicationFiles>> = {};
  return async () => {
    const topology = await estate.topology();
    const readiness = await estate.cell.applicationReadiness(names);
    const look = (of: string | undefined) => estate.applicationFiles(of, names, topology);
    const [here, master, ...proven] = await Promise.all([
      look(node),
      look(undefined),
      ...proved.map((other) => look(other).catch(nothingToSee)),
    ]);
    const seen = (name: string): Seen => ({
      node,
      readiness: readiness.find(({ application }) => application === name),
      here: here[name] ?? {},
      before: before[name]?.content,
      master: master[name] ?? {},
      proven: proven.map((files) => files[name]?.content),
      since: estate.now() - since,
    });
    // Archives are large: they are read only where nothing else tells.
    const unwritten = names.filter((name) => missingProof(seen(name))?.startsWith(NOT_WRITTEN));
    const [copies, originals] = await Promise.all([archives(node, unwritten), archives(undefined, unwritten)]);
    const missing = names.flatMap((name) => {
      const without = missingProof({ ...seen(name), copy: copies[name], original: originals[name] });
      return without === undefined ? [] : [`${name}: ${without}`];
    });
    before = here;
    return missing;
  };
}

/** What another node has would help; one that died proves nothing, and stands in nobody's way. */
function nothingToSee(error: unknown): FilesOf {
  if (error instanceof ProblemError) return {};
  throw error;
}

/** Of an application that runs nowhere on it, a node gets nothing, and the deployment manager says nothing. */
export function mappedTo(
  node: string,
  names: readonly string[],
  { applications, clusters }: Pick<CellTopology, "applications" | "clusters">,
): readonly string[] {
  const here = clusters.filter(({ members }) => members.some((member) => member.node === node)).map(({ name }) => name);
  return names.filter((name) => {
    const mapped = applications.find((application) => application.name === name);
    // One that the configuration does not name is waited for, on every node.
    if (!mapped) return true;
    return (
      mapped.clusters.some((cluster) => here.includes(cluster)) || mapped.servers.some((server) => server.node === node)
    );
  });
}
