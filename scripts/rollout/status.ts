import { formatProblem } from "../../providers/common/problem.js";
import type { Kept } from "../../providers/kinds/interim-fixes/journal.js";
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
    ...journal.order.map((node) => `  ${node}: ${journal.nodes[node] ?? "not begun"}`),
    ...(left.length > 0 ? [`  left: ${left.join(", ")}`] : []),
    ...Object.entries(journal.lost ?? {}).map(([name, because]) => `  given up: ${name}: ${because}`),
    ...(journal.halfWay ? [`  half-way: ${formatProblem(journal.halfWay.problem)}`] : []),
    ...(journal.reason ? [`  goes back because: ${journal.reason}`] : []),
    ...(asked ? [`  asked: ${asked}`] : []),
    ...holderLines(status),
  ];
}

/** Somebody's with two stacks has to know in which of them to go on. */
const holderLines = ({ holders }: Status): readonly string[] =>
  Object.entries(holders).flatMap(([name, holder]) => {
    if (holder === null) return [];
    if (typeof holder === "string") return [`  ${name}: whether its routing is held is not known: ${holder}`];
    return [`  ${name}: its routing is held by ${holderOf(holder)}, at "${holder.step}"`];
  });
