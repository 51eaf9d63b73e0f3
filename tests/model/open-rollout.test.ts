import { ProblemError } from "../../providers/common/problem.js";
import type { Settings } from "../../providers/kinds/interim-fixes/schema.js";
import { stepsLeft } from "../../providers/lifecycle/record.js";
import type { MemoryCell } from "../support/memory-cell.js";
import { NO_FAULTS } from "../support/memory-cell-parts.js";
import { Driver, declaration, killedAfter } from "./driver.js";
import { expectSettled, recover, watched } from "./watched.js";

/** A rollout that stands still from the change that matches on, by an error that says nothing of what happened. */
const frozenAt = (change: RegExp, nth = 1) => {
  let seen = 0;
  const before = (name: string) => {
    if (change.test(name)) seen++;
    if (seen >= nth) throw new Error("frozen");
  };
  return { ...NO_FAULTS, before };
};

const titles = async (driver: Driver) => (await driver.plan()).steps.map(({ title }) => title);

describe("promise 10: an update installer that is at work when a rollout is looked at", () => {
  /** Seen at work by the next look alone; it has ended by the one after that. */
  function seenOnce(cell: MemoryCell) {
    const sight = { next: false };
    const driver = new Driver(cell, declaration(cell), (id) => {
      const estate = cell.estate(id);
      const isRunning = async () => {
        const seen = sight.next;
        sight.next = false;
        return seen || estate.installer.isRunning();
      };
      return { ...estate, installer: { ...estate.installer, isRunning } };
    });
    return { driver, sight };
  }

  test("says nothing of what is installed: it is waited for, and nothing is installed a second time", async () => {
    const cell = watched(2);
    const { driver, sight } = seenOnce(cell);
    expect(await driver.up(frozenAt(/^route/, 3))).toMatchObject({ ended: "failed" });
    expect(cell.installerRuns).toHaveLength(1);
    sight.next = true;
    expect(await titles(driver)).toEqual([
      expect.stringMatching(/^take up/),
      expect.stringMatching(/^wait for the end of the update installer/),
    ]);
    sight.next = true;
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect(cell.installerRuns).toHaveLength(1);
    expectSettled(driver);
  });

  test("begins nothing, and blames no fix, when no rollout is open", async () => {
    const cell = watched(2);
    cell.fixes.add("LO66666");
    const { driver, sight } = seenOnce(cell);
    sight.next = true;
    const { steps, refusals } = await driver.plan();
    expect([steps, refusals.map(({ found }) => found)]).toEqual([[], ["one is running"]]);
  });

  test.each(["freeze", "roll back"])(
    "an uninstallation that outlived its run is waited for (%s)",
    async (onFailure) => {
      const cell = watched(2);
      cell.fixes.add("LO11111").add("LO66666");
      const driver = new Driver(cell, declaration(cell, { onFailure }, { absent: ["LO11111"] }));
      expect(await driver.up(killedAfter(/^uninstall /))).toMatchObject({ ended: "killed" });
      expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
      expect([...cell.fixes]).toEqual(["LO66666"]);
      expect(driver.kept?.wentBack).toBeNull();
      expectSettled(driver);
    },
  );

  test("what somebody installed after the plan was made is not installed again", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    const somebody = () => {
      cell.fixes.add("LO66666");
      cell.changeMaster();
    };
    const after = (change: string) => void (change === "stop node1_InfraCluster" && somebody());
    expect(await driver.up({ ...NO_FAULTS, after })).toMatchObject({ ended: "converged", message: "" });
    expect(cell.installerRuns).toEqual([]);
    expectSettled(driver);
  });

  test.each([
    ["goes on", 0],
    ["has ended unseen", 600_000],
  ])("one that outlived its run and %s is attached to, and what it says is judged", async (_how, ms) => {
    const cell = watched(2);
    cell.installerSays = "Updating application Files ...";
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up(killedAfter(/^install /))).toMatchObject({ ended: "killed" });
    cell.advance(ms);
    const again = await driver.up();
    expect(again).toMatchObject({ ended: "failed", message: expect.stringMatching(/does not say that it is done/) });
    expect(cell.installerRuns).toHaveLength(1);
    expect(cell.written.filter((change) => change.startsWith("sync"))).toEqual([]);
    cell.request = { request: "resume", reason: "its logs were seen" };
    await recover(driver);
  });
});

