import type { Estate } from "../../providers/kinds/interim-fixes/estate.js";
import { copyOf, GENERATED, HTTPD_CONF, type Stored } from "../kinds/plugin-routing/bench.js";
import { Driver, FaultAt } from "./driver.js";
import { SharedWebServer } from "./shared-web-server.js";
import { SETTINGS, watched } from "./watched.js";

/** Generous, since the machine may be busy: every index is a whole rollout, its recovery, and runs of the routing. */
jest.setTimeout(600_000);

interface Interrupted {
  readonly shared: SharedWebServer;
  readonly driver: Driver;
  /** State of the routing, from before the rollout. */
  readonly stored: Stored;
  readonly held: boolean;
}

/** A rollout that dies after every change of it, beside routing that was declared before. */
async function interrupted(
  settings: Record<string, unknown>,
  then: (at: Interrupted) => Promise<void>,
): Promise<{ readonly heldAt: number; readonly of: number }> {
  let heldAt = 0;
  for (let index = 0; index < 500; index++) {
    const cell = watched(2, undefined, ["AppsCluster"]);
    const shared = await SharedWebServer.start(cell);
    try {
      const stored = await shared.routing.create(shared.inputs());
      const driver = new Driver(cell, shared.desired(settings), (id) => shared.estate(id));
      const fault = new FaultAt(index, "killed after");
      await driver.up(fault);
      if (!fault.reached) return { heldAt, of: index };
      const held = cell.webServer("webserver1").hold !== null;
      if (held) heldAt++;
      shared.routing.said.length = 0;
      await then({ shared, driver, stored, held });
    } catch (error) {
      throw new Error(`killed after change ${index} (${cell.written.join(" | ")}): ${error}`);
    } finally {
      await shared.web.stop();
    }
  }
  throw new Error("a rollout without an end");
}

const managed = ({ web }: SharedWebServer) =>
  [GENERATED, HTTPD_CONF, copyOf("node1"), copyOf("node2")].map((path) => web.host.text(path));

/** The rollout has ended, one way or the other, and gave the routing free. */
async function goOn({ cell }: SharedWebServer, driver: Driver): Promise<void> {
  for (let run = 0; run < 4; run++) {
    const { ended, message } = await driver.up();
    if (ended === "converged" || driver.kept?.wentBack) {
      expect([...cell.violations]).toEqual([]);
      expect(cell.webServer("webserver1").hold).toBeNull();
      return;
    }
    if (run === 3) throw new Error(message);
    cell.advance(60_000);
  }
}

const primaries = ({ cell }: SharedWebServer) => cell.webServer("webserver1").file.AppsCluster?.primary;

/** A destroy that has to put something back changes nothing, and forgets nothing. */
async function expectRefused(shared: SharedWebServer, stored: Stored): Promise<void> {
  const before = managed(shared);
  await expect(shared.routing.destroy({ ...stored, onDestroy: "restore" })).rejects.toThrow(
    /held by an unfinished rollout, step "/,
  );
  expect(managed(shared)).toEqual(before);
}

describe("promise 10: routing beside a rollout that was interrupted after any change of it", () => {
  test("while it is held, a destroy that restores is refused, and up with another primaryNode plans no step, waits for nothing, says why, and routes later", async () => {
    const { heldAt, of } = await interrupted({}, async ({ shared, driver, stored, held }) => {
      const before = managed(shared);
      const wanted = shared.inputs({ primaryNode: "node2" });
      if (held) await expectRefused(shared, stored);
      const after = await shared.up(stored, wanted);
      if (held) {
        expect(managed(shared)).toEqual(before);
        expect(shared.web.calls.filter((call) => call !== "-t")).toEqual([]);
        const said = shared.routing.said.join("\n");
        expect(said).toMatch(/held by an unfinished rollout, step ".*" \(rollout \S+ of shop\/prod\/fixes, by /);
        expect(said).not.toMatch(/waiting for/);
      } else {
        expect(primaries(shared)).toEqual(["node2_AppsCluster"]);
      }
      await goOn(shared, driver);
      await shared.up(after, wanted);
      expect(primaries(shared)).toEqual(["node2_AppsCluster"]);
    });
    expect(heldAt).toBeGreaterThan(40);
    expect(of - heldAt).toBeGreaterThan(5);
  });

  test("letting go of it changes nothing, and the rollout goes back all the same", async () => {
    await interrupted(SETTINGS[1][1], async ({ shared, driver, stored, held }) => {
      if (held) await expectRefused(shared, stored);
      const before = managed(shared);
      await shared.routing.destroy(stored);
      expect(managed(shared)).toEqual(before);
      await goOn(shared, driver);
    });
  });
});

describe("promise 12: a run of the routing and a rollout that takes it, at the same moment", () => {
  test("the rollout waits for the run's lock, and remembers the routing that the run ends with", async () => {
    const cell = watched(2, undefined, ["AppsCluster"]);
    const shared = await SharedWebServer.start(cell);
    const driver = new Driver(cell, shared.desired(), (id) => shared.estate(id));
    const stored = await shared.routing.create(shared.inputs());
    let rollout: Promise<unknown> | undefined;
    // In the middle of it: the copy is written, the directive does not name it yet.
    shared.web.failSyntaxTest = () => {
      rollout ??= driver.up();
      return false;
    };
    await shared.up(stored, shared.inputs({ primaryNode: "node2" }));
    expect(rollout).toBeDefined();
    expect(await rollout).toMatchObject({ ended: "converged", message: "" });
    expect([...cell.violations]).toEqual([]);
    expect(primaries(shared)).toEqual(["node2_AppsCluster"]);
    expect(driver.said.join("\n")).toMatch(/its routing changed since the plan was made/);
    await shared.web.stop();
  });

  test("a run that waits for the rollout's lock finds the routing held", async () => {
    const cell = watched(2, undefined, ["AppsCluster"]);
    const shared = await SharedWebServer.start(cell);
    let routing: Promise<unknown> | undefined;
    // A modelled rollout would be over before the run looks again whether the lock is free.
    const slowed = (estate: Estate): Estate => ({
      ...estate,
      pause: async (ms) => {
        await routing?.catch(() => undefined);
        await estate.pause(ms);
      },
    });
    const driver = new Driver(cell, shared.desired(), (id) => slowed(shared.estate(id)));
    const stored = await shared.routing.create(shared.inputs());
    const fault = {
      before: (change: string) => {
        // The hold is about to be written, under the lock.
        if (/^web1 write .*\/holds\//.test(change))
          routing ??= shared.routing.up(stored, shared.inputs({ primaryNode: "node2" }));
      },
      after() {},
      alive() {},
    };
    expect(await driver.up(fault)).toMatchObject({ ended: "converged" });
    await routing;
    expect(shared.routing.said.join("\n")).toMatch(/held by an unfinished rollout/);
    expect([...cell.violations]).toEqual([]);
    await shared.web.stop();
  });
});
