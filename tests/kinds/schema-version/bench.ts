import { schemaVersionKind } from "../../../providers/kinds/schema-version/kind.js";
import type { Access } from "../../../providers/lifecycle/kind.js";
import { managedProvider } from "../../../providers/lifecycle/provider.js";
import { plansOfThisProcess } from "../../../providers/lifecycle/shown.js";
import { snapshotReader } from "../../../providers/lifecycle/snapshot-reader.js";
import { connectionSchema } from "../../../providers/targets/connection.js";
import type { Row } from "../../../providers/targets/db2/database.js";
import { MemoryDatabase, type MemoryDatabaseOptions } from "../../support/memory-database.js";
import { MemoryHost, type MemoryHostOptions } from "../../support/memory-host.js";

export const HOMEPAGE = "HOMEPAGE.HOMEPAGE_SCHEMA";
const CLOCK = "SELECT CURRENT TIMESTAMP AS SERVER_TIME FROM SYSIBM.SYSDUMMY1";
export const PROBE = "SELECT COUNT(*) FROM SYSCAT.TABLES WHERE TABSCHEMA = 'HOMEPAGE' AND TABNAME = 'NR_NEW'";

export const home = connectionSchema.parse({
  name: "dmgr",
  address: "127.0.0.1",
  user: "admin",
  auth: { agent: true },
  stateDirectory: "/state",
  operationTimeout: "5s",
});

/** A modelled database with the table of Homepage at 704, a backup of this morning, and nobody connected. */
export class DatabaseModel {
  readonly database: MemoryDatabase;
  readonly host: MemoryHost;
  now = "2026-05-01 12:00:00.000000";
  backups: readonly Row[] = [{ START_TIME: "20260501060000", OPERATIONTYPE: "N" }];
  restores: readonly Row[] = [];
  /** Beside this program's own. */
  connected: readonly Row[] = [];
  own: readonly Row[] = [{ AUTHID: "LCUSER  ", APPL_NAME: "node", CLIENT_NNAME: "ops1", CONNECTIONS: 2 }];
  probe: readonly Row[] = [{ "1": 1 }];

  constructor(options: MemoryDatabaseOptions = {}, hostOptions: MemoryHostOptions = {}) {
    this.host = new MemoryHost(home, hostOptions);
    this.database = new MemoryDatabase("homepage", options);
    const columns = { COMPKEY: "VARCHAR(36)", DBSCHEMAVER: "INTEGER", RELEASEVER: "VARCHAR(32)" };
    this.database.put(HOMEPAGE, columns, { COMPKEY: "HOMEPAGE", DBSCHEMAVER: 704, RELEASEVER: "" });
    this.answer(CLOCK, () => [{ SERVER_TIME: this.now }]);
    this.answer(/DB_HISTORY WHERE OPERATION = 'R'/, () => this.restores);
    this.answer(/DB_HISTORY/, () => this.backups);
    this.answer(/SYSIBMADM\.APPLICATIONS/, () => [...this.own, ...this.connected]);
    this.database.answers.set(PROBE, () => this.probe);
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
export const schemaInputs = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
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

export type Stored = Record<string, unknown>;

/** The provider of schema levels for one modelled database, called as the engine calls it. */
export const schemaBench = (model: DatabaseModel) =>
  providerBench(model.host, () => model.database, "homepage/HOMEPAGE");

/** The same for any databases. */
export function providerBench(host: MemoryHost, openDatabase: Parameters<typeof schemaVersionKind>[0], id: string) {
  const said: string[] = [];
  const fresh: Access = { host: () => host, files: () => host.files };
  const cached: Access = { host: () => host, files: () => snapshotReader(host) };
  const kind = schemaVersionKind(openDatabase);
  const provider = managedProvider(kind, {
    fresh,
    cached,
    say: (line) => said.push(line),
    shown: plansOfThisProcess(),
  });
  const checked = async (olds: object, inputs: Record<string, unknown>): Promise<Stored> => {
    const { inputs: news, failures } = await provider.check(olds, inputs);
    if (failures?.length) throw new Error(JSON.stringify(failures));
    return { ...news, __provider: "pointer" };
  };
  const refreshed = async (olds: Stored) => (await provider.read(id, olds)) as { inputs: Stored; props: Stored };
  return {
    said,
    provider,
    kind,
    async create(inputs = schemaInputs()): Promise<Stored> {
      return { ...(await provider.create(await checked({}, inputs))).outs, __provider: "pointer" };
    },
    /** `pulumi up` with refresh; undefined = nothing to do. */
    async up(olds: Stored, inputs = schemaInputs()): Promise<Stored | undefined> {
      const { props } = await refreshed(olds);
      const news = await checked(props, inputs);
      const { changes } = await provider.diff(id, props, news);
      if (!changes) return undefined;
      return { ...(await provider.update(id, props, news)).outs, __provider: "pointer" };
    },
    /** `pulumi preview` with refresh: the lines it prints, and what it finds. */
    async preview(olds: Stored, inputs = schemaInputs()) {
      const before = said.length;
      const { inputs: found, props } = await refreshed(olds);
      const { changes } = await provider.diff(id, props, await checked(props, inputs));
      return { changes, found, props, lines: said.slice(before) };
    },
    destroy: (olds: Stored) => provider.delete(id, olds),
  };
}

/** What create is refused with, or undefined when the level was raised. */
export async function refusal(more: Stored, arrange: (model: DatabaseModel) => void = () => undefined) {
  const model = new DatabaseModel();
  arrange(model);
  const before = JSON.stringify(model.database.rows(HOMEPAGE));
  const error = await schemaBench(model)
    .create(schemaInputs(more))
    .then(
      () => undefined,
      (problem: Error) => problem.message,
    );
  if (error !== undefined) {
    expect(JSON.stringify(model.database.rows(HOMEPAGE))).toBe(before);
    expect(model.database.written).toEqual([]);
  }
  return error;
}
