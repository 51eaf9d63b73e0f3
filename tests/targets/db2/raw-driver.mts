// Uses the driver as our code must not, one way for each run, in a process of its own: some of them end it.
// Told by environment variables: DRIVER (file), CONNECTION (string), USE (name below). Prints what came of it as one line of JSON.

import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";

// biome-ignore lint/suspicious/noExplicitAny: the driver has no types that are worth checking misuse against
type Any = any;

const { DRIVER = "", CONNECTION = "", USE = "", EXTRA = "" } = process.env;
const driver: Any = createRequire(DRIVER)(DRIVER);
const LEVEL = "SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA";
const LOCKED = `${LEVEL} FOR UPDATE WITH RS`;
const UPDATE = "UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = 705";

const outcome = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => ({ resolved: value ?? null }),
    (error) => ({ rejected: error.sqlcode ?? String(error), isError: error instanceof Error, odbc: error.sqlstate }),
  );

async function prepared(connection: Any, sql: string, parameters: unknown[] = []): Promise<unknown> {
  const statement = await connection.prepare(sql);
  const result = await statement.execute(parameters);
  try {
    return await result.fetchAll();
  } finally {
    await result.close();
  }
}

/** What is said on standard input, once. */
const told = () => new Promise<void>((resolve) => process.stdin.once("data", () => resolve()));

/** Whether this process hears anything while it waits for the driver: the order in which the two came. */
async function orderOf(work: Promise<unknown>): Promise<unknown> {
  const order: string[] = [];
  void told().then(() => {
    order.push("heard");
    process.stdout.write("heard\n");
  });
  await work;
  order.push("answered");
  return { resolved: order };
}

async function selected(connection: Any, value: unknown): Promise<unknown> {
  const statement = await connection.prepare("UPDATE HOMEPAGE.DEFECTS SET B = ?");
  await statement.executeNonQuery([value]);
  return prepared(connection, "SELECT B FROM HOMEPAGE.DEFECTS");
}

async function savepoint(connection: Any): Promise<void> {
  await connection.query("SAVEPOINT BEGUN ON ROLLBACK RETAIN CURSORS");
  await connection.query("RELEASE SAVEPOINT BEGUN");
}

const USES: Record<string, (connection: Any) => Promise<unknown>> = {
  commitTransaction: async (connection) => {
    await connection.beginTransaction();
    await connection.query(UPDATE);
    return outcome(connection.commitTransaction());
  },
  commitAsSql: async (connection) => {
    await connection.beginTransaction();
    await connection.query(UPDATE);
    return outcome(connection.query("COMMIT"));
  },
  commitTransactionRefused: async (connection) => {
    await connection.beginTransaction();
    for (let twice = 0; twice < 2; twice++) await connection.query("INSERT INTO HOMEPAGE.LATE VALUES (1)");
    return outcome(connection.commitTransaction());
  },
  commitAsSqlRefused: async (connection) => {
    await connection.beginTransaction();
    for (let twice = 0; twice < 2; twice++) await connection.query("INSERT INTO HOMEPAGE.LATE VALUES (1)");
    return outcome(connection.query("COMMIT"));
  },
  rolledBack: async (connection) => {
    await connection.beginTransaction();
    await connection.query(UPDATE);
    return outcome(connection.query("ROLLBACK"));
  },
  rolledBackWithoutBegin: async (connection) => {
    await connection.query(UPDATE);
    return outcome(connection.query("ROLLBACK"));
  },
  savepoint: async (connection) => {
    await connection.beginTransaction();
    return outcome(savepoint(connection));
  },
  savepointWithoutBegin: (connection) => outcome(savepoint(connection)),
  queryLocked: (connection) => outcome(connection.query(LOCKED)),
  preparedLocked: (connection) => outcome(prepared(connection, LOCKED)),
  queryHeld: (connection) => orderOf(connection.query(LEVEL)),
  preparedHeld: (connection) => orderOf(prepared(connection, LEVEL)),
  preparedWhenTold: async (connection) => {
    process.stdout.write("open\n");
    await told();
    process.stdout.write("asking\n");
    return outcome(prepared(connection, LEVEL));
  },
  rowError: (connection) => outcome(prepared(connection, "SELECT 1 / (ID - 2) AS A FROM HOMEPAGE.LOBS")),
  lobInRow: (connection) => outcome(prepared(connection, "SELECT CAST(X AS BLOB(1M)) AS X FROM HOMEPAGE.LOBS")),
  lobByLocator: (connection) => outcome(prepared(connection, "SELECT X FROM HOMEPAGE.LOBS")),
  bigNumber: (connection) => outcome(selected(connection, Number.MAX_SAFE_INTEGER)),
  bigNumberAsText: (connection) => outcome(selected(connection, String(Number.MAX_SAFE_INTEGER))),
  bigint: (connection) => outcome(selected(connection, 5n)),
  date: (connection) =>
    outcome(prepared(connection, "SELECT 1 FROM SYSIBM.SYSDUMMY1 WHERE CURRENT TIMESTAMP > ?", [new Date()])),
  bareBuffer: async (connection) => {
    const statement = await connection.prepare("UPDATE HOMEPAGE.DEFECTS SET X = ?");
    return outcome(statement.executeNonQuery([Buffer.from("abc")]));
  },
  tooManyParameters: (connection) =>
    outcome(prepared(connection, "SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA WHERE DBSCHEMAVER > ?", [1, 2, 3])),
  decimal: (connection) =>
    outcome(prepared(connection, "SELECT CAST(710.10 AS DECIMAL(10,2)) AS D FROM SYSIBM.SYSDUMMY1")),
  columns: (connection) => outcome(connection.columns(null, "HOMEPAGE", "HOMEPAGE_SCHEMA", null)),
  errorShape: (connection) => outcome(prepared(connection, "SELECT * FROM HOMEPAGE.NOTHING")),
  connect: async () => ({ resolved: "connected" }),
  workerThread: () => {
    const text = `const d = require(${JSON.stringify(DRIVER)}); d.open(${JSON.stringify(CONNECTION)}).then(() => process.exit(0));`;
    return new Promise((_resolve, reject) => new Worker(text, { eval: true }).on("error", reject));
  },
};

async function main(): Promise<void> {
  const use = USES[USE];
  if (!use) throw new Error(`no use ${USE}`);
  const connecting = driver.open(`${CONNECTION}${EXTRA}`);
  if (USE === "connect") {
    process.stdout.write(JSON.stringify(await outcome(connecting.then(() => "connected"))));
    process.exit(0);
  }
  const connection = USE === "workerThread" ? undefined : await connecting;
  process.stdout.write(JSON.stringify(await use(connection)));
  process.exit(0);
}

void main();
