import { ProblemError } from "../../common/problem.js";
import type { Reader, Row } from "../../targets/db2/database.js";

/** The newest complete backup of the database in its own history. */
export interface NewestBackup {
  /** When it began, by the server's clock: `2026-05-01 22:00:00`. */
  began: string;
  ageMinutes: number;
  /** `full`, `online, incremental`, … */
  sort: string;
}

/** That there is none which the database could be restored from, in words. */
export interface NoBackup {
  none: string;
}

/**
 * Backups of the whole database that ended well and are still there. SYSIBMADM.DB_HISTORY: OPERATION 'B' = backup, OBJECTTYPE
 * 'D' = database, ENTRY_STATUS 'A' = active, SQLCODE empty = without error, times as yyyymmddhhmmss by the server's clock.
 * Incremental and delta ones are of use with the last full one before them only, wherever that went.
 * [IBM documentation, "DB_HISTORY administrative view"; "Incremental backup and recovery"]
 */
export async function newestBackup(reader: Reader): Promise<NewestBackup | NoBackup> {
  const now = await presentTime(reader);
  const backups = await reader.query(
    `SELECT START_TIME, OPERATIONTYPE, LOCATION FROM SYSIBMADM.DB_HISTORY WHERE OPERATION = 'B' AND OBJECTTYPE = 'D' AND ENTRY_STATUS = 'A' AND END_TIME IS NOT NULL AND ("SQLCODE" IS NULL OR "SQLCODE" >= 0) ORDER BY START_TIME DESC FETCH FIRST ${MAX_BACKUPS} ROWS ONLY`,
  );
  let none: NoBackup = { none: "its history has no complete backup of the database" };
  for (const [index, row] of backups.entries()) {
    const full = backups.slice(index).find(isFull);
    const began = historyTime(row.START_TIME);
    const why = isNowhere(row)
      ? `went to ${textOf(row.LOCATION)}`
      : !full
        ? "needs a full one, and there is none before it"
        : isNowhere(full)
          ? `needs the full one of ${historyTime(full.START_TIME)}, which went to ${textOf(full.LOCATION)}`
          : undefined;
    if (why === undefined && full) {
      const ageMinutes = Math.floor((serverTime(now) - serverTime(began)) / 60_000);
      const base = full === row ? "" : `, on the full one of ${historyTime(full.START_TIME)}`;
      return { began, ageMinutes, sort: `${sortOf(row)}${base}` };
    }
    if (index === 0) none = { none: `${none.none}: the newest (${sortOf(row)}, of ${began}) ${why}` };
  }
  return none;
}

/** Enough to reach a full one back from a month of daily ones in several parts. */
const MAX_BACKUPS = 500;

const isFull = ({ OPERATIONTYPE }: Row): boolean => ["F", "N"].includes(textOf(OPERATIONTYPE));

/** The null device, which a backup for the sake of the configuration is sent to: nothing can be restored from it. */
const isNowhere = ({ LOCATION }: Row): boolean => /^(\/dev\/null|nul:?)$/i.test(textOf(LOCATION));

const sortOf = ({ OPERATIONTYPE }: Row): string => SORTS[textOf(OPERATIONTYPE)] ?? "of an unknown sort";

const textOf = (value: Row[string] | undefined): string =>
  value === null || value === undefined ? "" : String(value).trim();

/**
 * OPERATION 'R' = restore; a partial one (of table spaces) counts too, and one that failed half-way, whose end is empty.
 * [IBM documentation, "DB_HISTORY administrative view"]
 */
export async function newestRestore(reader: Reader): Promise<string> {
  const [row] = await reader.query(
    "SELECT START_TIME, END_TIME FROM SYSIBMADM.DB_HISTORY WHERE OPERATION = 'R' ORDER BY START_TIME DESC FETCH FIRST 1 ROWS ONLY",
  );
  return row ? historyTime(textOf(row.END_TIME) || row.START_TIME) : "none";
}

export async function presentTime(reader: Reader): Promise<string> {
  const [clock] = await reader.query("SELECT CURRENT TIMESTAMP AS SERVER_TIME FROM SYSIBM.SYSDUMMY1");
  serverTime(clock?.SERVER_TIME);
  return String(clock?.SERVER_TIME).slice(0, 19);
}

/** @throws ProblemError for what is no time: compared as text it would be before or after every other one */
function historyTime(text: unknown): string {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(String(text));
  if (!parts) throw noTime(String(text));
  const time = `${parts.slice(1, 4).join("-")} ${parts.slice(4).join(":")}`;
  serverTime(time);
  return time;
}

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
  throw noTime(String(text));
}

const noTime = (text: string): ProblemError =>
  new ProblemError("command-failed", {
    where: "SYSIBMADM.DB_HISTORY",
    found: `${JSON.stringify(text)} is no time that can be read`,
  });
