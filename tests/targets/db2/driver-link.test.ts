import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** The compiled one: a process of its own is what this is about. */
const LINK = join(__dirname, "..", "..", "..", "dist", "providers", "targets", "db2", "driver-link.js");

test("a program that waits for nothing but the driver's end lives to see it, and leaves nothing behind", async () => {
  const folder = mkdtempSync(join(tmpdir(), "db2-link-"));
  try {
    const program = `
      const { DriverProcess } = require(${JSON.stringify(LINK)});
      const driver = new DriverProcess();
      driver
        .request({ op: "load", driver: "no such file" }, 20_000)
        .then(() => driver.end())
        .then(() => console.log("ended"));
    `;
    const file = join(folder, "program.cjs");
    writeFileSync(file, program);
    const { stdout } = await promisify(execFile)(process.execPath, [file], {
      env: { ...process.env, TMPDIR: folder },
      timeout: 30_000,
    });
    expect(stdout).toBe("ended\n");
    expect(readdirSync(folder)).toEqual(["program.cjs"]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
