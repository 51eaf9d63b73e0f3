"use strict";
const path = require("node:path");
const { ROOT, projectPath } = require("./paths.cjs");
const { mustRun } = require("./processes.cjs");
const { copyRemoteScripts } = require("./remote-scripts.cjs");
const { announce } = require("./report.cjs");

const BUILD_SECONDS = 300;

/** Compiles the TypeScript sources to dist/. The compiler itself skips what has not changed. */
async function build() {
  const started = Date.now();
  await mustRun("tsc", ["-p", path.join(ROOT, "tsconfig.build.json")], {
    cwd: ROOT,
    env: { ...process.env, PATH: projectPath() },
    seconds: BUILD_SECONDS,
    waitingFor: "compiling the sources",
    next: "correct what the compiler names above",
  });
  copyRemoteScripts();
  announce("build", `dist/ is up to date (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

module.exports = { build };
