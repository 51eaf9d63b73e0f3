import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import type { Db2Lab } from "../../../lab/db2/lab.js";
import { ProblemError } from "../../../providers/common/problem.js";
import { closeAllDatabases, type Database, openDatabase } from "../../../providers/targets/db2/database.js";
import { closeAllHosts } from "../../../providers/targets/hosts.js";
import { startSshd } from "../../support/sshd.js";
import { silentServer, tlsFront } from "./fronts.js";
import { describeDb2, startTestDb2 } from "./lab.js";

const LEVEL = "SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA";
const LOCKED = `${LEVEL} FOR UPDATE WITH RS`;
const SET = "UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = ?";

describeDb2("faults on the way to a Db2 database", () => {
  let lab: Db2Lab;
  const open = (changes: Parameters<Db2Lab["connection"]>[1] = {}): Database =>
    openDatabase(lab.connection("HOMEPAGE", changes));
  const level = async () => (await lab.sql(LEVEL))[0]?.DBSCHEMAVER;

  beforeAll(async () => {
    lab = await startTestDb2();
  }, 120_000);
  beforeEach(async () => {
    await lab.sql("UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = 704");
  });
  afterEach(async () => {
    await closeAllDatabases();
    expect(driverProcesses()).toEqual([]);
    const ours = `pulumi-connections-db2-${process.pid}-`;
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(ours))).toEqual([]);
  });
  afterAll(async () => {
    await closeAllHosts();
    await lab.stop();
  });

  const failure = async (work: Promise<unknown>): Promise<ProblemError> => {
    const error = await work.then(
      () => "it succeeded",
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(ProblemError);
    return error;
  };

  it("promise 14: a wrong password is one refused login for all who wait, and appears nowhere", async () => {
    await lab.fault("wrong-password", true);
    const password = readFileSync(lab.passwordFile, "utf8");
    try {
      const database = open();
      const errors = await Promise.all(Array.from({ length: 5 }, () => failure(database.query(LEVEL))));
      for (const error of errors) expect(error).toMatchObject({ cause: "login", sqlcode: -30082 });
      expect(new Set(errors).size).toBe(1);
      expect(JSON.stringify(errors) + errors[0]?.stack).not.toContain(password);
    } finally {
      await lab.fault("wrong-password", false);
      // As another process would be: this one tries no refused login again.
      await closeAllDatabases();
    }
    expect(await open().query(LEVEL)).toEqual([{ DBSCHEMAVER: 704 }]);
  });

  it("promise 14: the driver's process has no secret in its arguments and nothing of ours in its environment", async () => {
    process.env.DB2_TEST_CANARY = "canary-4711";
    try {
      await open().query(LEVEL);
      const [pid] = driverProcesses();
      const seen = ["cmdline", "environ"].map((name) => readFileSync(`/proc/${pid}/${name}`, "latin1")).join();
      expect(seen).toContain("driver-process");
      expect(seen).not.toContain("canary-4711");
      expect(seen).not.toContain(readFileSync(lab.passwordFile, "utf8"));
    } finally {
      delete process.env.DB2_TEST_CANARY;
    }
  });

  it("promise 13: another database than the marker says is refused before anything is asked of it", async () => {
    const right = { table: "HOMEPAGE.HOMEPAGE_SCHEMA", database: "homepage" };
    expect(await open({ marker: right }).query(LEVEL)).toHaveLength(1);
    const table = await failure(open({ marker: { table: "SNCOMM.SNCOMM_SCHEMA" } }).query(LEVEL));
    expect(table).toMatchObject({ cause: "refused", message: expect.stringContaining("SNCOMM.SNCOMM_SCHEMA") });
    const work = open({ marker: { database: "SNCOMM" } }).transaction((tx) => tx.execute(SET, [1]));
    expect(await failure(work)).toMatchObject({ cause: "refused", message: expect.stringContaining("HOMEPAGE") });
    expect(await level()).toBe("704");
    expect(await failure(open({ database: "NOWHERE" }).query(LEVEL))).toMatchObject({
      cause: "missing",
      sqlcode: -30061,
    });
  });

  it("a held row is `locked`, and what was rolled back with it stays so even if that was caught", async () => {
    await lab.sql("CREATE TABLE HOMEPAGE.SIDE (ID INTEGER)");
    await lab.fault("lock-row", true);
    try {
      const work = open().transaction(async (tx) => {
        await tx.execute("INSERT INTO HOMEPAGE.SIDE VALUES (?)", [1]);
        await tx.query(LOCKED).catch(() => undefined);
        await tx.execute("INSERT INTO HOMEPAGE.SIDE VALUES (?)", [2]).catch(() => undefined);
      });
      expect(await failure(work)).toMatchObject({ cause: "locked", sqlcode: -911, sqlstate: "40001" });
    } finally {
      await lab.fault("lock-row", false);
    }
    expect(await lab.sql("SELECT ID FROM HOMEPAGE.SIDE")).toEqual([]);
    expect(await open().transaction((tx) => tx.query(LOCKED))).toEqual([{ DBSCHEMAVER: 704 }]);
  });

  it.each([
    ["before", "drop-before-commit", "704"],
    ["after", "drop-after-commit", "705"],
  ] as const)(
    "promise 20: a line lost %s the commit is an unknown outcome; the next connection sees the truth",
    async (_when, fault, found) => {
      const database = open();
      await database.query(LEVEL);
      await lab.fault(fault, true);
      try {
        const error = await failure(database.transaction((tx) => tx.execute(SET, [705])));
        expect(error).toMatchObject({ cause: "unknown-outcome" });
      } finally {
        await lab.fault(fault, false);
      }
      expect(await database.query(LEVEL)).toEqual([{ DBSCHEMAVER: Number(found) }]);
      expect(await level()).toBe(found);
    },
  );

  it("promise 20: a line that dies at the commit of a SELECT is not taken for a table without rows", async () => {
    const database = open();
    await database.query(LEVEL);
    await lab.fault("drop-before-commit", true);
    try {
      // Either is true: the row, fetched before the line died, or an error. "No rows" is not.
      for (let question = 0; question < 3; question++) {
        const answer = await database.query(LEVEL).catch((error: unknown) => error);
        if (!(answer instanceof ProblemError)) expect(answer).toEqual([{ DBSCHEMAVER: 704 }]);
      }
    } finally {
      await lab.fault("drop-before-commit", false);
    }
    expect(await database.query(LEVEL)).toEqual([{ DBSCHEMAVER: 704 }]);
    expect(await database.query(`${LEVEL} WHERE DBSCHEMAVER = 1`)).toEqual([]);
  });

  it("promise 7: a line lost before the commit is unreachable, stores nothing, and a new one is made", async () => {
    const database = open();
    const work = database.transaction(async (tx) => {
      await tx.execute(SET, [705]);
      await lab.cut();
      await tx.query(LEVEL);
    });
    expect(await failure(work)).toMatchObject({
      cause: "unreachable",
      message: expect.stringContaining("Nothing of this transaction is stored"),
    });
    expect(await database.query(LEVEL)).toEqual([{ DBSCHEMAVER: 704 }]);
  });

  it("promise 7: a killed driver costs its transaction only", async () => {
    const database = open();
    const work = database.transaction(async (tx) => {
      await tx.execute(SET, [705]);
      for (const pid of driverProcesses()) process.kill(pid, "SIGKILL");
      await tx.query(LEVEL);
    });
    expect(await failure(work)).toMatchObject({ cause: "unreachable" });
    expect(await database.query(LEVEL)).toEqual([{ DBSCHEMAVER: 704 }]);
  });

  it("promise 7: a server that hangs is a timeout, in a question as in a commit, and is asked on a new line later", async () => {
    const database = open({ statementTimeout: "2s", lockTimeout: "1s" });
    await database.query(LEVEL);
    await lab.fault("stall", true);
    try {
      expect(await failure(database.query(LEVEL))).toMatchObject({ cause: "timeout" });
    } finally {
      await lab.fault("stall", false);
    }
    await database.query(LEVEL);
    const work = database.transaction(async (tx) => {
      await tx.execute(SET, [705]);
      await lab.fault("stall", true);
    });
    try {
      expect(await failure(work)).toMatchObject({ cause: "unknown-outcome" });
    } finally {
      await lab.fault("stall", false);
    }
    await database.query(LEVEL);
  }, 60_000);

  it("promise 7: a closed port and a server that refuses are unreachable", async () => {
    expect(await failure(open({ port: 1 }).query(LEVEL))).toMatchObject({ cause: "unreachable", sqlcode: -30081 });
    await lab.fault("refuse", true);
    try {
      expect(await failure(open().query(LEVEL))).toMatchObject({ cause: "unreachable" });
    } finally {
      await lab.fault("refuse", false);
    }
  });

  it.each([
    ["in plain text", undefined],
    ["with TLS, where the driver's own limit does not work", { hostNameValidation: true }],
  ])(
    "promise 7: a server that never answers, %s, is given up in time",
    async (_how, tls) => {
      const silent = await silentServer();
      try {
        const error = await failure(open({ port: silent.port, tls, connectTimeout: "1s" }).query(LEVEL));
        expect(error).toMatchObject({ cause: "timeout" });
      } finally {
        await silent.close();
      }
    },
    30_000,
  );

  it("cuts a transaction that never ends, and stores nothing of it", async () => {
    const database = open();
    const work = database.transaction(
      async (tx) => {
        await tx.execute(SET, [705]);
        await new Promise(() => undefined);
      },
      { timeoutMs: 300 },
    );
    expect(await failure(work)).toMatchObject({ cause: "timeout", message: expect.stringContaining("did not end") });
    expect(await database.query(LEVEL)).toEqual([{ DBSCHEMAVER: 704 }]);
  });

  it("tells who waits in vain for a free connection", async () => {
    const database = open({ queueTimeout: "3s" });
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let inside = 0;
    const holders = Array.from({ length: 3 }, async (_, index) => {
      // One after the other: opening three may take longer than the short limit.
      while (inside < index) await wait(5);
      await database.transaction(async () => {
        inside++;
        await held;
      });
    });
    while (inside < 3) await wait(5);
    expect(await failure(database.query(LEVEL))).toMatchObject({
      cause: "timeout",
      message: expect.stringContaining("3 at most"),
    });
    release();
    await Promise.all(holders);
    expect(await database.query(LEVEL)).toHaveLength(1);
  });

  it("promise 13: over TLS, refuses a certificate that is not the one, and one of another host", async () => {
    const tls = await tlsFront(lab.port);
    try {
      const ask = (host: string, settings: object) => open({ host, port: tls.port, tls: settings }).query(LEVEL);
      const certificateFile = tls.certificate;
      expect(await ask("localhost", { certificateFile })).toEqual([{ DBSCHEMAVER: 704 }]);
      expect(await failure(ask("localhost", { certificateFile: tls.otherCertificate }))).toMatchObject({
        cause: "unreachable",
      });
      expect(await failure(ask("127.0.0.1", { certificateFile }))).toMatchObject({
        cause: "unreachable",
        sqlcode: -20576,
      });
      expect(await ask("127.0.0.1", { certificateFile, hostNameValidation: false })).toHaveLength(1);
    } finally {
      await tls.close();
    }
  }, 30_000);

  it("goes through a host by SSH, and says when that host makes no connection", async () => {
    const sshd = await startSshd();
    try {
      const through = sshd.connection();
      const database = open({ through });
      expect(await database.query(LEVEL)).toEqual([{ DBSCHEMAVER: 704 }]);
      await database.transaction((tx) => tx.execute(SET, [705]));
      expect(await level()).toBe("705");
      expect(await failure(open({ through, port: 1 }).query(LEVEL))).toMatchObject({
        cause: "unreachable",
        message: expect.stringContaining("port 1"),
      });
      await closeAllDatabases();
    } finally {
      await closeAllHosts();
      await sshd.stop();
    }
  }, 30_000);
});

/** The driver processes that this process has started. */
function driverProcesses(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
        return parent === process.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("driver-process");
      } catch {
        return false;
      }
    });
}
