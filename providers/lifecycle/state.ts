import { sameJson } from "../common/json.js";
import {
  type AnyKind,
  DEVIATIONS_KEY,
  lenientInputs,
  type ParsedInputs,
  PROVIDER_KEY,
  type Properties,
} from "./inputs.js";
import type { Plan } from "./kind.js";
import { compact, expand } from "./settings-text.js";

export const LIVE_KEY = "live";
export const KEPT_KEY = "kept";
const CLAIM_KEY = "claim";
const VERSION_KEY = "schemaVersion";
/** What outputs hold besides the inputs. */
const OUTPUT_KEYS = [LIVE_KEY, KEPT_KEY, CLAIM_KEY, VERSION_KEY, DEVIATIONS_KEY] as const;
/** The deviation that says a target could not be looked at; everything else in the state is then the last known. */
export const UNOBSERVED = "unobserved";
/** The deviation that says the target has lost what this stack recorded there. */
export const UNRECORDED = "record";

/** Stored outputs, in today's shape. */
export interface StoredState {
  readonly inputs: ParsedInputs;
  /** The inputs as stored, without outputs and reserved keys. */
  readonly properties: Properties;
  readonly live: object;
  readonly kept: object;
  readonly claim: string;
  readonly deviations: Readonly<Record<string, string>>;
}

/** Reads outputs that any version wrote. Never throws: what cannot be understood is taken as it stands. */
export function readState(kind: AnyKind, outputs: Properties): StoredState {
  const live = fromText(outputs[LIVE_KEY]);
  const kept = fromText(outputs[KEPT_KEY]);
  const current = upgraded(kind, { ...expand(kind, outputs), [LIVE_KEY]: live, [KEPT_KEY]: kept });
  const reserved: readonly string[] = [...OUTPUT_KEYS, PROVIDER_KEY];
  const properties = Object.fromEntries(Object.entries(current).filter(([key]) => !reserved.includes(key)));
  return {
    inputs: lenientInputs(kind, properties),
    properties,
    live: objectOr(current[LIVE_KEY]),
    kept: objectOr(current[KEPT_KEY]),
    claim: typeof current[CLAIM_KEY] === "string" ? current[CLAIM_KEY] : "",
    deviations: objectOr(current[DEVIATIONS_KEY]) as Readonly<Record<string, string>>,
  };
}

/**
 * Outputs = the inputs under the same keys + what was reached. Plain JSON, whatever a kind put into it. What was observed
 * and what is remembered are one text each, as settings are, and for the same reason.
 */
export function writeState(
  kind: AnyKind,
  inputs: Properties,
  reached: { readonly live: object; readonly kept: object; readonly claim: string },
): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify({
      ...compact(kind, inputs),
      [LIVE_KEY]: JSON.stringify(reached.live),
      [KEPT_KEY]: JSON.stringify(reached.kept),
      [CLAIM_KEY]: reached.claim,
      [VERSION_KEY]: kind.schemaVersion,
    }),
  ) as Record<string, unknown>;
}

/** The plan from what the state knows; an empty one for a state that planning cannot make sense of. */
export function planFromState(kind: AnyKind, desired: ParsedInputs["desired"], state: StoredState): Plan | undefined {
  try {
    return kind.plan(desired, state.live, state.kept);
  } catch {
    return undefined;
  }
}

/** Keys of a group of inputs whose values are not those that are stored. */
export function keysThatDiffer(group: { readonly shape: object }, stored: object, wanted: object): string[] {
  const [before, now] = [new Map(Object.entries(stored)), new Map(Object.entries(wanted))];
  return Object.keys(group.shape).filter((key) => !sameJson(before.get(key), now.get(key)));
}

/** Whether outputs must be rewritten though no step is due: settings, aspects or owner are not those that are stored. */
export function inputsDiffer(state: StoredState, wanted: ParsedInputs): boolean {
  const comparable = (inputs: ParsedInputs) => ({ ...inputs.desired, run: inputs.run, owner: inputs.owner });
  return !sameJson(comparable(state.inputs), comparable(wanted));
}

function upgraded(kind: AnyKind, outputs: Properties): Properties {
  const version = typeof outputs[VERSION_KEY] === "number" ? outputs[VERSION_KEY] : kind.schemaVersion;
  if (version >= kind.schemaVersion || !kind.upgrade) return outputs;
  try {
    return kind.upgrade(outputs, version);
  } catch {
    return outputs;
  }
}

/** State of before they were texts holds the objects themselves. */
function fromText(value: unknown): object {
  if (typeof value !== "string") return objectOr(value);
  try {
    return objectOr(JSON.parse(value));
  } catch {
    return {};
  }
}

const objectOr = (value: unknown): object => (value !== null && typeof value === "object" ? value : {});
