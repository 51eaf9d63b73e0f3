import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyPatch } from "diff";
import { runTry } from "../../scripts/try/main.js";

const SCRIPT = `CONNECT TO HOMEPAGE@
INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA (COMPKEY, DBSCHEMAVER, RELEASEVER)
VALUES ('HOMEPAGE', 704, '')@
COMMIT@
`;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "try-"));
  file = join(folder, "createDb.sql");
  writeFileSync(file, SCRIPT);
});
afterEach(() => rmSync(folder, { recursive: true }));

async function tried(...args: string[]): Promise<{ code: number; output: string; errors: string }> {
  const output: string[] = [];
  const errors: string[] = [];
  const code = await runTry(
    ["sql", ...args],
    (text) => output.push(text),
    (text) => errors.push(text),
  );
  return { code, output: output.join("\n"), errors: errors.join("\n") };
}

const OPTIONS = ["--component", "HOMEPAGE", "--from", "704", "--to", "705"];

test("a diff of one line that can be applied, and nothing is touched (exit 0)", async () => {
  const { mtimeMs } = statSync(file);
  const { code, output, errors } = await tried(file, ...OPTIONS);
  expect([code, errors]).toEqual([0, ""]);
  expect(output).toBe(`${file}: line 3 inserts level 704 for HOMEPAGE; statements end with @
--- ${file}
+++ ${file}
@@ -3 +3 @@
-VALUES ('HOMEPAGE', 704, '')@
+VALUES ('HOMEPAGE', 705, '')@`);
  expect(applyPatch(SCRIPT, output.slice(output.indexOf("---")))).toBe(SCRIPT.replace("704", "705"));
  expect(readFileSync(file, "utf8")).toBe(SCRIPT);
  expect([statSync(file).mtimeMs, readdirSync(folder)]).toEqual([mtimeMs, ["createDb.sql"]]);
});

test("nothing to change (exit 0)", async () => {
  writeFileSync(file, SCRIPT.replace("704", "705"));
  const { code, output } = await tried(file, ...OPTIONS);
  expect([code, output.split("\n").at(-1)]).toEqual([0, "Nothing to change."]);
});

test("several levels may be moved from, and other writes are told", async () => {
  writeFileSync(file, `${SCRIPT.replace("704", "703")}UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET RELEASEVER = '1'@`);
  const { code, output } = await tried(file, "--component", "homepage", "--from", "704, 703", "--to", "705");
  expect(code).toBe(0);
  expect(output).toContain("Note: line 5 changes HOMEPAGE_SCHEMA too");
});

test.each<[string, string[], RegExp]>([
  [
    "another level",
    ["--component", "HOMEPAGE", "--from", "703", "--to", "705"],
    /createDb\.sql:3: the script inserts level 704/,
  ],
  ["another component", ["--component", "FORUMS", "--from", "704", "--to", "705"], /no statement is an INSERT/],
  ["a database's name", ["--component", "DOGEAR", "--from", "1", "--to", "2"], /Did you mean BOOKMARKS\?/],
  [
    "a name with two meanings",
    ["--component", "SNCOMM", "--from", "1", "--to", "2"],
    /Did you mean COMMUNITIES or EVENTS\?/,
  ],
  ["a misspelt component", ["--component", "HOMEPAG", "--from", "1", "--to", "2"], /Did you mean HOMEPAGE\?/],
  ["no component", ["--from", "1", "--to", "2"], /no --component/],
  ["no level", ["--component", "HOMEPAGE", "--from", "1"], /no --to LEVEL/],
  ["a strange level", ["--component", "HOMEPAGE", "--from", "704", "--to", "7x"], /"7x", which is no level/],
  ["a level with a dot for a number", ["--component", "HOMEPAGE", "--from", "704", "--to", "710.10"], /as a number/],
  [
    "a lower level",
    ["--component", "HOMEPAGE", "--from", "703,705", "--to", "704"],
    /--from 705.*no level is ever lowered/,
  ],
  ["an unknown option", ["--components", "HOMEPAGE"], /--components/],
  ["a second file", ["b.sql", ...OPTIONS], /a second file/],
])("refused with its reason (exit 2): %s", async (_name, args, reason) => {
  const { code, output, errors } = await tried(file, ...args);
  expect([code, errors]).toEqual([2, expect.stringMatching(reason)]);
  expect(output).not.toContain("+++");
});

test("a file that is not there (exit 2)", async () => {
  expect(await tried(join(folder, "none.sql"), ...OPTIONS)).toMatchObject({
    code: 2,
    errors: expect.stringContaining("ENOENT"),
  });
});
