import fc from "fast-check";
import { jobOf, jobsOf } from "../../../providers/kinds/interim-fixes/commands.js";
import { requireJobName } from "../../../providers/targets/job-problems.js";
import { Driver, declaration } from "../../model/driver.js";
import { MemoryCell } from "../../support/memory-cell.js";

const ROLLOUT = "20261123T011234Z";

describe("what a command is called on its host", () => {
  test("a person reads whose it is", () => {
    expect(jobOf(ROLLOUT, "install")).toBe("interim-fixes-20261123T011234Z-install");
    expect(jobOf(ROLLOUT, "stop", "node1", "AppsServer_1")).toMatch(
      /^interim-fixes-20261123T011234Z-stop-node1-AppsServer_1-[0-9a-f]{8}$/,
    );
  });

  test("promise 19: whatever nodes and servers are called, it can be a folder's name", () => {
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(name, name, (node, server) => {
        for (const job of [jobOf(ROLLOUT, "start-agent", node), jobOf(ROLLOUT, "start", node, server)]) {
          expect(() => requireJobName("node1", job)).not.toThrow();
          expect(job.startsWith(`${jobsOf(ROLLOUT)}start-`)).toBe(true);
        }
      }),
    );
  });

  test.each([
    ["names that differ in what is left out", ["node1", "Büro"], ["node1", "Bäro"]],
    ["names that differ at their ends", ["n".repeat(60), "a"], ["n".repeat(60), "b"]],
    ["names that only read the same", ["a-b", "c"], ["a", "b-c"]],
    ["names that differ in case", ["node1", "App"], ["node1", "APP"]],
  ])("%s are two", (_name, one, other) => {
    expect(jobOf(ROLLOUT, "stop", ...one).toLowerCase()).not.toBe(jobOf(ROLLOUT, "stop", ...other).toLowerCase());
  });
});

test("a rollout over members with long names, blanks and umlauts ends", async () => {
  const cell = new MemoryCell(2, ["Bürger und Anwendungen der Verwaltung von Niederösterreich", "InfraCluster"]);
  const driver = new Driver(cell, declaration(cell));
  expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
  expect([...cell.fixes]).toEqual(["LO66666"]);
});
