import type { Faults } from "../support/memory-cell-parts.js";
import { contentOf } from "../support/memory-cell-web.js";
import { Driver, declaration } from "./driver.js";
import { neverRefreshed, watched } from "./watched.js";

/** The process dies right after the web server's file got the last lists of the rollout. */
class DiesAfterLast implements Faults {
  #count = 0;
  #dead = false;

  constructor(
    private readonly last: string,
    private readonly times: number,
  ) {}

  before(): void {
    this.alive();
  }

  after(change: string): void {
    this.alive();
    if (change !== this.last || ++this.#count !== this.times) return;
    this.#dead = true;
    throw new Error("killed");
  }

  alive(): void {
    if (this.#dead) throw new Error("killed");
  }
}

describe("promise 10: a route that fails its proof goes back on every web server, whichever run had changed it", () => {
  test.each([
    ["in place", watched(2, ["web1", "web2"]), "route web1"],
    ["by directive", neverRefreshed(2, undefined, ["web1", "web2"]), "point web1"],
  ])("%s", async (_, cell, change) => {
    const driver = new Driver(cell, declaration(cell));
    await driver.up(new DiesAfterLast(change, 3));
    expect(cell.routedServers()).not.toHaveLength(0);
    // Meanwhile an application of the second node fails, whose processes run.
    cell.invariants.length = 0;
    cell.member("node2_InfraCluster").restartingUntil = cell.now + 3_600_000;
    expect((await driver.up()).ended).toBe("failed");
    for (const webServer of cell.webServers) {
      const { InfraCluster } = contentOf(webServer, webServer.directive);
      expect(InfraCluster?.primary).toEqual(["node1_InfraCluster"]);
    }
  });
});
