import { formatProblem } from "../common/problem.js";
import type { Plan } from "./kind.js";

/** Where lines for people go. In the provider process standard output becomes an information line of the engine. */
export type Say = (line: string) => void;

/** A plan as numbered lines: steps with their impact, then refusals, then notes. Empty for the empty plan. */
export function planLines(title: string, plan: Plan): readonly string[] {
  const lines = [
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
