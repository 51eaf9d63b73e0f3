/*
 * A rollout of interim fixes by the real provider, in a process of its own, which a test may kill. After each line that it
 * says it waits for a byte on its standard input, so that a test can kill it exactly there; it ends with its test.
 *
 * usage: node rollout-worker.mjs ARGUMENTS      (JSON, of `rolloutArgs`)
 */
import { readSync } from "node:fs";
import { rolloutOf } from "../../dist/lab/was/one-rollout.js";
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

const [, , args = "{}"] = process.argv;
const rollout = await rolloutOf(JSON.parse(args), (text) => {
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
