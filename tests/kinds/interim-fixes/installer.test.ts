import type { FixOutcome } from "../../../providers/targets/wsadmin/update-installer.js";
import { Driver, declaration } from "../../model/driver.js";
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
