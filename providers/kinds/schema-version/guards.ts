import { milliseconds } from "../../common/duration.js";
import { canonicalJson } from "../../common/json.js";
import type { Problem } from "../../common/problem.js";
import { sameLevel } from "../../formats/schema-level.js";
import { type Connected, describeConnected, type Kept, type Live } from "./live.js";
import type { SchemaDesired } from "./plan.js";
import type { Settings, Statement } from "./schema.js";

/** What stands in the way of a change, and what people should know of the safeguards that do not. */
export interface Verdict {
  readonly refusals: readonly Problem[];
  readonly notes: readonly string[];
}

const pass = (note: string): Verdict => ({ refusals: [], notes: [note] });
const refuse = (refusal: Problem): Verdict => ({ refusals: [refusal], notes: [] });

/** Every safeguard of a change, so that a person reads all that is missing at once. */
export function guard(desired: SchemaDesired, live: Live, kept: Kept, where: string): Verdict {
  const verdicts = [
    markerVerdict(desired.settings, where),
    proofVerdict(desired, live, kept, where),
    backupVerdict(desired.settings, live, where),
    serversVerdict(desired.settings, live, where),
  ];
  return {
    refusals: verdicts.flatMap((verdict) => verdict.refusals),
    notes: verdicts.flatMap((verdict) => verdict.notes),
  };
}

/**
 * What makes two statements one: what it is about, and when it was made. Who makes it is of no weight: the same one in another
 * spelling, or by another person, is not a new one.
 */
export const fingerprint = ({ host, port, database, component, level, postLevel, date }: Statement): string =>
  canonicalJson({
    host: host.toLowerCase(),
    port,
    database: database.toUpperCase(),
    component,
    level,
    ...(postLevel === undefined ? {} : { postLevel }),
    date: date
      .replace(" ", "T")
      .replace(/Z$/, "")
      .replace(/^(.{16})$/, "$1:00"),
  });

/** The statement is about this component in the database that the connection leads to, whatever the configuration calls it. */
export function isAboutThis(statement: Statement, { identity, settings: { connection } }: SchemaDesired): boolean {
  return (
    statement.component === identity.component &&
    statement.host.toLowerCase() === connection.host.toLowerCase() &&
    statement.port === connection.port &&
    statement.database.toUpperCase() === connection.database.toUpperCase()
  );
}

const nameOf = ({ host, port, database }: { host: string; port: number; database: string }): string =>
  `${database} at ${host}:${port}`;

function markerVerdict({ connection }: Settings, where: string): Verdict {
  const { marker } = connection;
  if (marker?.table !== undefined || marker?.database !== undefined) {
    const proofs = [marker.database && `calls itself ${marker.database}`, marker.table && `has ${marker.table}`];
    return pass(`it is the right database: it ${proofs.filter(Boolean).join(" and ")}`);
  }
  return refuse({
    where,
    found: "nothing is declared that only the right database has",
    why: "A connection that leads to another database would be changed without anybody noticing",
    next: "Set marker in the database's connection, e.g. marker: {database: HOMEPAGE}",
  });
}

function proofVerdict(desired: SchemaDesired, live: Live, kept: Kept, where: string): Verdict {
  const { settings, aspects } = desired;
  const { contentProof } = settings;
  if (!contentProof) {
    return refuse({
      where,
      found: "no contentProof is declared",
      why: `The number alone brings none of the tables and columns of ${aspects.version}: an upgrade that trusts it can corrupt the database`,
      next: "Set contentProof: a catalogProbe that shows that they are there, or your statement that they are",
    });
  }
  const proof = "statement" in contentProof ? contentProof.statement : contentProof.catalogProbe;
  const refusals: Problem[] = [];
  const proves = (what: string, proven: string | undefined, declared: string | undefined) => {
    if (declared === undefined || (proven !== undefined && sameLevel(proven, declared))) return;
    refusals.push({
      where,
      found: `contentProof is about ${proven === undefined ? `no ${what}` : `${what} ${proven}`}`,
      allowed: declared,
      why: "The content of another level proves nothing about this one",
      next: `Prove ${what} ${declared}`,
    });
  };
  proves("level", proof.level, aspects.version);
  proves("postLevel", proof.postLevel, aspects.postVersion);
  const verdict =
    "statement" in contentProof
      ? statementVerdict(contentProof.statement, desired, kept, where)
      : probeVerdict(contentProof.catalogProbe, live, where);
  return { refusals: [...refusals, ...verdict.refusals], notes: refusals.length > 0 ? [] : verdict.notes };
}

