import type { FileMarks } from "../../targets/wsadmin/application-files.js";
import type { Journal, Kept } from "./journal.js";
import { inShort, minutes } from "./levels.js";
import type { Lag, LiveMember, LiveNode } from "./live.js";

/** Node → application → its files there. */
export type FilesSeen = Record<string, Record<string, FileMarks>>;

/** What a member that runs since before its node's files last changed their status is to be taken for. */
type Verdict = "not restarted" | "only touched" | "cannot be told";

const isSame = (one: FileMarks | undefined, other: FileMarks): boolean =>
  one?.descriptors === other.descriptors && one.files === other.files;

/**
 * A change of status alone is no distribution: a chown makes one, and so does a backup program that puts access times back. The
 * same files as when members were last proved were only touched. Others are a distribution where their META-INF was written
 * since the member started, or is not the one that was proved; else an application may have written beside it, or nothing was ever proved.
 *
 * @param proved files with which every member of the node was last proved
 */
export function verdictOn({ cause, marks, written }: Lag, proved: FileMarks | undefined): Verdict {
  // Older versions knew of nothing but the change of status.
  if (cause === "not distributed" || marks === undefined) return "not restarted";
  if (isSame(proved, marks)) return "only touched";
  const isOther = proved !== undefined && proved.descriptors !== marks.descriptors;
  return written !== false || isOther ? "not restarted" : "cannot be told";
}

/** While a rollout is open, whatever could be a distribution is one, but for what it found touched and left alone at its begin. */
const verdictInRollout = (lag: Lag, proved: FileMarks | undefined, leftAlone: FileMarks | undefined): Verdict =>
  lag.marks && isSame(leftAlone, lag.marks) ? verdictOn(lag, proved) : "not restarted";

type Remembered = Pick<Kept, "seen"> & { readonly journal: Pick<Journal, "found"> | null };

/** Nodes whose members are behind only where that is more than a touch of their files. Everything that decides looks at these. */
export function judgedNodes(nodes: readonly LiveNode[], { journal, seen }: Remembered): LiveNode[] {
  // One that another version recorded in another shape is refused, whatever it found.
  const found: Journal["found"] | undefined = journal?.found;
  const leftAlone = found?.touched;
  return nodes.map((node) => {
    const of = (files: FilesSeen | undefined, { application }: Lag) => files?.[node.name]?.[application];
    const verdictOf = (lag: Lag): Verdict =>
      journal ? verdictInRollout(lag, of(seen, lag), of(leftAlone, lag)) : verdictOn(lag, of(seen, lag));
    return { ...node, members: node.members.map((member) => judged(member, verdictOf)) };
  });
}

function judged(member: LiveMember, verdictOf: (lag: Lag) => Verdict): LiveMember {
  const { lags: all = [], doubt: other, ...rest } = member;
  if (all.length === 0) return member;
  const lags = all.filter((lag) => verdictOf(lag) === "not restarted");
  if (lags.length > 0) return { ...rest, lags };
  const doubt = touchText(all.filter((lag) => verdictOf(lag) === "cannot be told")) ?? other;
  return doubt === undefined ? { ...rest, level: "current" } : { ...rest, level: "unknown", doubt };
}

function touchText(lags: readonly Lag[]): string | undefined {
  if (lags.length === 0) return undefined;
  const since = lags
    .map((lag) => lag.since ?? "")
    .sort()
    .at(-1);
  const names = inShort(lags.map(({ application }) => application));
  return `its node's files of ${names} were touched after it started (${minutes(since ?? "")}), by a new distribution or by a chown, a chmod or a backup program: which cannot be told, until it is started again`;
}

/** Node → files with which each member there was seen to run, and those that were proved before of what was not looked at. */
export function filesProved(nodes: readonly LiveNode[], before: FilesSeen = {}): FilesSeen {
  return Object.fromEntries(nodes.map(({ name, proved = {} }) => [name, { ...before[name], ...proved }]));
}

/** Node → files of members that are behind by a change of status, and that `judged` does not call behind. */
export function filesTouched(nodes: readonly LiveNode[], kept: Remembered): FilesSeen {
  const found = judgedNodes(nodes, kept).map((node, index): [string, Record<string, FileMarks>] => {
    const left = new Set(node.members.flatMap(({ lags = [] }) => lags.map(({ application }) => application)));
    const all = nodes[index]?.members.flatMap(({ lags = [] }) => lags) ?? [];
    const touched = all.flatMap(({ application, marks }) =>
      marks && !left.has(application) ? [[application, marks] as const] : [],
    );
    return [node.name, Object.fromEntries(touched)];
  });
  return Object.fromEntries(found.filter(([, files]) => Object.keys(files).length > 0));
}
