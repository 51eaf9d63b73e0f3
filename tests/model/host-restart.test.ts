import type { MemoryCell } from "../support/memory-cell.js";
import { INSTALL_MS, NO_FAULTS, TICK_MS } from "../support/memory-cell-parts.js";
import { reboot, restoreConfiguration } from "../support/memory-cell-reboot.js";
import { Driver, declaration, killedAfter } from "./driver.js";
import { expectSettled, watched } from "./watched.js";

jest.setTimeout(300_000);

/** The deployment manager's host is restarted so long after the installer's begin: before it writes anything, or half-way. */
const EARLY_MS = INSTALL_MS / 2 - 3 * TICK_MS;
const LATE_MS = INSTALL_MS / 2 + 3 * TICK_MS;

const asks = (cell: MemoryCell, request: "resume" | "roll back") => {
  cell.request = { request, reason: "seen to" };
};

/** A rollout of two nodes, whose hosts something happens to right after the change that matches. */
async function rollout(change: RegExp, then: (cell: MemoryCell) => void, settings: Record<string, unknown> = {}) {
  const cell = watched(2);
  const driver = new Driver(cell, declaration(cell, settings));
  let due = true;
  const after = (name: string) => {
    if (!due || !change.test(name)) return;
    due = false;
    then(cell);
  };
  const { ended, message } = await driver.up({ ...NO_FAULTS, after });
  expect(due).toBe(false);
  return { cell, driver, ended, message };
}

/** The installer is lost in the midst of a run of ours, which goes on. */
const installerLost = (ms: number, settings: Record<string, unknown> = {}) =>
  rollout(/^install /, (cell) => cell.at(cell.now + ms, () => reboot(cell, "dmgr")), settings);

/** As it has to be while nobody has said that it is seen to. */
function expectUntouched({ cell, driver }: { cell: MemoryCell; driver: Driver }, installerRuns = 1): void {
  expect([...cell.violations]).toEqual([]);
  expect(cell.installerRuns).toHaveLength(installerRuns);
  expect(cell.node("node2")).toMatchObject({ level: 0, agent: "stopped" });
  expect(cell.serving()).toContain("node2");
  expect(driver.kept?.journal).toMatchObject({ frozen: true, halfWay: { job: expect.stringContaining("-install") } });
}

const settled = (driver: Driver) => {
  driver.cell.violations.delete("the installer ran twice"); // as a person had it run again
  expectSettled(driver);
};

