import type { Db2Lab } from "../../../lab/db2/lab.js";
import { closeAllDatabases, type Database, openDatabase } from "../../../providers/targets/db2/database.js";
import { Db2Error } from "../../../providers/targets/db2/errors.js";
import { type LockWait, LockWatch } from "../../../providers/targets/db2/lock-holders.js";
import { describeDb2, startTestDb2 } from "./lab.js";

const LEVEL = "SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA";
const LEVEL_OF_OTHERS = "SELECT COUNT(*) FROM SYSCAT.TABLES";
const SET = "UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = ?";
/** How often a locked row is asked for where this machine was too busy to look within the second that the lab's server waits. */
const TRIES = 10;

describeDb2("who holds a row is asked while it is waited for, with the real driver and real locks", () => {
  let lab: Db2Lab;
  let database: Database;

  beforeAll(async () => {
    lab = await startTestDb2();
  }, 120_000);
  beforeEach(async () => {
    database = openDatabase(lab.connection("HOMEPAGE", { lockTimeout: "1s" }));
    // Two connections: one waits, the other one asks.
    await Promise.all([database.query(LEVEL), database.query(LEVEL)]);
    await lab.fault("lock-row", true);
  });
  afterEach(async () => {
    await lab.fault("lock-row", false);
    await closeAllDatabases();
  });
  afterAll(() => lab.stop());

  const lockedOut = async (ask: () => Promise<unknown>): Promise<Db2Error> => {
    for (let time = 1; ; time++) {
      const error: Db2Error = await ask().then(
        () => Promise.reject(new Error("it was not locked")),
        (thrown) => thrown,
      );
      expect(error).toMatchObject({ cause: "locked", sqlcode: -911, sqlstate: "40001", left: "rolled-back" });
      if (error.message.includes("application handle") || time === TRIES) return error;
    }
  };

  test.each<[string, () => Promise<unknown>]>([
    ["a question", () => database.query(LEVEL)],
    ["a change", () => database.transaction((tx) => tx.execute(SET, [705]))],
  ])("the error of %s names it, and since when", async (_what, ask) => {
    await lab.sql("DELETE FROM LABIBMADM.MON_CURRENT_UOW");
    await lab.sql(
      "INSERT INTO LABIBMADM.MON_CURRENT_UOW SELECT LAB.HANDLE_OF(XID), 95 FROM SYSCS_DIAG.TRANSACTION_TABLE WHERE FIRST_INSTANT IS NOT NULL",
    );
    expect((await lockedOut(ask)).message).toMatch(
      /held by another: HOMEPAGE\.HOMEPAGE_SCHEMA by db2bp of DB2INST1 \(application handle \d+, in a unit of work since 95 s\)/,
    );
  });

  test("two that wait for different rows at once, of the same user and program, are told their own holders", async () => {
    await lab.sql("CREATE TABLE HOMEPAGE.SIDE (ID INTEGER)");
    await lab.sql("INSERT INTO HOMEPAGE.SIDE VALUES (1)");
    const side = "UPDATE HOMEPAGE.SIDE SET ID = 2";
    const other = openDatabase(lab.connection("HOMEPAGE", { name: "another", lockTimeout: "1s" }));
    const both = await other.transaction(async (tx) => {
      await tx.execute(side);
      // Two more connections, for the one that waits and the one that asks.
      await Promise.all([other.query(LEVEL_OF_OTHERS), other.query(LEVEL_OF_OTHERS)]);
      const waiting = () => other.transaction((blocked) => blocked.execute(side));
      return Promise.all([lockedOut(() => database.query(LEVEL)), lockedOut(waiting)]);
    });
    const [ours, others] = both.map(({ message }) => message);
    expect(ours).toMatch(
      /held by another: HOMEPAGE\.HOMEPAGE_SCHEMA by db2bp of DB2INST1 \(application handle \d+\)\./,
    );
    expect(others).toMatch(/held by another: HOMEPAGE\.SIDE by db2bp of DB2INST1 \(application handle \d+\)\./);
  });

  test("where a connection cannot tell its own handle, nobody is named", async () => {
    await lab.sql("DROP FUNCTION LABPROC.MON_GET_APPLICATION_HANDLE");
    try {
      for (let time = 0; time < 2; time++) {
        const error = await database.query(LEVEL).catch((thrown) => thrown);
        expect(error.message).toMatch(/a row or table is held by another\. .*See who holds it \(db2pd -locks\)/);
      }
    } finally {
      await lab.sql(
        "CREATE FUNCTION LABPROC.MON_GET_APPLICATION_HANDLE() RETURNS BIGINT LANGUAGE JAVA PARAMETER STYLE JAVA READS SQL DATA EXTERNAL NAME 'Handles.own'",
      );
    }
  });

  test("where the units of work cannot be read, without the time", async () => {
    await lab.sql("RENAME TABLE LABIBMADM.MON_CURRENT_UOW TO HIDDEN");
    try {
      expect((await lockedOut(() => database.query(LEVEL))).message).toMatch(/\(application handle \d+\)/);
    } finally {
      await lab.sql("RENAME TABLE LABIBMADM.HIDDEN TO MON_CURRENT_UOW");
    }
  });

  test("where all connections wait themselves, the error is as it would be", async () => {
    const errors = await Promise.all([1, 2, 3].map(() => database.query(LEVEL).catch((thrown: Db2Error) => thrown)));
    expect(errors).toEqual([1, 2, 3].map(() => expect.objectContaining({ cause: "locked" })));
  });

  test("where there is no such view, the error is as it would be, and the connections are of use", async () => {
    await lab.sql("DROP VIEW LABIBMADM.MON_LOCKWAITS");
    const error = await database.query(LEVEL).catch((thrown) => thrown);
    expect(error.message).toMatch(/a row or table is held by another\. .*See who holds it \(db2pd -locks\)/);
    await lab.fault("lock-row", false);
    expect(await database.query(LEVEL)).toEqual([{ DBSCHEMAVER: 704 }]);
  });
});

