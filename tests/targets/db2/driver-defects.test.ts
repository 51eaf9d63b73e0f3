import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Db2Lab } from "../../../lab/db2/lab.js";
import { connectionString } from "../../../providers/targets/db2/connection-string.js";
import { closeAllDatabases, openDatabase } from "../../../providers/targets/db2/database.js";
import { findDriver } from "../../../providers/targets/db2/driver.js";
import { requestFrame } from "../../../providers/targets/db2/frames.js";
import type { Operation } from "../../../providers/targets/db2/protocol.js";
import { describeDb2, startTestDb2 } from "./lab.js";

/** Longer than any use takes that ends at all. */
const LIMIT_MS = 8_000;
/** For uses that nothing but a defect makes last: none of them is expected to be killed. */
const LONG_MS = 30_000;

interface Came {
  /** How its process ended. */
  readonly ended: "well" | "killed by us" | string;
  readonly said?: {
    readonly resolved?: unknown;
    readonly rejected?: unknown;
    readonly isError?: boolean;
    readonly odbc?: string;
  };
}

interface Started {
  readonly came: Promise<Came>;
  tell(): void;
  /** Answers once it has said so. Fails if it ends before. */
  said(line: string): Promise<void>;
}

/**
 * What ibm_db 4.0.1 does wrong, and what our code does instead. A test that goes red here means that another release does better
 * or worse than what providers/targets/db2/driver-process.cts relies on: look there, then correct the expectation.
 */
