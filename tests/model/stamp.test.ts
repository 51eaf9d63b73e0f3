import { NO_FAULTS } from "../support/memory-cell-parts.js";
import { Driver, declaration } from "./driver.js";
import { watched } from "./watched.js";

describe("a version stamp makes browsers fetch what is there, whichever way it came", () => {
  const stamps = (written: readonly string[]) => written.filter((change) => change === "stamp").length;

  test.each([
    ["stamp", "renewed once more when what it was renewed for goes back", 2],
    ["install LO66666", "left alone where it was never renewed", 0],
  ])("asked to go back after %s: %s", async (last, _, expected) => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell, { versionStamp: "/c.xml" }));
    const after = (change: string) => {
      if (change === last) cell.request ??= { request: "roll back", reason: "asked" };
    };
    for (let run = 0; run < 3 && (await driver.up({ ...NO_FAULTS, after })).ended !== "converged"; run++);
    expect([...cell.fixes]).toEqual([]);
    expect(driver.kept?.journal).toBeNull();
    expect(stamps(cell.written)).toBe(expected);
    expect([...cell.violations]).toEqual([]);
  });

  test("the full synchronization of nodes that serve is no step without impact, and the plan says what it is", async () => {
    const cell = watched(2);
    const { steps } = await new Driver(cell, declaration(cell, { versionStamp: "/c.xml" })).plan();
    expect(steps.find((step) => step.do === "stamp")).toMatchObject({
      impact: "degraded capacity",
      title: expect.stringMatching(/synchronize every node in full while it serves/),
    });
  });
});
