"use strict";
const { spawn } = require("node:child_process");

/** Every process started here and still running: none may outlive the host. */
const running = new Set();

function start(command, args, options) {
  const child = spawn(command, args, options);
  running.add(child);
  child.once("close", () => running.delete(child));
  return child;
}

/** Resolves to the exit code, or the name of the signal that ended the child. */
function ended(child) {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? signal));
  });
}

/** Hands on what a child prints, as it comes, until it has ended. */
function relay(child, write) {
  child.stdout.on("data", (data) => write("Stdout", data));
  child.stderr.on("data", (data) => write("Stderr", data));
  return ended(child);
}

function interruptAll() {
  for (const child of running) child.kill("SIGINT");
}

module.exports = { start, ended, relay, interruptAll };
