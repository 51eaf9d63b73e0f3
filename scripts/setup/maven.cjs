"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { digestOf, ensurePackages, isPresent, makePart, partFolder } = require("./parts.cjs");
const { machinePath } = require("./paths.cjs");
const { mustRun } = require("./processes.cjs");
const { SetupError, announce } = require("./report.cjs");

const SECONDS = 300;
const COPY = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy";

/**
 * One file from Maven's repository, whichever that is on this machine.
 * @typedef {{ group: string, name: string, version: string, sha256: string }} Jar
 */

/** @param {Jar} jar */
function fileOf(jar) {
  return `${jar.name}-${jar.version}.jar`;
}

/**
 * Makes a part of the toolchain that consists of jars, each the very file that was released.
 * @param {string} step
 * @param {string} part such as "db2/derby"
 * @param {{ title: string, jars: readonly Jar[], needs: Parameters<typeof ensurePackages>[1], ready?: () => Promise<void> }} what
 *   needs: beside Maven; ready: throws when the machine cannot use them
 */
async function jarsPart(step, part, { title, jars, needs, ready }) {
  const sources = digestOf([JSON.stringify(jars)]);
  if (isPresent(part, sources, jars.map(fileOf))) return announce(step, "present");
  await ensurePackages(step, [...needs, { package: "maven", purpose: `fetches ${title}`, programs: ["mvn"] }]);
  await ready?.();
  announce(step, `fetching ${title} with Maven, because it is missing or out of date`);
  await makePart(part, sources, async (folder) => {
    for (const jar of jars) await fetch(jar, folder);
  });
  announce(step, `${title} ready in ${partFolder(part)}`);
}

/**
 * @param {Jar} jar
 * @param {string} folder
 */
async function fetch(jar, folder) {
  await mustRun(
    "mvn",
    ["-q", "-B", COPY, `-Dartifact=${jar.group}:${jar.name}:${jar.version}`, `-DoutputDirectory=${folder}`],
    {
      cwd: folder,
      env: { ...process.env, PATH: machinePath() },
      seconds: SECONDS,
      waitingFor: `Maven (${jar.name})`,
      next: "see the lines above; Maven's settings.xml says where it looks",
    },
  );
  const found = digestOf([fs.readFileSync(path.join(folder, fileOf(jar)))]);
  if (found !== jar.sha256) {
    throw new SetupError(
      `${fileOf(jar)} has the SHA-256 ${found}, not ${jar.sha256}`,
      "ask where Maven got it from: it is not what was released",
    );
  }
}

module.exports = { jarsPart };
