import { type Cause, type Problem, ProblemError } from "../../common/problem.js";
import { compareLevels } from "../../formats/schema-level.js";
import type { Database, Reader } from "../../targets/db2/database.js";
import { type PortState, portState } from "../../targets/port.js";
import { type LevelRow, readRow } from "./row.js";
import type { Identity, Settings } from "./schema.js";

/** What a question about a safeguard gave: the answer, or why there is none. */
export type Answer<T> = { found: T } | { problem: string };

/** The newest complete backup of the database in its own history. */
export interface NewestBackup {
  /** When it began, by the server's clock: `2026-05-01 22:00:00`. */
  began: string;
  ageMinutes: number;
  /** `full`, `online, incremental`, … */
  sort: string;
}

/** Connections of one program on one machine under one user. */
export interface Connected {
  user: string;
  program: string;
  client: string;
  connections: number;
}

export interface SeenPort {
  address: string;
  port: number;
  state: PortState;
}

/** What `plan` knows of reality. */
export interface Live {
  /** Absent when `problems` says why. */
  row?: LevelRow;
  problems: Problem[];
  /** With the SELECT that was asked, since another one may be declared by now. */
  probe?: { sql: string; answer: Answer<string> };
  /**
   * Asked only where the level is below the one that a proof is declared for: what changes by the hour is of no interest, and
   * would make every preview differ, while there is nothing to change.
   */
  backup?: Answer<NewestBackup | "none">;
  /** When the newest restore of the database ended, by the server's clock, or "none"; asked where a statement proves the content. */
  restored?: Answer<string>;
  /** The server's present time, as its history has times; asked where a statement proves the content. */
  serverTime?: Answer<string>;
  servers?: Answer<Connected[]>;
  /** What became of a connection to each declared port of the servers. */
  ports?: SeenPort[];
}

/** What this kind remembers on its home host. */
export interface Kept {
  /** As found at adoption. Never put back: it is for people. */
  found: { version?: string; postVersion?: string };
  /** Statements that a change was begun on; whether it was made, only a look at the level right after it can tell. */
  claimed?: string[];
  /** Statements that a change was made on, or that were not needed any more. */
  spent: string[];
}

/** The backups and connections of more than this many are not listed one by one. */
const MAX_LISTED = 50;

export async function observe(identity: Identity, settings: Settings, database: Database): Promise<Live> {
  const read = await readRow(database, {
    component: identity.component,
    database: database.name,
    ...(settings.rowKey === undefined ? {} : { rowKey: settings.rowKey }),
  });
  const { contentProof } = settings;
  const probe = contentProof && "catalogProbe" in contentProof ? contentProof.catalogProbe : undefined;
  const live: Live = {
    problems: read.problems,
    ...("row" in read ? { row: read.row } : {}),
    ...(probe ? { probe: { sql: probe.sql, answer: await askProbe(database, probe.sql) } } : {}),
  };
  if (!live.row || !isBelowProof(live.row, settings)) return live;
  return {
    ...live,
    ...("waived" in settings.backup ? {} : { backup: await answered(() => newestBackup(database)) }),
    ...(contentProof && "statement" in contentProof
      ? {
          restored: await answered(() => newestRestore(database)),
          serverTime: await answered(() => presentTime(database)),
        }
      : {}),
    ...("whileRunning" in settings.servers
      ? {}
      : {
          servers: await answered(() => connected(database, settings.connection.user)),
          ports: await Promise.all((settings.servers.ports ?? []).map(seenPort)),
        }),
  };
}

function isBelowProof({ version, post }: LevelRow, { contentProof }: Settings): boolean {
  if (!contentProof) return false;
  const { level, postLevel } = "statement" in contentProof ? contentProof.statement : contentProof.catalogProbe;
  const below = (value: string | null | undefined, proven: string | undefined) =>
    proven !== undefined && (value === null || (value !== undefined && compareLevels(value, proven) < 0));
  return below(version.value, level) || below(post?.value, postLevel);
}

/** Failures that say something about what was asked, and not about the way to it. */
const ABOUT_THE_QUESTION: readonly Cause[] = ["missing", "permission", "command-failed", "invalid-input"];

async function answered<T>(ask: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { found: await ask() };
  } catch (error) {
    if (!(error instanceof ProblemError) || !ABOUT_THE_QUESTION.includes(error.cause)) throw error;
    return { problem: error.problems.map((problem) => problem.found).join("; ") };
  }
}

function askProbe(reader: Reader, sql: string): Promise<Answer<string>> {
  return answered(async () => {
    const rows = await reader.query(sql, [], { maxRows: MAX_LISTED });
    const values = Object.values(rows[0] ?? {});
    if (rows.length === 1 && values.length === 1) return String(values[0]).trim();
    throw new ProblemError("invalid-input", {
      where: "catalogProbe",
      found: `the SELECT gave ${rows.length} rows of ${values.length} values, not one value`,
    });
  });
}

