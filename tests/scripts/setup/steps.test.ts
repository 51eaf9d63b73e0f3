import { installationProblem } from "../../../scripts/setup/npm-packages.cjs";
import { toolchainFor } from "../../../scripts/setup/pulumi-from-source.cjs";
import { missingNeeds, NEEDS } from "../../../scripts/setup/system-packages.cjs";
import { verdict } from "../../../scripts/setup/test-run.cjs";

describe("npm packages are installed when node_modules is not what the lock file says", () => {
  const wanted = {
    packages: {
      "": { version: "0.1.0" },
      "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
      "node_modules/b": { version: "2.0.0", integrity: "sha512-b", optional: true },
    },
  };
  const { "node_modules/a": a, "node_modules/b": b } = wanted.packages;
  const complete = { packages: { "node_modules/a": a, "node_modules/b": b } };
  const present = () => true;

  test("a complete installation is left alone", () => {
    expect(installationProblem(wanted, complete, present)).toBeUndefined();
  });
  test("an optional package that does not fit the platform is not missed", () => {
    expect(installationProblem(wanted, { packages: { "node_modules/a": a } }, present)).toBeUndefined();
  });
  test.each([
    ["nothing installed, or npm ci was interrupted before its record", undefined, "only in part"],
    ["a torn record", {}, "only in part"],
    ["a package is missing", { packages: { "node_modules/b": b } }, "node_modules/a is missing"],
    ["another version", { packages: { "node_modules/a": { ...a, version: "0.9.0" } } }, "is 0.9.0"],
    ["same version, other content", { packages: { "node_modules/a": { ...a, integrity: "sha512-x" } } }, "a is 1.0.0"],
    [
      "a package that was dropped",
      { packages: { ...complete.packages, "node_modules/c": { version: "1.0.0" } } },
      "node_modules/c is no longer",
    ],
  ])("%s", (_, installed, problem) => {
    expect(installationProblem(wanted, installed, present)).toContain(problem);
  });
  test("a package folder that was deleted by hand", () => {
    expect(installationProblem(wanted, complete, (folder) => folder !== "node_modules/a")).toContain("a is damaged");
  });
});

describe("system packages are looked for as programs and files", () => {
  test("a bare machine misses every one of them", () => {
    expect(missingNeeds({ has: () => false, exists: () => false })).toEqual(NEEDS);
  });
  test("a complete machine misses none, whatever its packages are called", () => {
    expect(missingNeeds({ has: () => true, exists: () => true })).toEqual([]);
  });
  test("one of two names of a program is enough", () => {
    const missing = missingNeeds({ has: (program) => program !== "apxs", exists: () => true });
    expect(missing).toEqual([]);
  });
  test.each([
    ["sshd", "openssh-server"],
    ["apache2", "apache2"],
    ["gcc", "gcc"],
  ])("without %s, exactly %s is missing", (gone, name) => {
    const missing = missingNeeds({ has: (program) => program !== gone, exists: () => true });
    expect(missing.map((need) => need.package)).toEqual([name]);
  });
  test("a compiler without the C library's headers is not enough", () => {
    const missing = missingNeeds({ has: () => true, exists: () => false });
    expect(missing.map((need) => need.package)).toEqual(["libc6-dev"]);
  });
});

describe("which Go builds the CLI", () => {
  test.each([
    ["go version go1.26.8 linux/amd64", {}],
    ["go version go1.25.11 linux/amd64", {}],
    ["go version go1.24.0 linux/amd64", { GOTOOLCHAIN: "auto" }],
    ["2:1.22~2build1", { GOTOOLCHAIN: "auto" }],
    ["go version go1.19.8 linux/amd64", undefined],
    ["", undefined],
  ])("%j: %j", (installed, choice) => {
    expect(toolchainFor(installed, "1.25.11")).toEqual(choice);
  });
});

describe("the verdict of a test run", () => {
  const results = {
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    numRuntimeErrorTestSuites: 0,
  };
  test.each([
    ["all passed", { ...results, numPassedTests: 7 }, 0, "7 passed, 0 failed", 0],
    ["one failed", { ...results, numPassedTests: 6, numFailedTests: 1 }, 1, "6 passed, 1 failed", 1],
    [
      "skipped and todo",
      { ...results, numPassedTests: 3, numPendingTests: 2, numTodoTests: 1 },
      0,
      "3 passed, 0 failed, 3 skipped",
      0,
    ],
    [
      "a test file that does not load",
      { ...results, numPassedTests: 3, numRuntimeErrorTestSuites: 1 },
      1,
      "3 passed, 1 failed",
      1,
    ],
    [
      "failed, although jest says all is well",
      { ...results, numPassedTests: 3, numFailedTests: 1 },
      0,
      "3 passed, 1 failed",
      1,
    ],
    ["nothing was run, although jest says all is well", results, 0, "0 passed, 0 failed", 1],
    ["jest was killed before it wrote results", undefined, 137, "0 passed, 0 failed", 137],
    ["jest ended well without results", undefined, 0, "0 passed, 0 failed", 1],
    ["all passed, and jest failed all the same", { ...results, numPassedTests: 3 }, 1, "3 passed, 0 failed", 1],
  ])("%s", (_, given, jestCode, line, code) => {
    expect(verdict(given, jestCode)).toEqual({ line, code });
  });
});