describe("a watch over one statement", () => {
  const wait: LockWait = { waiter: "1", table: "A.B", handle: "7", application: "db2bp", user: "JANE" };
  const own = jest.fn(async () => "1");
  const locked = new Db2Error("locked", { where: "x", found: "held by another" }, -911, "40001", "rolled-back");

  beforeEach(() => {
    jest.useFakeTimers();
    own.mockClear();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test("asks nobody about a statement that did not wait", async () => {
    const ask = jest.fn(async () => [wait]);
    const watch = new LockWatch(10_000, ask, own);
    jest.advanceTimersByTime(2_400);
    expect(await watch.over(locked)).toBe(locked);
    jest.advanceTimersByTime(10_000);
    expect(ask).not.toHaveBeenCalled();
    expect(own).not.toHaveBeenCalled();
  });

  test.each<[string, unknown]>([
    ["that went well", undefined],
    ["that failed for another reason", new Db2Error("timeout", { where: "x", found: "y" }, 0, "")],
  ])("leaves the outcome of a statement %s alone", async (_how, outcome) => {
    const watch = new LockWatch(10_000, async () => [wait], own);
    jest.advanceTimersByTime(5_000);
    expect(await watch.over(outcome)).toBe(outcome);
  });

  test.each<[string, () => Promise<readonly LockWait[]>]>([
    ["fails", () => Promise.reject(new Error("not allowed"))],
    ["names nobody", async () => []],
    ["never comes", () => new Promise(() => undefined)],
  ])("an answer that %s changes nothing about the error", async (_how, ask) => {
    const watch = new LockWatch(10_000, ask, own);
    jest.advanceTimersByTime(5_000);
    const over = watch.over(locked);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await over).toBe(locked);
  });

  test.each<[string, () => Promise<string>]>([
    ["another's", async () => "2"],
    ["not known", async () => ""],
    ["not to be had", () => Promise.reject(new Error("not allowed"))],
    ["never told", () => new Promise(() => undefined)],
  ])("names nobody where the connection's own handle is %s", async (_how, told) => {
    const watch = new LockWatch(10_000, async () => [wait, { ...wait, waiter: "" }], told);
    jest.advanceTimersByTime(5_000);
    const over = watch.over(locked);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await over).toBe(locked);
  });

  test("asks a connection for its handle only where somebody waits", async () => {
    const watch = new LockWatch(10_000, async () => [], own);
    jest.advanceTimersByTime(5_000);
    expect(await watch.over(locked)).toBe(locked);
    expect(own).not.toHaveBeenCalled();
  });

  test("names several", async () => {
    const watch = new LockWatch(10_000, async () => [wait, { ...wait, handle: "8", seconds: 3 }], own);
    jest.advanceTimersByTime(5_000);
    expect(String(await watch.over(locked))).toContain(
      "held by another: A.B by db2bp of JANE (application handle 7); A.B by db2bp of JANE (application handle 8, in a unit of work since 3 s)",
    );
  });
});
