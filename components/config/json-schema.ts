import { z } from "zod";
import { stackConfigSchema } from "./schema.js";

/** What is read of a JSON Schema here: the words that zod writes for our own schemas. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  /** Of an object with free names: the schema of their values. */
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** A stack's configuration as JSON Schema, in the shape that people write: defaulted keys may be left out. */
export function stackJsonSchema(): JsonSchema {
  return z.toJSONSchema(stackConfigSchema, { io: "input" }) as JsonSchema;
}

/** The schema of the value at a path, or undefined when it cannot be told (inside one of several alternatives, say). */
export function schemaAt(path: readonly PropertyKey[], from: JsonSchema = stackJsonSchema()): JsonSchema | undefined {
  let current: JsonSchema | undefined = from;
  for (const key of path) {
    const free: JsonSchema["additionalProperties"] = current?.additionalProperties;
    current = current?.properties?.[String(key)] ?? (typeof free === "object" ? free : undefined) ?? current?.items;
  }
  return current;
}

/** What a value may be, in a person's words: `text`, `true, or text`, `{env: …}, {file: …} or {command: […]}`. */
export function inWords(schema: JsonSchema): string {
  if (schema.anyOf) return listed(schema.anyOf.map(inWords));
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return listed(schema.enum.map((value) => JSON.stringify(value)));
  if (schema.properties) {
    const required = Object.entries(schema.properties).filter(([key]) => schema.required?.includes(key));
    const shown = required.map(([key, inner]) => `${key}: ${inner.const !== undefined ? inner.const : outline(inner)}`);
    return shown.length > 0 ? `{${shown.join(", ")}}` : "keys with values";
  }
  if (schema.type === "array") return `a list of ${schema.items ? inWords(schema.items) : "values"}`;
  if (schema.type === "string") return "text";
  if (schema.type === "integer") return "a whole number";
  if (schema.type === "boolean") return "true or false";
  if (schema.type === "object") return "names with values";
  return schema.type ?? "any value";
}

const outline = (schema: JsonSchema): string => (schema.type === "array" ? "[…]" : "…");

function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}
