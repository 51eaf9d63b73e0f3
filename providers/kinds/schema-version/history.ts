import { ProblemError } from "../../common/problem.js";
import type { Reader } from "../../targets/db2/database.js";

/** The newest complete backup of the database in its own history. */
export interface NewestBackup {
  /** When it began, by the server's clock: `2026-05-01 22:00:00`. */
  began: string;
  ageMinutes: number;
  /** `full`, `online, incremental`, … */
  sort: string;
}

/**
 * Backups of the whole database that ended well and are still there. SYSIBMADM.DB_HISTORY: OPERATION 'B' = backup, OBJECTTYPE
 * 'D' = database, ENTRY_STATUS 'A' = active, SQLCODE empty = without error, times as yyyymmddhhmmss by the server's clock.
 * [IBM documentation, "DB_HISTORY administrative view"]
 */
export async function newestBackup(reader: Reader): Promise<NewestBackup | "none"> {
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
export async function newestRestore(reader: Reader): Promise<string> {
  const [row] = await reader.query(
    "SELECT START_TIME, END_TIME FROM SYSIBMADM.DB_HISTORY WHERE OPERATION = 'R' ORDER BY START_TIME DESC FETCH FIRST 1 ROWS ONLY",
  );
  return row ? historyTime(row.END_TIME ?? row.START_TIME) : "none";
}

export async function presentTime(reader: Reader): Promise<string> {
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
