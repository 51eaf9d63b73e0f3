/*
 * A rollout of interim fixes by the real provider, in a process of its own, which a test may kill. After each line that it
 * says it waits for a byte on its standard input, so that a test can kill it exactly there; it ends with its test.
 *
 * usage: node rollout-worker.mjs LAB_DIRECTORY SETTINGS      (SETTINGS: JSON, as `interimFixes` of a stack)
 */
import { readSync } from "node:fs";
import { attachLab } from "../../dist/lab/lab.js";
import { openRollout } from "../../dist/lab/was/rollout.js";
import { closeAllHosts } from "../../dist/providers/targets/hosts.js";

const POLL_MS = 2;
const nothing = new Int32Array(new SharedArrayBuffer(4));

/** Nothing else of this process goes on meanwhile. Standard input does not block: it is asked again and again. */
function waitToGoOn() {
  for (;;) {
    try {
      if (readSync(0, Buffer.alloc(1)) === 1) return;
      process.exit(1);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
      Atomics.wait(nothing, 0, 0, POLL_MS);
    }
  }
}

const [directory = "", settings = "{}"] = process.argv.slice(2);
const lab = await attachLab(directory);
if (!lab) throw new Error(`no lab runs in ${directory}`);
const rollout = await openRollout(lab, JSON.parse(settings), (text) => {
  for (const line of text.split("\n")) {
    console.log(line);
    waitToGoOn();
  }
});
try {
  await rollout.run();
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}
await closeAllHosts();
