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
 * @typedef {{ group: string, name: string, version: string, type?: string, sha256: string }} Artifact type: default "jar"
 */

/** @param {Artifact} artifact */
function fileOf({ name, version, type = "jar" }) {
  return `${name}-${version}.${type}`;
}

/**
 * Makes a part of the toolchain that consists of files from Maven's repository, each the very one that was released.
 * @param {string} step
 * @param {string} part such as "db2/derby"
 * @param {object} what
 * @param {string} what.title
 * @param {readonly Artifact[]} what.files
 * @param {Parameters<typeof ensurePackages>[1]} what.needs beside Maven
 * @param {() => Promise<void>} [what.ready] throws when the machine cannot use them
 * @param {(file: string) => Promise<void>} [what.unpack] makes of each file, when it was found right, what it holds
 * @param {readonly string[]} [what.holds] files that a complete part has; default: those that were fetched
 */
async function mavenPart(step, part, { title, files, needs, ready, unpack, holds = files.map(fileOf) }) {
  const sources = digestOf([JSON.stringify(files)]);
  if (isPresent(part, sources, holds)) return announce(step, "present");
  await ensurePackages(step, [...needs, { package: "maven", purpose: `fetches ${title}`, programs: ["mvn"] }]);
  await ready?.();
  announce(step, `fetching ${title} with Maven, because it is missing or out of date`);
  await makePart(part, sources, async (folder) => {
    for (const file of files) {
      await fetch(file, folder);
      await unpack?.(path.join(folder, fileOf(file)));
    }
  });
  announce(step, `${title} ready in ${partFolder(part)}`);
}

/**
 * @param {Artifact} artifact
 * @param {string} folder
 */
async function fetch(artifact, folder) {
  const { group, name, version, type = "jar", sha256 } = artifact;
  await mustRun(
    "mvn",
    ["-q", "-B", COPY, `-Dartifact=${group}:${name}:${version}:${type}`, `-DoutputDirectory=${folder}`],
    {
      cwd: folder,
      env: { ...process.env, PATH: machinePath() },
      seconds: SECONDS,
      waitingFor: `Maven (${name})`,
      next: "see the lines above; Maven's settings.xml says where it looks",
    },
  );
  const found = digestOf([fs.readFileSync(path.join(folder, fileOf(artifact)))]);
  if (found !== sha256) {
    throw new SetupError(
      `${fileOf(artifact)} has the SHA-256 ${found}, not ${sha256}`,
      "ask where Maven got it from: it is not what was released",
    );
  }
}

module.exports = { mavenPart };