describeDb2("defects of the driver, one by one", () => {
  let lab: Db2Lab;
  const text = () => readFileSync(lab.passwordFile, "utf8");
  const connection = (changes: { password?: string; port?: number } = {}) =>
    [
      `DATABASE=HOMEPAGE;HOSTNAME=127.0.0.1;PORT=${changes.port ?? lab.port};PROTOCOL=TCPIP;UID=db2inst1;`,
      `PWD=${changes.password ?? text()};Authentication=SERVER;LOBCacheSize=33554432;`,
    ].join("");

  interface Options {
    readonly extra?: string;
    readonly password?: string;
    readonly port?: number;
    readonly whole?: string;
    readonly limitMs?: number;
  }

  function start(name: string, options: Options = {}): Started {
    const env = {
      PATH: process.env.PATH,
      DRIVER: findDriver(),
      CONNECTION: options.whole ?? connection(options),
      USE: name,
      EXTRA: options.extra,
    };
    let child: ChildProcess | undefined;
    const came = new Promise<Came>((resolve) => {
      const limit = { timeout: options.limitMs ?? LIMIT_MS, killSignal: "SIGKILL" as const };
      child = execFile(process.execPath, [join(__dirname, "raw-driver.mts")], { ...limit, env }, (error, stdout) => {
        const how = error?.killed ? "killed by us" : (error?.signal ?? `exit code ${error?.code}`);
        const last = stdout.split("\n").at(-1) ?? "";
        resolve({ ended: error ? how : "well", said: /^\{.*\}$/.test(last) ? JSON.parse(last) : undefined });
      });
    });
    child?.stdin?.on("error", () => undefined);
    let printed = "";
    child?.stdout?.on("data", (chunk) => {
      printed += chunk;
    });
    return {
      came,
      tell: () => void child?.stdin?.write("\n"),
      said: (line) =>
        new Promise((resolve, reject) => {
          const look = () => printed.split("\n").includes(line) && resolve();
          child?.stdout?.on("data", look);
          look();
          void came.then(({ ended }) => reject(new Error(`${name} ended (${ended}) without saying "${line}"`)));
        }),
    };
  }

  const use = (name: string, options?: Options): Promise<Came> => start(name, options).came;

  const withFault = async <T>(fault: Parameters<Db2Lab["fault"]>[0], work: () => Promise<T>): Promise<T> => {
    await lab.fault(fault, true);
    try {
      return await work();
    } finally {
      await lab.fault(fault, false);
    }
  };

  beforeAll(async () => {
    lab = await startTestDb2();
    await lab.sql("CREATE TABLE HOMEPAGE.DEFECTS (ID INTEGER, B BIGINT, X BLOB(1M))");
    await lab.sql("INSERT INTO HOMEPAGE.DEFECTS (ID) VALUES (1)");
    await lab.sql("CREATE TABLE HOMEPAGE.LOBS (ID INTEGER, X BLOB(64M))");
    await lab.sql("INSERT INTO HOMEPAGE.LOBS VALUES (1, CAST(X'01' AS BLOB(64M))), (2, CAST(X'02' AS BLOB(64M)))");
    await lab.sql(
      "CREATE TABLE HOMEPAGE.LATE (A INTEGER NOT NULL, CONSTRAINT LATE_PK PRIMARY KEY (A) INITIALLY DEFERRED)",
    );
  }, 120_000);
  afterAll(() => lab.stop());

  it("commitTransaction() resolves although the line died: COMMIT as a statement does not", async () => {
    expect(await withFault("drop-before-commit", () => use("commitTransaction"))).toMatchObject({
      said: { resolved: true },
    });
    expect(await lab.sql("SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA")).toEqual([{ DBSCHEMAVER: "704" }]);
    expect(await withFault("drop-before-commit", () => use("commitAsSql"))).toMatchObject({
      said: { rejected: -30081 },
    });
  });

  it("commitTransaction() resolves although the server refused: COMMIT as a statement does not", async () => {
    expect(await use("commitTransactionRefused")).toMatchObject({ said: { resolved: true } });
    expect(await lab.sql("SELECT * FROM HOMEPAGE.LATE")).toEqual([]);
    const { said } = await use("commitAsSqlRefused");
    expect(said?.rejected).toBeLessThan(0);
  });

  it("promise 20: what follows beginTransaction() is stored by a commit only; without it, at once", async () => {
    const level = async () => (await lab.sql("SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA"))[0]?.DBSCHEMAVER;
    await lab.sql("UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = 704");
    expect(await use("rolledBack")).toMatchObject({ ended: "well", said: { resolved: expect.anything() } });
    expect(await level()).toBe("704");
    expect((await use("rolledBackWithoutBegin")).ended).toBe("well");
    expect(await level()).toBe("705");
    await lab.sql("UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = 704");
  });

  it("a savepoint lives on after beginTransaction() only: that is how we know", async () => {
    expect((await use("savepoint")).said).toEqual({ resolved: null });
    expect((await use("savepointWithoutBegin")).said).toMatchObject({ rejected: expect.any(Number), odbc: "3B001" });
  });

  it("query() reads a lock timeout at the first row as no rows: prepare, execute, fetchAll does not", async () => {
    expect(await withFault("lock-row", () => use("queryLocked"))).toMatchObject({ said: { resolved: [] } });
    expect(await withFault("lock-row", () => use("preparedLocked"))).toMatchObject({ said: { rejected: -911 } });
  });

  it("query() hears nothing while its cursor is closed: prepare, execute, fetchAll, close does", async () => {
    const [query, prepared] = await withFault("hold-close", async () => {
      const both = [start("queryHeld", { limitMs: LONG_MS }), start("preparedHeld", { limitMs: LONG_MS })] as const;
      await lab.held(2);
      for (const one of both) one.tell();
      // Both have been told the same; when one has heard it, the other one could have.
      await both[1].said("heard");
      return both;
    });
    expect((await query.came).said).toEqual({ resolved: ["answered"] });
    expect((await prepared.came).said).toEqual({ resolved: ["heard", "answered"] });
  }, 60_000);

  it("our process hears of its parent's end while a cursor is closed", async () => {
    const file = join(__dirname, "../../../providers/targets/db2/driver-process.cts");
    const child = spawn(process.execPath, [file], {
      stdio: ["pipe", "ignore", "ignore", "pipe"],
      timeout: LONG_MS,
      killSignal: "SIGTERM",
    });
    const ended = once(child, "exit");
    const limits = { rows: 1, bytes: 1_024 };
    const operations: Operation[] = [
      { op: "load", driver: findDriver() ?? "" },
      { op: "open", connection: connection(), settings: [] },
      { op: "query", sql: "SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA", parameters: [], limits },
    ];
    await withFault("hold-close", async () => {
      for (const [id, operation] of operations.entries()) child.stdin?.write(requestFrame({ ...operation, id }));
      await lab.held(1);
      child.stdin?.end();
      // By itself: our own limit would be SIGTERM.
      expect(await ended).toEqual([null, "SIGKILL"]);
    });
  }, 60_000);

  it("QueryTimeout has no effect with Interrupt=0: as we connect, it has", async () => {
    const ours = connectionString(lab.connection("HOMEPAGE", { statementTimeout: "2s", lockTimeout: "1s" }), text(), {
      host: "127.0.0.1",
      port: lab.port,
    });
    const options = { limitMs: LONG_MS };
    const limited = start("preparedWhenTold", { ...options, whole: ours });
    const unlimited = start("preparedWhenTold", { ...options, whole: ours.replace("Interrupt=2;", "Interrupt=0;") });
    await Promise.all([limited.said("open"), unlimited.said("open")]);
    await withFault("stall", async () => {
      unlimited.tell();
      await unlimited.said("asking");
      limited.tell();
      expect((await limited.came).said).toMatchObject({ rejected: -30081 });
    });
    // It asked before the other one did, whose time is over, and it still waits: it gets its rows as if nothing had been.
    expect((await unlimited.came).said).toEqual({ resolved: [{ DBSCHEMAVER: 704 }] });
  }, 60_000);

  it("a value that fails while it is fetched ends the process, which is not the one that asks", async () => {
    // A row that fails as a whole is an error as others are, and a LOB that comes with its row is none.
    expect((await use("rowError")).said).toMatchObject({ rejected: -801 });
    expect((await use("lobInRow")).said).toMatchObject({ resolved: [{ X: { data: [1] } }, { X: { data: [2] } }] });
    // Declared larger than LOBCacheSize, it is fetched by a locator, which this server refuses.
    const { ended, said } = await use("lobByLocator", { limitMs: LONG_MS });
    expect({ ended, said }).toEqual({ ended: expect.stringMatching(/^exit code|^SIG/), said: undefined });
    const database = openDatabase(lab.connection());
    try {
      const work = database.transaction(async (tx) => {
        await tx.execute("UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = 705");
        await tx.query("SELECT X FROM HOMEPAGE.LOBS");
      });
      await expect(work).rejects.toMatchObject({ cause: "unreachable", left: "lost" });
      await expect(work).rejects.toThrow(
        /the driver('s process ended| failed without).*Nothing of this transaction is stored/,
      );
      expect(await database.query("SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA")).toEqual([{ DBSCHEMAVER: 704 }]);
    } finally {
      await closeAllDatabases();
    }
  }, 60_000);

  it("a bare Buffer is not taken as bytes", async () => {
    const { said } = await use("bareBuffer");
    const stored = await lab.sql("SELECT LENGTH(X) AS N FROM HOMEPAGE.DEFECTS");
    expect({ refused: said?.rejected !== undefined, stored }).not.toEqual({ refused: false, stored: [{ N: "3" }] });
  });

  it("a large number arrives as another one: text arrives as it is", async () => {
    expect(await use("bigNumber")).toMatchObject({ said: { resolved: [{ B: "9007199254740992" }] } });
    expect(await use("bigNumberAsText")).toMatchObject({ said: { resolved: [{ B: "9007199254740991" }] } });
  });

  it("BigInt and Date are refused as parameters", async () => {
    for (const name of ["bigint", "date"]) expect((await use(name)).said?.rejected).toBeDefined();
  });

  it("a DECIMAL loses its trailing zeros", async () => {
    expect(await use("decimal")).toMatchObject({ said: { resolved: [{ D: 710.1 }] } });
  });

  it("too many parameters are accepted without a word", async () => {
    expect(await use("tooManyParameters")).toMatchObject({ said: { resolved: [{ DBSCHEMAVER: 704 }] } });
  });

  it("an error is no Error, and its state is ODBC's, not Db2's", async () => {
    expect(await use("errorShape")).toMatchObject({ said: { rejected: -204, isError: false, odbc: "42S02" } });
  });

  it("a catalog function ends the process or never answers", async () => {
    const { ended, said } = await use("columns");
    expect({ ended, resolved: said?.resolved }).not.toEqual({ ended: "well", resolved: expect.anything() });
  });

  it("a worker thread ends the process", async () => {
    expect((await use("workerThread")).ended).toMatch(/^SIG|killed by us/);
  });

  it("there is no way to quote a password", async () => {
    expect(await use("connect")).toMatchObject({ said: { resolved: "connected" } });
    for (const password of [`{${text()}}`, `"${text()}"`, `'${text()}'`]) {
      expect(await use("connect", { password })).toMatchObject({ said: { rejected: -30082 } });
    }
    // What follows a ; is a keyword of its own.
    expect(await use("connect", { password: `${text()};UID=nobody` })).toMatchObject({
      said: { resolved: "connected" },
    });
  });

  it("a keyword that it does not know is ignored: here one that asks for TLS", async () => {
    expect(await use("connect", { extra: "sslConnection=true;" })).toMatchObject({ said: { resolved: "connected" } });
  });

  it("ConnectTimeout has no effect on a TLS server that is silent", async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => void sockets.add(socket.on("error", () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = address !== null && typeof address !== "string" ? address.port : 0;
    try {
      const plain = await use("connect", { port, extra: "ConnectTimeout=1;" });
      expect(plain).toMatchObject({ ended: "well", said: { rejected: -30081 } });
      const tls = await use("connect", { port, extra: "ConnectTimeout=1;Security=SSL;", limitMs: 5_000 });
      expect(tls.ended).toBe("killed by us");
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  }, 30_000);
});
