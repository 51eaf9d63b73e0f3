import { sameJson } from "./json.js";

type Path = readonly PropertyKey[];

/** Keys that hold credentials, or where people write one by mistake: their values are never shown. */
const SECRET_KEYS: readonly string[] = ["password", "passphrase"];
const LONGEST_SHOWN = 80;

/** `hosts.web1.hostKey.pinned[0]` */
export const pathText = (path: Path): string =>
  path.map((key, index) => (typeof key === "number" ? `[${key}]` : `${index ? "." : ""}${String(key)}`)).join("");

/** Where two JSON values differ: as deep as both go on, and lists of another length as a whole. */
export function differingPaths(a: unknown, b: unknown, at: Path = []): readonly Path[] {
  if (sameJson(a, b)) return [];
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length ? a.flatMap((each, index) => differingPaths(each, b[index], [...at, index])) : [at];
  }
  if (!isMap(a) || !isMap(b)) return [at];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) => differingPaths(a[key], b[key], [...at, key]));
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** The value at a path, or undefined where the path leads nowhere. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      inner !== null && typeof inner === "object" && Object.hasOwn(inner, key)
        ? (inner as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );
}

/**
 * A wrong input for a message: single values as they stand, shortened; objects by their keys, lists by their length. Never
 * a credential, also not one that somebody wrote where only a reference to it belongs, or under a mistyped key.
 */
export function shownValue(value: unknown, path: Path): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value !== null && typeof value === "object") return `keys ${Object.keys(value).join(", ") || "none"}`;
  if (path.some((key) => SECRET_KEYS.includes(String(key)))) return "a value (not shown)";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN - 3)}…` : text;
}
