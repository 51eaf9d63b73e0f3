import { formatProblem, problemsOf } from "../providers/common/problem.js";
import type { Benchmark } from "./benchmark.js";
import { db2 } from "./db2.js";
import { edit } from "./edit.js";
import { engine } from "./engine.js";

const BENCHMARKS: Readonly<Record<string, Benchmark>> = { db2, edit, engine };

/** `npm run bench -- NAME [--json]`: a table for people, or one JSON object with the figures. */
async function main(args: readonly string[]): Promise<void> {
  const json = args.includes("--json");
  const [name, ...extra] = args.filter((arg) => arg !== "--json");
  const benchmark = name !== undefined && Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (!benchmark || extra.length > 0) {
    console.error("Usage: npm run bench -- NAME [--json]");
    for (const [each, { summary }] of Object.entries(BENCHMARKS)) console.error(`  ${each}: ${summary}`);
    process.exitCode = 2;
    return;
  }
  const figures = await benchmark.run();
  if (json) {
    console.log(JSON.stringify({ name, ...figures }));
    return;
  }
  console.log(`${name}: ${benchmark.summary}`);
  const width = Math.max(...Object.keys(figures).map((each) => each.length));
  for (const [each, value] of Object.entries(figures)) console.log(`  ${each.padEnd(width)}  ${value}`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  for (const problem of problemsOf(error, "bench")) console.error(formatProblem(problem));
  process.exitCode = 1;
});
