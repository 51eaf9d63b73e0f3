import { ProblemError } from "../../../providers/common/problem.js";
import { NO_ARCHIVE } from "../../../providers/kinds/interim-fixes/master.js";
import { Driver, declaration, killedAfter } from "../../model/driver.js";
import { expectSettled, watched } from "../../model/watched.js";
import { MemoryCell } from "../../support/memory-cell.js";
import { INSTALL_MS, NO_FAULTS } from "../../support/memory-cell-parts.js";

const synchronized = ({ written }: MemoryCell) => written.filter((change) => change.startsWith("sync"));

describe("promise 20: an installation whose text and list differ", () => {
  const TEXT = "Updating application Files ...";
  const unproven = async (change: (cell: MemoryCell) => void, settings: Record<string, unknown> = {}) => {
    const cell = watched(2);
    change(cell);
    const driver = new Driver(cell, declaration(cell, settings));
    return { cell, driver, ...(await driver.up()) };
  };
  const silent = (cell: MemoryCell) => {
    cell.installerSays = TEXT;
  };
  const lying = (cell: MemoryCell) => {
    cell.installerLies = true;
  };
  const expectFrozen = ({ cell, driver }: { cell: MemoryCell; driver: Driver }) => {
    expect([...cell.violations]).toEqual([]);
    expect([synchronized(cell), cell.installerRuns.length]).toEqual([[], 1]);
    expect(driver.kept?.journal).toMatchObject({ direction: "forward", frozen: true, halfWay: {} });
  };
  const asks = (cell: MemoryCell, request: "resume" | "roll back") => {
    cell.request = { request, reason: "its logs were seen" };
  };

  test.each([
    ["listed, and its text does not say so", silent, /list has LO66666; its text does not say .* last words: Updating/],
    ["not listed, and its text says so", lying, /list does not have LO66666; its text says that it is done/],
  ])("%s: no node gets it, a mere second up refuses with what was found", async (_name, change, found) => {
    for (const settings of [{}, { onFailure: "roll back", onInterrupted: "roll back" }]) {
      const seen = await unproven(change, settings);
      expect(seen.message).toMatch(found);
      expectFrozen(seen);
      for (let retry = 0; retry < 2; retry++) {
        expect((await seen.driver.up()).message).toMatch(found);
        expectFrozen(seen);
      }
      expect((await seen.driver.plan()).refusals).toMatchObject([
        { found: expect.stringMatching(found), next: expect.stringContaining("npm run rollout -- resume") },
      ]);
    }
  });

  test("resume goes on with one that is listed, without the installer", async () => {
    const { cell, driver } = await unproven(silent);
    asks(cell, "resume");
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect(cell.installerRuns).toHaveLength(1);
    expectSettled(driver);
  });

  test("resume runs the installer once more for one that is not, and every archive as it was", async () => {
    const { cell, driver } = await unproven(lying);
    asks(cell, "resume");
    cell.installerLies = false;
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect(cell.installerRuns).toHaveLength(2);
  });

  test("roll-back goes back", async () => {
    const { cell, driver } = await unproven(silent);
    asks(cell, "roll back");
    await driver.up();
    expect(driver.kept?.wentBack).toMatchObject({ reason: "its logs were seen" });
    expect([...cell.fixes]).toEqual([]);
  });

  test.each([{}, { onInterrupted: "roll back" }])(
    "a run that died before anybody heard of it: the next one judges what it said (%j)",
    async (settings) => {
      const cell = watched(2);
      cell.installerSays = TEXT;
      const driver = new Driver(cell, declaration(cell, settings));
      await driver.up(killedAfter(/^install /));
      cell.advance(INSTALL_MS);
      expect((await driver.up()).message).toMatch(/does not say that it is done/);
      expectFrozen({ cell, driver });
      expect((await driver.up()).message).toMatch(/does not say that it is done/);
      expectFrozen({ cell, driver });
    },
  );

  test("a run that died before it could note that: what it said is still there", async () => {
    const cell = watched(2);
    cell.installerSays = TEXT;
    const driver = new Driver(cell, declaration(cell));
    let killed = false;
    const alive = () => {
      if (killed) throw new Error("killed");
    };
    const before = (change: string) => {
      killed ||= cell.fixes.has("LO66666") && change.startsWith("dmgr write");
      alive();
    };
    await driver.up({ before, after: alive, alive, killed: true });
    expect([killed, driver.kept?.journal?.halfWay]).toEqual([true, undefined]);
    expect((await driver.up()).message).toMatch(/does not say that it is done/);
    expectFrozen({ cell, driver });
  });

  test("a run that died, and a text that says that it is done: it needs nobody's word", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    await driver.up(killedAfter(/^install /));
    cell.advance(INSTALL_MS);
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect(cell.installerRuns).toHaveLength(1);
    expectSettled(driver);
  });
});

test("an uninstallation is judged by the list alone", async () => {
  const cell = new MemoryCell(2);
  cell.installerSays = "";
  cell.fixes.add("LO11111");
  const driver = new Driver(cell, declaration(cell, {}, { fixes: {}, absent: ["LO11111"] }));
  expect(await driver.up()).toMatchObject({ ended: "converged" });
  expect([...cell.fixes]).toEqual([]);
  expect(cell.host("dmgr").jobNames()).toEqual([]);
});