describe("promise 13: the way back is the one to what the rollout found, whatever is declared by then", () => {
  test("a fix that was taken off the declaration meanwhile is uninstalled", async () => {
    const cell = watched(2);
    cell.badFix = true;
    const driver = new Driver(cell, declaration(cell, { onFailure: "roll back" }));
    expect(await driver.up(frozenAt(/^uninstall/))).toMatchObject({ ended: "failed" });
    expect(driver.kept?.journal?.direction).toBe("roll back");
    driver.desired = declaration(cell, { onFailure: "roll back" }, { fixes: {} });
    await driver.up();
    expect([...cell.fixes]).toEqual([]);
    expectSettled(driver);
  });

  test("roll-back is heard with another declaration too, as the refusal of that one advises", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up(frozenAt(/^sync/))).toMatchObject({ ended: "failed" });
    driver.desired = declaration(cell, {}, { fixes: {} });
    expect((await driver.plan()).refusals[0]).toMatchObject({ next: expect.stringMatching(/rollout -- roll-back/) });
    cell.request = { request: "roll back", reason: "asked" };
    expect(await driver.up()).toMatchObject({ message: "" });
    expect([...cell.fixes]).toEqual([]);
    expectSettled(driver);
  });

  test("fixes that somebody changes at the very end are seen, and the rollout does its work again before it ends", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    let once = true;
    const after = (change: string) => {
      if (change !== "start node2_InfraCluster" || !once) return;
      once = false;
      cell.fixes.clear();
    };
    expect(await driver.up({ ...NO_FAULTS, after })).toMatchObject({ ended: "converged", message: "" });
    expect(cell.installerRuns).toHaveLength(2);
    cell.violations.delete("the installer ran twice");
    expectSettled(driver);
  });
});

describe("promise 13: settings that an open rollout rests on wait for its end", () => {
  const OTHERS: readonly (readonly [string, (settings: Settings) => Partial<Settings>, RegExp])[] = [
    ["the strategy", () => ({ strategy: "offline" }), /offline/],
    ["a node less", ({ nodes }) => ({ nodes: nodes.slice(0, 2) }), /node3 was taken off it/],
    [
      "a web server that is ignored now",
      ({ webServers }) => ({ webServers: webServers.slice(0, 1), ignoreWebServers: ["web2"] }),
      /web2 was taken off it\n.*web2 was added/,
    ],
    ["a cluster that is untouched now", () => ({ untouched: ["InfraCluster"] }), /InfraCluster was added/],
  ];

  describe.each(["forward", "roll back"])("%s", (direction) => {
    test.each(OTHERS)(
      "%s: refused, nothing is changed, and with the former ones it ends",
      async (_name, other, found) => {
        const cell = watched(3, ["web1", "web2"]);
        const driver = new Driver(cell, declaration(cell));
        expect(await driver.up(frozenAt(/^install/))).toMatchObject({ ended: "failed" });
        if (direction === "roll back") cell.request = { request: "roll back", reason: "asked" };
        const { desired } = driver;
        driver.desired = { ...desired, settings: { ...desired.settings, ...other(desired.settings) } };
        const { steps, refusals } = await driver.plan();
        const written = cell.written.filter((change) => !change.startsWith("dmgr "));
        expect([steps, refusals.map((problem) => problem.found).join("\n")]).toEqual([
          [],
          expect.stringMatching(found),
        ]);
        expect(await driver.up()).toMatchObject({ ended: "failed" });
        expect(cell.written.filter((change) => !change.startsWith("dmgr "))).toEqual(written);
        driver.desired = desired;
        await recover(driver);
      },
    );
  });

  test("a cluster may be taken off untouched, and how a host is reached may change", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell, { untouched: ["InfraCluster"] }));
    expect(await driver.up(frozenAt(/^install/))).toMatchObject({ ended: "failed" });
    const desired = declaration(cell);
    const limits = { ...desired.settings.limits, start: "30m" };
    driver.desired = { ...desired, settings: { ...desired.settings, limits } };
    expect((await driver.plan()).refusals).toEqual([]);
  });
});

