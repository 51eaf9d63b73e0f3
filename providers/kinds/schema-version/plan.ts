import type { Problem } from "../../common/problem.js";
import { compareLevels } from "../../formats/schema-level.js";
import { SCHEMA_TABLES } from "../../formats/schema-tables.js";
import type { Desired, Plan, Step } from "../../lifecycle/kind.js";
import { otherTarget } from "../../lifecycle/same-target.js";
import { fingerprint, guard, isAboutThis, isAmong } from "./guards.js";
import type { Kept, Live } from "./live.js";
import { type Cell, isNumeric, type LevelRow } from "./row.js";
import type { Aspects, Identity, Settings } from "./schema.js";

export type SchemaDesired = Desired<Identity, Settings, Aspects>;

export type SchemaStep = Step &
  (
    | {
        readonly key: "raise-level";
        /** The row as planned with; it must still be so. */
        readonly before: LevelRow;
        readonly version?: string;
        readonly postVersion?: string;
      }
    | { readonly key: "claim-statement"; readonly fingerprint: string }
    | { readonly key: "spend-statement"; readonly fingerprint: string }
  );

/** The row has the declared levels, or gets them in one UPDATE; where one is above the declared one, nothing is written. */
export function plan(desired: SchemaDesired, live: Live, kept: Kept): Plan<SchemaStep> {
  const { identity, settings, aspects } = desired;
  const where = `${identity.component} in ${identity.database}`;
  const { connection } = settings;
  const refusals: Problem[] = [...otherTarget({ where, identity: identity.database, connection }), ...live.problems];
  const { row } = live;
  if (refusals.length > 0 || !row) return { steps: [], refusals, notes: [] };

  if (isNewer(desired, row)) {
    return {
      // An upgrade has been there since the statement was made: after a restore the lower number would be the true one.
      steps: isReached(desired, row) ? statementSteps(desired, kept).spend : [],
      refusals: [],
      notes: [newerNote(desired, row, where), ...contradictionNotes(desired, live, where)],
    };
  }
  const versionDue = isBelow(row.version, aspects.version);
  const postDue = aspects.postVersion !== undefined && isBelow(row.post, aspects.postVersion);
  if (!versionDue && !postDue) {
    const steps = isReached(desired, row) ? statementSteps(desired, kept).spend : [];
    return { steps, refusals: strangePost(desired, row, where), notes: contradictionNotes(desired, live, where) };
  }

  const post = postDue ? aspects.postVersion : undefined;
  const step: SchemaStep = {
    key: "raise-level",
    title: raiseTitle(desired, row, versionDue, post),
    impact: "none",
    before: row,
    ...(versionDue ? { version: aspects.version } : {}),
    ...(post === undefined ? {} : { postVersion: post }),
  };
  const verdict = guard(desired, live, kept, where);
  const { claim, spend } = statementSteps(desired, kept);
  return {
    steps: [...claim, step, ...spend],
    refusals: [
      ...(versionDue ? moveProblems(where, row.version, aspects.version, aspects.from, "from") : []),
      ...(post === undefined || !row.post
        ? []
        : moveProblems(where, row.post, post, aspects.postFrom ?? [], "postFrom")),
      ...undeclaredPost(desired, row, where),
      ...strangePost(desired, row, where),
      ...verdict.refusals,
    ],
    notes: verdict.notes,
  };
}

/** A level is never lowered, so there is nothing that could be put back. */
export function release({ identity }: SchemaDesired, live: Live): Plan<SchemaStep> {
  const level = live.row?.version.value ?? "its level";
  return {
    steps: [],
    refusals: [
      {
        where: `${identity.component} in ${identity.database}`,
        found: `onDestroy: restore would have to lower ${level}`,
        why: "A level is never lowered: an upgrade would run again over what it made before",
        next: "Set onDestroy: retain",
      },
    ],
    notes: [],
  };
}

const isBelow = (cell: Cell | undefined, declared: string): boolean =>
  cell !== undefined && (cell.value === null || compareLevels(cell.value, declared) < 0);

const isAbove = (cell: Cell | undefined, declared: string | undefined): boolean =>
  cell !== undefined && declared !== undefined && cell.value !== null && compareLevels(cell.value, declared) > 0;

/** One of the levels is above the declared one: an upgrade has been there that the declaration knows nothing of. */
export const isNewer = ({ aspects }: SchemaDesired, row: LevelRow): boolean =>
  isAbove(row.version, aspects.version) || isAbove(row.post, aspects.postVersion);

/** Says of a newer row that it stays as it is; neither a difference nor a failure. */
function newerNote({ aspects }: SchemaDesired, row: LevelRow, where: string): string {
  const said = ({ column, value }: Cell, declared: string) => {
    if (value === null) return `${column} is empty`;
    const compared = compareLevels(value, declared);
    if (compared === 0) return `${column} is ${value} as declared`;
    return `${column} is ${value}, ${compared > 0 ? "newer" : "older"} than the declared ${declared}`;
  };
  const post = row.post && aspects.postVersion !== undefined ? said(row.post, aspects.postVersion) : undefined;
  const levels = [said(row.version, aspects.version), ...(post === undefined ? [] : [post])].join(", and ");
  return `${where}: ${levels}; ${post === undefined ? "it is" : "both are"} left as ${post === undefined ? "it is" : "they are"}`;
}

