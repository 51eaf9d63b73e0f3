import { sha256 } from "../../common/json.js";
import type { Problem } from "../../common/problem.js";
import type { Description, Desired, Plan, Step } from "../../lifecycle/kind.js";
import { otherTarget } from "../../lifecycle/same-target.js";
import type { Aspects, Identity, Settings } from "./schema.js";

export type ManualDesired = Desired<Identity, Settings, Aspects>;

/** What `plan` knows of reality. */
export interface Live {
  /** "not asked": nothing was declared that could show it. */
  verified: "yes" | "no" | "not asked";
  /** What speaks against it: "http://… answered 404, expected 200". */
  findings: string[];
}

/** Who did what, as it was last agreed to. */
export interface Confirmation {
  by: string;
  on: string;
  /** SHA-256 of the instructions that it was said of. */
  instructions: string;
}

/** What this kind remembers on the host. */
export interface Kept {
  confirmed: Confirmation | null;
}

export interface ManualStepAction extends Step {
  readonly key: "remember";
  readonly confirmed: Confirmation;
}

/**
 * Nothing is ever done here but remembering: a step that nobody did is a refusal with its instructions, in every preview and
 * in `up`. A verification decides wherever there is one; a person's word alone counts for the instructions as they were then.
 */
export function plan(desired: ManualDesired, live: Live, kept: Kept): Plan<ManualStepAction> {
  const { identity, settings } = desired;
  const where = `${identity.host}: ${identity.step}`;
  const [elsewhere] = otherTarget({ where, identity: identity.host, connection: settings.connection });
  const refusal = elsewhere ?? notDone(desired, live, kept);
  if (refusal) return { steps: [], refusals: [refusal], notes: [] };
  const { done, instructions } = desired.aspects;
  if (!done || isRemembered(done, instructions, kept)) return { steps: [], refusals: [], notes: [] };
  const confirmed = { ...done, instructions: sha256(instructions) };
  const title = `remember that ${done.by} did it on ${done.on}${live.verified === "yes" ? ", and that it shows" : ""}`;
  return { steps: [{ key: "remember", title, impact: "none", confirmed }], refusals: [], notes: [] };
}

function notDone({ identity, aspects }: ManualDesired, live: Live, { confirmed }: Kept): Problem | undefined {
  const where = `${identity.host}: ${identity.step}`;
  const { done, instructions } = aspects;
  if (live.verified === "no") {
    const said = done ? `${done.by} did it on ${done.on}, but ` : "";
    return {
      where,
      found: `${said}it does not show: ${live.findings.join("; ")}`,
      why: "Only a person can do this step, and what comes after it relies on it",
      next: inLines(instructions),
    };
  }
  if (live.verified === "not asked" && !done) {
    return {
      where,
      found: "nobody says that it was done",
      why: "Only a person can do this step, and what comes after it relies on it",
      next: `${inLines(instructions)}\n    Then say so: done: {by: …, on: …}`,
    };
  }
  if (live.verified === "not asked" && done && confirmed && isOld(done, instructions, confirmed)) {
    return {
      where,
      found: `the instructions were changed since ${done.by} did it on ${done.on}`,
      why: "What was done then is not what they say now, and nothing shows it",
      next: `${inLines(instructions)}\n    Then renew done: {by: …, on: …}`,
    };
  }
  return undefined;
}

/** The same word, given for another text. */
const isOld = (done: NonNullable<Aspects["done"]>, instructions: string, confirmed: Confirmation): boolean =>
  confirmed.by === done.by && confirmed.on === done.on && confirmed.instructions !== sha256(instructions);

const isRemembered = (done: NonNullable<Aspects["done"]>, instructions: string, { confirmed }: Kept): boolean =>
  confirmed?.by === done.by && confirmed.on === done.on && confirmed.instructions === sha256(instructions);

/** Below the sentence that they follow. */
const inLines = (instructions: string): string =>
  instructions
    .trim()
    .split("\n")
    .map((line) => `\n    ${line.trim()}`)
    .join("");

/** A step that was done and does not show any more is drift. */
export function describe({ aspects }: ManualDesired, live: Live): Description<Aspects> {
  if (live.verified !== "no") return { aspects, deviations: {} };
  return { aspects, deviations: { verification: live.findings.join("; ") } };
}

/** What a person did is not undone from here. */
export function release({ identity }: ManualDesired): Plan<ManualStepAction> {
  const note = `${identity.host}: ${identity.step}: what was done stays; undoing it is a step for a person too`;
  return { steps: [], refusals: [], notes: [note] };
}
