import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { breakNamed } from "../../lab/breaks.js";
import { db2LabProblem } from "../../lab/db2/build.js";
import { type Db2Lab, startDb2Lab } from "../../lab/db2/lab.js";
import { DB2_DATABASES } from "../../lab/db2/server.js";
import { attachLab, type Lab, startLab } from "../../lab/lab.js";
import { isAlive, waitFor } from "../../lab/running.js";
import { stackValues } from "../../lab/workspace.js";
import { familyOf } from "./family.js";

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

suite("the Db2 server of a lab", () => {
  jest.setTimeout(180_000);
  const END_MS = 30_000;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "lab-db2-"));
  });
  afterAll(async () => {
    await (await attachLab(directory))?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const started = (): Promise<Lab> => startLab({ directory, db2: true });
  const level = async (lab: Lab) =>
    (await lab.db2?.sql("SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA"))?.[0]?.DBSCHEMAVER;
  const servers = async (lab: Lab) => {
    const family = await familyOf(lab);
    const lines = await Promise.all(family.map(({ pid }) => readFile(`/proc/${pid}/cmdline`, "utf8")));
    return family.filter((_, i) => lines[i]?.includes("LabServer"));
  };

  it("starts with the lab, and its stack declares HOMEPAGE at 705 where 704 is", async () => {
    const lab = await started();
    expect(await level(lab)).toBe("704");
    expect(await servers(lab)).toHaveLength(1);
    expect(stackValues(lab).databases).toMatchObject({
      homepage: { port: lab.db2?.port, home: "web1", levels: { HOMEPAGE: { version: 705, from: [704] } } },
    });
    expect((await started()).processes).toEqual(lab.processes);
    await expect(startLab({ directory, db2: false })).rejects.toThrow(/runs here with db2 = true, asked was false/);
  });

  it("stop leaves no process; the next start has the port, password and levels of the last, without being asked for it", async () => {
    const before = await started();
    const { thing, args } = breakNamed(["schema-level", "701"]);
    await thing.break(before, args);
    const family = await familyOf(before);
    await before.stop();
    expect(family.filter(isAlive)).toEqual([]);
    const after = await startLab({ directory });
    expect(after.db2?.connection()).toEqual(before.db2?.connection());
    expect(await level(after)).toBe("701");
  });

  it("promise 6: the supervisor is killed: the server ends too, and the next start serves what it had", async () => {
    const before = await started();
    const [server] = await servers(before);
    if (!server) throw new Error("no server runs");
    process.kill(before.processes[0]?.pid ?? 0, "SIGKILL");
    await waitFor(() => !isAlive(server), END_MS, "the end of the server");
    const after = await started();
    expect(await servers(after)).toHaveLength(1);
    expect(await level(after)).toBe("701");
    await after.stop();
  });

  it("a lab that was not asked for one has none", async () => {
    const lab = await startLab();
    expect(lab.db2).toBeUndefined();
    expect(stackValues(lab)).not.toHaveProperty("databases");
    await lab.stop();
  });
});
