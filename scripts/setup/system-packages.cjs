"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { findExecutable } = require("./paths.cjs");
const { capture, mustRun } = require("./processes.cjs");
const { SetupError, announce } = require("./report.cjs");

const STEP = "system packages";
const SCRIPT = path.join(__dirname, "install-packages.sh");
const GUARD = "/usr/sbin/policy-rc.d";
const GUARD_MARKER = "guard of pulumi-connections set-up";
const INSTALL_SECONDS = 1200;

/**
 * What the lab is made of. Needs are looked for as programs and files, not as package names, so that a machine that has
 * them from elsewhere is left alone.
 * @typedef {{ package: string, purpose: string, programs?: readonly string[], file?: string }} Need
 * @type {readonly Need[]}
 */
const NEEDS = [
  { package: "openssh-server", purpose: "the lab's hosts", programs: ["sshd"] },
  { package: "apache2", purpose: "the lab's web server", programs: ["apache2"] },
  { package: "apache2-dev", purpose: "to build the lab's plug-in for it", programs: ["apxs", "apxs2"] },
  { package: "gcc", purpose: "to compile the plug-in", programs: ["gcc"] },
  { package: "libc6-dev", purpose: "to compile the plug-in", file: "/usr/include/stdio.h" },
];

/**
 * The needs that this machine does not meet.
 * @param {{ has?: (program: string) => boolean, exists?: (file: string) => boolean }} [machine]
 * @returns {readonly Need[]}
 */
function missingNeeds({ has = (program) => findExecutable(program) !== undefined, exists = fs.existsSync } = {}) {
  return NEEDS.filter(({ programs, file }) => !(programs?.some(has) || (file !== undefined && exists(file))));
}

/**
 * How to run something as root here: the words before the command, or undefined when there is no way.
 * @returns {Promise<readonly string[] | undefined>}
 */
async function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  const sudo = findExecutable("sudo");
  if (!sudo) return undefined;
  const { code } = await capture(sudo, ["-n", "true"], { seconds: 20 });
  return code === 0 ? [sudo, "-n"] : undefined;
}

function guardWasLeft() {
  try {
    return fs.readFileSync(GUARD, "utf8").includes(GUARD_MARKER);
  } catch {
    return false;
  }
}

/** Installs what the lab needs and this machine lacks; touches nothing when all is there. */
async function systemPackages() {
  await removeLeftGuard();
  const missing = missingNeeds();
  if (missing.length === 0) return announce(STEP, "present");
  await installPackages(STEP, missing);
  const still = missingNeeds();
  if (still.length > 0) {
    throw new SetupError(
      `apt-get ended well, yet nothing provides ${still.map((need) => need.programs?.join(" or ") ?? need.file).join(", ")}`,
      `look at what the packages ${still.map((need) => need.package).join(", ")} contain on this system`,
    );
  }
}

/**
 * Installs packages with apt-get, as root or through sudo, without a service being started; or says what is missing.
 * @param {string} step
 * @param {readonly Need[]} needs
 */
async function installPackages(step, needs) {
  const names = needs.map((need) => need.package);
  const reason = needs.map((need) => `${need.package} (${need.purpose})`).join(", ");
  const byHand = `sudo apt-get install ${names.join(" ")}, then this again`;
  const hasApt = findExecutable("apt-get") !== undefined;
  const prefix = await rootPrefix();
  if (!hasApt || !prefix) {
    throw new SetupError(
      `missing system packages: ${reason}. They cannot be installed from here: ` +
        (hasApt ? "this user is not root, and sudo is not there or asks for a password" : "there is no apt-get"),
      hasApt ? byHand : "install what this system calls them, then this again",
    );
  }
  announce(step, `installing ${reason} with apt-get, because they are missing; no service is started`);
  await runScript(prefix, names, byHand);
}

/** A crashed installation may have left the guard in place, and with it no package could start its services any more. */
async function removeLeftGuard() {
  if (!guardWasLeft()) return;
  const prefix = await rootPrefix();
  announce(STEP, prefix ? `removing ${GUARD}, left by a crash` : `a crash left ${GUARD}: remove it as root`);
  if (prefix) await runScript(prefix, [], `sudo rm ${GUARD}`);
}

/**
 * @param {readonly string[]} prefix
 * @param {readonly string[]} names
 * @param {string} next
 */
async function runScript(prefix, names, next) {
  const [command = "sh", ...args] = [...prefix, "sh", SCRIPT, ...names];
  await mustRun(command, args, { seconds: INSTALL_SECONDS, waitingFor: "apt-get", next });
}

/**
 * The version of a package that apt-get would install.
 * @param {string} name
 * @returns {Promise<string>} such as "2:1.24~2"; empty when there is none, or no apt
 */
async function candidateVersion(name) {
  const env = { ...process.env, LC_ALL: "C" };
  const { stdout } = await capture("apt-cache", ["policy", name], { env, seconds: 60 });
  return /^\s*Candidate: (\d\S*)$/m.exec(stdout)?.[1] ?? "";
}

module.exports = { NEEDS, missingNeeds, systemPackages, installPackages, candidateVersion };