test("a fix that needs another one, by the installer's own word, is not installed and the other is named", async () => {
  const cell = new MemoryCell(2);
  cell.installerLies = true;
  cell.requires = ["LO55555"];
  const { message } = await new Driver(cell, declaration(cell)).up();
  expect(message).toMatch(/did not install LO66666: LO55555 is needed first/);
});

describe("a login that the installer cannot be given", () => {
  const withBlank = async (change: RegExp | undefined) => {
    const cell = new MemoryCell(2);
    const driver = new Driver(cell, declaration(cell));
    if (change) await driver.up(killedAfter(change));
    cell.blankInLogin = true;
    return { cell, driver };
  };
  const refused = { ended: "failed", message: expect.stringContaining("update installer: a blank") };

  test("nothing begins with it", async () => {
    const { cell, driver } = await withBlank(undefined);
    expect((await driver.plan()).refusals).toMatchObject([{ found: "a blank" }]);
    expect(await driver.up()).toMatchObject(refused);
    expect(cell.written.filter((change) => !change.startsWith("dmgr "))).toEqual([]);
  });

  test("a rollout that has begun does not come as far as taking a node out of service", async () => {
    const { cell, driver } = await withBlank(/^stop agent node2/);
    const before = cell.written.length;
    expect(await driver.up()).toMatchObject(refused);
    expect(cell.written.slice(before).filter((change) => !change.startsWith("dmgr "))).toEqual([]);
    cell.blankInLogin = false;
    expect(await driver.up()).toMatchObject({ ended: "converged" });
  });

  test("the way back needs the installer too; what has only nodes left to treat does not", async () => {
    const { cell, driver } = await withBlank(/^sync node1/);
    cell.request = { request: "roll back", reason: "not wanted" };
    expect(await driver.up()).toMatchObject(refused);
    cell.request = undefined;
    expect(await driver.up()).toMatchObject({ ended: "converged" });
  });
});

describe("an application whose archive cannot be seen", () => {
  const settings = { untouched: ["AppsCluster"] };

  test("nothing begins: a change of it would restart it under its users", async () => {
    const cell = new MemoryCell(2);
    cell.unseenArchives.add("files");
    const driver = new Driver(cell, declaration(cell, settings));
    expect(await driver.up()).toMatchObject({
      ended: "failed",
      message: expect.stringMatching(/no archive .* of files/),
    });
    expect(cell.written.filter((change) => !change.startsWith("dmgr "))).toEqual([]);
  });

  test("one that was never seen counts as changed by the installer, all the same before and after", async () => {
    const cell = new MemoryCell(2);
    const unseen = (id: string) => ({ ...cell.estate(id), fingerprints: async () => ({ files: NO_ARCHIVE }) });
    const { message } = await new Driver(cell, declaration(cell, settings), unseen).up();
    expect(message).toMatch(/it changed what runs on servers that were not drained: files on AppsCluster/);
    expect(synchronized(cell)).toEqual([]);
  });
});

describe("an installer that takes longer than its limit", () => {
  const HOUR = 3_600_000;
  /** When it was begun, and how long each run of ours attended it. */
  const slow = async (hours: number, settings: Record<string, unknown> = {}) => {
    const cell = new MemoryCell(2);
    cell.installMs = hours * HOUR;
    const driver = new Driver(cell, declaration(cell, settings));
    const run = async (faults?: Parameters<Driver["up"]>[0]) => {
      const began = cell.now;
      const { message } = await driver.up(faults);
      return { message, hours: (cell.now - began) / HOUR };
    };
    return { cell, driver, run };
  };
  const late = expect.stringMatching(/still at work after 3h \(limits.installer\)/);

  test.each([{}, { onFailure: "roll back", onInterrupted: "roll back" }])(
    "freezes the rollout once, at the limit; it is never killed nor gone back upon, and each next up waits for it again (%j)",
    async (settings) => {
      const { cell, driver, run } = await slow(7, settings);
      const first = await run();
      expect(first).toEqual({ message: late, hours: expect.closeTo(3.1, 0) });
      expect(driver.kept?.journal).toMatchObject({ direction: "forward", frozen: true });
      const second = await run();
      expect(second).toEqual({ message: late, hours: expect.closeTo(3, 1) });
      expect(await run()).toMatchObject({ message: "" });
      expect([cell.installerRuns.length, driver.kept?.wentBack]).toEqual([1, null]);
    },
  );

  test("a line that is cut meanwhile does not make the same run wait as long again", async () => {
    const { cell, driver, run } = await slow(7);
    // The look at the agents behind bears with the first one.
    let cuts = 0;
    const alive = () => {
      if (cuts === 2 || !cell.installing || cell.now < Date.parse("2026-11-22T00:00:00Z")) return;
      cuts++;
      throw new ProblemError("unreachable", { where: "line", found: "cut" });
    };
    const { message, hours } = await run({ ...NO_FAULTS, alive });
    expect([driver.said.filter((line) => /looking again: .*cut/.test(line)).length, message]).toEqual([1, late]);
    expect(hours).toBeCloseTo(3.1, 0);
  });

  test("somebody else's is waited for once as well", async () => {
    const { cell, driver, run } = await slow(0.1);
    await driver.up(killedAfter(/^sync node1/));
    cell.commands.add({ host: cell.host("dmgr"), job: "x", installs: true, endsAt: cell.now + 7 * HOUR, finish() {} });
    expect(await run()).toEqual({ message: late, hours: expect.closeTo(3, 1) });
  });
});
