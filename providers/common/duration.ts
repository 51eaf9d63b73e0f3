import { z } from "zod";

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** A length of time with its unit, as it stands in configuration and state: `"500ms"`, `"30s"`, `"5m"`, `"2h"`, `"1d"`. */
export const durationSchema = z
  .string()
  // Ends the check there: what refines a duration further may take it for one.
  .regex(PATTERN, { abort: true, message: 'must be a number with a unit: "500ms", "30s", "5m", "2h" or "1d"' });

/** Milliseconds of a duration that `durationSchema` accepted. Throws a RangeError on any other text. */
export function milliseconds(duration: string): number {
  const match = PATTERN.exec(duration);
  if (!match) throw new RangeError(`not a duration: ${JSON.stringify(duration)}`);
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}
