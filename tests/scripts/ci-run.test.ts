import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";

/* The real .ci/run in a folder of its own, with stand-ins for node and npm that note their arguments. */
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ci-run-"));
  await mkdir(join(folder, ".ci"));
  await mkdir(join(folder, "bin"));
  await cp(resolve(__dirname, "../../.ci/run"), join(folder, ".ci", "run"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(ends: { setup?: number; lint?: number; test?: number; count: string }) {
  for (const [name, body] of [
    ["node", `exit ${ends.setup ?? 0}`],
    ["npm", `case "$*" in *lint) exit ${ends.lint ?? 0};; *) echo "${ends.count}"; exit ${ends.test ?? 0};; esac`],
  ] as const) {
    const file = join(folder, "bin", name);
    await writeFile(file, `#!/bin/sh\necho "${name} $* CI=$CI" >>'${folder}/calls'\n${body}\n`);
    await chmod(file, 0o755);
  }
  const env = { ...process.env, CI: "", PATH: `${join(folder, "bin")}${delimiter}${process.env.PATH}` };
  const [code, output] = await new Promise<[number, string]>((done) =>
    execFile(join(folder, ".ci", "run"), { env }, (error, stdout) => done([Number(error?.code ?? 0), stdout])),
  );
  const calls = (await readFile(join(folder, "calls"), "utf8")).trimEnd().split("\n");
  return { code, last: output.trimEnd().split("\n").at(-1), calls };
}

const SETUP = "node scripts/bootstrap.mjs setup CI=true";
const LINT = "npm run --silent lint CI=true";
const TEST = "npm test --silent CI=true";

test.each([
  ["all good", { count: "9 passed, 0 failed" }, 0, "9 passed, 0 failed", [SETUP, LINT, TEST]],
  ["a failing test", { test: 1, count: "8 passed, 1 failed" }, 1, "8 passed, 1 failed", [SETUP, LINT, TEST]],
  ["a failing lint", { lint: 1, count: "9 passed, 0 failed" }, 1, "0 passed, 1 failed", [SETUP, LINT]],
  ["a failing set-up", { setup: 1, count: "9 passed, 0 failed" }, 1, "0 passed, 1 failed", [SETUP]],
])("the whole check: %s", async (_, ends, code, last, calls) => {
  expect(await run(ends)).toEqual({ code, last, calls });
});
