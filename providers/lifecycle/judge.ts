import { milliseconds } from "../common/duration.js";
import type { Problem } from "../common/problem.js";
import type { AnyKind, ParsedInputs } from "./inputs.js";
import type { Plan } from "./kind.js";
import { stackOf } from "./record.js";
import { OUTSIDE_WINDOW_VARIABLE } from "./run-settings.js";
import { describeWindow, isOpen } from "./window.js";

/** Why this stack may not touch the thing: it has another owner. */
export function ownerProblem(kind: AnyKind, inputs: ParsedInputs, owner: string | undefined): Problem | undefined {
  const mine = stackOf(inputs.owner);
  if (owner === undefined || stackOf(owner) === mine || stackOf(owner) === inputs.run.takeOverFrom) return undefined;
  return {
    where: titleOf(kind, inputs),
    found: `managed by ${owner}`,
    allowed: `a resource of ${mine}`,
    why: "Two stacks that manage one thing would undo each other's changes",
    next: `If this stack is to manage it from now on, set takeOverFrom: ${stackOf(owner)}`,
  };
}

/** Why the plan may not run now: users would notice it, and the maintenance window is closed. */
export function windowProblem(kind: AnyKind, inputs: ParsedInputs, plan: Plan, now: Date): Problem | undefined {
  const window = inputs.run.maintenanceWindow;
  const noticed = plan.steps.filter((step) => step.impact !== "none");
  if (!window || noticed.length === 0 || isOpen(window, now)) return undefined;
  return {
    where: titleOf(kind, inputs),
    found: `steps that users notice are due: ${noticed.map((step) => `${step.title} [${step.impact}]`).join("; ")}`,
    allowed: `inside the maintenance window ${describeWindow(window)}`,
    next: `Wait for the window, or allow this one run with ${OUTSIDE_WINDOW_VARIABLE}="<reason>"`,
  };
}

/** Why the plan cannot end in time, however well all goes: it would be begun, run out of time, and be taken back. */
export function deadlineProblem(kind: AnyKind, inputs: ParsedInputs, plan: Plan): Problem | undefined {
  const slow = plan.steps.filter((step) => (step.atLeastMs ?? 0) > 0);
  const atLeastMs = slow.reduce((sum, step) => sum + (step.atLeastMs ?? 0), 0);
  if (slow.length === 0 || atLeastMs < milliseconds(inputs.run.deadline)) return undefined;
  return {
    where: titleOf(kind, inputs),
    found: `these steps take at least ${Math.ceil(atLeastMs / 1_000)} s: ${slow.map((step) => step.title).join("; ")}`,
    allowed: `less than the deadline of ${inputs.run.deadline}`,
    why: "The run would be stopped in the midst of them, and taken back",
    next: "Raise deadline, or make what is waited for shorter",
  };
}

/** The reason given for letting this one run go on outside its window. */
export const outsideWindowReason = (): string | undefined => process.env[OUTSIDE_WINDOW_VARIABLE] || undefined;

/** The plan with the loop's own refusals among the kind's, as a preview shows it. */
export function judged(
  kind: AnyKind,
  inputs: ParsedInputs,
  plan: Plan,
  found: { readonly owner?: string; readonly now: Date },
): Plan {
  const window = outsideWindowReason() ? undefined : windowProblem(kind, inputs, plan, found.now);
  const owner = ownerProblem(kind, inputs, found.owner);
  const ours = [owner, window, deadlineProblem(kind, inputs, plan)].filter((problem) => problem !== undefined);
  return ours.length > 0 ? { ...plan, refusals: [...plan.refusals, ...ours] } : plan;
}

export const titleOf = (kind: AnyKind, inputs: ParsedInputs): string =>
  `${kind.type} ${kind.identify(inputs.desired.identity)}`;
