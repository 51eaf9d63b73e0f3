"use strict";
const { mavenPart } = require("./maven.cjs");
const { SetupError, announce } = require("./report.cjs");

const STEP = "Jython";

/** WebSphere 8.5.5 has the first, 9.0 the second by default. */
const JARS = [
  {
    group: "jython",
    name: "jython",
    version: "2.1",
    sha256: "31b5325b1d478a6b0221d4b848baac2401cb3934a6732a4b94d5fdd44f8f6cde",
  },
  {
    group: "org.python",
    name: "jython-standalone",
    version: "2.7.4",
    sha256: "1fba1769effcc8b19f5e10436bc8274a158ce988559f257927c24c73bb137f3c",
  },
];

/**
 * Makes `.toolchain/jython`: the two interpreters that wsadmin has, for the tests and the lab. Where they cannot be had,
 * set-up says why and goes on: what needs them is skipped with that reason.
 */
async function jython() {
  try {
    await mavenPart(STEP, "jython", {
      title: "Jython 2.1 and 2.7.4",
      files: JARS,
      needs: [{ package: "default-jre-headless", purpose: "runs Jython", programs: ["java"] }],
    });
  } catch (error) {
    if (!(error instanceof SetupError) || error.interrupted) throw error;
    announce(STEP, `not to be had here, its tests will be skipped: ${error.message}`);
  }
}

module.exports = { jython };
