"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { TOOLCHAIN, findExecutable } = require("./paths.cjs");
const { installPackages } = require("./system-packages.cjs");

const ORIGIN = "origin.json";

/**
 * Where a part of the toolchain lies, complete: it gets its name last of all.
 * @param {string} part such as "db2/driver"
 */
function partFolder(part) {
  return path.join(TOOLCHAIN, part);
}

/**
 * Whether a part is there, made from exactly these sources.
 * @param {string} part
 * @param {string} sources digest, see `digestOf`
 * @param {readonly string[]} files that a complete one has
 */
function isPresent(part, sources, files) {
  const folder = partFolder(part);
  try {
    const origin = JSON.parse(fs.readFileSync(path.join(folder, ORIGIN), "utf8"));
    return origin.sources === sources && files.every((file) => fs.existsSync(path.join(folder, file)));
  } catch {
    return false;
  }
}

/**
 * Lets `make` fill a folder, and puts it in the place of the part only when it is complete.
 * @param {string} part
 * @param {string} sources
 * @param {(folder: string) => Promise<void>} make
 */
async function makePart(part, sources, make) {
  // What a crashed run left under such a name is cleared away by the next one.
  const staging = path.join(TOOLCHAIN, `staging-${part.replaceAll("/", "-")}`);
  const final = partFolder(part);
  fs.rmSync(staging, { recursive: true, force: true });
  fs.mkdirSync(staging, { recursive: true });
  try {
    await make(staging);
    fs.writeFileSync(path.join(staging, ORIGIN), `${JSON.stringify({ sources })}\n`);
    fs.mkdirSync(path.dirname(final), { recursive: true });
    fs.rmSync(final, { recursive: true, force: true });
    fs.renameSync(staging, final);
  } finally {
    fs.rmSync(staging, { recursive: true, force: true });
  }
}

/** @param {readonly (string | Buffer)[]} contents */
function digestOf(contents) {
  const hash = crypto.createHash("sha256");
  for (const content of contents) hash.update(content);
  return hash.digest("hex");
}

/**
 * Installs those of the needs that this machine lacks.
 * @param {string} step
 * @param {Parameters<typeof installPackages>[1]} needs
 */
async function ensurePackages(step, needs) {
  const missing = needs.filter(
    ({ programs, file }) =>
      !(programs?.some((program) => findExecutable(program)) || (file !== undefined && fs.existsSync(file))),
  );
  if (missing.length > 0) await installPackages(step, missing);
}

module.exports = { partFolder, isPresent, makePart, digestOf, ensurePackages };
