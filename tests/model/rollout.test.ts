import { MemoryCell } from "../support/memory-cell.js";
import { Driver, declaration, FaultAt } from "./driver.js";

/** All but one node serve, and nobody is sent to one that does not: at every instant of the model's clock. */
function watched(nodes: number, webServers?: readonly string[], clusters?: readonly string[]): MemoryCell {
  const cell = new MemoryCell(nodes, clusters, webServers);
  cell.invariants.push(
    ({ nodes: all }) => {
      const serving = cell.serving();
      if (serving.length < all.length - 1) throw new Error(`only ${serving.join(", ")} serve`);
    },
    () => {
      const dead = cell.routedServers().filter((server) => !cell.serves(cell.member(server)));
      if (dead.length > 0) throw new Error(`users are sent to ${dead.join(", ")}`);
    },
    () => {
      const untouched = cell.webServers.every(({ file }) =>
        Object.values(file).every(({ backup }) => backup.length === 0),
      );
      const held = cell.webServers.every(({ hold }) => hold !== null);
      if (!held && !(untouched && cell.serving().length === nodes)) throw new Error("the routing is not held");
    },
    // Sessions may stick to a member that is a backup only: a stopped one passes them on, a restarting application fails them.
    () => {
      const restarting = cell.nodes.flatMap(({ members }) =>
        members.filter((member) => member.restartingUntil > cell.now),
      );
      const hit = restarting.filter(({ state }) => state === "started").map(({ server }) => server);
      if (hit.length > 0) throw new Error(`applications restart on ${hit.join(", ")}, which run`);
    },
    () => {
      if (new Set(cell.installerRuns).size !== cell.installerRuns.length) throw new Error("the installer ran twice");
    },
  );
  return cell;
}

/** Everything that is not a fix is as it was; every member runs what the master configuration has. */
function expectSettled(driver: Driver): void {
  const { cell, kept } = driver;
  expect(kept?.journal).toBeNull();
  expect(cell.serving()).toHaveLength(cell.nodes.length);
  for (const node of cell.nodes) {
    expect(node.agent).toBe("started");
    for (const member of node.members) expect([member.level, member.temp]).toEqual([cell.level, cell.level]);
  }
  for (const webServer of cell.webServers) {
    expect(webServer.hold).toBeNull();
    expect([webServer.generation, webServer.propagation]).toEqual(["automatic", "automatic"]);
    expect(Object.values(webServer.file).every(({ backup }) => backup.length === 0)).toBe(true);
  }
  expect([...cell.fixes]).toEqual(kept?.wentBack ? [] : ["LO66666"]);
}

/** Runs `up` until it converges or has gone back; a few runs have to do. */
async function recover(driver: Driver): Promise<void> {
  let last = "";
  for (let run = 0; run < 4; run++) {
    const { ended, message } = await driver.up();
    last = message;
    if (ended === "converged" || driver.kept?.wentBack) return expectSettled(driver);
  }
  throw new Error(`still not converged: ${last}`);
}

describe.each([2, 3, 4])("promise 10: %i nodes", (nodes) => {
  test("a rollout in the safe order keeps all but one node serving at every instant", async () => {
    const driver = new Driver(watched(nodes), declaration(new MemoryCell(nodes)));
    const outcome = await driver.up();
    expect(outcome).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
    expect((await driver.plan()).steps).toEqual([]);
  });
});

test("the steps of a rollout over two nodes, in order", async () => {
  const cell = watched(2);
  const { steps } = await new Driver(cell, declaration(cell)).plan();
  expect(steps.map(({ title, impact }) => `${title} [${impact}]`)).toMatchSnapshot();
});

const KINDS = ["killed before", "killed after", "reply lost", "cut"] as const;
const SETTINGS = [
  ["resume", {}],
  ["roll back", { onInterrupted: "roll back", onFailure: "roll back" }],
] as const;

/** A fault at every index of a rollout, until one is out of its reach; answers how many there were. */
async function everywhere(
  nodes: number,
  kind: (typeof KINDS)[number],
  settings: Record<string, unknown>,
  then: (driver: Driver) => Promise<void>,
): Promise<number> {
  for (let index = 0; index < 500; index++) {
    const cell = watched(nodes);
    const driver = new Driver(cell, declaration(cell, settings));
    const fault = new FaultAt(index, kind);
    await driver.up(fault);
    if (!fault.reached) return index;
    try {
      await then(driver);
    } catch (error) {
      throw new Error(`${kind} at change ${index} (${cell.written.join(" | ")}): ${error}`);
    }
  }
  throw new Error("a rollout without an end");
}

describe.each([2, 3, 4])("promises 6 and 10: %i nodes, a fault at every change", (nodes) => {
  test.each(SETTINGS.flatMap(([name, settings]) => KINDS.map((kind) => [kind, name, settings] as const)))(
    "%s, then %s",
    async (kind, _name, settings) => {
      const count = await everywhere(nodes, kind, settings, recover);
      expect(count).toBeGreaterThan(50);
    },
  );
});

