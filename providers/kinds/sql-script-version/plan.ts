import type { Problem } from "../../common/problem.js";
import { compareLevels, sameLevel } from "../../formats/schema-level.js";
import { numberProblem } from "../../formats/sql-script.js";
import type { Description, Desired, Plan, Step } from "../../lifecycle/kind.js";
import { otherTarget } from "../../lifecycle/same-target.js";
import type { Aspects, Identity, Settings } from "./schema.js";

export type ScriptDesired = Desired<Identity, Settings, Aspects>;

/** What `plan` knows of reality. `restSha256` is that of everything but the level's digits: what we write never changes it. */
export interface Live {
  /** Or "absent", or "" when it could not be read. */
  sha256: string;
  /** The level that the script inserts, with the literal's line, and whether it stands there as a number. Absent when `problems` says why. */
  inserts?: { level: string; line: number; numeric: boolean; restSha256: string };
  /** Lines of other statements that change the same table. */
  otherWrites: number[];
  problems: Problem[];
}

/** What this kind remembers on the host: the before-image; the whole file is in the backups under its SHA-256. */
export interface Kept {
  found: { sha256: string; level?: string; restSha256?: string };
}

interface FoundStep extends Step {
  readonly key: "note-found";
  readonly found: Kept["found"];
}

interface WriteStep extends Step {
  readonly key: "write-literal";
  readonly from: string;
  readonly to: string;
  readonly expected: string;
}

export type ScriptStep = FoundStep | WriteStep;

/** One literal has the declared level, or gets it; one above it is left alone. */
export function plan(desired: ScriptDesired, live: Live, kept: Kept): Plan<ScriptStep> {
  const { aspects } = desired;
  const refusals = [...otherTarget(targetOf(desired)), ...live.problems];
  const { inserts } = live;
  if (refusals.length > 0 || !inserts) return { steps: [], refusals, notes: [] };
  const { level, line } = inserts;
  const where = `${desired.identity.host}:${desired.identity.path}:${line}`;
  // Also when nothing is due: what they do to the other rows is for a person to judge.
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
  const { host, path, component } = desired.identity;
  const dotted = numberProblem(inserts, { component, to: aspects.version }, `${host}:${path}`);
  if (dotted) refusals.push(dotted);
  const write = writeStep(desired, live, level, aspects.version);
  const anew = inserts.restSha256 !== kept.found.restSha256;
  return { steps: anew ? [foundStep(desired, live), write] : [write], refusals, notes };
}

/**
 * Puts the level back that was found; nothing else in the script was ever changed. A script whose rest or level this resource
 * cannot have left so, unpacked anew for instance, is somebody else's and stays.
 */
export function release(desired: ScriptDesired, live: Live, { found }: Kept): Plan<ScriptStep> {
  const refusals = [...otherTarget(targetOf(desired)), ...live.problems];
  if (refusals.length > 0 || !live.inserts || live.sha256 === found.sha256) return { steps: [], refusals, notes: [] };
  const { level, line, restSha256 } = live.inserts;
  const before = restSha256 === found.restSha256 ? found.level : undefined;
  const { version } = desired.aspects;
  if (before === undefined || compareLevels(level, before) <= 0 || compareLevels(level, version) > 0) {
    const where = `${desired.identity.host}:${desired.identity.path}:${line}`;
    const note = `${where}: the script is not as this resource wrote it; its level ${level} is left as it is`;
    return { steps: [], refusals: [], notes: [note] };
  }
  return { steps: [writeStep(desired, live, level, before)], refusals: [], notes: [] };
}

/** The before-image of a script as it stands. */
export const foundIn = ({ sha256, inserts }: Live): Kept["found"] =>
  inserts ? { sha256, level: inserts.level, restSha256: inserts.restSha256 } : { sha256 };

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

const foundStep = ({ identity }: ScriptDesired, live: Live): FoundStep => ({
  key: "note-found",
  title: `${identity.host}:${identity.path}: it was unpacked anew; remember it as it is now, to go back to`,
  impact: "none",
  found: foundIn(live),
});

const writeStep = ({ identity }: ScriptDesired, live: Live, from: string, to: string): WriteStep => ({
  key: "write-literal",
  title: `${identity.host}:${identity.path}:${live.inserts?.line}: change the level of ${identity.component} from ${from} to ${to}`,
  impact: "none",
  from,
  to,
  expected: live.sha256,
});

const targetOf = ({ identity, settings: { connection } }: ScriptDesired) => ({
  where: `${identity.host}:${identity.path}`,
  identity: identity.host,
  connection,
});
