"use strict";
const { spawn } = require("node:child_process");
const { lockDescriptor } = require("./lock.cjs");
const { SetupError, progress } = require("./report.cjs");

const SECOND = 1000;
/** How often a silent wait says what it is waiting for. */
const HEARTBEAT = 15 * SECOND;
/** How long a process may take to end after it was asked to, before it is killed. */
const GRACE = 10 * SECOND;
/** Of a failed command's output: some name the cause first, others last. */
const FIRST_LINES = 12;
const LAST_LINES = 20;

/**
 * @typedef {object} Outcome
 * @property {number | null} code exit code; null when the program could not be started, was killed or ran out of time
 * @property {string} stdout
 * @property {string} output stdout and stderr, as they came
 * @property {boolean} timedOut
 */

/**
 * Runs a program without standard input, gathers what it says, and stops it (with its children) when its time is over.
 * A program that cannot be started is an outcome like others; only an interrupted set-up (Ctrl-C) rejects, so that
 * nothing goes on to the next way of doing it.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, seconds: number, waitingFor?: string }} options
 *   `waitingFor`: printed with the time passed while the wait lasts
 * @returns {Promise<Outcome>}
 */
function capture(command, args, { cwd, env, seconds, waitingFor }) {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const lock = lockDescriptor();
    const child = spawn(command, args, {
      cwd,
      env,
      // Should this process be killed, its children still hold the lock until they have ended.
      stdio: ["ignore", "pipe", "pipe", ...(lock === undefined ? [] : [lock])],
      detached: true,
    });
    let stdout = "";
    let output = "";
    let timedOut = false;
    child.stdout?.on("data", (data) => {
      stdout += data;
      output += data;
    });
    child.stderr?.on("data", (data) => {
      output += data;
    });
    /** @param {NodeJS.Signals} signal */
    const stop = (signal) => {
      try {
        // The whole group: compilers and package managers work through children.
        if (child.pid) process.kill(-child.pid, signal);
      } catch {
        child.kill(signal);
      }
    };
    let interruptedBy = "";
    /** @param {NodeJS.Signals} signal */
    const interrupted = (signal) => {
      interruptedBy = signal;
      stop("SIGTERM");
    };
    for (const signal of INTERRUPTS) process.on(signal, interrupted);
    /** @type {NodeJS.Timeout | undefined} */
    let killer;
    const limit = setTimeout(() => {
      timedOut = true;
      stop("SIGTERM");
      killer = setTimeout(() => stop("SIGKILL"), GRACE);
    }, seconds * SECOND);
    const heartbeat = setInterval(() => {
      const passed = Math.round((Date.now() - started) / SECOND);
      if (waitingFor) progress(`${waitingFor}: ${passed} s of at most ${seconds} s`);
    }, HEARTBEAT);
    /** @param {number | null} code */
    const finish = (code) => {
      clearTimeout(limit);
      clearTimeout(killer);
      clearInterval(heartbeat);
      for (const signal of INTERRUPTS) process.off(signal, interrupted);
      if (interruptedBy) {
        const error = new SetupError(`interrupted by ${interruptedBy}`, "run this again: it goes on from there");
        error.interrupted = true;
        reject(error);
      } else resolve({ code: timedOut ? null : code, stdout, output, timedOut });
    };
    child.once("error", (error) => {
      output += error.message;
      finish(null);
    });
    child.once("close", finish);
  });
}

/** @type {readonly NodeJS.Signals[]} */
const INTERRUPTS = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * As `capture`, for a step that cannot go on without success.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, seconds: number, waitingFor: string, next: string }} options
 *   `next`: what a person should do when it failed
 * @returns {Promise<Outcome>}
 */
async function mustRun(command, args, options) {
  const outcome = await capture(command, args, options);
  if (outcome.code === 0) return outcome;
  throw new SetupError(
    `${options.waitingFor} failed: \`${[command, ...args].join(" ")}\` ${ending(outcome, options.seconds)}`,
    options.next,
    excerpt(outcome.output),
  );
}

/**
 * @param {Outcome} outcome
 * @param {number} seconds
 */
function ending(outcome, seconds) {
  if (outcome.timedOut) return `was stopped after ${seconds} s`;
  return outcome.code === null ? "could not be run to its end" : `ended with exit code ${outcome.code}`;
}

/** @param {string} output */
function excerpt(output) {
  const lines = output.trimEnd().split("\n");
  const left = lines.length - FIRST_LINES - LAST_LINES;
  if (left <= 0) return lines.join("\n");
  return [...lines.slice(0, FIRST_LINES), `… ${left} lines …`, ...lines.slice(-LAST_LINES)].join("\n");
}

module.exports = { capture, mustRun, ending };
