import type { z } from "zod";
import { nearest } from "../common/nearest.js";
import { type Problem, ProblemError } from "../common/problem.js";
import { pathText, shownValue, valueAt } from "../common/values.js";
import type { Desired, Kind } from "./kind.js";
import { type RunSettings, runSettingsSchema } from "./run-settings.js";
import { expand } from "./settings-text.js";
import { overlaps, unknownPaths } from "./unknown.js";

/** Keys that the resource class sets; users never write them. */
export const PROVIDER_KEY = "__provider";
export const OWNER_KEY = "owner";
/** Set by `read` alone: what the inputs cannot say about reality, a sentence each. Checked inputs never carry it. */
export const DEVIATIONS_KEY = "deviations";

export type Properties = Readonly<Record<string, unknown>>;
// biome-ignore lint/suspicious/noExplicitAny: the loop handles every kind alike; each kind is fully typed where it is defined.
export type AnyKind = Kind<any, any, any, any, any, any>;
export type AnyDesired = Desired<object, object, object>;

/** A resource's inputs, taken apart. */
export interface ParsedInputs {
  readonly desired: AnyDesired;
  readonly run: RunSettings;
  readonly owner: string;
}

type Group = z.ZodType & { readonly shape: Record<string, z.ZodType> };

const groupsOf = (kind: AnyKind): readonly Group[] => [kind.identity, kind.settings, kind.aspects, runSettingsSchema];

const pick = (properties: Properties, group: Group): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([key]) => key in group.shape));

interface InputProblem {
  readonly property: string;
  readonly reason: string;
}

/**
 * Checks the inputs of a kind group by group. `values` has every default filled in and nothing undefined; with unknowns
 * anywhere it is the inputs as given, since defaults cannot be told apart from what is still to come.
 */
export function checkInputs(
  kind: AnyKind,
  news: Properties,
): { readonly values: Properties; readonly problems: readonly InputProblem[] } {
  const given = expand(kind, news);
  const unknowns = unknownPaths(given);
  const problems: InputProblem[] = [];
  const values: Record<string, unknown> = {};
  for (const group of groupsOf(kind)) {
    const result = group.safeParse(pick(given, group));
    if (result.success) {
      Object.assign(values, result.data);
      continue;
    }
    for (const issue of result.error.issues) {
      if (unknowns.some((path) => overlaps(path, issue.path) && (issue.path.length > 0 || issue.code === "custom")))
        continue;
      problems.push(...readable(issue, given));
    }
  }
  const known = groupsOf(kind).flatMap((group) => Object.keys(group.shape));
  for (const key of Object.keys(given)) {
    if (known.includes(key) || [PROVIDER_KEY, OWNER_KEY].includes(key)) continue;
    const hint = nearest(key, known);
    problems.push({
      property: key,
      reason: `is not an input of ${kind.type}${hint ? `; did you mean "${hint}"?` : ""}`,
    });
  }
  if (unknowns.length > 0) return { values: given, problems };
  return { values: withoutUndefined({ ...values, [OWNER_KEY]: given[OWNER_KEY] }), problems };
}

function readable(issue: z.core.$ZodIssue, given: Properties): readonly InputProblem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      property: pathText([...issue.path, key]),
      reason: "is not a known setting",
    }));
  }
  const found = valueAt(given, issue.path);
  const shown = found === undefined ? "is missing" : `is ${shownValue(found, issue.path)}`;
  return [{ property: pathText(issue.path), reason: `${shown}: ${issue.message}` }];
}

/** Checked inputs in their groups. Throws `invalid-input` with every problem: for `create` and `update`, where all is known. */
export function parseInputs(kind: AnyKind, given: Properties): ParsedInputs {
  const { values, problems } = checkInputs(kind, given);
  if (problems.length > 0) {
    throw new ProblemError(
      "invalid-input",
      problems.map((problem): Problem => ({ where: `${kind.type} ${problem.property}`, found: problem.reason })),
    );
  }
  return split(kind, values);
}

/** The same for inputs out of state or of a preview: never throws, takes what does not parse as it stands. */
export function lenientInputs(kind: AnyKind, inputs: Properties): ParsedInputs {
  const given = expand(kind, inputs);
  const values = Object.assign(
    {},
    ...groupsOf(kind).map((group) => {
      const raw = pick(given, group);
      const parsed = group.safeParse(raw);
      return parsed.success ? parsed.data : raw;
    }),
  ) as Properties;
  return split(kind, { ...values, [OWNER_KEY]: given[OWNER_KEY] });
}

function split(kind: AnyKind, values: Properties): ParsedInputs {
  return {
    desired: {
      identity: pick(values, kind.identity),
      settings: pick(values, kind.settings),
      aspects: pick(values, kind.aspects),
    },
    run: pick(values, runSettingsSchema) as RunSettings,
    owner: String(values[OWNER_KEY] ?? ""),
  };
}

function withoutUndefined(value: Properties): Properties {
  return JSON.parse(JSON.stringify(value)) as Properties;
}
