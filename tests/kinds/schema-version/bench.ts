import { schemaVersionKind } from "../../../providers/kinds/schema-version/kind.js";
import type { Row } from "../../../providers/targets/db2/database.js";
import { refusalOf } from "../../support/failure.js";
import { MemoryDatabase, type MemoryDatabaseOptions } from "../../support/memory-database.js";
import { MemoryHost, type MemoryHostOptions } from "../../support/memory-host.js";
import { modelledConnection, providerBench, reaching, type Stored } from "../../support/provider-bench.js";

export type { Stored };

export const HOMEPAGE = "HOMEPAGE.HOMEPAGE_SCHEMA";
const CLOCK = "SELECT CURRENT TIMESTAMP AS SERVER_TIME FROM SYSIBM.SYSDUMMY1";
export const PROBE = "SELECT COUNT(*) FROM SYSCAT.TABLES WHERE TABSCHEMA = 'HOMEPAGE' AND TABNAME = 'NR_NEW'";

export const home = modelledConnection("dmgr");

const OWN_ADDRESS = "10.0.0.1";

/** Connections of one program, as Db2 lists each of them. */
export interface Connections {
  readonly AUTHID: string;
  readonly APPL_NAME: string;
  readonly CLIENT_NNAME: string | null;
  readonly CONNECTIONS: number;
  /** What the application ID begins with. */
  readonly ADDRESS?: string;
}

/** A modelled database with the table of Homepage at 704, a backup of this morning, and nobody connected. */
export class DatabaseModel {
  readonly database: MemoryDatabase;
  readonly host: MemoryHost;
  now = "2026-05-01 12:00:00.000000";
  backups: readonly Row[] = [{ START_TIME: "20260501060000", OPERATIONTYPE: "N" }];
  restores: readonly Row[] = [];
  /** Beside this program's own. */
  connected: readonly Connections[] = [];
  own: readonly Connections[] = [
    { AUTHID: "LCUSER  ", APPL_NAME: "node", CLIENT_NNAME: "ops1", CONNECTIONS: 2, ADDRESS: OWN_ADDRESS },
  ];
  probe: readonly Row[] = [{ "1": 1 }];

  constructor(options: MemoryDatabaseOptions = {}, hostOptions: MemoryHostOptions = {}) {
    this.host = new MemoryHost(home, hostOptions);
    this.database = new MemoryDatabase("homepage", options);
    const columns = { COMPKEY: "VARCHAR(36)", DBSCHEMAVER: "INTEGER", RELEASEVER: "VARCHAR(32)" };
    this.database.put(HOMEPAGE, columns, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: 704, RELEASEVER: "" });
    this.answer(CLOCK, () => [{ SERVER_TIME: this.now }]);
    this.answer(/DB_HISTORY WHERE OPERATION = 'R'/, () => this.restores);
    this.answer(/DB_HISTORY/, () => this.backups);
    // The function leaves Db2's own system applications out, the view does not.
    this.answer(/MON_GET_CONNECTION/, () => this.#connections().filter(({ APPL_ID }) => !/\*LOCAL\.DB2/.test(APPL_ID)));
    this.answer(/SYSIBMADM\.APPLICATIONS/, () => this.#connections());
    this.database.answers.set(PROBE, () => this.probe);
  }

  #connections() {
    return [...this.own, ...this.connected].flatMap(
      ({ AUTHID, APPL_NAME, CLIENT_NNAME, CONNECTIONS, ADDRESS = "10.0.0.7" }, program) =>
        Array.from({ length: CONNECTIONS }, (_, index) => ({
          ...{ AUTHID, APPL_NAME, CLIENT: CLIENT_NNAME },
          APPL_ID: `${ADDRESS}.${40_000 + 1_000 * program + index}.260501120000`,
          OWN_ID: `${OWN_ADDRESS}.40000.260501120000`,
        })),
    );
  }

  get level() {
    return this.database.rows(HOMEPAGE)[0]?.DBSCHEMAVER;
  }

  set level(level) {
    this.database.set(HOMEPAGE, { DBSCHEMAVER: level ?? null });
  }

  /** Statements are known by a part of them where their wording is no promise. */
  answer(statement: string | RegExp, rows: () => readonly Row[]): void {
    if (typeof statement === "string") this.database.answers.set(statement, rows);
    else this.database.patterns.push([statement, rows]);
  }
}

export const statement = (more: Record<string, unknown> = {}) => ({
  statement: {
    by: "Jane Doe",
    date: "2026-05-01",
    host: "db2.example.com",
    database: "HOMEPAGE",
    component: "HOMEPAGE",
    level: 705,
    ...more,
  },
});

export const catalogProbe = (more: Record<string, unknown> = {}) => ({
  catalogProbe: { level: 705, sql: PROBE, expect: 1, ...more },
});

/** The inputs that a component would give. */
export const schemaInputs = (more: Stored = {}): Stored => ({
  database: "homepage",
  component: "HOMEPAGE",
  connection: {
    name: "homepage",
    host: "db2.example.com",
    database: "HOMEPAGE",
    user: "lcuser",
    password: { env: "DB2_PASSWORD" },
    marker: { database: "HOMEPAGE" },
  },
  home,
  contentProof: catalogProbe(),
  version: 705,
  from: [704],
  owner: "shop/prod/homepage-level",
  __provider: "pointer",
  lockLease: "5s",
  lockWait: "2s",
  ...more,
});

/** The provider of schema levels for one modelled database. */
export const schemaBench = (model: DatabaseModel) => schemaBenchOver(model.host, () => model.database);

/** The same for any databases. */
export function schemaBenchOver(host: MemoryHost, openDatabase: Parameters<typeof schemaVersionKind>[0]) {
  const kind = schemaVersionKind(openDatabase);
  return { kind, ...providerBench(kind, reaching(host), schemaInputs) };
}

/** What create is refused with, or undefined when the level was raised. */
export async function refusal(more: Stored, arrange: (model: DatabaseModel) => void = () => undefined) {
  const model = new DatabaseModel();
  arrange(model);
  const before = JSON.stringify(model.database.rows(HOMEPAGE));
  const error = await refusalOf(schemaBench(model).create(schemaInputs(more)));
  if (error !== undefined) {
    expect(JSON.stringify(model.database.rows(HOMEPAGE))).toBe(before);
    expect(model.database.written).toEqual([]);
  }
  return error;
}
