"use strict";
const fs = require("node:fs");
const path = require("node:path");

/** The checkout. Real path, so that two ways of reaching one folder are one folder (the lock depends on it). */
const ROOT = fs.realpathSync(path.resolve(__dirname, "..", ".."));
/** Everything set-up makes, git-ignored; deleting it is always safe. */
const TOOLCHAIN = path.join(ROOT, ".toolchain");

/** PATH without this checkout's own folders: what the machine itself offers. */
function machinePath(searchPath = process.env.PATH ?? "") {
  return searchPath
    .split(path.delimiter)
    .filter((folder) => folder !== "" && !path.resolve(folder).startsWith(ROOT + path.sep))
    .join(path.delimiter);
}

/** PATH for everything that is run once set-up is complete: our tools first, then the npm ones, then the machine's. */
function projectPath() {
  return [path.join(TOOLCHAIN, "bin"), path.join(ROOT, "node_modules", ".bin"), machinePath()].join(path.delimiter);
}

/**
 * The first executable file called `name` on a search path, or undefined.
 * @param {string} name
 * @param {string} [searchPath] default: the machine's own PATH plus the folders where Debian keeps daemons
 */
function findExecutable(name, searchPath = `${machinePath()}${path.delimiter}/usr/sbin${path.delimiter}/sbin`) {
  return searchPath
    .split(path.delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => path.join(folder, name))
    .find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Makes `.toolchain/bin/<name>` lead to a program, replacing what it led to in one step.
 * @param {string} name
 * @param {string} program
 */
function link(name, program) {
  const bin = path.join(TOOLCHAIN, "bin");
  const target = program.startsWith(ROOT + path.sep) ? path.relative(bin, program) : program;
  fs.mkdirSync(bin, { recursive: true });
  const temporary = path.join(bin, `.${name}-${process.pid}`);
  fs.rmSync(temporary, { force: true });
  fs.symlinkSync(target, temporary);
  fs.renameSync(temporary, path.join(bin, name));
}

module.exports = { ROOT, TOOLCHAIN, machinePath, projectPath, findExecutable, isExecutable, link };
