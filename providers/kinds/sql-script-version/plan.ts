import type { Problem } from "../../common/problem.js";
import { compareLevels, sameLevel } from "../../formats/schema-level.js";
import type { Description, Desired, Plan, Step } from "../../lifecycle/kind.js";
import type { Aspects, Identity, Settings } from "./schema.js";

export type ScriptDesired = Desired<Identity, Settings, Aspects>;

/** What `plan` knows of reality. */
export interface Live {
  /** Or "absent", or "" when it could not be read. */
  sha256: string;
  /** The level that the script inserts, with the literal's line. Absent when `problems` says why. */
  inserts?: { level: string; line: number };
  /** Lines of other statements that change the same table. */
  otherWrites: number[];
  problems: Problem[];
}

/** What this kind remembers on the host. */
export interface Kept {
  /** The before-image; the whole file is in the backups under its SHA-256. */
  found: { sha256: string };
  /** What this resource wrote last, and the level that the script had before: only those bytes are ever put back. */
  written?: { sha256: string; before: string };
}

export interface ScriptStep extends Step {
  readonly key: "write-literal";
  readonly from: string;
  readonly to: string;
  readonly expected: string;
}

/** One literal has the declared level, or gets it; one above it is left alone. */
export function plan(desired: ScriptDesired, live: Live): Plan<ScriptStep> {
  const { aspects } = desired;
  const refusals = [...hostMismatch(desired), ...live.problems];
  const { inserts } = live;
  if (refusals.length > 0 || !inserts) return { steps: [], refusals, notes: [] };
  const { level, line } = inserts;
  const where = `${desired.identity.host}:${desired.identity.path}:${line}`;
  // Also when nothing is due: such a statement may undo the level as soon as the script runs.
  const notes = live.otherWrites.map((other) => `${where}: line ${other} changes the same table; it is left as it is`);
  if (sameLevel(level, aspects.version)) return { steps: [], refusals: [], notes };
  if (compareLevels(level, aspects.version) > 0) {
    const note = `${where}: the script inserts ${level}, newer than the declared ${aspects.version}; it is left as it is`;
    return { steps: [], refusals: [], notes: [note, ...notes] };
  }
  if (!aspects.from.some((allowed) => sameLevel(allowed, level))) {
    refusals.push({
      where,
      found: `the script inserts ${level}`,
      allowed: aspects.from.join(", "),
      why: "It may be the script of another release, and more in it may differ than this number",
      next: "Check the script; if the move is right, add the level to from",
    });
  }
  return { steps: [writeStep(desired, live, level, aspects.version)], refusals, notes };
}

/**
 * Puts the level back that stood there before we wrote; nothing else in the script was ever changed. A script that is not
 * what we wrote, unpacked anew for instance, is somebody else's and stays.
 */
export function release(desired: ScriptDesired, live: Live, kept: Kept): Plan<ScriptStep> {
  const refusals = [...hostMismatch(desired), ...live.problems];
  if (refusals.length > 0 || !live.inserts || live.sha256 === kept.found.sha256) {
    return { steps: [], refusals, notes: [] };
  }
  const { written } = kept;
  const where = `${desired.identity.host}:${desired.identity.path}:${live.inserts.line}`;
  if (live.sha256 !== written?.sha256) {
    const note = `${where}: the script is not as this resource wrote it; its level ${live.inserts.level} is left as it is`;
    return { steps: [], refusals: [], notes: [note] };
  }
  const steps = sameLevel(live.inserts.level, written.before)
    ? []
    : [writeStep(desired, live, live.inserts.level, written.before)];
  return { steps, refusals: [], notes: [] };
}

/** The level in the script, where it is lower than declared; a higher one reads as declared and is a note of the plan. */
export function describe({ aspects }: ScriptDesired, live: Live): Description<Aspects> {
  const deviations: Record<string, string> = {};
  live.problems.forEach((problem, index) => {
    deviations[index === 0 ? "script" : `script ${index + 1}`] = `${problem.where}: ${problem.found}`;
  });
  const level = live.inserts?.level;
  const version = level !== undefined && compareLevels(level, aspects.version) < 0 ? level : aspects.version;
  return { aspects: { ...aspects, version }, deviations };
}

const writeStep = ({ identity }: ScriptDesired, live: Live, from: string, to: string): ScriptStep => ({
  key: "write-literal",
  title: `${identity.host}:${identity.path}:${live.inserts?.line}: change the level of ${identity.component} from ${from} to ${to}`,
  impact: "none",
  from,
  to,
  expected: live.sha256,
});

function hostMismatch({ identity, settings }: ScriptDesired): Problem[] {
  if (identity.host === settings.connection.name) return [];
  return [
    {
      where: `${identity.host}:${identity.path}`,
      found: `the connection is that of ${settings.connection.name}`,
      allowed: identity.host,
      why: "The script would be recorded for one host and changed on another",
    },
  ];
}
