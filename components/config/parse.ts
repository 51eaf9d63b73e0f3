import type { z } from "zod";
import { nearest } from "../../providers/common/nearest.js";
import { type Problem, ProblemError } from "../../providers/common/problem.js";
import { type StackConfig, stackConfigSchema } from "./schema.js";

/**
 * Parses a stack's configuration once, into typed settings.
 *
 * @param given the configuration's values by key, without the project's name before them.
 * @param where what the problems call the configuration, e.g. "Pulumi.prod.yaml".
 * @throws ProblemError `invalid-input` with every problem and its path; a mistyped key comes with the nearest right one.
 */
export function parseStackConfig(given: Readonly<Record<string, unknown>>, where: string): StackConfig {
  const result = stackConfigSchema.safeParse(given);
  if (result.success) return result.data;
  throw new ProblemError(
    "invalid-input",
    result.error.issues.flatMap((issue) => problemsOfIssue(issue, given, where)),
  );
}

function problemsOfIssue(issue: z.core.$ZodIssue, given: unknown, where: string): readonly Problem[] {
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(issue.path);
    return issue.keys.map((key) => {
      const hint = nearest(key, known);
      return {
        where: at(where, [...issue.path, key]),
        found: "no such setting",
        ...(known.length > 0 ? { allowed: known.join(", ") } : {}),
        ...(hint ? { next: `Did you mean "${hint}"?` } : {}),
      };
    });
  }
  const value = valueAt(given, issue.path);
  return [
    {
      where: at(where, issue.path),
      found: value === undefined ? "missing" : `${shorten(JSON.stringify(value))}: ${lowerFirst(issue.message)}`,
    },
  ];
}

/** The keys that the schema allows at a path. Records let any key through, so their values' schema answers for them. */
function keysAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = stackConfigSchema;
  for (const key of path) schema = inside(unwrap(schema), key);
  const found = unwrap(schema) as { shape?: Record<string, unknown> } | undefined;
  return found?.shape ? Object.keys(found.shape) : [];
}

interface Introspected {
  readonly shape?: Record<string, unknown>;
  readonly valueType?: unknown;
  readonly element?: unknown;
  readonly options?: readonly unknown[];
}

function inside(schema: unknown, key: PropertyKey): unknown {
  const { shape, valueType, element } = (schema ?? {}) as Introspected;
  return shape?.[String(key)] ?? valueType ?? element;
}

/** The schema below optional, default and prefault. */
function unwrap(schema: unknown): unknown {
  let current = schema as { unwrap?: () => unknown; shape?: unknown } | undefined;
  while (current && typeof current.unwrap === "function") current = current.unwrap() as typeof current;
  return current;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      inner !== null && typeof inner === "object" ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}

const at = (where: string, path: readonly PropertyKey[]): string =>
  [
    where,
    path.map((key, index) => (typeof key === "number" ? `[${key}]` : `${index ? "." : ""}${String(key)}`)).join(""),
  ]
    .filter(Boolean)
    .join(" ");
const shorten = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}…` : text);
const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
