import { MemoryCell } from "../support/memory-cell.js";
import { NO_FAULTS } from "../support/memory-cell-parts.js";
import { Driver, declaration } from "./driver.js";
import { expectSettled, recover, watched } from "./watched.js";

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

test("a stop is heard between two steps, and the next run goes on only after resume", async () => {
  const cell = watched(2);
  const driver = new Driver(cell, declaration(cell));
  const stopAt = { ...NO_FAULTS, after: (change: string) => void (change === "route webserver1" && stop()) };
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
      message: expect.stringMatching(/its list does not have LO66666; its text says that it is done/),
    });
    expect(cell.written.filter((change) => change.startsWith("sync"))).toEqual([]);
  });

  test("a node agent that comes back by itself stops the rollout before anything else is done", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    const comesBack = {
      ...NO_FAULTS,
      after: (change: string) => {
        if (change === "install LO66666" && cell.nodes[1]) cell.nodes[1].agent = "started";
      },
    };
    cell.invariants.length = 0;
    expect(await driver.up(comesBack)).toMatchObject({ ended: "failed", message: expect.stringMatching(/runs again/) });
    expect(cell.written.filter((change) => !change.startsWith("dmgr ")).at(-1)).toMatch(/install/);
  });

  test("the classic order finishes, and sends users to applications that are restarting", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell, { order: "classic" }));
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect([...cell.violations].join()).toMatch(/users are sent to .*applications restart on/);
    cell.violations.clear();
    expectSettled(driver);
  });

  test("HCL's offline order finishes", async () => {
    const cell = watched(2);
    // Nobody serves meanwhile, and nobody is let finish.
    cell.invariants.length = cell.changeInvariants.length = 0;
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
