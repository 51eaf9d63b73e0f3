import { Driver, declaration } from "./driver.js";
import { everywhere, expectSettled, KINDS, recover, watched } from "./watched.js";

/** Generous, since the machine may be busy: every index is a whole rollout and its recovery. */
jest.setTimeout(300_000);

/** Somebody stopped the second node's agent before. */
function withAgentDown(nodes: number) {
  const cell = watched(nodes);
  cell.node("node2").agent = "stopped";
  cell.stoppedAgents.add("node2");
  return cell;
}

describe("a node agent that was found stopped is started for its node's synchronization, and stopped again at the end", () => {
  test.each([2, 3])("%i nodes", async (nodes) => {
    const driver = new Driver(withAgentDown(nodes), declaration(watched(nodes)));
    const titles = (await driver.plan()).steps.map(({ title }) => title);
    expect(titles).toContainEqual(
      expect.stringMatching(/^start the node agent of node2, which was found stopped and is stopped again at the end/),
    );
    expect(titles).toContainEqual("stop the node agent of node2 again, as it was found");
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
    expect((await driver.plan()).steps).toEqual([]);
  });

  test("going back, too", async () => {
    const cell = withAgentDown(2);
    cell.badFix = true;
    await recover(new Driver(cell, declaration(cell, { onFailure: "roll back", limits: { start: "1m" } })));
  });

  test.each(KINDS)("%s at any change", async (kind) => {
    expect(await everywhere(() => withAgentDown(2), kind, {}, recover)).toBeGreaterThan(40);
  });
});
