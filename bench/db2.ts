import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDb2Lab } from "../lab/db2/lab.js";
import { resolveSecret } from "../providers/common/secret-resolver.js";
import { type DatabaseConnection, databaseSchema } from "../providers/targets/db2/connection.js";
import { connectionString, wholeSeconds } from "../providers/targets/db2/connection-string.js";
import { openDatabase } from "../providers/targets/db2/database.js";
import { requireDriver } from "../providers/targets/db2/driver.js";
import type { Benchmark, Figures } from "./benchmark.js";

/** In each all are measured, one after the other: what else the machine does then meets them all. */
const ROUNDS = 90;
const WARM_UP = 1_000;
const QUERIES = 10_000;
const SQL = "SELECT COMPKEY, DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA";

/**
 * The driver by itself, from its process's start to its first row, which it says in the cheapest way there is (standard output's stream
 * takes 2.5 ms more of the processor). Then it waits, to be looked at.
 */
const DRIVER = `
require(process.env.DRIVER).open(process.env.CONNECTION).then(async (connection) => {
  await firstRow(connection);
  require("node:fs").writeSync(1, "row");
});
setInterval(() => {}, 60_000);`;

/** As short as it can be used: a wait for a lock has no end, and the cursor stays open. */
const AT_ITS_SHORTEST = `${DRIVER}
async function firstRow(connection) {
  const statement = await connection.prepare(process.env.SQL);
  await (await statement.execute([])).fetchAll();
}`;

/** Used as it has to be: waits for locks end, and the cursor is closed before anybody goes on. */
const WITH_LIMITS = `${DRIVER}
async function firstRow(connection) {
  await connection.query(process.env.LIMIT);
  const statement = await connection.prepare(process.env.SQL);
  const result = await statement.execute([]);
  await result.fetchAll();
  await result.close();
  await statement.close();
}`;

/** From the start of a process with the driver in it to its first row: on the clock, and on its own processors. */
type FirstRow = {
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
};

/**
 * Against the lab's Db2 server, with the real driver. `ours` is what a resource waits for its first answer: the driver's process started,
 * the password read, the lock timeout set. `driver` is a process that only loads the driver, connects and reads that row, with the same
 * limits; `shortest` the same without them. `moreThan…` are medians of the differences within a round. `cpuMilliseconds` is processor time of the
 * process with the driver in it, which what else the machine does hardly disturbs. Growths are over 10,000 queries, after a warm-up.
 */
export const db2: Benchmark = {
  summary: "first answer of a database, beside the driver's own; what 10,000 queries leave behind",

  async run() {
    const directory = await mkdtemp(join(tmpdir(), "bench-db2-"));
    try {
      const lab = await startDb2Lab({ directory });
      try {
        return await measured(databaseSchema.parse(lab.connection()));
      } finally {
        await lab.stop();
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
};

async function measured(connection: DatabaseConnection): Promise<Figures> {
  const contenders = {
    ours: () => firstRow(connection),
    driver: () => driverAlone(connection, WITH_LIMITS),
    shortest: () => driverAlone(connection, AT_ITS_SHORTEST),
  };
  type Round = Record<keyof typeof contenders, FirstRow>;
  const names = Object.keys(contenders) as (keyof Round)[];
  const rounds: Round[] = [];
  for (let index = 0; index < ROUNDS; index++) {
    const round: Partial<Round> = {};
    // Each is first as often as the others.
    const first = index % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) round[name] = await contenders[name]();
    rounds.push(round as Round);
  }
  const medians = (figures: (round: Round) => FirstRow): FirstRow => ({
    milliseconds: median(rounds.map((round) => figures(round).milliseconds)),
    cpuMilliseconds: median(rounds.map((round) => figures(round).cpuMilliseconds)),
  });
  const moreThan = (other: keyof Round) =>
    medians(({ ours, [other]: others }) => ({
      milliseconds: ours.milliseconds - others.milliseconds,
      cpuMilliseconds: ours.cpuMilliseconds - others.cpuMilliseconds,
    }));
  return {
    rounds: ROUNDS,
    ours: medians(({ ours }) => ours),
    driver: medians(({ driver }) => driver),
    shortest: medians(({ shortest }) => shortest),
    moreThanDriver: moreThan("driver"),
    moreThanShortest: moreThan("shortest"),
    ...(await manyQueries(connection)),
  };
}

async function firstRow(connection: DatabaseConnection): Promise<FirstRow> {
  const database = openDatabase(connection);
  const started = performance.now();
  await database.query(SQL);
  const milliseconds = performance.now() - started;
  const cpuMilliseconds = driverProcesses().reduce((sum, pid) => sum + processorMilliseconds(pid), 0);
  await database.close();
  return { milliseconds, cpuMilliseconds };
}

async function driverAlone(connection: DatabaseConnection, program: string): Promise<FirstRow> {
  const password = await resolveSecret(connection.password, "password of the lab");
  const env = {
    ...process.env,
    DRIVER: requireDriver("bench"),
    CONNECTION: connectionString(connection, password, connection),
    LIMIT: `SET CURRENT LOCK TIMEOUT ${wholeSeconds(connection.lockTimeout)}`,
    SQL,
  };
  const started = performance.now();
  const child = spawn(process.execPath, ["-e", program], { env, stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const milliseconds = performance.now() - started;
  const cpuMilliseconds = processorMilliseconds(String(child.pid));
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
  return { milliseconds, cpuMilliseconds };
}

async function manyQueries(connection: DatabaseConnection): Promise<Record<string, number>> {
  const database = openDatabase(connection);
  const ask = async (times: number) => {
    for (let index = 0; index < times; index++) await database.query(SQL);
  };
  await ask(WARM_UP);
  const before = resources();
  const started = performance.now();
  await ask(QUERIES);
  const seconds = (performance.now() - started) / 1_000;
  const after = resources();
  await database.close();
  return {
    queries: QUERIES,
    seconds: round(seconds),
    driverGrowthMegabytes: round(after.driverMegabytes - before.driverMegabytes),
    ownGrowthMegabytes: round(after.ownMegabytes - before.ownMegabytes),
    fileDescriptorsGrowth: after.descriptors - before.descriptors,
    processesGrowth: after.processes - before.processes,
  };
}

/** Of this process and of the driver's below it. */
function resources() {
  const drivers = driverProcesses();
  const all = [String(process.pid), ...drivers];
  return {
    ownMegabytes: residentMegabytes("self"),
    driverMegabytes: drivers.reduce((sum, pid) => sum + residentMegabytes(pid), 0),
    descriptors: all.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0),
    processes: drivers.length,
  };
}

function driverProcesses(): readonly string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isDriver(name));
}

/** All its threads; the first figure of schedstat is nanoseconds on a processor. */
function processorMilliseconds(pid: string): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((id) =>
    Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
}

function isDriver(pid: string): boolean {
  if (statusOf(pid, "PPid") !== String(process.pid)) return false;
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("driver-process");
}

function residentMegabytes(pid: string): number {
  return Number(statusOf(pid, "VmRSS")?.replace(" kB", "") ?? 0) / 1_024;
}

function statusOf(pid: string, field: string): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return new RegExp(`^${field}:\\s+(.*)$`, "m").exec(status)?.[1];
  } catch {
    return undefined;
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
