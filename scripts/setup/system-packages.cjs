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
  const missing = missingNeeds();
  const leftGuard = guardWasLeft();
  if (missing.length === 0 && !leftGuard) return announce(STEP, "present");

  const names = missing.map((need) => need.package);
  const reason = missing.map((need) => `${need.package} (${need.purpose})`).join(", ");
  const prefix = await rootPrefix();
  const apt = findExecutable("apt-get");
  if (missing.length > 0 && (!apt || !prefix)) {
    throw new SetupError(
      `these system packages are missing: ${reason}; they cannot be installed from here, because ` +
        (apt ? "this user is not root and sudo asks for a password or is not there" : "there is no apt-get"),
      apt
        ? `sudo apt-get install ${names.join(" ")}, then this again`
        : "install their counterparts of this system, then this again",
    );
  }
  if (!prefix) return announce(STEP, `present; ${GUARD} was left by a crashed set-up and can only be removed as root`);
  announce(
    STEP,
    missing.length > 0 ? `installing ${reason}; no service is started` : `removing ${GUARD}, left by a crash`,
  );
  const [command = "sh", ...args] = [...prefix, "sh", SCRIPT, ...names];
  await mustRun(command, args, {
    seconds: INSTALL_SECONDS,
    waitingFor: "apt-get",
    next: names.length > 0 ? `sudo apt-get install ${names.join(" ")}, then this again` : `sudo rm ${GUARD}`,
  });
  const still = missingNeeds();
  if (still.length > 0) {
    throw new SetupError(
      `apt-get ended well, yet nothing provides ${still.map((need) => need.programs?.join(" or ") ?? need.file).join(", ")}`,
      `look at what the packages ${still.map((need) => need.package).join(", ")} contain on this system`,
    );
  }
}

module.exports = { NEEDS, missingNeeds, systemPackages };
