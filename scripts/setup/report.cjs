"use strict";

/** What stops set-up: the cause, what to do next, and the failing program's last words. */
class SetupError extends Error {
  /**
   * @param {string} found
   * @param {string} next
   * @param {string} [output]
   */
  constructor(found, next, output = "") {
    super([found, ...(output ? [indent(output)] : []), `Next: ${next}`].join("\n"));
    this.name = "SetupError";
    /** Whether a person stopped it: then nothing may go on to another way, not even a step that may fail. */
    this.interrupted = false;
  }
}

/** @param {string} text */
function indent(text) {
  return text.replace(/^/gm, "  | ");
}

/**
 * One line about a step: what happens and why, or that there was nothing to do.
 * @param {string} step
 * @param {string} message
 */
function announce(step, message) {
  console.log(`[setup] ${step}: ${message}`);
}

/**
 * A line of a wait that goes on.
 * @param {string} message
 */
function progress(message) {
  console.log(`[setup]   … ${message}`);
}

module.exports = { SetupError, announce, progress };
