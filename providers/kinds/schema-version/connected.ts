import { ProblemError } from "../../common/problem.js";
import type { Reader, Row } from "../../targets/db2/database.js";
import { type Answer, answered } from "./answer.js";

/** Connections of one program on one machine under one user. */
export interface Connected {
  user: string;
  program: string;
  client: string;
  connections: number;
}

/** Without Db2's own system applications, which its third argument would bring. [IBM documentation, "MON_GET_CONNECTION table function"] */
const BY_FUNCTION = `SELECT APPLICATION_ID AS APPL_ID, APPLICATION_NAME AS APPL_NAME, SESSION_AUTH_ID AS AUTHID, CLIENT_HOSTNAME AS CLIENT, APPLICATION_ID() AS OWN_ID
  FROM TABLE(SYSPROC.MON_GET_CONNECTION(CAST(NULL AS BIGINT), -2)) AS C`;
/** Older, with the system applications, and for the authority SYSMON alone. [IBM documentation, "APPLICATIONS administrative view"] */
const BY_VIEW =
  "SELECT APPL_ID, APPL_NAME, AUTHID, CLIENT_NNAME AS CLIENT, APPLICATION_ID() AS OWN_ID FROM SYSIBMADM.APPLICATIONS";

const REMEDY =
  "the user needs EXECUTE on the function SYSPROC.MON_GET_CONNECTION, or SYSMON for SYSIBMADM.APPLICATIONS (docs/schema-levels.md)";

/** Who is connected to the database, this program and Db2 itself aside. */
export async function connected(reader: Reader): Promise<Answer<Connected[]>> {
  const byFunction = await answered(() => listOf(reader, "SYSPROC.MON_GET_CONNECTION", BY_FUNCTION));
  if ("found" in byFunction) return byFunction;
  const byView = await answered(() => listOf(reader, "SYSIBMADM.APPLICATIONS", BY_VIEW));
  if ("found" in byView) return byView;
  return { problem: `${byFunction.problem}; ${byView.problem}; ${REMEDY}` };
}

interface Connection extends Omit<Connected, "connections"> {
  /** `10.0.0.5.41234.260501120000`: address, port, time; `*LOCAL.…` on the server's own machine. */
  readonly id: string;
}

/**
 * Ours are this very connection, which must be in the list (one without it is not a list of everybody, and must not be taken for
 * "nobody"), and those that are like it in user, program, machine and address: the others of this process, and those of the one
 * before, which the server may not have ended yet.
 */
async function listOf(reader: Reader, where: string, sql: string): Promise<Connected[]> {
  const rows = await reader.query(sql);
  const all = rows.map(connectionOf);
  const own = all.find(({ id }, index) => id !== "" && id === text(rows[index]?.OWN_ID));
  if (!own) {
    const found = `${where} does not even show this program's own connection`;
    throw new ProblemError("command-failed", { where, found });
  }
  const isOwn = (one: Connection) =>
    nameOf(one) === nameOf(own) && addressOf(one) === addressOf(own) && one.program === own.program;
  const counted = new Map<string, Connected & { readonly ids: Set<string> }>();
  for (const one of all.filter((each) => !isOwn(each) && !isSystemApplication(each))) {
    const { user, program, client } = one;
    const known = counted.get(nameOf(one)) ?? { user, program, client, connections: 0, ids: new Set() };
    // A partitioned database lists a connection once for each of its members.
    if (!known.ids.has(one.id)) known.connections++;
    known.ids.add(one.id);
    counted.set(nameOf(one), known);
  }
  return [...counted.values()]
    .map(({ user, program, client, connections }) => ({ user, program, client, connections }))
    .sort((a, b) => (describeConnected(a) < describeConnected(b) ? -1 : 1));
}

const connectionOf = (row: Row): Connection => ({
  id: text(row.APPL_ID),
  user: text(row.AUTHID),
  program: text(row.APPL_NAME),
  client: text(row.CLIENT),
});

const text = (value: Row[string] | undefined): string =>
  value === null || value === undefined ? "" : String(value).trim();

const nameOf = ({ user, program, client }: Omit<Connection, "id">): string => JSON.stringify([user, program, client]);

/** Without port and time, by which two connections from one machine differ. */
const addressOf = ({ id }: Connection): string => id.split(".").slice(0, -2).join(".");

/**
 * What Db2 runs in every database: self-tuning memory, tasks, workloads, event monitors. They work inside of the server (instance
 * "DB2", whatever its name), so a program of that name on another machine is none of them; `db2bp` and `db2jcc_application` are
 * people's and servers'.
 */
function isSystemApplication({ id, program }: Connection): boolean {
  return /^\*(LOCAL|N\d+)\.DB2\./.test(id) && /^db2(stmm|taskd|wlmd|pcsd|lused|dbctrld|fw\d+|evm\w*)$/.test(program);
}

export const describeConnected = ({ user, program, client, connections }: Connected): string =>
  `${program || "a program without a name"} of ${user || "an unknown user"}${client ? ` on ${client}` : ""} (${connections} connection${connections === 1 ? "" : "s"})`;
