"use strict";
const { spawn } = require("node:child_process");
const os = require("node:os");
const { ROOT, projectPath } = require("./paths.cjs");

/**
 * Runs a program of this project in the person's terminal, with our tools first on PATH, and hands signals on to it.
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<number>} its exit code; 128 + n when signal n ended it
 */
function inForeground(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, PATH: projectPath() }, stdio: "inherit" });
    /** @param {NodeJS.Signals} signal */
    const passOn = (signal) => {
      // A terminal's Ctrl-C reaches the child by itself; twice would mean "at once" to it.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    };
    for (const signal of SIGNALS) process.on(signal, passOn);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      for (const name of SIGNALS) process.off(name, passOn);
      resolve(code ?? 128 + (signal ? os.constants.signals[signal] : 0));
    });
  });
}

/** @type {readonly NodeJS.Signals[]} */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

module.exports = { inForeground };
