import { z } from "zod";
import { durationSchema } from "../../providers/common/duration.js";
import { stackConfigSchema } from "./schema.js";

/** What is read of a JSON Schema here: the words that zod writes for our own schemas. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  /** Of an object with free names: the schema of their values. */
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

const DURATION_PATTERN = (z.toJSONSchema(durationSchema) as JsonSchema).pattern;

/** A stack's configuration as JSON Schema, in the shape that people write: defaulted keys may be left out. */
export function stackJsonSchema(): JsonSchema {
  return z.toJSONSchema(stackConfigSchema, { io: "input" }) as JsonSchema;
}

/** The schema of an object's values when its names are free. */
export function freeValues({ additionalProperties }: JsonSchema): JsonSchema | undefined {
  return typeof additionalProperties === "object" ? additionalProperties : undefined;
}

/** The schema of the value at a path, or undefined when it cannot be told (inside several alternatives, say). */
export function schemaAt(path: readonly PropertyKey[], from: JsonSchema): JsonSchema | undefined {
  return path.reduce<JsonSchema | undefined>((current, key) => current && inside(current, key), from);
}

/** Of alternatives the only one that has such a part: a list, or one of its values by itself. */
function inside(schema: JsonSchema, key: PropertyKey): JsonSchema | undefined {
  const own = typeof key === "number" ? schema.items : (schema.properties?.[String(key)] ?? freeValues(schema));
  if (own) return own;
  const alternatives = (schema.anyOf ?? []).flatMap((alternative) => inside(alternative, key) ?? []);
  return alternatives.length === 1 ? alternatives[0] : undefined;
}

/** What a value may be, in a person's words: `text`, `true or text`, `{env: …}, {file: …} or {command: […]}`. */
export function inWords(schema: JsonSchema): string {
  if (schema.anyOf) return listed(schema.anyOf.map(inWords));
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return listed(schema.enum.map((value) => JSON.stringify(value)));
  if (schema.properties) {
    const required = Object.entries(schema.properties).filter(([key]) => schema.required?.includes(key));
    const shown = required.map(([key, inner]) => `${key}: ${outline(inner)}`);
    return shown.length > 0 ? `{${shown.join(", ")}}` : "keys with values";
  }
  const { minimum, maximum } = schema;
  switch (schema.type) {
    case "array":
      return schema.items?.type === "string" && !schema.items.enum
        ? "a list of text"
        : `a list, each ${schema.items ? inWords(schema.items) : "any value"}`;
    case "string":
      return schema.pattern === DURATION_PATTERN ? "a duration" : "text";
    case "integer":
      return minimum === undefined ? "a whole number" : `a whole number from ${minimum} to ${maximum}`;
    default:
      return "names with values";
  }
}

const outline = (schema: JsonSchema): string =>
  schema.const !== undefined ? JSON.stringify(schema.const) : schema.type === "array" ? "[…]" : "…";

function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}
