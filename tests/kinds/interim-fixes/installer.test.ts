import { NO_ARCHIVE } from "../../../providers/kinds/interim-fixes/master.js";
import type { FixOutcome } from "../../../providers/targets/wsadmin/update-installer.js";
import { Driver, declaration, killedAfter } from "../../model/driver.js";
import { MemoryCell } from "../../support/memory-cell.js";

/** A modelled cell whose installer ends like that, after it did its work. */
function ending(outcome: Partial<FixOutcome>): MemoryCell {
  const cell = new MemoryCell(2);
  const estate = cell.estate.bind(cell);
  cell.estate = (...args) => {
    const { installer, ...rest } = estate(...args);
    const other = async (work: Promise<FixOutcome>) => ({ ...(await work), ...outcome });
    return {
      ...rest,
      installer: {
        ...installer,
        install: (...call) => other(installer.install(...call)),
        uninstall: (...call) => other(installer.uninstall(...call)),
      },
    };
  };
  return cell;
}

const synchronized = ({ written }: MemoryCell) => written.filter((change) => change.startsWith("sync"));

test("promise 20: a listed fix whose installation does not say that it was completed freezes before any node has it", async () => {
  const cell = ending({ result: "unproven", output: "Updating application Files ..." });
  const driver = new Driver(cell, declaration(cell));
  const { ended, message } = await driver.up();
  expect([ended, message]).toEqual([
    "failed",
    expect.stringMatching(/does not say .* completed: Updating application/),
  ]);
  expect(synchronized(cell)).toEqual([]);
  // Somebody looked at its logs; the installer is not run again.
  expect(await driver.up()).toMatchObject({ ended: "converged" });
  expect(cell.installerRuns).toHaveLength(1);
});

test("an uninstallation is judged by the list alone", async () => {
  const cell = ending({ result: "unproven" });
  cell.fixes.add("LO11111");
  const driver = new Driver(cell, declaration(cell, {}, { fixes: {}, absent: ["LO11111"] }));
  expect(await driver.up()).toMatchObject({ ended: "converged" });
  expect([...cell.fixes]).toEqual([]);
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
