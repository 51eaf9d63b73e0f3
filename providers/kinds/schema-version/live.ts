import { type Problem, ProblemError } from "../../common/problem.js";
import { compareLevels } from "../../formats/schema-level.js";
import type { Database, Reader } from "../../targets/db2/database.js";
import { type PortState, portState } from "../../targets/port.js";
import { type Answer, answered } from "./answer.js";
import { type Connected, connected } from "./connected.js";
import { type NewestBackup, type NoBackup, newestBackup, newestRestore, presentTime } from "./history.js";
import { type LevelRow, readRow } from "./row.js";
import type { Identity, Settings } from "./schema.js";

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
  backup?: Answer<NewestBackup | NoBackup>;
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
          servers: await connected(database),
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

/** In a transaction that is rolled back: a SELECT may call functions, and what these do nobody here can know. */
function askProbe(database: Database, sql: string): Promise<Answer<string>> {
  return answered(async () => {
    const ask = (transaction: Reader) => transaction.query(sql, [], { maxRows: MAX_LISTED });
    const rows = await database.transaction(ask, { rollBack: true });
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
