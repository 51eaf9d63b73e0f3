import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { db2LabProblem } from "../../lab/db2/build.js";
import { DB2_DATABASES, type Db2Lab, startDb2Lab } from "../../lab/db2/lab.js";

const problem = db2LabProblem();
const suite = problem ? describe.skip : describe;
if (problem) console.warn(`Skipped: ${problem}`);

suite("the lab's Db2 server", () => {
  let directory: string;
  let lab: Db2Lab;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "db2-lab-"));
    lab = await startDb2Lab({ directory });
  }, 120_000);
  afterAll(async () => {
    await lab.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it("has the thirteen schema tables in three shapes, HOMEPAGE one level behind", async () => {
    const levels: Record<string, string | null | undefined> = {};
    for (const database of DB2_DATABASES) {
      const tables = await lab.sql(
        "SELECT TABSCHEMA, TABNAME, COLNAME FROM LABCAT.COLUMNS WHERE COLNAME IN ('DBSCHEMAVER', 'SCHEMA_VERSION') OR (TABNAME = 'ROLLER_PROPERTIES' AND COLNAME = 'VALUE')",
        database,
      );
      for (const { TABSCHEMA: schema, TABNAME: table, COLNAME: column } of tables) {
        const only = column === "VALUE" ? " WHERE NAME = 'database.schema.version'" : "";
        const rows = await lab.sql(`SELECT ${column} AS LEVEL FROM ${schema}.${table}${only}`, database);
        expect(rows).toHaveLength(1);
        levels[`${database}:${schema}.${table}`] = rows[0]?.LEVEL;
      }
    }
    expect(levels).toMatchObject({ "HOMEPAGE:HOMEPAGE.HOMEPAGE_SCHEMA": "704", "SNCOMM:CALENDAR.CA_SCHEMA": "30" });
    expect(Object.keys(levels)).toHaveLength(13);
  });

  it("keeps its password where only its owner reads it", async () => {
    expect((await stat(lab.passwordFile)).mode & 0o777).toBe(0o600);
  });

  it("serves what it had when it is started again, and leaves no process when it ends", async () => {
    const again = await mkdtemp(join(tmpdir(), "db2-lab-"));
    try {
      const first = await startDb2Lab({ directory: again });
      await first.sql("UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = 700");
      await first.stop(); // by force, as a crash would
      expect(() => process.kill(first.pid, 0)).toThrow("ESRCH");
      const second = await startDb2Lab({ directory: again });
      expect(await second.sql("SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA")).toEqual([{ DBSCHEMAVER: "700" }]);
      await second.stop();
    } finally {
      await rm(again, { recursive: true, force: true });
    }
  }, 60_000);
});
