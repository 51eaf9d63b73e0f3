import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DriverProcess } from "../../../providers/targets/db2/driver-link.js";

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
      process.load(file, 20_000);
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