/** The level is there, and a probe says that its content is not. Nothing here can mend that; somebody should know. */
function contradictionNotes({ settings, aspects }: SchemaDesired, live: Live, where: string): string[] {
  const { contentProof } = settings;
  if (!contentProof || !("catalogProbe" in contentProof) || live.probe?.sql !== contentProof.catalogProbe.sql)
    return [];
  const { answer } = live.probe;
  const { expect, level } = contentProof.catalogProbe;
  if (("found" in answer && answer.found === expect) || compareLevels(level, aspects.version) > 0) return [];
  const gave =
    "found" in answer
      ? `gave ${JSON.stringify(answer.found)} instead of ${JSON.stringify(expect)}`
      : `failed: ${answer.problem}`;
  return [
    `${where}: the level is there, but the catalog probe for ${level} ${gave}; look whether an upgrade was left out`,
  ];
}

function raiseTitle({ identity, aspects }: SchemaDesired, row: LevelRow, versionDue: boolean, post?: string): string {
  const { schema, table } = SCHEMA_TABLES[identity.component];
  const moves = [
    ...(versionDue ? [`${row.version.column} from ${row.version.value} to ${aspects.version}`] : []),
    ...(post === undefined ? [] : [`${row.post?.column} from ${row.post?.value ?? "empty"} to ${post}`]),
  ];
  return `${identity.database}: set ${schema}.${table}.${moves.join(" and ")}`;
}

function moveProblems(where: string, cell: Cell, to: string, from: readonly string[], setting: string): Problem[] {
  const problems: Problem[] = [];
  const { value, column, type, length } = cell;
  if (value === null || !from.some((level) => compareLevels(level, value) === 0)) {
    problems.push({
      where,
      found: `${column} is ${value ?? "empty"}`,
      allowed: from.join(", "),
      why: `A move from there to ${to} was not foreseen: more may be missing than the number`,
      next: `Find out which upgrade was left out; if the move is right, add the level to ${setting}`,
    });
  }
  if (isNumeric(type) && to.includes(".")) {
    problems.push({ where, found: `${column} is ${type}`, allowed: "a whole number", why: `It cannot hold ${to}` });
  }
  if (!isNumeric(type) && type !== "CLOB" && to.length > length) {
    problems.push({ where, found: `${column} holds ${length} characters`, why: `${to} does not fit into it` });
  }
  return problems;
}

function undeclaredPost({ aspects }: SchemaDesired, row: LevelRow, where: string): Problem[] {
  if (!row.post || aspects.postVersion !== undefined) return [];
  return [
    {
      where,
      found: `the table has ${row.post.column} too (${row.post.value ?? "empty"}), and postVersion is not declared`,
      why: "Upgrade scripts look at both; one moved without the other describes no release",
      next: "Declare postVersion and postFrom: the level that belongs to the version, or the one that is there",
    },
  ];
}

function strangePost({ aspects }: SchemaDesired, row: LevelRow, where: string): Problem[] {
  if (row.post || aspects.postVersion === undefined) return [];
  return [
    {
      where,
      found: "postVersion is declared, and the component's table has no POSTSCHEMAVER",
      allowed: "postVersion only where that column is: PRODUCT of FILES and WIKIS from 6.5",
      next: "Leave postVersion and postFrom out",
    },
  ];
}

/** Both levels are where a statement about them says, or above. */
function isReached(desired: SchemaDesired, row: LevelRow): boolean {
  const { contentProof } = desired.settings;
  if (!contentProof || !("statement" in contentProof)) return false;
  if (!isAboutThis(contentProof.statement, desired)) return false;
  const { level, postLevel } = contentProof.statement;
  return !isBelow(row.version, level) && (postLevel === undefined || !isBelow(row.post, postLevel));
}

/**
 * What is remembered of a statement. It is claimed before the change: if the run dies after the commit, what it then finds tells
 * nobody whether the level was raised and a backup restored since, so a claimed statement raises nothing again.
 */
function statementSteps({ settings }: SchemaDesired, kept: Kept): Record<"claim" | "spend", SchemaStep[]> {
  const { contentProof } = settings;
  if (!contentProof || !("statement" in contentProof)) return { claim: [], spend: [] };
  const { statement } = contentProof;
  const print = fingerprint(statement);
  const about = `the statement of ${statement.by} of ${statement.date}`;
  const claiming = `remember that ${about} is being used`;
  const spending = `remember that ${about} has served: it was for one change`;
  return {
    claim: isAmong(statement, kept.claimed)
      ? []
      : [{ key: "claim-statement", title: claiming, impact: "none", fingerprint: print }],
    spend: isAmong(statement, kept.spent)
      ? []
      : [{ key: "spend-statement", title: spending, impact: "none", fingerprint: print }],
  };
}
