"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { ROOT } = require("./paths.cjs");

const SOURCES = path.join(ROOT, "providers", "remote");
const BUILT = path.join(ROOT, "dist", "providers", "remote");

/** Puts the programs that run on targets beside the compiled sources: the compiler knows nothing of them. */
function copyRemoteScripts() {
  fs.cpSync(SOURCES, BUILT, { recursive: true, force: true });
}

if (require.main === module) copyRemoteScripts();

module.exports = { copyRemoteScripts };
