"use strict";
const crypto = require("node:crypto");
const net = require("node:net");
const { setTimeout: delay } = require("node:timers/promises");
const { SetupError, progress } = require("./report.cjs");

/** Longer than the slowest set-up: a waiting one gives up after this. */
const PATIENCE = 30 * 60 * 1000;
const HEARTBEAT = 30 * 1000;
/** Between the end of one holder and the next attempt; only matters when several wait. */
const RETRY = 100;

/** @type {net.Server | undefined} */
let held;

/**
 * The descriptor of the lock that this process holds, for children to inherit: the kernel frees the address only when
 * the last of them has ended too.
 * @returns {number | undefined} undefined when no lock is held
 */
function lockDescriptor() {
  // Node has no public way to hand a listening socket to a child that is not a Node program.
  const handle = /** @type {{ _handle?: { fd?: number } } | undefined} */ (/** @type {unknown} */ (held))?._handle;
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
}

/**
 * Runs `work` while no other set-up of the same folder does; a second one waits and says for whom.
 * The lock is a listening socket in Linux's abstract namespace: the kernel grants it to one process and frees it when
 * that process ends, however it ends, so there is no stale lock to judge and no file to leave behind.
 * @template T
 * @param {string} folder
 * @param {() => Promise<T>} work
 * @param {{ patience?: number }} [options] milliseconds to wait for another holder
 * @returns {Promise<T>}
 */
async function withLock(folder, work, { patience = PATIENCE } = {}) {
  const address = `\0pulumi-connections-setup-${crypto.createHash("sha256").update(folder).digest("hex").slice(0, 24)}`;
  const deadline = Date.now() + patience;
  for (;;) {
    const server = await listen(address);
    if (server) {
      held = server;
      try {
        return await work();
      } finally {
        held = undefined;
        await new Promise((resolve) => server.close(resolve));
      }
    }
    await holderToEnd(address, folder, deadline);
    await delay(RETRY);
  }
}

/**
 * @param {string} address
 * @returns {Promise<net.Server | undefined>} undefined when another process holds the address
 */
function listen(address) {
  /** @type {Set<net.Socket>} */
  const waiting = new Set();
  const since = new Date().toISOString();
  const server = net.createServer((socket) => {
    waiting.add(socket.on("error", () => socket.destroy()));
    socket.once("close", () => waiting.delete(socket));
    socket.write(`pid ${process.pid}, since ${since}`);
  });
  const { close } = server;
  server.close = (done) => {
    for (const socket of waiting) socket.destroy();
    return close.call(server, done);
  };
  return new Promise((resolve, reject) => {
    server.once("error", (/** @type {NodeJS.ErrnoException} */ error) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen(address, () => resolve(server));
  });
}

/**
 * Waits until the present holder lets go or dies: either closes the connection we hold to it.
 * @param {string} address
 * @param {string} folder
 * @param {number} deadline
 */
function holderToEnd(address, folder, deadline) {
  return new Promise((/** @type {(value?: undefined) => void} */ resolve, reject) => {
    let holder = "another process";
    const socket = net.connect(address);
    const heartbeat = setInterval(() => say(), HEARTBEAT);
    const limit = setTimeout(
      () => {
        finish();
        reject(
          new SetupError(
            `another set-up of ${folder} (${holder}) has not ended in time`,
            "look at what it waits for, or end it, and run this again",
          ),
        );
      },
      Math.max(0, deadline - Date.now()),
    );
    const say = () => progress(`waiting for another set-up of this folder to end (${holder})`);
    const finish = () => {
      clearInterval(heartbeat);
      clearTimeout(limit);
      socket.destroy();
    };
    socket.once("data", (data) => {
      holder = data.toString();
      say();
    });
    // It let go between our attempt and now, which is as good as an end.
    socket.once("error", () => undefined);
    socket.once("close", () => {
      finish();
      resolve();
    });
  });
}

module.exports = { withLock, lockDescriptor };
