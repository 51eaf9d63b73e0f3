import { Driver, declaration, FaultAt } from "./driver.js";
import { recover, watched } from "./watched.js";

/** Killed at every change, and the run after it killed at every change too; answers how many pairs there were. */
export async function everyPair(
  settings: Record<string, unknown>,
  cellOf = () => watched(2, undefined, ["AppsCluster"]),
): Promise<number> {
  let pairs = 0;
  for (let first = 0; ; first++) {
    for (let second = 0; ; second++) {
      const cell = cellOf();
      const driver = new Driver(cell, declaration(cell, settings));
      const faults = [new FaultAt(first, "killed after"), new FaultAt(second, "killed after")] as const;
      await driver.up(faults[0]);
      if (!faults[0].reached) return pairs;
      await driver.up(faults[1]);
      if (!faults[1].reached) break;
      pairs++;
      await recover(driver).catch((error) => {
        throw new Error(`killed after change ${first}, then after ${second} (${cell.written.join(" | ")}): ${error}`);
      });
    }
  }
}
