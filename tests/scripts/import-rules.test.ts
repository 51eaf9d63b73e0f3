import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** The house's import rules (docs/architecture.md), as imports from a file of one part to a file of another. */
const REJECTED: readonly [file: string, specifier: string][] = [
  ["providers/common/x.ts", "../formats/y.js"],
  ["providers/common/x.ts", "../targets/y.js"],
  ["providers/common/x.ts", "../lifecycle/y.js"],
  ["providers/common/x.ts", "../kinds/a/plan.js"],
  ["providers/common/x.ts", "../index.js"],
  ["providers/formats/x.ts", "../targets/y.js"],
  ["providers/formats/x.ts", "../lifecycle/y.js"],
  ["providers/formats/x.ts", "../kinds/a/plan.js"],
  ["providers/formats/sub/x.ts", "../../targets/y.js"],
  ["providers/formats/x.ts", "../../lab/y.js"],
  ["providers/targets/x.ts", "../lifecycle/y.js"],
  ["providers/targets/x.ts", "../kinds/a/plan.js"],
  ["providers/targets/x.ts", "../../components/y.js"],
  ["providers/targets/x.ts", "../../lab/y.js"],
  ["providers/lifecycle/x.ts", "../formats/y.js"],
  ["providers/lifecycle/x.ts", "../kinds/a/kind.js"],
  ["providers/lifecycle/x.ts", "../index.js"],
  ["providers/lifecycle/x.ts", "../../tests/y.js"],
  ["providers/kinds/a/x.ts", "../b/plan.js"],
  ["providers/kinds/a/x.ts", "../../kinds/b/plan.js"],
  ["providers/kinds/a/x.ts", "../../index.js"],
  ["providers/kinds/a/x.ts", "../../../components/y.js"],
  ["providers/kinds/a/x.ts", "../../../lab/y.js"],
  ["providers/index.ts", "../lab/y.js"],
  ["providers/index.ts", "../components/y.js"],
  ["components/x.ts", "../providers/kinds/a/kind.js"],
  ["components/x.ts", "../providers/targets/y.js"],
  ["components/x.ts", "../providers/lifecycle/y.js"],
  ["components/x.ts", "../providers/index.js"],
  ["components/x.ts", "../lab/y.js"],
  ["components/config/x.ts", "../../providers/formats/y.js"],
  ["components/config/x.ts", "../../providers/kinds/a/plan.js"],
  ["components/config/x.ts", "../../providers/lifecycle/reconcile.js"],
  ["components/config/x.ts", "../../lab/y.js"],
  ["index.ts", "./providers/kinds/a/resource.js"],
  ["index.ts", "./lab/y.js"],
  ["policy/x.ts", "../lab/y.js"],
  ["bench/x.ts", "../tests/y.js"],
];

const ALLOWED: readonly [file: string, specifier: string][] = [
  ["bench/x.ts", "../lab/y.js"],
  ["components/config/x.ts", "../../providers/kinds/a/schema.js"],
  ["components/config/x.ts", "../../providers/lifecycle/run-settings.js"],
  ["components/config/x.ts", "../../providers/targets/connection.js"],
  ["components/config/x.ts", "../../providers/common/problem.js"],
  ["providers/common/x.ts", "./y.js"],
  ["providers/formats/x.ts", "./y.js"],
  ["providers/formats/x.ts", "../common/y.js"],
  ["providers/formats/x.ts", "fast-xml-parser"],
  ["providers/targets/x.ts", "../formats/y.js"],
  ["providers/targets/x.ts", "../common/y.js"],
  ["providers/lifecycle/x.ts", "../targets/y.js"],
  ["providers/lifecycle/x.ts", "../common/y.js"],
  ["providers/lifecycle/x.ts", "./kind.js"],
  ["providers/kinds/a/x.ts", "./plan.js"],
  ["providers/kinds/a/x.ts", "../../lifecycle/kind.js"],
  ["providers/kinds/a/x.ts", "../../targets/y.js"],
  ["providers/kinds/a/x.ts", "../../formats/y.js"],
  ["providers/kinds/a/x.ts", "../../common/y.js"],
  ["providers/index.ts", "./kinds/a/kind.js"],
  ["providers/index.ts", "./lifecycle/y.js"],
  ["components/x.ts", "../providers/kinds/a/resource.js"],
  ["components/x.ts", "../providers/common/y.js"],
  ["components/x.ts", "./config/schema.js"],
  ["components/config/x.ts", "../../providers/common/y.js"],
  ["index.ts", "./components/environment.js"],
  ["scripts/x.ts", "../lab/y.js"],
  ["tests/lab/x.test.ts", "../../lab/y.js"],
  ["lab/x.ts", "../providers/formats/y.js"],
];

