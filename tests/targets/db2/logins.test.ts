import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Db2Lab } from "../../../lab/db2/lab.js";
import type { Cause } from "../../../providers/common/problem.js";
import { databaseSchema } from "../../../providers/targets/db2/connection.js";
import { closeAllDatabases, openDatabase } from "../../../providers/targets/db2/database.js";
import { DriverProcess } from "../../../providers/targets/db2/driver-link.js";
import { Db2Error } from "../../../providers/targets/db2/errors.js";
import { databaseLogin } from "../../../providers/targets/db2/session.js";
import { forgetLogins, logInOnce } from "../../../providers/targets/logins.js";
import { describeDb2, startTestDb2 } from "./lab.js";

const SELECT = "SELECT 1 AS N FROM SYSIBM.SYSDUMMY1";

const failure = (work: Promise<unknown>): Promise<Db2Error> =>
  work.then(
    () => Promise.reject(new Error("it went well")),
    (error) => error,
  );
const outcome = (work: Promise<unknown>) =>
  work.then(
    () => "well",
    (error: Error) => error.message,
  );

describe("logins of one user at one server", () => {
  const connection = (changes: object = {}) =>
    databaseSchema.parse({
      ...{ name: "homepage", host: "db.example.com", database: "HOMEPAGE", user: "lcuser", password: { env: "X" } },
      ...changes,
    });
  const failed = (cause: Cause) => new Db2Error(cause, { where: "homepage: connect", found: "SQL0" }, -1, "");
  let tried: string[];
  /** A login that is under way until the test says what comes of it. */
  const login = (name: string, changes: object = {}, password = "secret") => {
    let end: (error?: Error) => void = () => undefined;
    const answer = new Promise<string>((resolve, reject) => {
      end = (error) => (error ? reject(error) : resolve(name));
    });
    const asked = databaseLogin(connection({ name, ...changes }), password, `${name}: connect`);
    const done = logInOnce(asked, () => {
      tried.push(name);
      return answer;
    });
    done.catch(() => undefined);
    return { done, end };
  };
  /** Everything that is about to happen without the tests' doing. */
  const settled = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };

  beforeEach(() => {
    tried = [];
    forgetLogins();
  });
  afterAll(forgetLogins);

  test("the first goes alone; its refusal is every other one's, and nobody tries again", async () => {
    const logins = ["a", "b", "c"].map((name) => login(name));
    await settled();
    expect(tried).toEqual(["a"]);
    logins[0]?.end(failed("login"));
    for (const name of [1, 2]) {
      expect(await outcome(logins[name]?.done as Promise<unknown>)).toMatch(
        /^[bc]: connect: refused before, at homepage: connect \(SQL0\)\./,
      );
    }
    expect(await outcome(login("d").done)).toContain("refused before");
    expect(tried).toEqual(["a"]);
  });

  test("the first is accepted: the others go at once", async () => {
    const [first, ...others] = ["a", "b", "c"].map((name) => login(name));
    first?.end();
    await settled();
    expect(tried).toEqual(["a", "b", "c"]);
    for (const other of others) other.end();
    expect(await Promise.all(others.map(({ done }) => done))).toEqual(["b", "c"]);
  });

  test("accepted once, refused later: not tried again either", async () => {
    const first = login("a");
    first.end();
    await first.done;
    const later = login("b");
    later.end(failed("login"));
    await outcome(later.done);
    expect(await outcome(login("c").done)).toContain("refused before");
    expect(tried).toEqual(["a", "b"]);
  });

  test.each([
    ["another password", {}, "changed meanwhile"],
    ["another user", { user: "other" }, "secret"],
    ["another server", { host: "db2.example.com" }, "secret"],
    ["another port", { port: 50001 }, "secret"],
    [
      "the same name behind another host",
      { through: { name: "h", address: "h", user: "u", auth: { agent: true } } },
      "secret",
    ],
  ])("%s is tried", async (_what, changes, password) => {
    const first = login("a");
    first.end(failed("login"));
    await outcome(first.done);
    const other = login("b", changes, password);
    other.end();
    expect(await other.done).toBe("b");
  });

  test("the host's name in another case is no other server", async () => {
    const first = login("a");
    first.end(failed("login"));
    await outcome(first.done);
    expect(await outcome(login("b", { host: "DB.example.com" }).done)).toContain("refused before");
  });

  test("a database that is missing or does not answer costs the others nothing but their turn", async () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => login(name));
    a?.end(failed("timeout"));
    await settled();
    expect(tried).toEqual(["a", "b"]);
    b?.end(failed("missing"));
    await settled();
    expect(tried).toEqual(["a", "b", "c"]);
    c?.end();
    expect(await c?.done).toBe("c");
  });

  test("promise 7: a server that lets two in a row wait is not waited for by each of twelve", async () => {
    const logins = Array.from({ length: 12 }, (_, index) => login(`d${index}`));
    for (const each of logins.slice(0, 2)) {
      each.end(failed("timeout"));
      await settled();
    }
    const all = await Promise.all(logins.map(({ done }) => failure(done)));
    expect(all.map(({ cause }) => cause)).toEqual(Array.from({ length: 12 }, () => "timeout"));
    expect(all[11]?.message).toMatch(/^d11: connect: SQL0/);
    expect(tried).toEqual(["d0", "d1"]);
    const next = login("later");
    next.end();
    expect(await next.done).toBe("later");
  });
});

describeDb2("promise 21: a wrong password, with the real driver", () => {
  let lab: Db2Lab;
  /** Logins that reached the driver. */
  let logins: () => number;

  beforeAll(async () => {
    lab = await startTestDb2();
  }, 120_000);
  beforeEach(() => {
    const request = jest.spyOn(DriverProcess.prototype, "request");
    logins = () => request.mock.calls.filter(([operation]) => operation.op === "open").length;
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await lab.fault("wrong-password", false);
    await closeAllDatabases();
  });
  afterAll(() => lab.stop());

  test("is tried once, whatever is asked of however many databases, one after the other or at once", async () => {
    await lab.fault("wrong-password", true);
    const ask = (name: "HOMEPAGE" | "SNCOMM" | "FILES" | "BLOGS") => openDatabase(lab.connection(name)).query(SELECT);
    const errors = await Promise.all(
      (["HOMEPAGE", "SNCOMM", "FILES", "BLOGS"] as const).map((name) => failure(ask(name))),
    );
    for (let time = 0; time < 5; time++) errors.push(await failure(ask("HOMEPAGE")));
    expect(errors.map(({ cause, sqlcode }) => [cause, sqlcode])).toEqual(errors.map(() => ["login", -30082]));
    expect(errors[0]?.message).toContain("not tried again by this process");
    expect(errors[1]?.message).toMatch(/^sncomm: connect: refused before, at homepage: connect/);
    expect(logins()).toBe(1);
  });

  test("one that was put right meanwhile is tried", async () => {
    const file = join(lab.directory, "another-password");
    await writeFile(file, "wrong", { mode: 0o600 });
    const database = openDatabase(lab.connection("HOMEPAGE", { password: { file } }));
    expect(await failure(database.query(SELECT))).toMatchObject({ cause: "login" });
    await copyFile(lab.passwordFile, file);
    expect(await database.query(SELECT)).toEqual([{ N: 1 }]);
    expect(logins()).toBe(2);
  });
});