describe("promise 6: the update installer is lost with its host", () => {
  test("what happened, what is seen and what can be done is said, and nothing else happens before a person asks for it", async () => {
    const lost = await installerLost(LATE_MS);
    expect(lost.ended).toBe("failed");
    const rolloutName = lost.driver.kept?.journal?.rollout;
    for (const words of [
      /ended with its host's restart at 2026-11-21T22:\S+Z, its outcome is unknown/,
      /its list does not have LO66666; its text does not say that it is done/,
      /the master configuration can be read \(1 applications\); other than before the rollout: files \(1001 bytes\)/,
      new RegExp(`/opt/dmgr/bin/restoreConfig.sh \\S+/backups/${rolloutName}/config.zip -nostop`),
      /then npm run rollout -- resume \(or npm run rollout -- roll-back\) and pulumi up/,
    ])
      expect(lost.message).toMatch(words);
    expectUntouched(lost);
    expect((await lost.driver.plan()).refusals).toEqual([lost.driver.kept?.journal?.halfWay?.problem]);
    expect((await lost.driver.up()).message).toMatch(/ended with its host's restart/);
    expectUntouched(lost);
  });

  test("asked to go on where nothing was restored, it says which archive is torn, and has to be asked again", async () => {
    const lost = await installerLost(LATE_MS);
    for (const request of ["resume", "roll back"] as const) {
      asks(lost.cell, request);
      expect((await lost.driver.up()).message).toMatch(
        /yet nothing was restored: files has 1001 bytes, and had 1000 bytes/,
      );
      expectUntouched(lost);
      expect(lost.cell.request).toBeUndefined();
    }
  });

  test.each([
    ["resume", "late", LATE_MS],
    ["roll back", "late", LATE_MS],
    ["resume", "early", EARLY_MS],
    ["roll back", "early", EARLY_MS],
  ] as const)(
    "%s, after it was lost %s and its configuration was restored: the rollout comes to its end",
    async (request, _when, ms) => {
      const { cell, driver } = await installerLost(ms);
      if (ms === LATE_MS) restoreConfiguration(cell);
      asks(cell, request);
      const { ended } = await driver.up();
      expect(request === "resume" ? ended : driver.kept?.wentBack?.reason).toBe(
        request === "resume" ? "converged" : "seen to",
      );
      // What was restored is what was found, whatever time its files have.
      expect(driver.said.some((line) => line.endsWith("no application was changed"))).toBe(request === "roll back");
      expect(cell.installerRuns).toHaveLength(request === "resume" ? 2 : 1);
      settled(driver);
    },
  );

  test.each(["resume", "roll back"] as const)(
    "a rollout that died with it says so first, whatever was asked for before that (%s)",
    async (request) => {
      const cell = watched(2);
      const driver = new Driver(cell, declaration(cell));
      await driver.up(killedAfter(/^install /));
      cell.advance(LATE_MS);
      reboot(cell, "dmgr");
      asks(cell, request);
      expect((await driver.up()).message).toMatch(/ended with its host's restart/);
      expectUntouched({ cell, driver });
      restoreConfiguration(cell);
      expect((await driver.up()).ended).toBe("failed");
      asks(cell, request);
      await driver.up();
      settled(driver);
    },
  );

  test("no failure of that sort makes a rollout turn round by itself", async () => {
    const lost = await installerLost(EARLY_MS, { onFailure: "roll back", onInterrupted: "roll back" });
    expect(lost.driver.kept?.journal?.direction).toBe("forward");
    await lost.driver.up();
    expect(lost.driver.kept?.journal?.direction).toBe("forward");
    expectUntouched(lost);
  });

  test.each([
    ["its text says that it is done: the rollout goes on by itself", "Fix installation completed successfully."],
    ["its text does not say that it is done: a person has to", ""],
  ])("its list has the fix, and %s", async (_name, text) => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    await driver.up(killedAfter(/^install /));
    const [command] = cell.commands;
    cell.commands.clear();
    command?.finish();
    command?.host.setJob(command.job, "lost", text);
    if (text === "") {
      expect((await driver.up()).message).toMatch(/its list has LO66666; its text does not say that it is done/);
      expectUntouched({ cell, driver });
      asks(cell, "resume");
    }
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect(cell.installerRuns).toHaveLength(1);
    expectSettled(driver);
  });

  test("what goes on without its runner is waited for by whoever comes, and no second one starts", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    await driver.up(killedAfter(/^install /));
    cell.commands.clear();
    const host = cell.host("dmgr");
    host.lose({ restartedAt: null, left: [4712] });
    for (const request of ["resume", "roll back"] as const) {
      asks(cell, request);
      expect((await driver.up()).message).toMatch(/process 4712 of it goes on/);
      expect(driver.kept?.journal).toMatchObject({ frozen: false, direction: "forward" });
    }
    cell.request = undefined;
    host.lose({ restartedAt: null, left: [] });
    expect((await driver.up()).message).toMatch(/its processes are gone/);
    expectUntouched({ cell, driver });
  });

  test("on the way back, while it uninstalls: the same, and the way back comes to its end", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    await driver.up(killedAfter(/^stop node2_AppsCluster/));
    asks(cell, "roll back");
    await driver.up(killedAfter(/^uninstall /));
    cell.advance(LATE_MS);
    reboot(cell, "dmgr");
    expect((await driver.up()).message).toMatch(/\(uninstall LO66666\): it ended with its host's restart/);
    expect(cell.installerRuns).toHaveLength(2);
    asks(cell, "resume");
    await driver.up();
    expect(driver.kept?.wentBack).toMatchObject({ reason: "seen to" });
    expect(cell.installerRuns).toHaveLength(3);
    settled(driver);
  });

  test("at any moment: restored and resumed, it ends with the fix everywhere; users never noticed", async () => {
    for (let ms = TICK_MS; ms < INSTALL_MS; ms += TICK_MS) {
      const lost = await installerLost(ms);
      expectUntouched(lost);
      restoreConfiguration(lost.cell);
      asks(lost.cell, "resume");
      expect(await lost.driver.up()).toMatchObject({ ended: "converged", message: "" });
      settled(lost.driver);
    }
  });
});