/** Every way to write the same dependency. */
const FORMS: Readonly<Record<string, (specifier: string) => string>> = {
  value: (specifier) => `import { y } from "${specifier}";\nexport const z = y;\n`,
  type: (specifier) => `import type { Y } from "${specifier}";\nexport type Z = Y;\n`,
  "re-export": (specifier) => `export { y } from "${specifier}";\n`,
  "re-export of all": (specifier) => `export * from "${specifier}";\n`,
  dynamic: (specifier) => `export const z = import("${specifier}");\n`,
};

const root = resolve(__dirname, "..", "..");
const biome = join(root, "node_modules", ".bin", "biome");
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "import-rules-"));
  await cp(join(root, "biome.json"), join(folder, "biome.json"));
  await cp(join(root, ".gitignore"), join(folder, ".gitignore"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The files, among those given, in which the linter finds a forbidden import. */
async function rejected(files: ReadonlyMap<string, string>): Promise<Set<string>> {
  for (const [file, text] of files) {
    await mkdir(join(folder, dirname(file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  const report = await new Promise<string>((done) =>
    execFile(biome, ["lint", "--reporter=json", "--max-diagnostics=none", "."], { cwd: folder }, (_, stdout) =>
      done(stdout),
    ),
  );
  const { diagnostics, summary } = JSON.parse(report) as {
    diagnostics: readonly { category: string; location: { path: string | { file: string } } }[];
    summary: { unchanged: number; changed: number };
  };
  expect(summary.changed + summary.unchanged).toBeGreaterThanOrEqual(files.size);
  return new Set(
    diagnostics
      .filter(({ category }) => category === "lint/style/noRestrictedImports")
      .map(({ location }) => (typeof location.path === "string" ? location.path : location.path.file)),
  );
}

/** One file per case in the same folder, so that the linter runs once. */
function sources(
  cases: readonly (readonly [file: string, specifier: string])[],
  write: (specifier: string) => string,
): Map<string, string> {
  return new Map(
    cases.map(([file, specifier], index) => [
      // index.ts names one file, not a folder: it has a case of its own further down.
      file.replace(/\bx(?=\.)/, `x${index}`),
      write(specifier),
    ]),
  );
}

const inFolders = (cases: typeof REJECTED) => cases.filter(([file]) => /\bx\./.test(file));
const inNamedFiles = (cases: typeof REJECTED) => cases.filter(([file]) => !/\bx\./.test(file));

describe.each(Object.entries(FORMS))("import written as %s", (_, write) => {
  test("what crosses the layers is rejected by the linter", async () => {
    const files = sources(inFolders(REJECTED), write);
    expect([...files.keys()].filter((file) => !file.includes("x"))).toEqual([]);
    const found = await rejected(files);
    expect([...files.keys()].filter((file) => !found.has(file))).toEqual([]);
  });

  test("what the layers allow passes", async () => {
    expect(await rejected(sources(inFolders(ALLOWED), write))).toEqual(new Set());
  });
});

test.each(inNamedFiles(REJECTED))("%s must not import %s", async (file, specifier) => {
  expect(await rejected(new Map([[file, FORMS.value?.(specifier) ?? ""]]))).toEqual(new Set([file]));
});

test.each(inNamedFiles(ALLOWED))("%s may import %s", async (file, specifier) => {
  expect(await rejected(new Map([[file, FORMS.value?.(specifier) ?? ""]]))).toEqual(new Set());
});
