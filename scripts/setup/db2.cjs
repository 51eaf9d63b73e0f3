"use strict";
const { db2Derby } = require("./db2-derby.cjs");
const { db2Driver } = require("./db2-driver.cjs");
const { SetupError, announce } = require("./report.cjs");

/**
 * The Db2 driver for this machine's tests, and the server that they and the lab run it against. Where one cannot be had,
 * set-up says why and goes on: everything that needs no database works, and the tests that do are skipped with that reason.
 */
async function db2() {
  for (const [step, make] of /** @type {const} */ ([
    ["Db2 driver", db2Driver],
    ["Db2 lab server", db2Derby],
  ])) {
    try {
      await make(step);
    } catch (error) {
      if (!(error instanceof SetupError) || error.interrupted) throw error;
      announce(step, `not to be had here, its tests will be skipped: ${error.message}`);
    }
  }
}

module.exports = { db2 };
