"use strict";
const { findExecutable } = require("./paths.cjs");
const { capture } = require("./processes.cjs");
const { SetupError } = require("./report.cjs");
const { isAtLeast } = require("./versions.cjs");

/** What the lab's Java servers are made for. */
const OLDEST_JAVA = "17.0";

/** The JDK as a system package. */
function jdkFor(/** @type {string} */ purpose) {
  return { package: "default-jdk-headless", purpose, programs: ["javac"] };
}

/** Throws when the JDK on PATH is too old for the lab's Java servers. */
async function requireJdk() {
  const java = await capture(findExecutable("javac") ?? "javac", ["-version"], { seconds: 60 });
  if (isAtLeast(java.output, OLDEST_JAVA)) return;
  throw new SetupError(
    `the Java compiler on PATH is ${java.output.trim() || "not usable"}`,
    `put a JDK ${OLDEST_JAVA} or later on PATH, then this again`,
  );
}

module.exports = { jdkFor, requireJdk };
