import type { MemoryCell } from "../support/memory-cell.js";
import { NO_FAULTS } from "../support/memory-cell-parts.js";
import { Driver, declaration } from "./driver.js";
import { everywhere, expectSettled, KINDS, merged, recover, SETTINGS } from "./watched.js";

/** Generous, since the machine may be busy: every index is a whole rollout and its recovery. */
jest.setTimeout(300_000);

describe("promise 10: a plug-in file whose clusters are called otherwise than the cell's", () => {
  test.each([2, 3])("%i nodes: its users are served at every instant", async (nodes) => {
    const cell = merged(nodes);
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
    expect(Object.keys(cell.webServers[0]?.file ?? {})).toEqual(["Shared_1_Cluster_0", "Shared_2_Cluster_0"]);
  });

  test.each<[string, (cell: MemoryCell) => void]>([
    ["sends to a node again", () => undefined],
    ["gives servers that nothing tells", (cell) => Object.assign(cell, { transportsOf: () => [] })],
  ])("a web server that somebody %s while members are stopped: no further one is", async (_, also) => {
    const cell = merged(2);
    const [webServer] = cell.webServers;
    if (!webServer) throw new Error("no web server");
    cell.invariants.length = 0;
    const restarted = (change: string) => {
      if (change !== "stop node1_AppsCluster") return;
      cell.propagate(webServer);
      webServer.followed = webServer.file;
      also(cell);
    };
    expect(await new Driver(cell, declaration(cell)).up({ ...NO_FAULTS, after: restarted })).toMatchObject({
      ended: "failed",
      message: expect.stringMatching(/it sends users of Shared_1_Cluster_0, Shared_2_Cluster_0 to node1 again/),
    });
    expect(cell.written.filter((change) => change.startsWith("stop node1_"))).toEqual(["stop node1_AppsCluster"]);
  });

  const byDirective = (cell: MemoryCell) => {
    for (const webServer of cell.webServers) webServer.refreshInterval = -1;
    return cell;
  };
  describe.each([
    ["in place", (cell: MemoryCell) => cell],
    ["by directive", byDirective],
  ])("promise 6: %s", (_how, switched) => {
    test.each(KINDS.flatMap((kind) => SETTINGS.map(([name, settings]) => [kind, name, settings] as const)))(
      "%s at any change, then %s",
      async (kind, _name, settings) => {
        const cellOf = () => switched(merged(2, ["AppsCluster"]));
        expect(await everywhere(cellOf, kind, settings, recover)).toBeGreaterThan(20);
      },
    );
  });
});
