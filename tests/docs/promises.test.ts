import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(__dirname, "..", "..");

interface Row {
  readonly number: number;
  readonly state: string;
}

const rows: readonly Row[] = [
  ...readFileSync(join(root, "docs", "reliability.md"), "utf8").matchAll(/^\| (\d+) +\| .+ \| ([^|]+?) +\|$/gm),
].map(([, number, state = ""]) => ({ number: Number(number), state }));

/** Numbers of the promises that names of tests (and of groups of tests) begin with. */
const tested = new Set(
  readdirSync(join(root, "tests"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => readFileSync(join(root, "tests", file), "utf8"))
    .flatMap((text) => [
      ...text.matchAll(/\b(?:test|it|describe)(?:\.each[\s\S]*?\])?\)?\(\s*["'`]promises? (\d+(?:(?:, | and )\d+)*)/g),
    ])
    .flatMap(([, numbers = ""]) => numbers.split(/\D+/).map(Number)),
);

test("the page lists every promise once", () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
  for (const { state } of rows) expect(state).toMatch(/^(kept|not yet: .+|kept, as far as .+)$/);
});

test.each(rows.filter(({ state }) => state.startsWith("kept")))(
  "promise $number is called kept, and a test names it",
  (row) => {
    expect([...tested]).toContain(row.number);
  },
);

test("no test names a promise that is not on the page, or is said not to be kept", () => {
  const kept = rows.filter(({ state }) => state.startsWith("kept")).map(({ number }) => number);
  expect([...tested].filter((number) => !kept.includes(number))).toEqual([]);
});
