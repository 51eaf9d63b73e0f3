import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDb2Lab } from "./lab.js";

/**
 * Holds a Db2 lab server of its own for another program: prints the connection to its database as one line of JSON, and takes
 * everything away when standard input ends. For programs that may not know the lab, such as benchmarks.
 */
async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "db2-hold-"));
  try {
    const lab = await startDb2Lab({ directory });
    process.stdout.write(`${JSON.stringify(lab.connection())}\n`);
    await new Promise((resolve) => process.stdin.once("end", resolve).once("error", resolve).resume());
    await lab.stop();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
