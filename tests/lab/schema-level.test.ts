import type { Db2Lab } from "../../lab/db2/lab.js";
import { homepageValues } from "../../lab/workspace.js";
import { ENGINE_TEST_MS, Engine } from "../support/engine.js";
import { describeDb2, startTestDb2 } from "../targets/db2/lab.js";

/** The real engine and the real driver, against a server that the driver takes for Db2 (lab/db2/README.md says what differs). */
describeDb2("a schema level through the real engine", () => {
  let engine: Engine;
  let db2: Db2Lab;
  const level = async () => Number((await db2.sql("SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA"))[0]?.DBSCHEMAVER);
  const setLevel = (to: number) => db2.sql(`UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = ${to}`);
  const declare = (from: readonly number[]) =>
    engine.configure((values) => {
      // A stack of databases alone.
      const nothing = { routing: {}, topology: {}, webServers: {}, probes: {} };
      return { ...values, ...nothing, databases: { homepage: homepageValues(db2, from) } };
    });

  beforeAll(async () => {
    [engine, db2] = await Promise.all([Engine.start(), startTestDb2()]);
    await setLevel(704);
  }, ENGINE_TEST_MS);
  afterAll(async () => {
    await db2.stop();
    await engine.stop();
  }, ENGINE_TEST_MS);

  test(
    "promises 1 and 3: 704 → preview shows exactly that → up → 705 → preview empty; 704 by hand → drift shown → healed",
    async () => {
      await declare([704]);
      await engine.up();
      expect(await level()).toBe(705);
      await engine.settled();
      const exported = await engine.pulumi(["stack", "output", "schemaLevels", "--json"]);
      expect(JSON.parse(exported.stdout)).toEqual({
        levels: { "homepage/HOMEPAGE": { declared: "705", level: "705", releases: ["5.5"] } },
        consistentWith: ["5.5"],
        verdict: [expect.stringContaining("Consistent with 5.5 (1 of 1 compared)")],
      });

      await setLevel(704);
      const [changes] = Object.values(await engine.drift());
      expect(changes).toMatchObject({ version: { live: "704", declared: "705" } });
      await engine.up();
      expect(await level()).toBe(705);
      await engine.settled();
    },
    ENGINE_TEST_MS,
  );

  test(
    "a level that is not in `from` is refused: a line of the preview, an error of up, and nothing written",
    async () => {
      await setLevel(701);
      expect(await engine.expect(0, ["preview"])).toMatch(/refused: .*701/);
      const { code, output } = await engine.pulumi(["up", "--yes", "--skip-preview"]);
      expect(code).not.toBe(0);
      expect(output).toMatch(/701/);
      expect(await level()).toBe(701);
    },
    ENGINE_TEST_MS,
  );

  test(
    "destroy leaves the level as it is",
    async () => {
      await setLevel(705);
      await engine.expect(0, ["destroy", "--yes", "--skip-preview"]);
      expect(await level()).toBe(705);
    },
    ENGINE_TEST_MS,
  );
});
