import type { z } from "zod";
import { canonicalJson } from "../common/json.js";
import { runSettingsSchema } from "./run-settings.js";
import { hasUnknown, UNKNOWN } from "./unknown.js";

/**
 * The one property in which settings travel and are stored, a kind's and a run's, as JSON text: the engine marshals and logs
 * each value of a map at each of its calls, and settings are most of a resource's values. Identity and aspects, which people
 * look for in a preview, have keys of their own.
 */
export const SETTINGS_KEY = "settings";

type Properties = Readonly<Record<string, unknown>>;
/** What is needed of a kind: its settings' names. */
export interface WithSettings {
  readonly settings: { readonly shape: Readonly<Record<string, z.ZodType>> };
}

/** Properties taken apart: what travels as text, and what does not. */
export function parted(kind: WithSettings, properties: Properties): { settings: Properties; others: Properties } {
  const names = settingNames(kind);
  const entries = Object.entries(properties);
  return {
    settings: Object.fromEntries(entries.filter(([key]) => names.has(key))),
    others: Object.fromEntries(entries.filter(([key]) => !names.has(key))),
  };
}

/**
 * Every property under a key of its own. Of a text that is not known yet, every setting is unknown. A key that stands beside
 * the text counts; a text that is none of ours stays as it is, for the check to refuse.
 */
export function expand(kind: WithSettings, properties: Properties): Properties {
  const { [SETTINGS_KEY]: text, ...others } = properties;
  if (text === UNKNOWN) {
    return { ...Object.fromEntries([...settingNames(kind)].map((name) => [name, UNKNOWN])), ...others };
  }
  const settings = typeof text === "string" ? parsed(text) : undefined;
  return settings ? { ...settings, ...others } : properties;
}

/** The opposite: one text for all settings, the same for the same settings; unknown when anything in it is. */
export function compact(kind: WithSettings, properties: Properties): Properties {
  const { settings, others } = parted(kind, expand(kind, properties));
  return { ...others, [SETTINGS_KEY]: hasUnknown(settings) ? UNKNOWN : canonicalJson(settings) };
}

const settingNames = ({ settings }: WithSettings): ReadonlySet<string> =>
  new Set([...Object.keys(settings.shape), ...Object.keys(runSettingsSchema.shape)]);

function parsed(text: string): Properties | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Properties) : undefined;
  } catch {
    return undefined;
  }
}