function statementVerdict(statement: Statement, desired: SchemaDesired, kept: Kept, where: string): Verdict {
  if (!isAboutThis(statement, desired)) {
    return refuse({
      where,
      found: `the statement of ${statement.by} is about ${statement.component} in ${nameOf(statement)}`,
      allowed: `${desired.identity.component} in ${nameOf(desired.settings.connection)}`,
      why: "It was made for another database or component",
      next: "Make a statement about this one",
    });
  }
  const said = `${statement.by} stated on ${statement.date} that the content of ${statement.level} is there`;
  const print = fingerprint(statement);
  if (kept.claimed?.includes(print) && !kept.spent.includes(print)) {
    return refuse({
      where,
      found: `${said}; a run that used it broke off, and whether it raised the level is not known`,
      why: "A statement is for one change: if that was made, somebody restored a backup since, and the lower number is the true one",
      next: "Find out which; if the content is there, renew contentProof.statement with a new date",
    });
  }
  if (!kept.spent.includes(print)) return pass(`content: ${said}`);
  return refuse({
    where,
    found: `${said}; that was for one change, and the level has been there since`,
    why: "Somebody lowered it, or restored a backup: then the lower number may be the true one",
    next: "Find out why it is lower; if the content is there, renew contentProof.statement with a new date",
  });
}

type Probe = Extract<NonNullable<Settings["contentProof"]>, { catalogProbe: unknown }>["catalogProbe"];

function probeVerdict(probe: Probe, live: Live, where: string): Verdict {
  if (live.probe?.sql !== probe.sql) return pass("up asks the catalog probe before anything is written");
  const { answer } = live.probe;
  if ("found" in answer && answer.found === probe.expect) {
    return pass(
      `content: the catalog probe gave ${JSON.stringify(answer.found)}, as it does where ${probe.level} is there`,
    );
  }
  return refuse({
    where,
    found:
      "found" in answer
        ? `the catalog probe gave ${JSON.stringify(answer.found)}`
        : `the catalog probe failed: ${answer.problem}`,
    allowed: JSON.stringify(probe.expect),
    why: `What ${probe.level} brings is not in this database`,
    next: "Run the script that brings it; the number alone would hide that it is missing",
  });
}

function backupVerdict({ backup: wanted }: Settings, { backup }: Live, where: string): Verdict {
  if ("waived" in wanted) return pass(`no backup is asked for: ${wanted.waived.reason}`);
  if (!backup) return pass("up looks for a recent backup before anything is written");
  const why = "A wrong level can only be undone together with what an upgrade makes of it";
  const next = "Take a backup (db2 backup database …), or waive it with backup: {waived: {reason: …}}";
  if ("problem" in backup) {
    return refuse({ where, found: `the history of backups cannot be read: ${backup.problem}`, why, next });
  }
  if (backup.found === "none")
    return refuse({ where, found: "its history has no complete backup of the database", why, next });
  const { began, ageMinutes, sort } = backup.found;
  const about = `the newest backup (${sort}) began at ${began}, ${ageInWords(ageMinutes)} ago`;
  if (ageMinutes * 60_000 <= milliseconds(wanted.maxAge)) return pass(about);
  return refuse({ where, found: about, allowed: `at most ${wanted.maxAge}`, why, next });
}

function serversVerdict({ servers: wanted }: Settings, { servers }: Live, where: string): Verdict {
  if ("whileRunning" in wanted) return pass("whether servers are connected was not looked at: whileRunning");
  if (!servers) return pass("up looks whether servers are connected before anything is written");
  const why = "Servers read the level when they start, and an upgrade that finds it changed under it is not foreseen";
  const next = "Stop the component's servers; or allow it with servers: {whileRunning: true}";
  if ("problem" in servers) {
    return refuse({ where, found: `it cannot be told who is connected: ${servers.problem}`, why, next });
  }
  const { applications } = wanted;
  const counting = applications
    ? servers.found.filter((one) => applications.some((application) => isOne(application, one)))
    : servers.found;
  if (counting.length === 0)
    return pass(applications ? "none of the declared servers is connected" : "nobody else is connected");
  const list = counting.slice(0, 5).map(describeConnected).join(", ");
  const more = counting.length > 5 ? ` and ${counting.length - 5} more` : "";
  const narrower = applications ? next : `${next}; or say which connections are servers with servers.applications`;
  return refuse({
    where,
    found: `connected: ${list}${more}`,
    allowed: "no server of the component",
    why,
    next: narrower,
  });
}

/** Db2 folds authorization IDs; programs and machines are compared as people write them. */
function isOne(
  application: {
    readonly user?: string | undefined;
    readonly program?: string | undefined;
    readonly client?: string | undefined;
  },
  found: Connected,
): boolean {
  const same = (wanted: string | undefined, seen: string) =>
    wanted === undefined || wanted.toLowerCase() === seen.toLowerCase();
  return (
    same(application.user, found.user) &&
    same(application.program, found.program) &&
    same(application.client, found.client)
  );
}

function ageInWords(minutes: number): string {
  if (minutes < 120) return `${minutes} minutes`;
  return minutes < 2 * 24 * 60 ? `${Math.floor(minutes / 60)} hours` : `${Math.floor(minutes / (24 * 60))} days`;
}