const seenPort = async ({ address, port }: { address: string; port: number }): Promise<SeenPort> => ({
  address,
  port,
  state: await portState(address, port),
});

/**
 * Backups of the whole database that ended well and are still there. SYSIBMADM.DB_HISTORY: OPERATION 'B' = backup, OBJECTTYPE
 * 'D' = database, ENTRY_STATUS 'A' = active, SQLCODE empty = without error, times as yyyymmddhhmmss by the server's clock.
 * [IBM documentation, "DB_HISTORY administrative view"]
 */
async function newestBackup(reader: Reader): Promise<NewestBackup | "none"> {
  const now = await presentTime(reader);
  const [row] = await reader.query(
    `SELECT START_TIME, OPERATIONTYPE FROM SYSIBMADM.DB_HISTORY WHERE OPERATION = 'B' AND OBJECTTYPE = 'D' AND ENTRY_STATUS = 'A' AND END_TIME IS NOT NULL AND ("SQLCODE" IS NULL OR "SQLCODE" >= 0) ORDER BY START_TIME DESC FETCH FIRST 1 ROWS ONLY`,
  );
  if (!row) return "none";
  const began = historyTime(row.START_TIME);
  const ageMinutes = Math.floor((serverTime(now) - serverTime(began)) / 60_000);
  return { began, ageMinutes, sort: SORTS[String(row.OPERATIONTYPE).trim()] ?? "of an unknown sort" };
}

/**
 * OPERATION 'R' = restore; a partial one (of table spaces) counts too, and one that failed half-way.
 * [IBM documentation, "DB_HISTORY administrative view"]
 */
async function newestRestore(reader: Reader): Promise<string> {
  const [row] = await reader.query(
    "SELECT START_TIME, END_TIME FROM SYSIBMADM.DB_HISTORY WHERE OPERATION = 'R' ORDER BY START_TIME DESC FETCH FIRST 1 ROWS ONLY",
  );
  return row ? historyTime(row.END_TIME ?? row.START_TIME) : "none";
}

async function presentTime(reader: Reader): Promise<string> {
  const [clock] = await reader.query("SELECT CURRENT TIMESTAMP AS SERVER_TIME FROM SYSIBM.SYSDUMMY1");
  serverTime(clock?.SERVER_TIME);
  return String(clock?.SERVER_TIME).slice(0, 19);
}

const historyTime = (text: unknown): string =>
  String(text).replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d).*$/s, "$1-$2-$3 $4:$5:$6");

/** OPERATIONTYPE of a backup. */
const SORTS: Readonly<Record<string, string>> = {
  F: "offline, full",
  N: "online, full",
  I: "offline, incremental",
  O: "online, incremental",
  D: "offline, delta",
  E: "online, delta",
};

/** Both times are by the server's clock in its own zone; taken for UTC here, since only their distance matters. */
export function serverTime(text: unknown): number {
  const time = Date.parse(`${String(text).slice(0, 19).replace(" ", "T")}Z`);
  if (!Number.isNaN(time)) return time;
  throw new ProblemError("command-failed", {
    where: "SYSIBMADM.DB_HISTORY",
    found: `${JSON.stringify(String(text))} is no time that can be read`,
  });
}

/**
 * Who is connected to the database, this program aside: it is known by its user and by its name. It must be in the list itself:
 * a list without it is not one of everybody, and must not be taken for "nobody".
 * [IBM documentation, "APPLICATIONS administrative view"]
 */
async function connected(reader: Reader, ownUser: string): Promise<Connected[]> {
  const rows = await reader.query(
    "SELECT AUTHID, APPL_NAME, CLIENT_NNAME, COUNT(*) AS CONNECTIONS FROM SYSIBMADM.APPLICATIONS GROUP BY AUTHID, APPL_NAME, CLIENT_NNAME",
  );
  const text = (value: unknown): string => (value === null || value === undefined ? "" : String(value).trim());
  const all = rows.map((row) => ({
    user: text(row.AUTHID),
    program: text(row.APPL_NAME),
    client: text(row.CLIENT_NNAME),
    connections: Number(row.CONNECTIONS),
  }));
  const isOwn = ({ user, program }: Connected) => user === ownUser.toUpperCase() && /^node/i.test(program);
  if (!all.some(isOwn)) {
    throw new ProblemError("command-failed", {
      where: "SYSIBMADM.APPLICATIONS",
      found: "SYSIBMADM.APPLICATIONS does not even show this program's own connection",
    });
  }
  return all.filter((one) => !isOwn(one)).sort((a, b) => (describeConnected(a) < describeConnected(b) ? -1 : 1));
}

export const describeConnected = ({ user, program, client, connections }: Connected): string =>
  `${program || "a program without a name"} of ${user || "an unknown user"}${client ? ` on ${client}` : ""} (${connections} connection${connections === 1 ? "" : "s"})`;
