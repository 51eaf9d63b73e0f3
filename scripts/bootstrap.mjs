// What `npm start`, `npm test` and `npm run setup` run: makes a bare clone ready, then does what was asked for.
// Plain JavaScript without packages, for Node.js 20 and later: nothing is installed yet when it runs for the first time.

import { SetupError } from "./setup/report.cjs";
import { setUp } from "./setup/setup.cjs";
import { runTests } from "./setup/test-run.cjs";
import { runTour } from "./setup/tour.cjs";

const VERBS = new Map([
  ["start", runTour],
  ["test", runTests],
  ["setup", async () => 0],
]);

const LIBERTY = "--liberty";

const [verb = "", ...args] = process.argv.slice(2);
const run = VERBS.get(verb);
if (!run) {
  console.error(
    `bootstrap.mjs: ${verb === "" ? "no verb" : `"${verb}"`} given. Allowed: ${[...VERBS.keys()].join(", ")}.`,
  );
  process.exit(2);
}
const unknown = verb === "setup" ? args.filter((arg) => arg !== LIBERTY) : [];
if (unknown.length > 0) {
  console.error(`bootstrap.mjs: "${unknown.join(" ")}" after setup. Allowed: ${LIBERTY}, for Open Liberty too.`);
  process.exit(2);
}
try {
  // Of the others, only the tests need it.
  await setUp({ withLiberty: verb === "test" || (verb === "setup" && args.includes(LIBERTY)) });
  process.exitCode = await run(args);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`[setup] stopped: ${error.message}`);
  process.exitCode = 1;
}
