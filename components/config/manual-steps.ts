import { nearest } from "../../providers/common/nearest.js";
import type { Finding } from "./finding.js";

/** Parts of the configuration that a step for a person may come before. */
export const PARTS = ["routing", "databases", "interimFixes"] as const;
export type Part = (typeof PARTS)[number];

type Path = readonly PropertyKey[];

/** Names that no step has, and steps that wait for each other. On the values as given. */
export function strayOrder(path: Path, steps: Readonly<Record<string, unknown>>): readonly Finding[] {
  const known = Object.keys(steps);
  const after = new Map(known.map((key) => [key, namesIn(steps[key])]));
  const stray = [...after].flatMap(([key, names]) =>
    names.flatMap((name, index): Finding[] => {
      if (known.includes(name)) return [];
      const hint = nearest(name, known);
      return [
        {
          path: [...path, key, "after", index],
          found: `no step beside it is called ${JSON.stringify(name)}`,
          allowed: known.filter((other) => other !== key).join(", ") || "none: it is the only one",
          ...(hint ? { next: `Did you mean "${hint}"?` } : {}),
        },
      ];
    }),
  );
  const circles = known.flatMap((key): Finding[] => {
    const way = wayBack(key, after);
    if (!way) return [];
    return [{ path: [...path, key, "after"], found: `it waits for itself: ${way.join(" → ")}` }];
  });
  return [...stray, ...circles];
}

/** Of one fix: a step before it cannot wait for one after it. */
export function strayPhases(path: Path, steps: Readonly<Record<string, unknown>>): readonly Finding[] {
  const isBefore = (key: string): boolean => {
    const step = steps[key];
    return typeof step === "object" && step !== null && "when" in step && step.when === "before";
  };
  return Object.keys(steps)
    .filter(isBefore)
    .flatMap((key) =>
      namesIn(steps[key]).flatMap((name, index): Finding[] =>
        name in steps && !isBefore(name)
          ? [{ path: [...path, key, "after", index], found: `${name} comes after the fix, and ${key} before it` }]
          : [],
      ),
    );
}

function namesIn(step: unknown): readonly string[] {
  const after = typeof step === "object" && step !== null && "after" in step ? step.after : [];
  return Array.isArray(after) ? after.filter((name): name is string => typeof name === "string") : [];
}

/** From a step over what it waits for to itself. */
function wayBack(start: string, after: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const ways: (readonly string[])[] = [[start]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way; way = ways.shift()) {
    for (const next of after.get(way.at(-1) ?? "") ?? []) {
      if (next === start) return [...way, next];
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}