describe("promise 6: the host of a node that is out is restarted while a command runs there", () => {
  test.each([
    [/^stop node1_AppsCluster$/, "node1"],
    [/^start node1_AppsCluster$/, "node1"],
    [/^start node2_InfraCluster$/, "node2"],
    [/^start agent node2$/, "node2"],
  ])("%s: the same run says so, looks, and does what is still due", async (change, node) => {
    const { cell, driver, ended, message } = await rollout(change, (there) =>
      there.at(there.now + TICK_MS, () => reboot(there, node)),
    );
    expect({ ended, message }).toEqual({ ended: "converged", message: "" });
    expect(driver.said.filter((line) => /looking again: .* ended with its host's restart at/.test(line))).toHaveLength(
      1,
    );
    expect(cell.violations.size).toBe(0);
    expectSettled(driver);
  });

  test("and the run died with it: the next one says so, looks, and does what is still due", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    await driver.up(killedAfter(/^start node1_AppsCluster$/));
    reboot(cell, "node1");
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect(driver.said.join("\n")).toMatch(
      /node1: the command interim-fixes-\S+-start-node1-\S+ ended with its host's restart at \S+, its outcome is unknown/,
    );
    expectSettled(driver);
  });
});

/** The modelled cell's number of every process of a server. */
const SERVER = 1;

describe("promise 6: a command on a node goes on without its runner", () => {
  /** Its runner was killed alone, with our process; what it runs ends by itself a while later. */
  async function withoutRunner(change: RegExp, endsAfterMs: number, { started = false } = {}) {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    await driver.up(killedAfter(change));
    const [command] = cell.commands;
    if (!command) throw new Error(`no command runs after ${change}`);
    const { host } = command;
    cell.commands.delete(command);
    host.lose({ restartedAt: null, left: [4712] });
    cell.at(cell.now + endsAfterMs, () => {
      command.finish();
      host.lose({ restartedAt: null, left: started ? [SERVER] : [] });
    });
    return { cell, driver };
  }

  test.each([/^start node1_AppsCluster/, /^start agent node2/])(
    "%s: it is waited for, and no second one begins beside it",
    async (change) => {
      const { cell, driver } = await withoutRunner(change, 120_000);
      expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
      expect(cell.written.filter((each) => change.test(each))).toHaveLength(1);
      expect(driver.said.join("\n")).toMatch(
        /waiting for interim-fixes-\S+ \(its runner is gone, and process 4712 of it goes on/,
      );
      expect(
        driver.said.filter((line) => line.includes("its processes are gone and left no exit status")),
      ).toHaveLength(1);
      expectSettled(driver);
    },
  );

  test.each([/^start node1_AppsCluster/, /^start agent node2/])(
    "%s: what it started and left running in its session is not waited for",
    async (change) => {
      const { cell, driver } = await withoutRunner(change, 1_000, { started: true });
      expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
      expect(cell.written.filter((each) => change.test(each))).toHaveLength(1);
      expect(driver.said.join("\n")).not.toMatch(/process 1 of it goes on/);
      for (const node of ["node1", "node2"] as const)
        expect(await cell.host(node).jobs.list("interim-fixes-")).toEqual([]);
      expectSettled(driver);
    },
  );

  test("one that never ends is named with its process, after the limit", async () => {
    const { cell, driver } = await withoutRunner(/^start node1_AppsCluster/, 100 * 3_600_000);
    const { ended, message } = await driver.up();
    expect(ended).toBe("failed");
    expect(message).toMatch(/waited \S+ for interim-fixes-\S+ \(its runner is gone, and process 4712 of it goes on/);
    expect(cell.written.filter((each) => each === "start node1_AppsCluster")).toHaveLength(1);
  });
});
