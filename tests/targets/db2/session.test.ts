import { databaseSchema } from "../../../providers/targets/db2/connection.js";
import { DriverFailure } from "../../../providers/targets/db2/errors.js";
import type { Failure, Operation } from "../../../providers/targets/db2/protocol.js";
import { Session } from "../../../providers/targets/db2/session.js";

/** What the stand-in for the driver's process fails with, by operation. */
const failing = new Map<Operation["op"], Failure>();
const asked: Operation[] = [];

jest.mock("../../../providers/targets/db2/driver.js", () => ({
  requireDriver: () => "stand-in",
  compiledDriver: () => undefined,
}));
jest.mock("../../../providers/targets/db2/driver-link.js", () => ({
  DriverProcess: class {
    alive = true;
    load() {}
    async request(operation: Operation) {
      asked.push(operation);
      const failure = failing.get(operation.op);
      if (failure) throw new DriverFailure(failure);
      return { rows: [{ A: 1 }], changed: 1 };
    }
    async end() {
      this.alive = false;
    }
  },
}));

const failure = (sqlcode: number, sqlstate: string, more: Partial<Failure> = {}): Failure => ({
  kind: "driver",
  message: `SQL${-sqlcode}N something`,
  sqlcode,
  sqlstate,
  lost: false,
  ...more,
});

async function inTransaction(): Promise<Session> {
  process.env.SESSION_TEST_PASSWORD = "s3cret";
  const password = { env: "SESSION_TEST_PASSWORD" };
  const session = await Session.open(
    databaseSchema.parse({ name: "x", host: "127.0.0.1", database: "HOMEPAGE", user: "u", password }),
  );
  await session.begin();
  return session;
}

test("promise 7: the first that a connection is given is a limit for its waits for locks", async () => {
  asked.length = 0;
  await inTransaction();
  expect(asked[0]).toMatchObject({ op: "open", settings: ["SET CURRENT LOCK TIMEOUT 10"] });
});

/** Db2's answers that the lab's server cannot be made to give. */
describe("what a failure leaves of a connection", () => {
  afterEach(() => {
    failing.clear();
    delete process.env.SESSION_TEST_PASSWORD;
  });

  test.each([
    ["damaged bytes", failure(0, "", { kind: "damaged", lost: true }), "command-failed"],
    ["the database manager ended the request", failure(-1224, "55032"), "unreachable"],
    ["the same without its state", failure(-1224, ""), "unreachable"],
    ["the same without its code", failure(0, "55032"), "unreachable"],
    ["a line that died", failure(-1, "40003"), "unreachable"],
  ])("promise 7: nothing of use after %s: it is not lent again", async (_name, given, cause) => {
    const session = await inTransaction();
    failing.set("query", given);
    await expect(session.query("SELECT A FROM B")).rejects.toMatchObject({ cause });
    failing.clear();
    await session.rollback();
    expect(session.usable).toBe(false);
  });

  test("promise 20: a transaction that did not begin for certain leaves nothing of use", async () => {
    const session = await inTransaction();
    await session.rollback();
    failing.set("begin", failure(-1, "42601"));
    await expect(session.begin()).rejects.toMatchObject({ cause: "command-failed" });
    expect(session.usable).toBe(false);
  });

  test("too many rows leave it usable", async () => {
    const session = await inTransaction();
    failing.set("query", failure(0, "", { kind: "too-much" }));
    await expect(session.query("SELECT A FROM B")).rejects.toMatchObject({ cause: "command-failed" });
    await session.rollback();
    expect(session.usable).toBe(true);
  });

  test.each([
    ["-911", failure(-911, "40001"), "locked"],
    ["-913", failure(-913, "57033"), "locked"],
    ["-1229", failure(-1229, "40504"), "command-failed"],
    ["-1476", failure(-1476, "40506"), "command-failed"],
    ["any other of class 40", failure(-1, "40507"), "command-failed"],
  ])(
    "promise 20: after %s the server has rolled back: nothing more is stored under that transaction",
    async (_name, given, cause) => {
      const session = await inTransaction();
      const expected = {
        cause,
        sqlcode: given.sqlcode,
        message: expect.stringContaining("rolled the transaction back"),
      };
      failing.set("execute", given);
      await expect(session.execute("UPDATE A.B SET C = 1")).rejects.toMatchObject(expected);
      failing.clear();
      await expect(session.execute("UPDATE A.B SET C = 2")).rejects.toMatchObject(expected);
      await expect(session.commit()).rejects.toMatchObject(expected);
      await session.rollback();
      expect(session.usable).toBe(true);
      // Who is lent it next asks outside of any transaction, and must not hear of that one.
      await expect(session.query("SELECT A FROM B")).resolves.toHaveLength(1);
    },
  );

  test("promise 20: -1224 while committing is an unknown outcome; a rollback by the server is a known one", async () => {
    const session = await inTransaction();
    failing.set("commit", failure(-1224, "55032"));
    await expect(session.commit()).rejects.toMatchObject({ cause: "unknown-outcome", sqlcode: -1224 });
    expect(session.usable).toBe(false);
    const other = await inTransaction();
    failing.set("commit", failure(-1476, "40506"));
    await expect(other.commit()).rejects.toMatchObject({ cause: "command-failed", sqlcode: -1476 });
  });
});
