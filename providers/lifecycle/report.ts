import { formatProblem } from "../common/problem.js";
import type { Plan } from "./kind.js";

/** Where lines for people go. In the provider process standard output becomes an information line of the engine. */
export type Say = (line: string) => void;

/**
 * What differs and what would be done about it: deviations, numbered steps with their impact, refusals, notes. Empty when
 * there is nothing to say.
 */
export function planLines(
  title: string,
  plan: Plan,
  deviations: Readonly<Record<string, string>> = {},
): readonly string[] {
  const lines = [
    ...Object.entries(deviations).map(([path, sentence]) => `  found: ${path}: ${sentence}`),
    ...plan.steps.map(
      (step, index) => `  ${index + 1}. ${step.title}${step.impact === "none" ? "" : ` [${step.impact}]`}`,
    ),
    ...plan.refusals.map((refusal) => `  refused: ${formatProblem(refusal)}`),
    ...plan.notes.map((note) => `  note: ${note}`),
  ];
  return lines.length > 0 ? [title, ...lines] : [];
}

/** `1.2 s` */
export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
