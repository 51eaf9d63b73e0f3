import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { db2LabProblem } from "../../../lab/db2/build.js";
import { type Db2Lab, startDb2Lab } from "../../../lab/db2/lab.js";
import { findDriver } from "../../../providers/targets/db2/driver.js";

/** What keeps these tests from running on this machine. */
const problem = findDriver() ? db2LabProblem() : "the Db2 driver is not installed: npm run setup says why";

/** A `describe` for tests against the real driver and a server; skipped, with a line that says why, where they cannot be had. */
export const describeDb2: typeof describe | typeof describe.skip = problem ? describe.skip : describe;
if (problem) console.warn(`Skipped: ${problem}`);

/** A server for one test file, in a folder of its own. */
export async function startTestDb2(): Promise<Db2Lab> {
  const directory = await mkdtemp(join(tmpdir(), "db2-test-"));
  const lab = await startDb2Lab({ directory });
  return {
    ...lab,
    async stop() {
      await lab.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
