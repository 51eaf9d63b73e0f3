import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { resolveSecret } from "../providers/common/secret-resolver.js";
import { type DatabaseConnection, databaseSchema } from "../providers/targets/db2/connection.js";
import { connectionString } from "../providers/targets/db2/connection-string.js";
import { openDatabase } from "../providers/targets/db2/database.js";
import { requireDriver } from "../providers/targets/db2/driver.js";
import type { Benchmark } from "./benchmark.js";

const REPEATS = 9;
const WARM_UP = 1_000;
const QUERIES = 10_000;
const SQL = "SELECT COMPKEY, DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA";

/** The driver by itself, as short as it can be used: from its process's start to its first row, and how long of that it took itself. */
const DRIVER_ALONE = `
const started = performance.now();
require(process.env.DRIVER).open(process.env.CONNECTION).then(async (connection) => {
  const statement = await connection.prepare(process.env.SQL);
  await (await statement.execute([])).fetchAll();
  process.stdout.write(String(performance.now() - started), () => process.exit(0));
});`;

/**
 * Against the lab's Db2 server, with the real driver. `firstRowMilliseconds` is what a resource waits for its first answer, with the
 * driver's process started, the password read, the lock timeout set; `driverAlone…` is a process that does nothing but load the driver,
 * connect and read that row, as a whole and without the start of Node. Growths are over 10,000 queries, after a warm-up.
 */
export const db2: Benchmark = {
  summary: "first answer of a database, beside the driver's own; what 10,000 queries leave behind",

  async run() {
    const lab = await holdLab();
    try {
      const first: number[] = [];
      const alone: number[] = [];
      const aloneInside: number[] = [];
      for (let index = 0; index < REPEATS; index++) {
        first.push(await firstRow(lab.connection));
        const { whole, inside } = await driverAlone(lab.connection);
        alone.push(whole);
        aloneInside.push(inside);
      }
      return {
        firstRowMilliseconds: median(first),
        driverAloneMilliseconds: median(alone),
        driverAloneWithoutNodeMilliseconds: median(aloneInside),
        ...(await manyQueries(lab.connection)),
      };
    } finally {
      await lab.stop();
    }
  },
};

async function firstRow(connection: DatabaseConnection): Promise<number> {
  const database = openDatabase(connection);
  const started = performance.now();
  await database.query(SQL);
  const passed = performance.now() - started;
  await database.close();
  return passed;
}

async function driverAlone(connection: DatabaseConnection): Promise<{ whole: number; inside: number }> {
  const password = await resolveSecret(connection.password, "password of the lab");
  const env = {
    ...process.env,
    DRIVER: requireDriver("bench"),
    CONNECTION: connectionString(connection, password, connection),
    SQL,
  };
  const started = performance.now();
  const child = spawn(process.execPath, ["-e", DRIVER_ALONE], { env, stdio: ["ignore", "pipe", "inherit"] });
  const inside = await new Promise<string>((resolve) => child.stdout.once("data", (text) => resolve(String(text))));
  const whole = performance.now() - started;
  await new Promise((resolve) => child.once("exit", resolve));
  return { whole, inside: Number(inside) };
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
  const drivers = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isDriver(name));
  const all = [String(process.pid), ...drivers];
  return {
    ownMegabytes: residentMegabytes("self"),
    driverMegabytes: drivers.reduce((sum, pid) => sum + residentMegabytes(pid), 0),
    descriptors: all.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0),
    processes: drivers.length,
  };
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

interface HeldLab {
  readonly connection: DatabaseConnection;
  stop(): Promise<void>;
}

/** Benchmarks know no lab: it is a program that tells how to reach it. */
function holdLab(): Promise<HeldLab> {
  const child = spawn(process.execPath, [join(__dirname, "..", "lab", "db2", "hold.js")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the lab's Db2 server ended with ${code}`)));
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      if (!text.includes("\n")) return;
      child.removeAllListeners("exit");
      const gone = new Promise<void>((end) => child.once("exit", () => end()));
      resolve({
        connection: databaseSchema.parse(JSON.parse(text)),
        async stop() {
          child.stdin.end();
          await gone;
        },
      });
    });
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
