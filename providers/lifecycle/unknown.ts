/**
 * What the engine passes instead of a value it does not know yet (a preview only), also where an object, a list or a
 * number is declared. The SDK's `unknownValue`; repeated here so that this module stays free of the SDK, and pinned by a test.
 */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

type Path = readonly PropertyKey[];

/** The paths of every unknown inside a value, at any depth. */
export function unknownPaths(value: unknown, at: Path = []): readonly Path[] {
  if (value === UNKNOWN) return [at];
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) => unknownPaths(inner, [...at, key]));
}

export function hasUnknown(value: unknown): boolean {
  return unknownPaths(value).length > 0;
}

/** Whether one path lies on the way to, or below, the other. */
export function overlaps(a: Path, b: Path): boolean {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    if (String(a[index]) !== String(b[index])) return false;
  }
  return true;
}
