import { ProblemError } from "../../common/problem.js";
import { lastLines } from "./messages.js";
import type { FixList, ListedFix } from "./update-installer.js";

/** Free-form, but one word. */
const ID = "[A-Za-z0-9][A-Za-z0-9._-]*";
/** Installed ones: a block each that begins so. */
const NAMED = new RegExp(
  `^\\s*(?:Fix name|Fix ID|Interim fix(?: name| ID)?|iFix(?: name| ID)?)\\s*[:=]\\s*(${ID})\\s*$`,
  "i",
);
/** Offered ones: "[1] LO66666, …". */
const NUMBERED = new RegExp(`^\\s*\\[\\s*\\d+\\s*\\]\\s*(${ID})\\s*(?:,\\s*(.*?))?\\s*$`);
const DETAIL = /^\s*(?:Fix\s+)?(description|version|date|build version|install(?:ation)? date)\s*[:=]\s*(.*?)\s*$/i;
/** Of one fix: others that it needs. No product page shows the line, so what is not understood is passed over. */
const REQUIRES =
  /^\s*(?:requires?|needs|depends on|pre-?req(?:uisite)?s?)(?:\s+(?:interim )?(?:i?fix(?:es)?))?\s*[:=]\s*(.*?)\s*$/i;
/** In a sentence, where any word may follow: the two shapes of ids that HCL's fixes have. */
const NEEDED = /\b(?:requires?|needs|depends on|pre-?requisites?)\b(.*)/gi;
const WELL_KNOWN_ID = /\b(?:LO\d{4,7}|CFix\.\d+(?:\.\d+)*)\b/g;
/** What a list looks like that was not made. */
const BROKEN = /\b(exception|usage:|no such file|not found|cannot|could not|not a valid|invalid|error:|failed)/i;

/**
 * The fixes in what the update installer printed. Its layouts differ, so lines that are not understood are passed over; a text
 * without any fix counts as an empty list only when it speaks of fixes and of no failure.
 *
 * @throws ProblemError `malformed` when it cannot be told from a list that was not made
 */
export function parseFixList(where: string, raw: string): FixList {
  const fixes = new Map<string, ListedFix>();
  let current: string | undefined;
  for (const line of raw.split(/\r?\n/)) {
    const numbered = NUMBERED.exec(line);
    const id = NAMED.exec(line)?.[1] ?? numbered?.[1];
    if (id !== undefined) {
      // A block may name its fix twice, as name and as ID.
      current = id;
      fixes.set(id, { ...fixes.get(id), id, ...(numbered?.[2] && { description: numbered[2] }) });
      continue;
    }
    const [, key = "", value = ""] = DETAIL.exec(line) ?? [];
    const known = current === undefined ? undefined : fixes.get(current);
    const requires = REQUIRES.exec(line)?.[1]
      ?.split(/[\s,;]+/)
      .filter((word) => /\d/.test(word));
    if (known && requires?.length) fixes.set(known.id, { ...known, requires });
    if (known && value !== "") fixes.set(known.id, { ...known, [fieldOf(key)]: value });
  }
  if (fixes.size === 0 && (BROKEN.test(raw) || !/\bfix(es)?\b/i.test(raw))) {
    throw new ProblemError("malformed", {
      where,
      found: `the update installer made no list of fixes: ${lastLines(raw)}`,
      next: "Run the same command by hand on that machine to see what it says",
    });
  }
  return { fixes: [...fixes.values()], raw };
}

/** Whether there is any fix in what the update installer printed. */
export const namesFixes = (raw: string): boolean =>
  raw.split(/\r?\n/).some((line) => NAMED.test(line) || NUMBERED.test(line));

function fieldOf(key: string): "description" | "version" | "date" {
  if (/description/i.test(key)) return "description";
  return /version/i.test(key) ? "version" : "date";
}

/** Whether the installer's text says that it succeeded. A claim: the new list has to agree. */
export function saysSuccess(action: "install" | "uninstall", output: string): boolean {
  const install = /^.*\bfix installation completed successfully\b/im;
  const uninstall = /^.*\bfix un-?install(ation)? completed successfully\b/im;
  return (action === "install" ? install : uninstall).test(output);
}

/** The fixes that a refusal of the installer names as needed. */
export function neededIn(output: string): readonly string[] {
  const named = [...output.matchAll(NEEDED)].flatMap(([, rest = ""]) => rest.match(WELL_KNOWN_ID) ?? []);
  return [...new Set(named)];
}
