"use strict";
const path = require("node:path");
const { inForeground } = require("./foreground.cjs");
const { ROOT } = require("./paths.cjs");

/**
 * `npm start`: the tour through the lab.
 * @param {readonly string[]} args
 */
function runTour(args) {
  return inForeground("node", [path.join(ROOT, "dist", "scripts", "tour.js"), ...args]);
}

module.exports = { runTour };
