import { z } from "zod";

const LEVEL = /^\d{1,9}(\.\d{1,9})*$/;

/**
 * A schema level as Connections writes it: "704", "147.3", "710.10". Whole numbers may be given as numbers; a dotted level
 * must be text, since 710.10 as a number is 710.1, which is another level.
 */
export const levelSchema = z
  .union([z.string().regex(LEVEL), z.number().int().nonnegative().max(999_999_999)], {
    error: 'must be a schema level: 705, or in quotes where it has a dot: "710.10"',
  })
  .transform(String);

export const isLevel = (text: string): boolean => LEVEL.test(text);

/**
 * Negative when `a` is the lower level, 0 for the same one. Part by part, as versions are: 710.10 is above 710.9, and
 * "710.0" is the same as "710".
 */
export function compareLevels(a: string, b: string): number {
  const left = partsOf(a);
  const right = partsOf(b);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether a level may be moved to another. What is no level, in inputs that are not complete yet, is no matter of this. */
export const mayRise = (from: string, to: string): boolean =>
  !isLevel(from) || !isLevel(to) || compareLevels(from, to) < 0;

export const sameLevel = (a: string, b: string): boolean => compareLevels(a, b) === 0;

/** @throws RangeError for a text that is no level */
function partsOf(level: string): readonly number[] {
  if (!LEVEL.test(level)) throw new RangeError(`not a schema level: ${JSON.stringify(level)}`);
  return level.split(".").map(Number);
}
