import { randomBytes } from "node:crypto";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { type DatabaseConnection, databaseSchema } from "../../providers/targets/db2/connection.js";
import { ask } from "../ask.js";
import { buildDb2, DATABASE_USER } from "./build.js";

const CONTROL_TIMEOUT_MS = 30_000;

/** What can be made to go wrong. Each stays on until it is switched off. */
export const DB2_FAULTS = [
  "refuse",
  "stall",
  "slow",
  "drop-before-commit",
  "drop-after-commit",
  "wrong-password",
  "lock-row",
  "hold-close",
] as const;
export type Db2Fault = (typeof DB2_FAULTS)[number];

/** The databases of an estate, by the names they usually have; each holds the schemas of its components. */
export const DB2_DATABASES = [
  "BLOGS",
  "DOGEAR",
  "FILES",
  "FORUM",
  "HOMEPAGE",
  "METRICS",
  "MOBILE",
  "OPNACT",
  "PEOPLEDB",
  "PNS",
  "SNCOMM",
  "WIKIS",
] as const;
export type Db2DatabaseName = (typeof DB2_DATABASES)[number];

/** A running stand-in for a Db2 server: Apache Derby, which the real driver takes for one. */
export interface Db2Server {
  readonly directory: string;
  readonly address: string;
  readonly port: number;
  /** Holds the password of the database user; readable by its owner only. */
  readonly passwordFile: string;
  /** How to reach one of its databases, default HOMEPAGE; anything can be replaced. */
  connection(database?: Db2DatabaseName, changes?: Partial<z.input<typeof databaseSchema>>): DatabaseConnection;
  /** Runs one statement as somebody else would, in a session of its own beside the driver. Values come as text. */
  sql(text: string, database?: Db2DatabaseName): Promise<readonly Readonly<Record<string, string | null>>[]>;
  fault(name: Db2Fault, on: boolean): Promise<void>;
  /** Answers once so many closes of cursors are held back, by the fault `hold-close`. */
  held(closes: number): Promise<void>;
  /** Ends all connections that are open. */
  cut(): Promise<void>;
}

/** Where it listens. Ports: 0 = any that is free. */
export interface Db2Place {
  readonly address: string;
  readonly drda: number;
  readonly control: number;
}

/** How to run the server. It ends when its standard input does. */
export interface Db2Program {
  readonly command: readonly [string, ...string[]];
  /** Secret: what it reads first on standard input. */
  readonly input: string;
  readonly log: string;
}

const passwordFileIn = (directory: string): string => join(directory, "db2-password");

/**
 * Puts the databases and their user's password into the directory; those that are there already stay as they are.
 *
 * @throws ProblemError `missing` when this machine lacks something, see `db2LabProblem`; `command-failed`
 */
export async function prepareDb2(directory: string, place: Db2Place, token: string): Promise<Db2Program> {
  const build = await buildDb2();
  await mkdir(directory, { recursive: true });
  const databases = join(directory, "databases");
  const kept = await readFile(passwordFileIn(directory), "utf8").catch(() => "");
  const password = kept || randomBytes(18).toString("base64url");
  if (!kept) {
    await rm(databases, { recursive: true, force: true }); // of a start that did not come this far
    await cp(build.databases, databases, { recursive: true });
    await writeFile(passwordFileIn(directory), password, { mode: 0o600 });
  }
  return {
    command: [
      build.java,
      ...["--add-opens", "java.base/javax.net=ALL-UNNAMED"],
      // Quick to start and small: it serves a handful of connections.
      ...["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC"],
      ...["-cp", build.classPath, "LabServer", "serve", databases, DATABASE_USER],
      ...[place.address, String(place.drda), String(place.control)],
    ],
    input: `${password}\n${token}\n`,
    log: join(directory, "db2.log"),
  };
}

/** The server that runs there, with its databases in this directory. */
export function db2Server(directory: string, place: Db2Place, token: string): Db2Server {
  const passwordFile = passwordFileIn(directory);
  const { address } = place;
  const control = (path: string, body = "") =>
    ask({
      ...{ where: "the lab's Db2 server", address, port: place.control, token },
      ...{ method: "POST", path, body, timeoutMs: CONTROL_TIMEOUT_MS },
    });
  return {
    directory,
    address,
    port: place.drda,
    passwordFile,
    connection: (database = "HOMEPAGE", changes = {}) =>
      databaseSchema.parse({
        name: database.toLowerCase(),
        host: address,
        port: place.drda,
        database,
        user: DATABASE_USER,
        password: { file: passwordFile },
        // Derby knows no encrypted passwords.
        authentication: "server",
        ...changes,
      }),
    sql: async (text, database = "HOMEPAGE") => JSON.parse(await control(`/sql/${database}`, text)),
    fault: async (name, on) => void (await control(`/fault/${name}/${on ? "on" : "off"}`)),
    held: async (closes) => void (await control(`/held/${closes}`)),
    cut: async () => void (await control("/cut")),
  };
}