describe("promise 6: killed at every change, and its recovery killed at every change too", () => {
  test.each(SETTINGS)(
    "2 nodes, %s",
    async (_name, settings) => {
      let pairs = 0;
      for (let first = 0; ; first++) {
        let reached = false;
        for (let second = 0; ; second++) {
          const cell = watched(2, undefined, ["AppsCluster"]);
          const driver = new Driver(cell, declaration(cell, settings));
          const faults = [new FaultAt(first, "killed after"), new FaultAt(second, "killed after")] as const;
          await driver.up(faults[0]);
          await driver.up(faults[1]);
          reached = faults[0].reached;
          if (!reached || !faults[1].reached) break;
          pairs++;
          await recover(driver).catch((error) => {
            throw new Error(
              `killed after change ${first}, then after ${second} (${cell.written.join(" | ")}): ${error}`,
            );
          });
        }
        if (!reached) break;
      }
      expect(pairs).toBeGreaterThan(1_000);
    },
    120_000,
  );
});

describe("what the operator asks for, at every change", () => {
  test.each([2, 3])("%i nodes: the process dies, and the rollout is told to go back", async (nodes) => {
    await everywhere(nodes, "killed after", {}, async (driver) => {
      driver.cell.request = { request: "roll back", reason: "the fix is not wanted any more" };
      await recover(driver);
    });
  });

  test("a stop is heard between two steps, and the next run goes on only after resume", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    const stopAt = { before() {}, after: (change: string) => void (change === "route webserver1" && stop()) };
    const stop = () => {
      cell.request = { request: "stop", reason: "lunch" };
    };
    expect(await driver.up(stopAt)).toMatchObject({
      ended: "failed",
      message: expect.stringMatching(/stopped on request/),
    });
    expect(cell.installerRuns).toEqual([]);
    expect(await driver.up()).toMatchObject({
      ended: "failed",
      message: expect.stringMatching(/stopped on request: lunch/),
    });
    cell.request = { request: "resume", reason: "" };
    await recover(driver);
  });
});

describe("promise 10: what goes wrong on the way", () => {
  test.each([2, 3])("%i nodes: a fix that fails its probes is uninstalled again, on request", async (nodes) => {
    const cell = watched(nodes);
    cell.badFix = true;
    const driver = new Driver(cell, declaration(cell, { onFailure: "roll back" }));
    await recover(driver);
    expect(driver.kept?.wentBack?.reason).toMatch(/status 500/);
    expect((await driver.plan()).refusals[0]?.found).toMatch(/went back on .*status 500/);
  });

  test("a fix that fails its probes freezes the rollout, the other nodes serving", async () => {
    const cell = watched(3);
    cell.badFix = true;
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up()).toMatchObject({ ended: "failed", message: expect.stringMatching(/status 500/) });
    expect(cell.serving()).toEqual(["node2", "node3"]);
    expect(cell.nodes.map(({ agent }) => agent)).toEqual(["started", "stopped", "stopped"]);
    expect(cell.webServers[0]?.hold).not.toBeNull();
  });

  test("an installer that says it is done and did nothing reaches no node", async () => {
    const cell = watched(2);
    cell.installerLies = true;
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up()).toMatchObject({
      ended: "failed",
      message: expect.stringMatching(/is not listed as installed/),
    });
    expect(cell.written.filter((change) => change.startsWith("sync"))).toEqual([]);
  });

  test("a node agent that comes back by itself stops the rollout before anything else is done", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    const comesBack = {
      before() {},
      after: (change: string) => {
        if (change === "install LO66666" && cell.nodes[1]) cell.nodes[1].agent = "started";
      },
    };
    cell.invariants.length = 0;
    expect(await driver.up(comesBack)).toMatchObject({ ended: "failed", message: expect.stringMatching(/runs again/) });
    expect(cell.written.at(-1)).toMatch(/install/);
  });

  test("the classic order finishes, and sends users to applications that are restarting", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell, { order: "classic" }));
    expect(await driver.up()).toMatchObject({
      ended: "failed",
      message: expect.stringMatching(/which run|users are sent to/),
    });
    cell.invariants.length = 0;
    await recover(driver);
  });

  test("HCL's offline order finishes", async () => {
    const cell = watched(2);
    cell.invariants.length = 0;
    const driver = new Driver(cell, declaration(cell, { strategy: "offline", acceptUnsupported: false }));
    await recover(driver);
  });

  test("several web servers are all routed and proved before any member stops", async () => {
    const cell = watched(2, ["web1", "web2", "web3"]);
    await recover(new Driver(cell, declaration(cell)));
    const firstStop = cell.written.findIndex((change) => change.startsWith("stop node1_"));
    for (const name of ["web1", "web2", "web3"]) expect(cell.written.slice(0, firstStop)).toContain(`route ${name}`);
  });

  test("absent fixes are uninstalled by the same workflow, and a fix in no list is left alone", async () => {
    const cell = watched(2);
    cell.fixes.add("LO11111").add("LO22222");
    const driver = new Driver(cell, declaration(cell, {}, { fixes: {}, absent: ["LO11111"] }));
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect([...cell.fixes]).toEqual(["LO22222"]);
    expect((await driver.plan()).notes).toEqual(["installed and not declared, left alone: LO22222"]);
  });
});
