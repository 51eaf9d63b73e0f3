"use strict";
const { build } = require("./build.cjs");
const { withLock } = require("./lock.cjs");
const { nodeRuntime } = require("./node-runtime.cjs");
const { npmPackages } = require("./npm-packages.cjs");
const { ROOT } = require("./paths.cjs");
const { pulumiCli } = require("./pulumi-cli.cjs");
const { systemPackages } = require("./system-packages.cjs");

/** Everything between a bare clone and a working one, in order. Each step does nothing when its result is there. */
function setUp() {
  return withLock(ROOT, async () => {
    await npmPackages();
    await nodeRuntime();
    await systemPackages();
    await pulumiCli();
    await build();
  });
}

module.exports = { setUp };
