import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { waitFor } from "../../../lab/running.js";
import { sha256 } from "../../../providers/common/json.js";
import { DriverProcess } from "../../../providers/targets/db2/driver-link.js";
import type { Parameter } from "../../../providers/targets/db2/protocol.js";

/** Answers with what the statement and its parameters make, and prints what would be an answer where answers went that way. */
const STAND_IN = `
  const rows = (sql, [given]) => {
    if (sql === "not a number") return [{ A: NaN }];
    if (sql === "bytes back") return [{ A: given.Data }];
    return [{ A: given ?? sql }];
  };
  exports.open = async () => ({
    query: async (sql) => { if (sql === "refused") throw { message: "SQL1N refused", sqlcode: -1 }; },
    prepare: async (sql) => ({
      setAttr: async () => undefined,
      execute: async (parameters) => ({
        fetchAll: async () => {
          console.log('{"id":2,"ok":true,"rows":[{"A":"printed"}]}');
          if (sql === "thrown") await new Promise(() => setImmediate(() => { throw new Error("where nobody catches it"); }));
          return rows(sql, parameters);
        },
        close: async () => undefined,
      }),
      close: async () => undefined,
    }),
    close: async () => undefined,
  });
`;

describe("the process with the driver in it", () => {
  let folder: string;
  let driver: DriverProcess;
  const kept = () => join(folder, "kept");

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "db2-process-"));
    writeFileSync(join(folder, "driver.cjs"), STAND_IN);
    start();
  });
  afterEach(async () => {
    await driver.end();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(): void {
    driver = new DriverProcess();
    driver.load(join(folder, "driver.cjs"), kept());
  }
  const open = (settings: readonly string[] = []) => driver.request({ op: "open", connection: "", settings }, 20_000);
  const query = async (sql: string, ...parameters: Parameter[]) => {
    const limits = { rows: 10, bytes: 10_000_000 };
    const { rows = [] } = await driver.request({ op: "query", sql, parameters, limits }, 20_000);
    return rows[0]?.A;
  };

  it("takes and gives long texts and bytes as they are, whatever the driver prints", async () => {
    await open();
    // No character at a place that is a multiple of a chunk's size; line ends of every kind; half of a character.
    const text = `x${"añ😀\n\r\u2028\ud83d".repeat(60_000)}`;
    expect(await query("text back", text)).toBe(text);
    const bytes = Buffer.alloc(
      300_000,
      Uint8Array.from({ length: 251 }, (_, index) => index),
    );
    const given = { bytes, sha256: sha256(bytes) };
    expect(await query("bytes back", given)).toEqual(given);
    await expect(query("bytes back", { ...given, sha256: sha256("other") })).rejects.toMatchObject({
      failure: { kind: "damaged" },
    });
  });

  it("refuses a number that its answer could not hold", async () => {
    await open();
    await expect(query("not a number")).rejects.toMatchObject({ failure: { kind: "damaged" } });
  });

  it("promise 7: says so at once, and ends, when the driver throws where nobody can catch it", async () => {
    await open();
    await expect(query("thrown")).rejects.toMatchObject({
      failure: { kind: "driver", message: expect.stringContaining("failed without an answer"), lost: true },
    });
    await expect(query("after it")).rejects.toThrow("SIGKILL");
  });

  it("is not open when a setting of the connection was refused", async () => {
    await expect(open(["accepted", "refused"])).rejects.toMatchObject({ failure: { message: "SQL1N refused" } });
    await expect(query("SELECT")).rejects.toMatchObject({ failure: { message: "there is no connection" } });
  });

  it("promise 6: what the engine sends to the whole group of the provider does not end it in the midst of a statement", async () => {
    await open();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.kill(driver.pid ?? 0, signal);
      expect(await query("after it")).toBe("after it");
    }
  });

  it("promise 14: leaves no file behind when the engine ends provider and driver by one signal", async () => {
    const temporary = join(folder, "tmp");
    mkdirSync(temporary);
    const link = resolve(__dirname, "../../../dist/providers/targets/db2/driver-link.js");
    const program = `
      const driver = new (require(${JSON.stringify(link)}).DriverProcess)();
      driver.load(${JSON.stringify(join(folder, "driver.cjs"))});
      driver.request({ op: "open", connection: "", settings: [] }, 20_000).then(() => console.log("open"));
      setInterval(() => undefined, 1_000);
    `;
    const env = { ...process.env, TMPDIR: temporary };
    const provider = spawn(process.execPath, ["-e", program], {
      env,
      detached: true,
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(provider.stdout, "data");
    expect(readdirSync(temporary)).toHaveLength(1);
    process.kill(-(provider.pid ?? 0), "SIGINT");
    await once(provider, "close");
    await waitFor(async () => readdirSync(temporary).length === 0, 20_000, "the driver to end and to clear up");
  });

  it("promise 14: keeps compiled code for the next process, nothing of what ran, and does without when that is damaged", async () => {
    await open();
    await query("secret-4711", "secret-4711");
    await driver.request({ op: "close" }, 20_000);
    await driver.end();
    const files = readdirSync(kept(), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files).not.toHaveLength(0);
    for (const file of files.map(({ parentPath, name }) => join(parentPath, name))) {
      expect(readFileSync(file, "latin1")).not.toContain("secret-4711");
      writeFileSync(file, "damaged".repeat(1_000));
    }
    start();
    await open();
    expect(await query("after damage")).toBe("after damage");
    await driver.end();
    rmSync(kept(), { recursive: true });
    writeFileSync(kept(), "no folder can be made here");
    start();
    await open();
    expect(await query("without a folder")).toBe("without a folder");
  });
});
