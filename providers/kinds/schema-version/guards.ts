import { milliseconds } from "../../common/duration.js";
import { canonicalJson } from "../../common/json.js";
import type { Problem } from "../../common/problem.js";
import { sameLevel } from "../../formats/schema-level.js";
import { type Connected, describeConnected } from "./connected.js";
import { serverTime } from "./history.js";
import type { Kept, Live } from "./live.js";
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
    portsVerdict(desired.settings, live, where),
  ];
  return {
    refusals: verdicts.flatMap((verdict) => verdict.refusals),
    notes: verdicts.flatMap((verdict) => verdict.notes),
  };
}

/** What is remembered of a statement; who makes it is of no weight. */
export const fingerprint = (statement: Statement): string => {
  const { host, port, database, component, level, postLevel } = statement;
  return canonicalJson({
    host: host.toLowerCase(),
    port,
    database: database.toUpperCase(),
    component,
    level,
    ...(postLevel === undefined ? {} : { postLevel }),
    date: statedAt(statement),
  });
};

/** "2026-05-01 22:30:00", as the history has its times; a date alone is that day's beginning. */
const statedAt = ({ date }: Pick<Statement, "date">): string =>
  date
    .replace("T", " ")
    .replace(/^(.{10})$/, "$1 00:00")
    .replace(/^(.{16})$/, "$1:00");

/**
 * The newest date of remembered statements. They are all of one component and database, so the date alone makes a statement a new
 * one: the same one in another spelling, with the server's address in place of its name, or an older one, is not.
 */
const newest = (remembered: readonly string[]): string =>
  remembered
    .map((print) => statedAt(JSON.parse(print) as Statement))
    .sort()
    .at(-1) ?? "";

/** The statement, or one that is no older, is among these. */
export const isAmong = (statement: Statement, remembered: readonly string[] = []): boolean =>
  newest(remembered) >= statedAt(statement);

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
      next: "Set contentProof: a catalogProbe that shows that they are there, or your statement that they are. docs/schema-levels.md says how to find out",
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
      ? statementVerdict(contentProof.statement, desired, { live, kept }, where)
      : probeVerdict(contentProof.catalogProbe, live, where);
  return { refusals: [...refusals, ...verdict.refusals], notes: refusals.length > 0 ? [] : verdict.notes };
}

function statementVerdict(
  statement: Statement,
  desired: SchemaDesired,
  { live, kept }: { readonly live: Live; readonly kept: Kept },
  where: string,
): Verdict {
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
  const renew = (date: string) => `renew contentProof.statement with a date and time after ${date}`;
  if (isAmong(statement, kept.spent)) {
    const served = newest(kept.spent);
    const which = served === statedAt(statement) ? "that" : `a statement of ${served} has served since; each`;
    return refuse({
      where,
      found: `${said}; ${which} was for one change, and the level has been there since`,
      why: "Somebody lowered it, or restored a backup: then the lower number may be the true one",
      next: `Find out why it is lower; if the content is there, ${renew(served)}`,
    });
  }
  if (!isAmong(statement, kept.claimed)) return restoreVerdict(statement, said, live, where);
  const claimed = newest(kept.claimed ?? []);
  return refuse({
    where,
    found: `${said}; a run that used ${claimed === statedAt(statement) ? "it" : `one of ${claimed}`} broke off, and whether it raised the level is not known`,
    why: "A statement is for one change: if that was made, somebody restored a backup since, and the lower number is the true one",
    next: `Find out which; if the content is there, ${renew(claimed)}`,
  });
}

/**
 * A statement from before a restore is about content that the restore may have taken away. That also holds for a statement whose use
 * this run knows nothing of, because another stack, or one with another `home`, made it.
 */
function restoreVerdict(statement: Statement, said: string, live: Live, where: string): Verdict {
  const { restored, serverTime: now } = live;
  if (!restored || !now) return notLookedAt(where, "whether the database was restored since the statement");
  if ("problem" in now || isAfter(statement, now.found)) {
    return refuse({
      where,
      found:
        "problem" in now
          ? `${said}; the server's present time cannot be read: ${now.problem}`
          : `${said}; that is after its server's present time, ${now.found}`,
      why: "Only a statement that is not from the future is known to be older than a restore that comes after it",
      next: "Correct the date of contentProof.statement: it is by the database server's clock",
    });
  }
  if ("problem" in restored) {
    return refuse({
      where,
      found: `${said}; whether the database was restored since cannot be read: ${restored.problem}`,
      why: "After a restore the lower level may be the true one, whatever was stated before",
      next: "Give the user SELECT on SYSIBMADM.DB_HISTORY and see that its times can be read; or prove the content with a catalogProbe",
    });
  }
  if (restored.found === "none" || restored.found < statedAt(statement)) return pass(`content: ${said}`);
  return refuse({
    where,
    found: `${said}; the database was restored since, at ${restored.found} by its server's clock`,
    why: "A restore may have brought back a lower level that is the true one",
    next: "Look whether the content is there; if it is, renew contentProof.statement with a date and time after that",
  });
}

const isAfter = (statement: Statement, now: string): boolean =>
  serverTime(statedAt(statement)) > serverTime(now) + CLOCK_TOLERANCE_MINUTES * 60_000;

/** Of the settings as they are now nothing is known yet: that is no evidence, and only evidence lets a change pass. */
const notLookedAt = (where: string, what: string): Verdict =>
  refuse({
    where,
    found: `with these settings, ${what} has not been looked at yet`,
    why: "Nothing is changed on what is not known",
    next: "up looks anew, before anything is written, and goes on only where all is well",
  });

