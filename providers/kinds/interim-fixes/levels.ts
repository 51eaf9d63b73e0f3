import type { ApplicationFiles, FileMarks } from "../../targets/wsadmin/application-files.js";
import type { Tri } from "../../targets/wsadmin/cell.js";
import type { Progress } from "./journal.js";
import type { Answer, Lag, Level, LiveMember, LiveNode, Running } from "./live.js";

/**
 * A process's start is told in whole seconds, counted from a boot time that is rounded too. A member that started so
 * shortly before its files came counts as started after them: a synchronization alone takes longer than that.
 */
const START_PRECISION_MS = 2_000;

/** Two hosts answer one after the other: what was written on both within this time has no order. */
const HOSTS_APART_MS = 30_000;

/** A server's own start comes after its process's; one that lies so far before it is another process's. */
const STARTS_APART_MS = 60_000;

/** What is known of one application on one node. */
export interface Distributed {
  /** The deployment manager's word (AdminApp.getDeployStatus). */
  readonly word: Tri;
  readonly agent: Running;
  readonly synchronized: Answer;
  readonly here: ApplicationFiles;
  readonly master: ApplicationFiles;
  /** What lies on nodes that have it by the deployment manager's word. */
  readonly proven: readonly (string | undefined)[];
}

/**
 * Whether a node's files are the deployment manager's. Its own word counts; "not distributed" only of a node that does not call
 * itself synchronized, since a synchronization could not change the other. Without a word files decide, and the time at which they
 * were written: those that a proven node has too are as good, unless they are older than the deployment manager's, for names and sizes
 * alone do not tell two versions apart; of a node whose agent is down, older ones that no proven node has are behind.
 */
export function filesLevel({ word, agent, synchronized, here, master, proven }: Distributed): Level {
  if (word === true) return "current";
  if (word === false) return synchronized === "no" ? "behind" : "unknown";
  if (here.content === undefined || here.age === undefined || master.age === undefined) return "unknown";
  const isOlder = here.age > master.age + HOSTS_APART_MS;
  if (proven.includes(here.content)) return isOlder ? "unknown" : "current";
  return isOlder && agent === "stopped" ? "behind" : "unknown";
}

/** The start of a member from both signals; null where they contradict each other, or there is none. */
export function startOf(ofProcess: string | undefined, ofServer: string | undefined): string | null {
  if (ofProcess === undefined || ofServer === undefined) return ofProcess ?? ofServer ?? null;
  return Date.parse(ofServer) < Date.parse(ofProcess) - STARTS_APART_MS ? null : ofProcess;
}

/** One of a member's applications as its node has it. */
export interface NodeFiles {
  readonly application: string;
  readonly level: Level;
  /** When the node got them, or somebody touched them. */
  readonly writtenAt: string | undefined;
  readonly modifiedAt?: string | undefined;
  readonly marks?: FileMarks | undefined;
  /** When the deployment manager got its own. */
  readonly masterWrittenAt: string | undefined;
}

type MemberLevel = Required<Pick<LiveMember, "level">> & Pick<LiveMember, "lags" | "doubt">;

/** A member has what its node had before it started. One that is stopped has nothing, and what it will have is not known yet. */
export function memberLevel(
  { state, startedAt = null }: Pick<LiveMember, "state" | "startedAt">,
  applications: readonly NodeFiles[],
): MemberLevel {
  if (state === "stopped") return { level: "unknown", doubt: "it is stopped" };
  const lags = applications.flatMap((files): Lag[] => {
    const { application, level, writtenAt, modifiedAt, marks } = files;
    if (level === "behind") return [{ application, cause: "not distributed", since: files.masterWrittenAt ?? null }];
    if (writtenAt === undefined || !startedBefore(writtenAt, startedAt)) return [];
    const written = modifiedAt === undefined || startedBefore(modifiedAt, startedAt);
    return [{ application, cause: "not restarted", since: writtenAt, ...(marks && { marks, written }) }];
  });
  const doubt = doubtOf(state, startedAt, applications);
  const why = doubt === undefined ? {} : { doubt };
  if (lags.length > 0) return { level: "behind", lags, ...why };
  return { level: doubt === undefined ? "current" : "unknown", ...why };
}

const startedBefore = (time: string, startedAt: string | null): boolean =>
  startedAt !== null && Date.parse(startedAt) + START_PRECISION_MS < Date.parse(time);

/** Whether a member loaded what lies there, or will when it starts. */
export function hasLoaded(
  { state, startedAt = null }: Pick<LiveMember, "state" | "startedAt">,
  { writtenAt }: Pick<NodeFiles, "writtenAt">,
): boolean {
  if (state !== "running") return state === "stopped";
  return startedAt !== null && writtenAt !== undefined && !startedBefore(writtenAt, startedAt);
}

function doubtOf(state: Running, startedAt: string | null, applications: readonly NodeFiles[]): string | undefined {
  const named = (doubtful: readonly NodeFiles[]) => inShort(doubtful.map(({ application }) => application));
  if (state !== "running") return "its state cannot be told";
  if (startedAt === null) return "when it started cannot be told";
  const files = applications.filter(({ level }) => level === "unknown");
  if (files.length > 0) return `whether its node has ${named(files)} as the deployment manager has it cannot be told`;
  const undated = applications.filter(({ writtenAt }) => writtenAt === undefined);
  if (undated.length > 0) return `when its node got ${named(undated)} cannot be told`;
  return undefined;
}

/** So many are named, in sentences for people. */
const NAMED = 3;

export function inShort(names: readonly string[]): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Why a member is behind; undefined when it is not known to be. @param fixes what it may lack */
export function lagText({ startedAt, lags = [] }: LiveMember, fixes: readonly string[]): string | undefined {
  const absent = lags.filter(({ cause }) => cause === "not distributed");
  const told = absent.length > 0 ? absent : lags;
  if (told.length === 0) return undefined;
  const names = inShort(told.map(({ application }) => application));
  const since = told
    .map((lag) => lag.since ?? "")
    .sort()
    .at(-1);
  const when = since ? ` (${minutes(since)})` : "";
  const lacks = fixes.length > 0 ? `: it may lack ${inShort(fixes)}` : ": it may have what was uninstalled";
  if (absent.length > 0) return `its node does not have ${names} as the deployment manager has it${when}${lacks}`;
  return `runs since ${minutes(startedAt ?? "")}, before ${names} ${told.length > 1 ? "were" : "was"} distributed there${when}${lacks}`;
}

/** 2026-11-22 13:05 UTC */
export const minutes = (iso: string): string => `${iso.slice(0, 16).replace("T", " ")} UTC`;

/** How far a node is, by what was seen of it alone. What is not known is left alone. */
export function progressSeen({ members }: Pick<LiveNode, "members">): Progress {
  const causes = members.flatMap(({ lags = [] }) => lags.map(({ cause }) => cause));
  if (causes.includes("not distributed")) return "behind";
  return causes.length > 0 ? "fresh" : "proven";
}

/** Applications that a synchronization has to bring to some node. */
export const undistributed = (nodes: readonly LiveNode[]): string[] => [
  ...new Set(
    nodes.flatMap(({ members }) =>
      members.flatMap(({ lags = [] }) =>
        lags.flatMap(({ cause, application }) => (cause === "not distributed" ? [application] : [])),
      ),
    ),
  ),
];
