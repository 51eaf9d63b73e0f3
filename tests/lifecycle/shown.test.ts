import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const SHOWN = resolve(__dirname, "../../dist/providers/lifecycle/shown.js");

const step = (title: string) => `{ key: "write", title: ${JSON.stringify(title)}, impact: "none" }`;
const plans = `const plans = require(${JSON.stringify(SHOWN)}).plansOfThisCommand();`;
const remember = (title: string) => `${plans} plans.remember("id", { a: 1 }, { steps: [${step(title)}] });`;
const recall = `${plans} console.log(plans.recall("id", { a: 1 })?.steps[0].title ?? "nothing", plans.recall("id", { a: 2 }) === undefined);`;

describe("what one command has shown", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "shown-"));
    // A shell under the name of pulumi stands in for the command; the kernel knows processes by their file's name.
    copyFileSync("/bin/sh", join(folder, "pulumi"));
    chmodSync(join(folder, "pulumi"), 0o755);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** One command that starts one process after the other, as the engine starts a provider for each pass. */
  const command = (...scripts: string[]) =>
    execFileSync(
      join(folder, "pulumi"),
      ["-c", 'for script in "$@"; do "$0" -e "$script"; done', process.execPath, ...scripts],
      { encoding: "utf8", env: { ...process.env, XDG_RUNTIME_DIR: folder } },
    ).trim();

  test("is known to its later processes; the first plan counts", () => {
    expect(command(remember("first"), remember("second"), recall)).toContain("first true");
  });

  test("is not known to another command, and a later command removes what it left", () => {
    command(remember("first"));
    expect(command(recall)).toBe("nothing true");
    const [base = ""] = readdirSync(folder).filter((name) => name.startsWith("pulumi-connections-"));
    expect(readdirSync(join(folder, base))).toHaveLength(1);
    expect(statSync(join(folder, base)).mode & 0o777).toBe(0o700);
  });

  test("is not read from a folder that others can read", () => {
    command(remember("first"));
    const [base = ""] = readdirSync(folder).filter((name) => name.startsWith("pulumi-connections-"));
    execFileSync("chmod", ["0755", join(folder, base)]);
    expect(command(remember("first"), recall)).toContain("nothing true");
  });
});
