"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { digestOf, ensurePackages, isPresent, makePart, partFolder } = require("./parts.cjs");
const { ROOT, TOOLCHAIN, findExecutable, machinePath } = require("./paths.cjs");
const { capture, mustRun } = require("./processes.cjs");
const { SetupError, announce } = require("./report.cjs");

const PART = "db2/driver";
/** What is installed, as exact versions and digests. */
const SOURCES = path.join(ROOT, "tools", "db2");
const SECONDS = 300;
const NPM_FILES = ["package.json", "package-lock.json"];
const WHEEL = path.join(SOURCES, "wheel.txt");
const BINDING = "node_modules/ibm_db/build/Release/odbc_bindings.node";
const FILES = [BINDING, "clidriver/lib/libdb2.so.1", "ibm_db.libs", "node_modules/ibm_db/installer/clidriver/lib"];
/** Where the prebuilt binding and IBM's driver, both for Linux on x64 only, find the system's libraries. */
const LIBRARIES = "/usr/lib/x86_64-linux-gnu";

/** Extracts one member of a zip file; Python is there, because pip is. */
const EXTRACT_MEMBER =
  "import sys, zipfile; open(sys.argv[3], 'wb').write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))";

/** A driver that works answers this with SQL30081N: nobody listens on port 1. */
const CHECK = `require(process.argv[1]).open("DATABASE=X;HOSTNAME=127.0.0.1;PORT=1;PROTOCOL=TCPIP;UID=a;PWD=b;ConnectTimeout=10;")
  .then(() => process.exit(1), (error) => { console.log(error.sqlcode ?? error); process.exit(error.sqlcode === -30081 ? 0 : 1); });`;

/**
 * Makes `.toolchain/db2/driver`: the npm binding with its prebuilt library, beside IBM's CLI driver out of the Python package
 * that carries it. No compiler, and nothing from outside the package registries. Neither is ever committed or shipped: their
 * licence lets everybody fetch them, not us hand them on.
 * @param {string} step
 */
async function db2Driver(step) {
  const sources = digestOf(
    [...NPM_FILES.map((name) => path.join(SOURCES, name)), WHEEL].map((file) => fs.readFileSync(file)),
  );
  if (isPresent(PART, sources, FILES)) return announce(step, "present");
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new SetupError(
      `this recipe is for Linux on x64; this is ${process.platform} on ${process.arch}`,
      "install ibm_db yourself, as its own documentation says",
    );
  }
  await ensurePackages(step, [
    { package: "libcrypt1", purpose: "for the Db2 driver", file: `${LIBRARIES}/libcrypt.so.1` },
    { package: "libpam0g", purpose: "for the Db2 driver", file: `${LIBRARIES}/libpam.so.0` },
    { package: "libstdc++6", purpose: "for the Db2 driver", file: `${LIBRARIES}/libstdc++.so.6` },
    ...((await hasPip()) ? [] : [{ package: "python3-pip", purpose: "fetches the Db2 driver" }]),
  ]);
  announce(step, "installing with pip and npm (about 15 s), because it is missing or out of date");
  await makePart(PART, sources, async (folder) => {
    await cliDriver(folder);
    await binding(folder);
    await check(folder);
  });
  announce(step, `ready in ${path.relative(path.dirname(TOOLCHAIN), partFolder(PART))}`);
}

/** @param {string} folder */
async function cliDriver(folder) {
  const wheels = path.join(folder, "wheel");
  const python = ["--platform", "manylinux2014_x86_64", "--python-version", "3.11", "--abi", "cp311"];
  await run(
    "python3",
    [
      ...["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"],
      ...["--implementation", "cp", ...python, "--require-hashes", "--requirement", WHEEL, "--dest", wheels],
    ],
    { waitingFor: "pip", next: "`python3 -m pip config list` shows where pip looks" },
  );
  const [wheel = ""] = fs.readdirSync(wheels);
  const unpacked = path.join(folder, "unpacked");
  await run("python3", ["-m", "zipfile", "-e", path.join(wheels, wheel), unpacked], {
    waitingFor: "unpacking the CLI driver",
    next: "is the disk full?",
  });
  // Side by side: the driver looks for its own libxml2 in ../../ibm_db.libs.
  for (const name of ["clidriver", "ibm_db.libs"]) fs.renameSync(path.join(unpacked, name), path.join(folder, name));
  for (const name of [wheels, unpacked]) fs.rmSync(name, { recursive: true });
}

/** @param {string} folder */
async function binding(folder) {
  for (const name of NPM_FILES) fs.copyFileSync(path.join(SOURCES, name), path.join(folder, name));
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: folder,
    waitingFor: "npm ci (Db2 binding)",
    next: "`npm config get registry` shows where npm looks",
  });
  const ibmDb = path.join(folder, "node_modules", "ibm_db");
  fs.mkdirSync(path.join(folder, path.dirname(BINDING)), { recursive: true });
  await run(
    "python3",
    [
      ...["-c", EXTRACT_MEMBER, path.join(ibmDb, "build.zip")],
      ...["build/Release/odbc_bindings_linux.node", path.join(folder, BINDING)],
    ],
    { waitingFor: "unpacking the binding", next: "is the disk full?" },
  );
  // Where the binding's run path looks: so no environment variable is needed.
  fs.symlinkSync("../../../clidriver", path.join(ibmDb, "installer", "clidriver"));
}

/** @param {string} folder */
async function check(folder) {
  const node = path.join(TOOLCHAIN, "bin", "node");
  await run(node, ["-e", CHECK, path.join(folder, "node_modules", "ibm_db")], {
    waitingFor: "loading the Db2 driver",
    next: "see the line above: a library that it names comes from a system package",
  });
}

async function hasPip() {
  if (!findExecutable("python3")) return false;
  const { code } = await capture("python3", ["-m", "pip", "--version"], { env: machineEnvironment(), seconds: 60 });
  return code === 0;
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, waitingFor: string, next: string }} options
 */
async function run(command, args, options) {
  await mustRun(command, args, { ...options, env: machineEnvironment(), seconds: SECONDS });
}

function machineEnvironment() {
  return { ...process.env, PATH: machinePath() };
}

module.exports = { db2Driver };
