import { ProblemError } from "../../../providers/common/problem.js";
import { databaseSchema } from "../../../providers/targets/db2/connection.js";
import { Pool } from "../../../providers/targets/db2/pool.js";
import { Session } from "../../../providers/targets/db2/session.js";

const connection = (changes: object = {}) =>
  databaseSchema.parse({
    ...{ name: "homepage", host: "db.example.com", database: "HOMEPAGE", user: "lcuser", password: { env: "X" } },
    ...changes,
  });
const tooMany = () => new ProblemError("unreachable", { where: "homepage: connect", found: "SQL1040N no more" });

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A pool whose server makes as many connections as it is told, and refuses all others. */
function poolOf(made: number, changes: object = {}) {
  const open = jest.spyOn(Session, "open").mockImplementation(async () => {
    if (open.mock.calls.length > made) throw tooMany();
    const session = { usable: true, idleSince: 0, answers: async () => true, close: async () => undefined };
    return session as unknown as Session;
  });
  return { pool: new Pool(connection(changes)), open };
}

describe("a server that makes fewer connections than are wanted", () => {
  afterEach(() => jest.restoreAllMocks());

  test("those it made serve everybody, one after the other, and it is not asked again and again", async () => {
    const { pool, open } = poolOf(1);
    let release: () => void = () => undefined;
    const held = pool.use(() => new Promise<void>((resolve) => (release = resolve)));
    const used: number[] = [];
    const others = [1, 2, 3, 4, 5].map((number) => pool.use(async () => used.push(number)));
    while (open.mock.calls.length < 2) await turn();
    for (let more = 0; more < 50; more++) await turn();
    expect(open).toHaveBeenCalledTimes(2);
    release();
    await Promise.all([held, ...others]);
    expect(used).toEqual([1, 2, 3, 4, 5]);
    await pool.close();
    expect(open).toHaveBeenCalledTimes(2);
  });

  test("who waits in vain is told why there are no more", async () => {
    const { pool } = poolOf(1, { queueTimeout: "50ms" });
    let release: () => void = () => undefined;
    const held = pool.use(() => new Promise<void>((resolve) => (release = resolve)));
    await expect(pool.use(async () => undefined)).rejects.toThrow(/Another one could not be made: SQL1040N no more/);
    release();
    await held;
    await pool.close();
  });

  test("none at all: everybody is told, and the next question asks anew", async () => {
    const { pool, open } = poolOf(0);
    const asked = await Promise.allSettled([1, 2, 3].map(() => pool.use(async () => undefined)));
    expect(asked.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(open).toHaveBeenCalledTimes(1);
    await expect(pool.use(async () => undefined)).rejects.toThrow("SQL1040N");
    expect(open).toHaveBeenCalledTimes(2);
    await pool.close();
  });

  test("the one it made is lost: another one is asked for", async () => {
    const { pool, open } = poolOf(1);
    let release: () => void = () => undefined;
    const lost = pool.use((session) => {
      Object.assign(session, { usable: false });
      return new Promise<void>((resolve) => (release = resolve));
    });
    const other = pool.use(async () => undefined);
    while (open.mock.calls.length < 2) await turn();
    release();
    await lost;
    await expect(other).rejects.toThrow("SQL1040N");
    expect(open).toHaveBeenCalledTimes(3);
    await pool.close();
  });
});
