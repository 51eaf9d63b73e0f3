"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { digestOf, ensurePackages, isPresent, makePart } = require("./db2-parts.cjs");
const { findExecutable, machinePath } = require("./paths.cjs");
const { capture, mustRun } = require("./processes.cjs");
const { SetupError, announce } = require("./report.cjs");
const { isAtLeast } = require("./versions.cjs");

const PART = "derby";
const SECONDS = 300;
const VERSION = "10.16.1.1";
/** Derby 10.16 is made for it. */
const OLDEST_JAVA = "17.0";
const COPY = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy";

/** SHA-256 of each jar. @type {Readonly<Record<string, string>>} */
const JARS = {
  derby: "ede804cb04e871d7c52d2414e952ab939f9ef243abb7bd0ce7dbeb6e1e28bd0b",
  derbynet: "e86abd0ea3fadfe8e0f7565049c59b035b4cf7234c056bfe678d5fdfed894382",
  derbyshared: "27d4be683a45f6c15940167277ce39bb7e26b9f6dc0bc05efbcf813cac5d2b8f",
  derbytools: "db052f92508e966ee8b0c5c9eca84cb11cbf0b0d78e608dc89340d4bb6c07314",
};

/**
 * Makes `.toolchain/db2/derby`: Apache Derby, whose network server speaks DRDA as Db2 does.
 * @param {string} step
 */
async function db2Derby(step) {
  const sources = digestOf([VERSION, JSON.stringify(JARS)]);
  const files = Object.keys(JARS).map(fileOf);
  if (isPresent(PART, sources, files)) return announce(step, "present");
  await ensurePackages(step, [
    { package: "default-jdk-headless", purpose: "runs the Db2 lab server", programs: ["javac"] },
    { package: "maven", purpose: "fetches Apache Derby", programs: ["mvn"] },
  ]);
  const java = await capture(findExecutable("javac") ?? "javac", ["-version"], { seconds: 60 });
  if (!isAtLeast(java.output, OLDEST_JAVA)) {
    throw new SetupError(
      `the Java compiler on PATH is ${java.output.trim() || "not usable"}`,
      `put a JDK ${OLDEST_JAVA} or later on PATH, then this again`,
    );
  }
  announce(step, `fetching Apache Derby ${VERSION} with Maven, because it is missing or out of date`);
  await makePart(PART, sources, async (folder) => {
    for (const [name, digest] of Object.entries(JARS)) {
      await mustRun(
        "mvn",
        ["-q", "-B", COPY, `-Dartifact=org.apache.derby:${name}:${VERSION}`, `-DoutputDirectory=${folder}`],
        {
          cwd: folder,
          env: { ...process.env, PATH: machinePath() },
          seconds: SECONDS,
          waitingFor: `Maven (${name})`,
          next: "see the lines above; Maven's settings.xml says where it looks",
        },
      );
      const found = digestOf([fs.readFileSync(path.join(folder, fileOf(name)))]);
      if (found !== digest) {
        throw new SetupError(
          `${fileOf(name)} has the SHA-256 ${found}, not ${digest}`,
          "ask where Maven got it from: it is not what was released",
        );
      }
    }
  });
  announce(step, `Apache Derby ${VERSION} ready`);
}

/** @param {string} name */
function fileOf(name) {
  return `${name}-${VERSION}.jar`;
}

module.exports = { db2Derby };
