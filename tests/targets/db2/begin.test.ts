import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DriverProcess } from "../../../providers/targets/db2/driver-link.js";
import { explain } from "../../../providers/targets/db2/errors.js";

test("a driver that cannot be loaded is said when the connection is opened, with the ways to get one", async () => {
  const process = new DriverProcess();
  try {
    process.load("/no/such/ibm_db/lib/odbc.js");
    const failure = await process.request({ op: "open", connection: "", settings: [] }, 20_000).catch((error) => error);
    expect(failure).toMatchObject({ failure: { kind: "missing-driver", lost: true } });
    const context = { where: "homepage: connect", secrets: [], consequence: "", outOfTime: false, limit: "15 s" };
    expect(explain(failure, context)).toMatchObject({
      cause: "missing",
      message: expect.stringMatching(/the Db2 driver cannot be loaded: Cannot find module.*npm run setup.*IBM_DB_HOME/),
    });
  } finally {
    await process.end();
  }
}, 30_000);

/** A stand-in for the driver, whose beginTransaction() always says that it has switched autocommit off. */
const driver = (autocommit: boolean) => `
  exports.open = async () => ({
    beginTransaction: async () => undefined,
    query: async (sql) => {
      if (${autocommit} && sql.startsWith("RELEASE")) throw { message: "no such savepoint SQLSTATE=3B001", sqlcode: -880 };
    },
  });
`;

test.each([true, false])(
  "promise 20: a transaction begins only where autocommit is really off (on: %s)",
  async (on) => {
    const folder = mkdtempSync(join(tmpdir(), "db2-begin-"));
    const process = new DriverProcess();
    try {
      const file = join(folder, "driver.cjs");
      writeFileSync(file, driver(on));
      process.load(file);
      await process.request({ op: "open", connection: "", settings: [] }, 20_000);
      const began = process.request({ op: "begin" }, 20_000);
      if (on) {
        const failure = { kind: "damaged", lost: true, message: expect.stringContaining("no transaction has begun") };
        await expect(began).rejects.toMatchObject({ failure });
      } else await expect(began).resolves.toMatchObject({ ok: true });
    } finally {
      await process.end();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  30_000,
);
