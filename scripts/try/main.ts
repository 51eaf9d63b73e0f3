import { formatProblem, problemsOf } from "../../providers/common/problem.js";
import { routing } from "./routing.js";
import { sql } from "./sql.js";
import type { TryVerb } from "./verb.js";

const VERBS: Readonly<Record<string, TryVerb>> = { routing, sql };

const DONE = 0;
const REFUSED = 2;

/** `npm run try -- VERB …`: shows on a copy of one's own file what would be done. Touches nothing, needs no lab. Answers the exit code. */
export async function runTry(
  args: readonly string[],
  output: (text: string) => void,
  errors: (text: string) => void,
): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h") {
    output(usage());
    return name === undefined ? REFUSED : DONE;
  }
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (!verb) {
    errors(`There is no verb ${JSON.stringify(name)}.\n${usage()}`);
    return REFUSED;
  }
  try {
    return await verb.run(rest, output);
  } catch (error) {
    const problems = problemsOf(error, name);
    errors(`Refused${problems.length > 1 ? ` for ${problems.length} reasons` : ""}; nothing would be written:`);
    for (const problem of problems) errors(`- ${formatProblem(problem)}`);
    return REFUSED;
  }
}

function usage(): string {
  const verbs = Object.entries(VERBS).map(([name, verb]) => `  ${name} ${verb.usage}\n      ${verb.summary}`);
  return ["Usage: npm run try -- VERB ARGUMENTS", ...verbs, "Exit codes: 0 done or nothing to change, 2 refused"].join(
    "\n",
  );
}
