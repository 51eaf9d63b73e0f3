"use strict";
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { inForeground } = require("./foreground.cjs");
const { ROOT } = require("./paths.cjs");

/**
 * The part of jest's result file that the verdict rests on.
 * @typedef {object} Results
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {number} numRuntimeErrorTestSuites files that could not even be loaded
 */

/**
 * The last line of a test run and whether the run counts as passed.
 * @param {Results | undefined} results undefined when jest ended before it wrote any
 * @param {number} jestCode
 * @returns {{ line: string, code: number }}
 */
function verdict(results, jestCode) {
  const passed = results?.numPassedTests ?? 0;
  // A file that does not load has no tests that could fail: it counts as one.
  const failed = (results?.numFailedTests ?? 0) + (results?.numRuntimeErrorTestSuites ?? 0);
  const skipped = (results?.numPendingTests ?? 0) + (results?.numTodoTests ?? 0);
  const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
  const good = jestCode === 0 && failed === 0 && passed > 0;
  return { line, code: good ? 0 : jestCode || 1 };
}

/**
 * `npm test`: all tests, or those that the arguments name. The last line is the count.
 * @param {readonly string[]} args handed to jest
 * @returns {Promise<number>} exit code
 */
async function runTests(args) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pulumi-connections-test-"));
  const file = path.join(folder, "results.json");
  try {
    const jest = path.join(ROOT, "node_modules", "jest", "bin", "jest.js");
    const jestCode = await inForeground("node", [jest, "--json", `--outputFile=${file}`, ...args]);
    const results = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : undefined;
    const { line, code } = verdict(results, jestCode);
    console.log(line);
    return code;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

module.exports = { verdict, runTests };
