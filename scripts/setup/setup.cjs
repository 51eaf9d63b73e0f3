"use strict";
const { build } = require("./build.cjs");
const { db2 } = require("./db2.cjs");
const { jython } = require("./jython.cjs");
const { liberty } = require("./liberty.cjs");
const { withLock } = require("./lock.cjs");
const { nodeRuntime } = require("./node-runtime.cjs");
const { npmPackages } = require("./npm-packages.cjs");
const { ROOT } = require("./paths.cjs");
const { pulumiCli } = require("./pulumi-cli.cjs");
const { SetupError } = require("./report.cjs");
const { systemPackages } = require("./system-packages.cjs");
const { isAtLeast } = require("./versions.cjs");

/** The oldest release that set-up itself runs on; what it installs is newer. */
const OLDEST_NODE = "20.0.0";

/**
 * Everything between a bare clone and a working one, in order. Each step does nothing when its result is there.
 * @param {{ withLiberty?: boolean }} [extent] withLiberty: Open Liberty too, which only some of the lab needs; default false
 */
async function setUp({ withLiberty = false } = {}) {
  if (process.platform !== "linux") {
    throw new SetupError(
      `set-up and the lab are for Linux; this is ${process.platform}`,
      "use a Linux machine or container, or WSL; `npm run try` works here too, after `npm ci`",
    );
  }
  if (!isAtLeast(process.version, OLDEST_NODE)) {
    throw new SetupError(
      `this is Node.js ${process.version}`,
      `install Node.js ${OLDEST_NODE} or later, then this again`,
    );
  }
  await withLock(ROOT, async () => {
    await npmPackages();
    await nodeRuntime();
    await systemPackages();
    await pulumiCli();
    await db2();
    await jython();
    if (withLiberty) await liberty();
    await build();
  });
}

module.exports = { setUp };
