// The process that has the Db2 driver in it: one for each connection, because some errors of ibm_db 4.0.1 abort the process it runs
// in, others never answer. It is told what to do on standard input, answers on a file of its own (what the driver prints to standard
// output goes nowhere), and ends with its parent.
//
// The driver is used only in the ways that were measured as safe (tests/targets/db2/driver-defects.test.ts keeps watch):
// - SELECT by prepare, execute, fetchAll, close: query() reads an error on the first row as "no rows", and blocks the event loop;
// - COMMIT as a statement: commitTransaction() resolves although the commit failed;
// - bytes as an object with a type: a bare Buffer is stored empty;
// - no catalog functions, no pool, no streams, nothing synchronous.
//
// It starts for every first connection, so it is CommonJS and loads nothing before it needs it: as an ES module that brings
// node:crypto along it took a sixth more processor time to its first row, with Node's own messages between processes a
// fifteenth more, for the sockets under them (bench/db2.ts).

import type { Answer, AnswerRow, BytesWithDigest, Failure, Limits, Operation, Parameter, Request } from "./protocol.js";

interface Result {
  fetchAll(): Promise<Record<string, unknown>[]>;
  close(): Promise<unknown>;
}
interface Statement {
  execute(parameters: readonly unknown[]): Promise<Result>;
  executeNonQuery(parameters: readonly unknown[]): Promise<number>;
  setAttr(attribute: number, value: number): Promise<unknown>;
  close(): Promise<unknown>;
}
interface DriverConnection {
  prepare(sql: string): Promise<Statement>;
  query(sql: string): Promise<unknown>;
  beginTransaction(): Promise<unknown>;
  rollbackTransaction(): Promise<unknown>;
  close(): Promise<unknown>;
}
interface Driver {
  open(connection: string): Promise<DriverConnection>;
}

// The engine ends a provider by a signal to its whole group. Our parent decides what becomes of what is under way: it may be in the midst of
// a transaction, and when it has ended, so do we, and clear up.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);

/** Rows that the driver fetches at most (SQL_ATTR_MAX_ROWS). */
const MAX_ROWS_ATTRIBUTE = 1;

class Refused extends Error {
  readonly kind: Failure["kind"];

  // Node runs this file as it stands in tests: only what it can strip.
  constructor(kind: Failure["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** File descriptors that our parent holds the other ends of (driver-link.ts). */
const REQUESTS = 0;
const ANSWERS = 3;
const CHUNK_BYTES = 65_536;
/** As in protocol.ts, which is not loaded. */
const HEAD_BYTES = 5;
const JSON_FORM = 0;
const V8_FORM = 1;

const cache = require("node:module") as typeof import("node:module");
const { read, rmSync, writeSync } = require("node:fs") as typeof import("node:fs");

let driver: Driver | Refused = new Refused("damaged", "the driver was not loaded");
let connection: DriverConnection | undefined;

async function perform(operation: Operation): Promise<{ rows?: readonly AnswerRow[]; changed?: number }> {
  if (operation.op === "load") {
    driver = load(operation.driver, operation.compiled);
    return {};
  }
  if (operation.op === "open") {
    if (driver instanceof Refused) throw driver;
    const opened = await driver.open(operation.connection);
    for (const statement of operation.settings) await opened.query(statement);
    connection = opened;
    return {};
  }
  const open = connection;
  if (!open) throw new Refused("damaged", "there is no connection");
  switch (operation.op) {
    case "query":
      return { rows: await select(open, operation.sql, operation.parameters, operation.limits) };
    case "execute":
      return { changed: await change(open, operation.sql, operation.parameters) };
    case "begin":
      await open.beginTransaction();
      await proveTransaction(open);
      return {};
    case "commit":
      await open.query("COMMIT");
      // Only to switch autocommit on again; what is stored is stored, whatever comes of that.
      await open.rollbackTransaction().catch(() => {
        connection = undefined;
      });
      return {};
    case "rollback":
      // Its own answer is worth as little as that of a commit.
      await open.query("ROLLBACK");
      await open.rollbackTransaction();
      return {};
    case "close":
      connection = undefined;
      await open.close();
      return {};
  }
}

/** Its word that autocommit is off is not enough: with it on, a savepoint is gone as soon as it is set. */
async function proveTransaction(open: DriverConnection): Promise<void> {
  await open.query("SAVEPOINT BEGUN ON ROLLBACK RETAIN CURSORS");
  try {
    await open.query("RELEASE SAVEPOINT BEGUN");
  } catch (error) {
    const { message } = failureOf(error);
    throw new Refused("damaged", `no transaction has begun: each statement would be stored at once (${message})`);
  }
}

function load(file: string, compiled: string | undefined): Driver | Refused {
  // Only from Node 22 on. Where that folder cannot be written, or what it holds is damaged, all is compiled as without it.
  if (compiled) cache.enableCompileCache?.(compiled);
  try {
    return require(file) as Driver;
  } catch (error) {
    return new Refused("missing-driver", error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  }
}

async function select(
  open: DriverConnection,
  sql: string,
  parameters: readonly Parameter[],
  limits: Limits,
): Promise<AnswerRow[]> {
  const bound = parameters.map(bind);
  const statement = await open.prepare(sql);
  try {
    await statement.setAttr(MAX_ROWS_ATTRIBUTE, limits.rows + 1);
    const result = await statement.execute(bound);
    try {
      return checked(await result.fetchAll(), limits);
    } finally {
      await result.close();
    }
  } finally {
    await statement.close();
  }
}

async function change(open: DriverConnection, sql: string, parameters: readonly Parameter[]): Promise<number> {
  const bound = parameters.map(bind);
  const statement = await open.prepare(sql);
  try {
    // The documentation says -1 for no rows.
    return Math.max(0, await statement.executeNonQuery(bound));
  } finally {
    await statement.close();
  }
}

function bind(parameter: Parameter): unknown {
  if (parameter === null || typeof parameter !== "object") return parameter;
  const data = Buffer.from(parameter.bytes);
  if (digest(data) !== parameter.sha256) throw new Refused("damaged", "bytes changed on their way to the driver");
  return { ParamType: "INPUT", CType: "BINARY", SQLType: "BLOB", Data: data };
}

function checked(rows: Record<string, unknown>[], limits: Limits): AnswerRow[] {
  if (rows.length > limits.rows) throw new Refused("too-much", `more than ${limits.rows} rows`);
  let bytes = 0;
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => {
        bytes += value instanceof Uint8Array ? value.length : typeof value === "string" ? 2 * value.length : 8;
        if (bytes > limits.bytes) throw new Refused("too-much", `more than ${limits.bytes} bytes`);
        return [name, plain(value)];
      }),
    ),
  );
}

function plain(value: unknown): string | number | boolean | null | BytesWithDigest {
  if (value instanceof Uint8Array) {
    holdsBytes = true;
    return { bytes: value, sha256: digest(value) };
  }
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "boolean") return value;
  // JSON would make null of another.
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new Refused("damaged", `the driver gave a value that cannot be told: ${typeof value}`);
}

