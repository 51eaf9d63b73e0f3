import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { waitFor } from "../../../lab/running.js";

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

test.each(["waits for a request", "waits for its driver"])(
  "promise 7: the driver's process that %s ends with a program that was killed, and leaves nothing behind",
  async (state) => {
    const folder = mkdtempSync(join(tmpdir(), "db2-link-"));
    try {
      writeFileSync(
        join(folder, "driver.cjs"),
        "exports.open = () => new Promise(() => setInterval(() => {}, 1_000));",
      );
      const open = `driver.request({ op: "open", connection: "", settings: [] }, 600_000)`;
      const program = `
        const { DriverProcess } = require(${JSON.stringify(LINK)});
        const driver = new DriverProcess();
        setInterval(() => {}, 1_000);
        driver.request({ op: "load", driver: ${JSON.stringify(join(folder, "driver.cjs"))} }, 20_000).then(() => {
          ${state === "waits for its driver" ? open : ""};
          console.log(driver.pid);
        });
      `;
      writeFileSync(join(folder, "program.cjs"), program);
      const parent = spawn(process.execPath, [join(folder, "program.cjs")], {
        env: { ...process.env, TMPDIR: folder },
        stdio: ["ignore", "pipe", "inherit"],
      });
      const pid = Number(await new Promise((resolve) => parent.stdout.once("data", resolve)));
      expect(existsSync(`/proc/${pid}`)).toBe(true);
      parent.kill("SIGKILL");
      await waitFor(() => !existsSync(`/proc/${pid}`), 20_000, "the driver's process to end");
      expect(readdirSync(folder).sort()).toEqual(["driver.cjs", "program.cjs"]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  60_000,
);
