import { formatProblem } from "../../providers/common/problem.js";
import { nodeByServer } from "../../providers/formats/routing.js";
import type { Kept } from "../../providers/kinds/interim-fixes/journal.js";
import { allStarted, allStopped, type Live } from "../../providers/kinds/interim-fixes/live.js";
import { holderOf, type SeenHold } from "../../providers/targets/plugin/hold.js";

/** Who has the routing of a web server: null = nobody, a text = why that is not known. */
export type Holder = SeenHold | string | null;

export interface Status {
  readonly id: string;
  /** "project/stack/name" by the record. */
  readonly owner: string | undefined;
  readonly kept: Kept | undefined;
  /** Titles of the steps that are left. */
  readonly left: readonly string[];
  /** Who ran it last. */
  readonly by: string | undefined;
  /** What an operator asked for, in words. */
  readonly asked: string | undefined;
  /** What runs now; a text = why that could not be seen. */
  readonly live: Live | string | undefined;
  /** Servers of each node, by the plug-in files' names. */
  readonly servers: Readonly<Record<string, readonly string[]>>;
  /** By declared web server. */
  readonly holders: Readonly<Record<string, Holder>>;
}

/** The lines of `npm run rollout -- status`. */
export function statusLines(status: Status): readonly string[] {
  const { id, owner, kept, by, left, asked } = status;
  const journal = kept?.journal;
  if (!journal) {
    return [
      `${id}: no rollout is open`,
      ...Object.entries(kept?.gaveUp?.lost ?? {}).map(
        ([name, because]) => `  rollout ${kept?.gaveUp?.rollout} gave up ${name}: ${because}`,
      ),
      ...(kept?.wentBack ? [`  the last one went back on ${kept.wentBack.at}: ${kept.wentBack.reason}`] : []),
      ...holderLines(status),
    ];
  }
  const whose = owner === undefined ? "" : ` of ${owner}`;
  return [
    `${id}: rollout ${journal.rollout}${whose}, ${journal.direction}, begun ${journal.startedAt}${by ? ` by ${by}` : ""}`,
    ...journal.order.map(
      (node) => `  ${node}: ${[journal.nodes[node] ?? "not begun", ...nowOn(node, status)].join("; ")}`,
    ),
    ...(typeof status.live === "string" ? [`  what runs now is not known: ${status.live}`] : []),
    ...(left.length > 0 ? [`  left: ${left.join(", ")}`] : []),
    ...Object.entries(journal.lost ?? {}).map(([name, because]) => `  given up: ${name}: ${because}`),
    ...(journal.halfWay ? [`  half-way: ${formatProblem(journal.halfWay.problem)}`] : []),
    ...(journal.reason ? [`  goes back because: ${journal.reason}`] : []),
    ...(asked ? [`  asked: ${asked}`] : []),
    ...holderLines(status),
  ];
}

/** What runs on a node, and which web servers' files name it as a primary. */
function nowOn(name: string, { live, servers }: Status): readonly string[] {
  if (typeof live !== "object") return [];
  const node = live.nodes.find((each) => each.name === name);
  if (!node) return [];
  const one = allStarted(node) ? "running" : allStopped(node) ? "stopped" : undefined;
  const members = one ? [`members ${one}`] : node.members.map(({ server, state }) => `${server} ${state}`);
  const nodeOf = nodeByServer(servers);
  const senders = live.webServers.filter(({ lists }) =>
    Object.values(lists).some(({ primary }) => primary.some((server) => nodeOf.get(server) === name)),
  );
  const users =
    senders.length > 0
      ? `users are sent to it by ${senders.map((each) => each.name).join(", ")}`
      : "no users are sent to it";
  return [`agent ${node.agent}`, ...members, users];
}

/** Somebody's with two stacks has to know in which of them to go on. */
const holderLines = ({ holders }: Status): readonly string[] =>
  Object.entries(holders).flatMap(([name, holder]) => {
    if (holder === null) return [];
    if (typeof holder === "string") return [`  ${name}: whether its routing is held is not known: ${holder}`];
    return [`  ${name}: its routing is held by ${holderOf(holder)}, at "${holder.step}"`];
  });
