import { Driver, declaration, killedAfter } from "../../model/driver.js";
import { everywhere, expectSettled, recover, SETTINGS, watched } from "../../model/watched.js";
import type { MemoryCell } from "../../support/memory-cell.js";

/** `webserver1` on an unmanaged node of each machine, as is usual. */
function twoOfOneName(clusters?: readonly string[]): MemoryCell {
  const cell = watched(2, ["web1", "web2"], clusters);
  for (const webServer of cell.webServers) Object.assign(webServer, { server: "webserver1", node: webServer.name });
  return cell;
}

const declared = (cell: MemoryCell) => declaration(cell).settings.webServers;

async function refusedUp(cell: MemoryCell, settings: Record<string, unknown>): Promise<string> {
  const { ended, message } = await new Driver(cell, declaration(cell, settings)).up();
  expect(ended).toBe("failed");
  expect(cell.written.filter((change) => !change.startsWith("dmgr "))).toEqual([]);
  return message;
}

/** Generous, since the machine may be busy: every index is a whole rollout and its recovery. */
jest.setTimeout(300_000);

describe("promise 10: two web servers of one name, each on a node of its own", () => {
  test("each is routed and proved, and gets back its own settings and its own file", async () => {
    const cell = twoOfOneName();
    const [first, second] = cell.webServers;
    if (!first || !second) throw new Error("no two web servers");
    second.generation = "manual";
    const driver = new Driver(cell, declaration(cell));
    const modes = cell.webServers.map(({ generation, propagation }) => [generation, propagation]);
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect([...cell.violations]).toEqual([]);
    expect(cell.webServers.map(({ generation, propagation }) => [generation, propagation])).toEqual(modes);
    expect([...cell.generatedFor].sort()).toEqual(["web1/webserver1", "web2/webserver1"]);
    for (const webServer of cell.webServers) webServer.generation = "automatic";
    expectSettled(driver);
  });

  test.each(SETTINGS)("promise 6: killed after any change, then %s", async (_name, settings) => {
    const cellOf = () => twoOfOneName(["AppsCluster"]);
    expect(await everywhere(cellOf, "killed after", settings, recover)).toBeGreaterThan(20);
  });

  const oneBy = (how: Record<string, unknown>) => (cell: MemoryCell) => ({
    webServers: [{ ...declared(cell)[0], server: "webserver1", node: undefined, ...how }],
  });
  test.each<[string, (cell: MemoryCell) => Record<string, unknown>, RegExp]>([
    [
      "one is declared by its name alone",
      oneBy({}),
      /webServers.web1: the cell has several web servers webserver1: web1\/webserver1 and web2\/webserver1.*node: web1, or node: web2, and server: webserver1/,
    ],
    ["the other one is not declared", oneBy({ node: "web1" }), /webserver1 of node web2 that is not declared/],
    [
      "the other one is ignored by its name alone",
      (cell) => ({ ...oneBy({ node: "web1" })(cell), ignoreWebServers: ["webserver1"] }),
      /ignoreWebServers: the cell has several web servers webserver1/,
    ],
    [
      "one is declared twice",
      (cell) => ({ webServers: declared(cell).map((each) => ({ ...each, node: "web1" })) }),
      /webServers web1, web2: each is webserver1 of node web1 in the cell/,
    ],
  ])("refused: %s", async (_, settingsOf, expected) => {
    const cell = twoOfOneName();
    expect(await refusedUp(cell, settingsOf(cell))).toMatch(expected);
  });

  test("the other one may be ignored by its whole name", async () => {
    const cell = twoOfOneName();
    const settings = { ...oneBy({ node: "web1" })(cell), ignoreWebServers: ["web2/webserver1"] };
    expect(await new Driver(cell, declaration(cell, settings)).up()).toMatchObject({ ended: "converged" });
    expect([...cell.generatedFor]).toEqual(["web1/webserver1"]);
  });

  test("one that comes while a rollout is open stops it, and it goes on when both are told apart", async () => {
    const cell = watched(2, ["web1", "web2"]);
    const [first, second] = cell.webServers;
    if (!first || !second) throw new Error("no two web servers");
    const driver = new Driver(cell, declaration(cell));
    cell.badFix = true;
    await driver.up();
    cell.badFix = false;
    Object.assign(second, { server: "web1", node: "dmz" });
    expect(await driver.up()).toMatchObject({
      ended: "failed",
      message: expect.stringMatching(/webServers.web1: the cell has several web servers web1: web\/web1 and dmz\/web1/),
    });
    const nodes = { web1: "web", web2: "dmz" };
    const [one, two] = declared(cell).map((each) => ({
      ...each,
      server: "web1",
      node: nodes[each.name as keyof typeof nodes],
    }));
    driver.desired = declaration(cell, { webServers: [one, two] });
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect([...cell.violations]).toEqual([]);
  });

  describe.each(["resume", "roll back"] as const)(
    "one of a name that is taken comes while a rollout is open: %s",
    (ask) => {
      const open = async (cell: MemoryCell, settings: Record<string, unknown> = {}) => {
        const driver = new Driver(cell, declaration(cell, settings));
        await driver.up(killedAfter(/^stop node1_InfraCluster/));
        cell.request = { request: ask, reason: "as asked" };
        return driver;
      };
      const refusedThenEnded = async (driver: Driver, refusal: RegExp, settings: Record<string, unknown>) => {
        const { cell } = driver;
        expect(await driver.up()).toMatchObject({ ended: "failed", message: expect.stringMatching(refusal) });
        driver.desired = declaration(cell, settings);
        expect((await driver.plan()).refusals).toEqual([]);
        await recover(driver);
      };

      test("an ignored one: each is named with its node, as the refusal says", async () => {
        const cell = watched(2);
        cell.otherWebServers.push({ node: "a", server: "test" });
        const driver = await open(cell, { ignoreWebServers: ["test"] });
        cell.otherWebServers.push({ node: "b", server: "test" });
        await refusedThenEnded(driver, /Name them that no user reaches: a\/test and b\/test/, {
          ignoreWebServers: ["a/test", "b/test"],
        });
      });

      test("a declared one: it says its node, as the refusal says", async () => {
        const cell = watched(2);
        const driver = await open(cell);
        const [{ server, node } = { server: "", node: "" }] = cell.webServers;
        cell.otherWebServers.push({ node: "b", server });
        const webServers = declared(cell).map((each) => ({ ...each, server, node }));
        await refusedThenEnded(driver, new RegExp(`Say which of them it is: node: ${node}, or node: b`), {
          webServers,
        });
      });
    },
  );

  test("another one is ignored while a rollout is open: that is no more precise name, and refused", async () => {
    const cell = watched(2);
    cell.otherWebServers.push({ node: "a", server: "test" });
    const driver = new Driver(cell, declaration(cell, { ignoreWebServers: ["a/test"] }));
    await driver.up(killedAfter(/^stop agent/));
    for (const ignoreWebServers of [[], ["test"], ["a/test", "a/best"], ["b/a/test-of"]]) {
      driver.desired = declaration(cell, { ignoreWebServers });
      expect((await driver.plan()).refusals.map(({ where }) => where)).toEqual(["ignoreWebServers"]);
    }
  });
});
