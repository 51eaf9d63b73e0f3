import type { Problem } from "../../common/problem.js";
import { isMorePrecise } from "./cell-web-servers.js";
import type { FixesDesired } from "./goal.js";
import type { Journal } from "./journal.js";

/** What an open rollout rests on, names sorted: with other settings it could not put right what it has changed. */
export interface Foundations {
  strategy: FixesDesired["settings"]["strategy"];
  nodes: string[];
  webServers: string[];
  ignoreWebServers: string[];
  /** Declared, or left by itself. */
  untouched: string[];
  /** Clusters that it leaves untouched by itself. Absent in what older versions remembered, which left none. */
  alone?: string[];
  /** All that the cell had then. Absent in what older versions remembered. */
  clusters?: string[];
}

export const foundationsOf = ({ settings }: FixesDesired): Foundations => ({
  strategy: settings.strategy,
  nodes: settings.nodes.map(({ name }) => name).sort(),
  webServers: settings.webServers.map(({ name }) => name).sort(),
  ignoreWebServers: [...settings.ignoreWebServers].sort(),
  untouched: [...settings.untouched].sort(),
});

/**
 * Settings that were changed while a rollout is open, in either direction. How a host is reached, limits and the like may
 * change; so may a cluster be taken off `untouched`, which is the way out when the fix proved to change one, and a web server that
 * is ignored be named with its node, which it takes once the cell has another one of that name.
 */
export function foundationRefusals(desired: FixesDesired, journal: Journal | null): Problem[] {
  if (!journal) return [];
  const now = foundationsOf(desired);
  const then = journal.foundations;
  const lists = (["nodes", "webServers", "ignoreWebServers", "untouched"] as const).flatMap((where) => {
    const isFixed = (name: string) => where !== "untouched" || !then.untouched.includes(name);
    const isNamed = (name: string, names: readonly string[]) =>
      names.includes(name) || (where === "ignoreWebServers" && names.some((other) => isMorePrecise(name, other)));
    const added = now[where].filter((name) => !isNamed(name, then[where]));
    const isStill = (name: string) => now[where].some((each) => isNamed(each, [name]));
    const removed = then[where].filter((name) => !isStill(name) && isFixed(name));
    if (added.length === 0 && removed.length === 0) return [];
    const words = [...removed.map((name) => `${name} was taken off it`), ...added.map((name) => `${name} was added`)];
    return [{ where, found: words.join(", "), allowed: then[where].join(", ") || "none" }];
  });
  const strategy =
    now.strategy === then.strategy ? [] : [{ where: "strategy", found: now.strategy, allowed: then.strategy }];
  return [...strategy, ...lists].map(({ where, found, allowed }) => ({
    where,
    found: `changed while rollout ${journal.rollout} is unfinished: ${found}`,
    allowed: `as it began: ${allowed}`,
    why: "What the rollout has changed, routing, agents and holds, could not be put right again",
    next: "Set it as it was until the rollout has ended, forward or back; a node or web server that is gone for good: lost",
  }));
}
