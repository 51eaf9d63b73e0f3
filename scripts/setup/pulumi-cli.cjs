"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { ROOT, TOOLCHAIN, findExecutable, isExecutable, link, machinePath } = require("./paths.cjs");
const { capture } = require("./processes.cjs");
const { SetupError, announce } = require("./report.cjs");
const { isSameMinor } = require("./versions.cjs");
const { installOfficial } = require("./pulumi-installer.cjs");
const { buildFromSource } = require("./pulumi-from-source.cjs");

const STEP = "Pulumi CLI";
/** The CLI's version; the SDK in package.json has the same one. */
const VERSION = "3.259.0";
const MODULE_FILES = ["go.mod", "go.sum"].map((name) => path.join(ROOT, "tools", "pulumi", name));
const LANGUAGE_HOST = "pulumi-language-nodejs";
const VERSION_SECONDS = 30;

/** Where a CLI of our own lies, complete and verified: it gets this name last of all. */
const INSTALLED = path.join(TOOLCHAIN, "pulumi");

/**
 * Written into a finished CLI folder.
 * @typedef {object} Origin
 * @property {string} version
 * @property {string} how "official installer" or "built from source"
 * @property {string} sources digest of what determined it; another digest means that it is out of date
 * @property {number} size bytes of the pulumi program
 */

/** Makes `.toolchain/bin/pulumi` run a CLI that fits: the machine's own, an installed one, or one built here. */
async function pulumiCli() {
  clearStaging();
  const official = await officialOnPath();
  if (official.program) {
    link("pulumi", official.program);
    return announce(STEP, `${official.program} on PATH fits`);
  }
  const origin = installedOrigin(INSTALLED);
  if (origin) {
    link("pulumi", path.join(INSTALLED, "pulumi"));
    return announce(STEP, `${origin.version} present (${origin.how})`);
  }

  const staging = path.join(TOOLCHAIN, `staging-${process.pid}`);
  announce(STEP, `fetching ${VERSION} with the official installer, because ${official.reason}`);
  const refusal = await inStaging(staging, "official installer", () => installOfficial(staging, VERSION));
  if (refusal !== undefined) {
    announce(STEP, `building ${VERSION} from its Go modules (once, 2 to 5 minutes), because ${refusal}`);
    await inStaging(staging, "built from source", () => buildFromSource(staging, VERSION));
  }
  link("pulumi", path.join(INSTALLED, "pulumi"));
  announce(STEP, `${VERSION} ready (${installedOrigin(INSTALLED)?.how})`);
}

/**
 * Lets `make` fill a staging folder, verifies the result, and only then gives it its final name.
 * @param {string} staging
 * @param {string} how
 * @param {() => Promise<string | undefined>} make returns why it could not be done here, or undefined when done
 * @returns {Promise<string | undefined>} what `make` returned
 */
async function inStaging(staging, how, make) {
  fs.mkdirSync(staging, { recursive: true });
  try {
    const refusal = await make();
    if (refusal !== undefined) return refusal;
    const program = path.join(staging, "pulumi");
    const version = await versionOf(program);
    if (!version.includes(`v${VERSION}`) || !hasLanguageHost(program)) {
      throw new SetupError(
        `the CLI just made (${how}) is not usable: \`pulumi version\` says ${JSON.stringify(version)}, wanted v${VERSION}`,
        "run this again; if it stays so, put an official Pulumi CLI of that version on PATH",
      );
    }
    /** @type {Origin} */
    const origin = { version: VERSION, how, sources: sourcesDigest(), size: fs.statSync(program).size };
    fs.writeFileSync(path.join(staging, "origin.json"), `${JSON.stringify(origin, null, 2)}\n`);
    fs.rmSync(INSTALLED, { recursive: true, force: true });
    fs.renameSync(staging, INSTALLED);
    return undefined;
  } finally {
    fs.rmSync(staging, { recursive: true, force: true });
  }
}

/** What crashed runs left; the set-up lock guarantees that nobody works in there. */
function clearStaging() {
  if (!fs.existsSync(TOOLCHAIN)) return;
  for (const name of fs.readdirSync(TOOLCHAIN)) {
    if (name.startsWith("staging-")) fs.rmSync(path.join(TOOLCHAIN, name), { recursive: true, force: true });
  }
}

/**
 * The record of a finished CLI folder, or undefined when it is missing, incomplete or out of date.
 * @param {string} folder
 * @returns {Origin | undefined}
 */
function installedOrigin(folder) {
  const program = path.join(folder, "pulumi");
  try {
    const origin = JSON.parse(fs.readFileSync(path.join(folder, "origin.json"), "utf8"));
    const complete = isExecutable(program) && hasLanguageHost(program) && fs.statSync(program).size === origin.size;
    return complete && origin.version === VERSION && origin.sources === sourcesDigest() ? origin : undefined;
  } catch {
    return undefined;
  }
}

function sourcesDigest() {
  const hash = crypto.createHash("sha256");
  for (const file of MODULE_FILES) hash.update(fs.readFileSync(file));
  return hash.digest("hex");
}

/**
 * A CLI of the right version that the machine already has, or why there is none.
 * @param {string} [searchPath]
 * @returns {Promise<{ program: string, reason?: undefined } | { program?: undefined, reason: string }>}
 */
async function officialOnPath(searchPath = machinePath()) {
  const program = findExecutable("pulumi", searchPath);
  if (!program) return { reason: "there is none on PATH" };
  // A package manager's launcher that would download a CLI on its first use has no language host beside it.
  if (!hasLanguageHost(program)) return { reason: `${program} has no ${LANGUAGE_HOST} beside it` };
  const version = await versionOf(program);
  if (isSameMinor(version, VERSION)) return { program };
  return { reason: `${program} is ${version === "" ? "of unknown version" : version}, not v${VERSION}` };
}

/**
 * @param {string} program
 * @returns {Promise<string>} such as "v3.259.0"; empty when it does not answer
 */
async function versionOf(program) {
  // Even `pulumi version` writes a log into its home, which would be the person's own.
  const home = path.join(TOOLCHAIN, "pulumi-home");
  const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true", PULUMI_HOME: home };
  const { code, stdout } = await capture(program, ["version"], { env, seconds: VERSION_SECONDS });
  return code === 0 ? stdout.trim() : "";
}

/**
 * The engine looks for its language hosts beside the real program first.
 * @param {string} program
 */
function hasLanguageHost(program) {
  return isExecutable(path.join(path.dirname(fs.realpathSync(program)), LANGUAGE_HOST));
}

module.exports = { pulumiCli, officialOnPath, installedOrigin };
