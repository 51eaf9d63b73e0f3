"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { jdkFor, requireJdk } = require("./java.cjs");
const { mavenPart } = require("./maven.cjs");
const { machinePath } = require("./paths.cjs");
const { mustRun } = require("./processes.cjs");
const { SetupError, announce } = require("./report.cjs");

const STEP = "Open Liberty";
const UNPACK_SECONDS = 120;

/** The smallest of its packages that has servlets, sessions and form login without asking a repository for more. */
const ARCHIVE = {
  group: "io.openliberty",
  name: "openliberty-webProfile8",
  version: "26.0.0.3",
  type: "zip",
  sha256: "e1421387b006c06cfb67948a318f8ce5b68766d7a82d3efcc6cd8081164d2310",
};

/**
 * Makes `.toolchain/liberty/wlp`: Open Liberty, for labs whose cluster members are real servers (116 MB to fetch, 134 MB
 * there, so only where it was asked for). Where it cannot be had, set-up says why and goes on: its test is skipped.
 */
async function liberty() {
  try {
    await mavenPart(STEP, "liberty", {
      title: `Open Liberty ${ARCHIVE.version}`,
      files: [ARCHIVE],
      needs: [jdkFor("runs Open Liberty")],
      ready: requireJdk,
      unpack,
      holds: [path.join("wlp", "bin", "tools", "ws-server.jar")],
    });
  } catch (error) {
    if (!(error instanceof SetupError) || error.interrupted) throw error;
    announce(STEP, `not to be had here, its test will be skipped: ${error.message}`);
  }
}

/**
 * With the JDK's own tool, which every machine has that can run it.
 * @param {string} archive
 */
async function unpack(archive) {
  await mustRun("jar", ["--extract", "--file", archive], {
    cwd: path.dirname(archive),
    env: { ...process.env, PATH: machinePath() },
    seconds: UNPACK_SECONDS,
    waitingFor: "unpacking Open Liberty",
    next: "see the lines above; a full disk is the usual cause",
  });
  fs.rmSync(archive);
}

module.exports = { liberty };
