import { type Lab, startLab } from "../../../lab/lab.js";
import { closeAllHosts } from "../../../providers/targets/hosts.js";

/** Some minutes: every question to the cell starts a JVM. */
const TEST_MS = 900_000;

/** For the top of a file of tests that roll fixes through the lab's cell: what starts a lab, which goes with its test. */
export function labOfEachTest(): (options?: { readonly nodes?: 2 | 3 }) => Promise<Lab> {
  jest.setTimeout(TEST_MS);
  let lab: Lab | undefined;
  afterEach(async () => {
    await closeAllHosts();
    await lab?.stop();
    lab = undefined;
  });
  return async (options = {}) => {
    lab = await startLab({ cell: "2.1", ...options });
    return lab;
  };
}

/** What a rollout says, for whoever wants to watch a test: SHOW_ROLLOUT=1. */
export function say(line: string): void {
  if (process.env.SHOW_ROLLOUT) process.stderr.write(`${line}\n`);
}