describe("promise 13: onInterrupted: roll back answers an interruption, and nothing else", () => {
  const driverOf = (cell: MemoryCell) => new Driver(cell, declaration(cell, { onInterrupted: "roll back" }));
  const stopAfter = (cell: MemoryCell, change: string) => ({
    ...NO_FAULTS,
    after: (name: string) => {
      if (name === change) cell.request = { request: "stop", reason: "lunch" };
    },
  });

  test("resume goes on where a stop ended the run; an interruption after that goes back again", async () => {
    const cell = watched(2);
    const driver = driverOf(cell);
    const { message } = await driver.up(stopAfter(cell, "stop node1_AppsCluster"));
    expect(message).toMatch(/stopped on request .*resume and pulumi up/);
    expect(message).not.toMatch(/onInterrupted/);
    cell.request = { request: "resume", reason: "" };
    expect(await titles(driver)).not.toContainEqual(expect.stringMatching(/^go back/));
    expect(await driver.up(killedAfter(/^install /))).toMatchObject({ ended: "killed" });
    expect(driver.kept?.journal?.direction).toBe("forward");
    cell.advance(600_000);
    expect(await titles(driver)).toContainEqual(expect.stringMatching(/^go back .*interrupted/));
    await recover(driver);
    expect([...cell.fixes]).toEqual([]);
  });

  test("a step that failed froze the rollout: the next up goes on, as it was told", async () => {
    const cell = watched(2);
    cell.badFix = true;
    const driver = driverOf(cell);
    const { message } = await driver.up();
    expect(message).toMatch(/status 500[\s\S]*to go on: correct the cause and run pulumi up/);
    cell.badFix = false;
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect(driver.kept?.wentBack).toBeNull();
    expectSettled(driver);
  });

  test("after a freeze that was gone on from, an interruption goes back again", async () => {
    const cell = watched(2);
    cell.badFix = true;
    const driver = driverOf(cell);
    expect(await driver.up()).toMatchObject({ ended: "failed" });
    cell.badFix = false;
    expect(await driver.up(killedAfter(/^route/))).toMatchObject({ ended: "killed" });
    expect(await titles(driver)).toContainEqual(expect.stringMatching(/^go back .*interrupted/));
  });

  test("a line that was cut is an interruption, and what the next up does is said", async () => {
    const cell = watched(2);
    const driver = driverOf(cell);
    const before = (name: string) => {
      if (/^install /.test(name)) throw new ProblemError("unreachable", { where: "line", found: "cut" });
    };
    const { message } = await driver.up({ ...NO_FAULTS, before });
    expect(message).toMatch(/the next pulumi up goes back .*To go on: npm run rollout -- resume/);
    expect(await titles(driver)).toContainEqual(expect.stringMatching(/^go back .*interrupted/));
  });
});

test.each([
  ["turn-back", /^claim/, 2],
  ["uninstall", /^uninstall/, 1],
] as const)("promise 6: what is left of a rollout that turned round is the way back (%s)", async (first, at, nth) => {
  const cell = watched(2);
  cell.badFix = true;
  const driver = new Driver(cell, declaration(cell, { onFailure: "roll back" }));
  expect(await driver.up(frozenAt(at, nth))).toMatchObject({ ended: "failed" });
  const run = driver.record?.run;
  const left = run ? stepsLeft(run) : [];
  expect(left[0]).toBe(first);
  expect(left).not.toContain("install");
  expect(left).toEqual(expect.arrayContaining(["stop-members node2", "synchronize node1", "end"]));
});

test("promise 10: what an installer may have left half-way is given to no node, and the first one, which its agent may bring it, is named", async () => {
  const cell = watched(2);
  cell.installerSays = "who knows";
  const { message } = await new Driver(cell, declaration(cell)).up();
  expect(message).toContain("no node is given it");
  expect(message).toContain(
    "the first one as a rule, may have it by its own synchronization all the same: do not start",
  );
  expect(cell.nodes.map(({ expanded }) => expanded > 0)).toEqual([true, false]);
  expect([...cell.violations]).toEqual([]);
});

describe("promise 17: a plug-in setting that could not be read", () => {
  test.each([
    [
      "generation",
      { generation: "unknown", propagation: "automatic" },
      { generation: "manual", propagation: "automatic" },
    ],
    [
      "propagation",
      { generation: "automatic", propagation: "unknown" },
      { generation: "automatic", propagation: "manual" },
    ],
  ] as const)("%s is not made up: it stays as the rollout set it, and that is said", async (what, found, left) => {
    const cell = watched(2);
    const [webServer] = cell.webServers;
    if (!webServer) throw new Error("no web server");
    Object.assign(webServer, found);
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect(webServer).toMatchObject(left);
    expect(driver.said.join("\n")).toContain(
      `webserver1: its plug-in ${what} could not be read when the rollout began`,
    );
  });
});