function digest(bytes: Uint8Array): string {
  const { createHash } = require("node:crypto") as typeof import("node:crypto");
  return createHash("sha256").update(bytes).digest("hex");
}

/** The prebuilt binding rejects with a plain object, a compiled one with an Error; both with these fields. */
function failureOf(error: unknown): Failure {
  if (error instanceof Refused) {
    return { kind: error.kind, message: error.message, sqlcode: 0, sqlstate: "", lost: error.kind !== "too-much" };
  }
  const { message, sqlcode, sqlstate, error: kind } = (error ?? {}) as Record<string, unknown>;
  const text = String(message ?? kind ?? error).trim();
  const odbcState = typeof sqlstate === "string" ? sqlstate : "";
  const code = Number(sqlcode) || 0;
  return {
    kind: "driver",
    message: text,
    sqlcode: code,
    sqlstate: /SQLSTATE=(\w{5})/.exec(text)?.[1] ?? odbcState,
    lost:
      code === -30081 || /^08|^40003/.test(odbcState) || /CLI0600E|CLI0106E|CLI0108E|SQLSTATE=(08|40003)/.test(text),
  };
}

let order: Promise<void> = Promise.resolve();

/** Whether there are bytes in the answer that is being made. */
let holdsBytes = false;

/** The request that is being answered. */
let current: number | undefined;

async function respond(request: Request): Promise<void> {
  let answer: Answer;
  current = request.id;
  holdsBytes = false;
  try {
    answer = { id: request.id, ok: true, ...(await perform(request)) };
  } catch (error) {
    answer = { id: request.id, ok: false, failure: failureOf(error) };
  }
  current = undefined;
  send(answer);
  // By now all that a query needs is compiled. Writes nothing where it is kept already.
  if (request.op === "query") cache.flushCompileCache?.();
}

function send(answer: Answer): void {
  const message = holdsBytes ? v8().serialize(answer) : Buffer.from(JSON.stringify(answer));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(message.length);
  head.writeUInt8(holdsBytes ? V8_FORM : JSON_FORM, HEAD_BYTES - 1);
  try {
    for (const part of [head, message]) {
      for (let sent = 0; sent < part.length; ) sent += writeSync(ANSWERS, part, sent);
    }
  } catch {
    end();
  }
}

function v8(): typeof import("node:v8") {
  return require("node:v8");
}

/** Of a request that has come in part, and how many bytes are needed to go on. */
let parts: Buffer[] = [];
let come = 0;
let needed = HEAD_BYTES;

function receive(chunk: Buffer): void {
  parts.push(chunk);
  come += chunk.length;
  while (come >= needed) {
    const all = Buffer.concat(parts);
    parts = [all];
    needed = HEAD_BYTES + all.readUInt32LE();
    if (come < needed) return;
    const message = all.subarray(HEAD_BYTES, needed);
    const isV8 = all[HEAD_BYTES - 1] === V8_FORM;
    const request: Request = isV8 ? v8().deserialize(message) : JSON.parse(message.toString());
    order = order.then(() => respond(request));
    parts = [all.subarray(needed)];
    come -= needed;
    needed = HEAD_BYTES;
  }
}

const chunk = Buffer.allocUnsafe(CHUNK_BYTES);

function listen(): void {
  read(REQUESTS, chunk, 0, CHUNK_BYTES, null, (error, length) => {
    if (error || length === 0) return end();
    receive(Buffer.from(chunk.subarray(0, length)));
    listen();
  });
}

/** Our parent has ended, or wants us to. */
function end(): void {
  // If it is gone nobody else removes the folder for the driver's own notes.
  const folder = process.env.DB2CLIINIPATH;
  if (folder) rmSync(folder, { recursive: true, force: true });
  // An orderly end would wait for a thread that waits for the server.
  process.kill(process.pid, "SIGKILL");
}

/** What the driver threw where nobody could catch it. Node would end in order: after our parent's next request, which is not to come. */
process.on("uncaughtException", () => {
  const found = "the driver failed without an answer, as it does where a value of a row cannot be fetched";
  holdsBytes = false;
  if (current !== undefined) send({ id: current, ok: false, failure: failureOf(new Refused("driver", found)) });
  end();
});

listen();
