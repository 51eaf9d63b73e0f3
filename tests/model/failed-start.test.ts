import { Driver, declaration } from "./driver.js";
import { watched } from "./watched.js";

/** Of the model's clock: much less than the longest wait for a start, which is what nobody has to sit through. */
const SOON_MS = 20 * 60_000;

describe("a member that does not come up with the fix is a failed step, and no interruption", () => {
  const failing = (settings: object, how: "as said" | "without a word" = "as said") => {
    const cell = watched(2);
    cell.failsToStart = ({ level }) => (level > 0 && cell.fixes.has("LO66666") ? how : undefined);
    return { cell, driver: new Driver(cell, declaration(cell, { limits: { start: "2h" }, ...settings })) };
  };
  const starts = (written: readonly string[]) => written.filter((change) => change.startsWith("start node")).length;

  test("onFailure: freeze: it says so at once, and an interruption's answer is not given to it", async () => {
    const { cell, driver } = failing({ onInterrupted: "roll back" });
    const began = cell.now;
    const { ended, message } = await driver.up();
    expect(ended).toBe("failed");
    expect(message).toMatch(/start node1_AppsCluster: it did not come up: exit code 255, ADMU3011E/);
    expect(cell.now - began).toBeLessThan(SOON_MS);
    expect(driver.kept?.journal).toMatchObject({ direction: "forward", frozen: true });
    await driver.up();
    expect(driver.kept?.journal?.direction).toBe("forward");
    expect([...cell.violations]).toEqual([]);
  });

  test("onFailure: roll back: the same run goes back, and ends with everything as found", async () => {
    const { cell, driver } = failing({ onFailure: "roll back" });
    const { message } = await driver.up();
    expect(message).toContain("it did not come up");
    expect([...cell.fixes]).toEqual([]);
    expect(driver.kept?.journal).toBeNull();
    expect(cell.serving()).toEqual(["node1", "node2"]);
    expect(starts(cell.written)).toBe(6);
    expect([...cell.violations]).toEqual([]);
  });

  test("without a word of the command, after the longest wait", async () => {
    const { cell, driver } = failing({ onFailure: "roll back", limits: { start: "10m" } }, "without a word");
    expect((await driver.up()).message).toContain("waited 10m for node1_AppsCluster, node1_InfraCluster of node1");
    expect([...cell.fixes]).toEqual([]);
    expect(driver.kept?.journal).toBeNull();
    expect([...cell.violations]).toEqual([]);
  });
});