type Probe = Extract<NonNullable<Settings["contentProof"]>, { catalogProbe: unknown }>["catalogProbe"];

function probeVerdict(probe: Probe, live: Live, where: string): Verdict {
  if (live.probe?.sql !== probe.sql) return notLookedAt(where, "what the catalog probe gives");
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

/** A backup may seem to begin, and a statement to be made, this much after the server's present time. */
const CLOCK_TOLERANCE_MINUTES = 5;

function backupVerdict({ backup: wanted }: Settings, { backup }: Live, where: string): Verdict {
  if ("waived" in wanted) return pass(`no backup is asked for: ${wanted.waived.reason}`);
  if (!backup) return notLookedAt(where, "whether there is a recent backup");
  const why = "A wrong level can only be undone together with what an upgrade makes of it";
  const next = "Take a backup (db2 backup database …), or waive it with backup: {waived: {reason: …}}";
  if ("problem" in backup) {
    return refuse({ where, found: `the history of backups cannot be read: ${backup.problem}`, why, next });
  }
  if ("none" in backup.found) return refuse({ where, found: backup.found.none, why, next });
  const { began, ageMinutes, sort } = backup.found;
  if (ageMinutes < -CLOCK_TOLERANCE_MINUTES) {
    return refuse({
      where,
      found: `the newest backup (${sort}) began at ${began}, ${ageInWords(-ageMinutes)} after the server's present time`,
      why: "One of the two times is wrong, so how old the backup is cannot be told",
      next: `Look at the server's clock and at its history of backups; ${next}`,
    });
  }
  const about = `the newest backup (${sort}) began at ${began}, ${ageInWords(Math.max(0, ageMinutes))} ago`;
  if (ageMinutes * 60_000 <= milliseconds(wanted.maxAge)) return pass(about);
  return refuse({ where, found: about, allowed: `at most ${wanted.maxAge}`, why, next });
}

function serversVerdict({ servers: wanted }: Settings, { servers }: Live, where: string): Verdict {
  if ("whileRunning" in wanted) return pass("whether servers are connected was not looked at: whileRunning");
  if (!servers) return notLookedAt(where, "whether servers are connected");
  const why = "Servers read the level when they start, and an upgrade that finds it changed under it is not foreseen";
  const next = "Stop the component's servers; or allow it with servers: {whileRunning: true}";
  if ("problem" in servers) {
    return refuse({ where, found: `it cannot be told who is connected: ${servers.problem}`, why, next });
  }
  const isIn = (list: readonly Application[] | undefined, one: Connected) =>
    list?.some((application) => isOne(application, one)) === true;
  const declared = servers.found.filter((one) => isIn(wanted.applications, one));
  const undeclared = servers.found.filter((one) => !declared.includes(one));
  const unknown = undeclared.filter((one) => !isIn(wanted.others, one));
  const others = undeclared.filter((one) => !unknown.includes(one));
  if (declared.length + unknown.length === 0) {
    const seen =
      others.length > 0
        ? `no server is connected; declared as others, and not counted: ${listed(others)}`
        : "nobody else is connected";
    return pass(wanted.ports ? seen : `${seen}; a server that runs without a connection is not seen (servers.ports)`);
  }
  // A misspelt name in `applications` must not let a server pass for something else.
  const which =
    wanted.applications && unknown.length > 0 ? " (in neither servers.applications nor servers.others)" : "";
  const all = [declared.length > 0 ? listed(declared) : "", unknown.length > 0 ? `${listed(unknown)}${which}` : ""];
  return refuse({
    where,
    found: `connected: ${all.filter(Boolean).join("; ")}`,
    allowed: "no server of the component, and nobody unknown",
    why,
    next: unknown.length > 0 ? `${next}; or name the connections that are no servers in servers.others` : next,
  });
}

/** A second look at what the list of connections cannot show: only a port that refuses is one that nobody listens at. */
function portsVerdict({ servers: wanted }: Settings, { ports }: Live, where: string): Verdict {
  const declared = "whileRunning" in wanted ? [] : (wanted.ports ?? []);
  if (declared.length === 0) return { refusals: [], notes: [] };
  const seen = declared.map(({ address, port }) => ({
    name: `${address}:${port}`,
    state: ports?.find((one) => one.address === address && one.port === port)?.state,
  }));
  if (seen.some(({ state }) => state === undefined)) return notLookedAt(where, "whether the servers' ports refuse");
  const inTheWay = seen.filter(({ state }) => state !== "closed");
  if (inTheWay.length === 0) return pass(`nothing listens at ${seen.map(({ name }) => name).join(", ")}`);
  const said = inTheWay.map(({ name, state }) =>
    typeof state === "object" ? `${name} gave no clear answer (${state.unclear})` : `${name} accepts connections`,
  );
  return refuse({
    where,
    found: said.join("; "),
    allowed: "ports of the component's servers that refuse connections",
    why: "A server runs there, or it cannot be told whether one does",
    next: "Stop the component's servers; or correct servers.ports",
  });
}

function listed(connections: readonly Connected[]): string {
  const more = connections.length > 5 ? ` and ${connections.length - 5} more` : "";
  return `${connections.slice(0, 5).map(describeConnected).join(", ")}${more}`;
}

interface Application {
  readonly user?: string | undefined;
  readonly program?: string | undefined;
  readonly client?: string | undefined;
}

/** Db2 folds authorization IDs; programs and machines are compared as people write them. */
function isOne(application: Application, found: Connected): boolean {
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
