"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { ROOT, machinePath } = require("./paths.cjs");
const { mustRun } = require("./processes.cjs");
const { announce } = require("./report.cjs");

const STEP = "npm packages";
const INSTALL_SECONDS = 900;

/**
 * The part of a lock file that matters here.
 * @typedef {{ packages?: Record<string, { version?: string, integrity?: string, optional?: boolean, link?: boolean }> }} LockFile
 */

/**
 * Why what is installed is not what the lock file says, or undefined when it is. npm writes its own record
 * (node_modules/.package-lock.json) at the very end, so an interrupted installation has none.
 * @param {LockFile} wanted package-lock.json
 * @param {LockFile | undefined} installed node_modules/.package-lock.json; undefined when there is none
 * @param {(folder: string) => boolean} exists whether a package's folder holds a package
 * @returns {string | undefined}
 */
function installationProblem(wanted, installed, exists) {
  if (!installed?.packages) return "they are not installed, or only in part";
  const have = installed.packages;
  for (const [folder, entry] of Object.entries(wanted.packages ?? {})) {
    if (folder === "" || entry.link) continue;
    const present = have[folder];
    // Optional ones are left out by npm itself where the platform does not fit.
    if (!present && entry.optional) continue;
    if (!present) return `${folder} is missing`;
    if (present.version !== entry.version || present.integrity !== entry.integrity) {
      return `${folder} is ${present.version}, and package-lock.json says ${entry.version}`;
    }
    if (!exists(folder)) return `${folder} is damaged`;
  }
  const extra = Object.keys(have).find((folder) => wanted.packages?.[folder] === undefined);
  return extra ? `${extra} is no longer in package-lock.json` : undefined;
}

/** Installs exactly what package-lock.json says, unless that is there. */
async function npmPackages() {
  const wanted = /** @type {LockFile} */ (readJson("package-lock.json"));
  const problem = installationProblem(wanted, readJson("node_modules/.package-lock.json"), (folder) =>
    fs.existsSync(path.join(ROOT, folder, "package.json")),
  );
  if (!problem) return announce(STEP, "present");
  announce(STEP, `installing with npm ci, because ${problem}`);
  // The Node in node_modules is about to be replaced: npm runs on the machine's own.
  await mustRun("npm", ["ci"], {
    cwd: ROOT,
    env: { ...process.env, PATH: machinePath() },
    seconds: INSTALL_SECONDS,
    waitingFor: "npm ci",
    next: "see the lines above; `npm config get registry` shows where npm looks",
  });
}

/**
 * @param {string} file
 * @returns {LockFile | undefined} undefined when it is missing or torn
 */
function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(path.join(ROOT, file), "utf8"));
  } catch {
    return undefined;
  }
}

module.exports = { installationProblem, npmPackages };
