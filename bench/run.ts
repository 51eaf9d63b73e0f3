import { formatProblem, problemsOf } from "../providers/common/problem.js";
import type { Benchmark, Figures } from "./benchmark.js";
import { db2 } from "./db2.js";
import { edit } from "./edit.js";
import { engine } from "./engine.js";
import { rollout } from "./rollout.js";

const BENCHMARKS: Readonly<Record<string, Benchmark>> = { db2, edit, engine, rollout };

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
  const lines = linesOf(figures);
  const width = Math.max(...lines.map(([each]) => each.length));
  for (const [each, value] of lines) console.log(`  ${each.padEnd(width)}  ${value}`);
}

/** A figure a line; those of an innermost group share one. */
function linesOf(figures: Figures, of = ""): [string, string][] {
  return Object.entries(figures).flatMap(([name, value]): [string, string][] => {
    if (typeof value !== "object") return [[`${of}${name}`, String(value)]];
    if (Object.values(value).some((each) => typeof each === "object")) return linesOf(value, `${of}${name} `);
    return [
      [
        `${of}${name}`,
        Object.entries(value)
          .map(([figure, is]) => `${figure} ${is}`)
          .join("  "),
      ],
    ];
  });
}

main(process.argv.slice(2)).catch((error: unknown) => {
  for (const problem of problemsOf(error, "bench")) console.error(formatProblem(problem));
  process.exitCode = 1;
});
