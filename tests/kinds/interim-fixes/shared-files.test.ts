import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rememberShared, sharedChanges } from "../../../providers/kinds/interim-fixes/shared-files.js";
import { connectionSchema } from "../../../providers/targets/connection.js";
import { Driver, declaration } from "../../model/driver.js";
import { MemoryCell } from "../../support/memory-cell.js";
import { MemoryHost } from "../../support/memory-host.js";
import { runHere } from "../../targets/wsadmin/local-profile.js";

describe("files that all nodes share (a real shell)", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "shared-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const { settings } = declaration(new MemoryCell(2));
  const host = new MemoryHost(
    connectionSchema.parse({ name: "dmgr", address: "127.0.0.1", user: "admin", auth: { agent: true } }),
    { onRun: runHere },
  );
  const write = (path: string, text: string) => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  };

  test("every file that was added, changed or removed is named; a new date alone is no change", async () => {
    for (const path of ["a b.js", "gone.js", "deep/er/same.js", "touched.js", 'odd "na\nme".js']) write(path, "1");
    const before = await rememberShared(host, settings, [folder]);
    expect(await sharedChanges(host, settings, before)).toEqual([]);
    utimesSync(join(folder, "touched.js"), 1, 1);
    expect(await sharedChanges(host, settings, before)).toEqual([]);
    write("a b.js", "2");
    write("new.js", "1");
    rmSync(join(folder, "gone.js"));
    expect(await sharedChanges(host, settings, before)).toEqual([
      { path: join(folder, "a b.js"), change: "changed" },
      { path: join(folder, "gone.js"), change: "removed" },
      { path: join(folder, "new.js"), change: "added" },
    ]);
  });

  test("a folder that is not there is refused, not taken for an empty one", async () => {
    await expect(rememberShared(host, settings, [join(folder, "none")])).rejects.toMatchObject({ cause: "missing" });
  });
});

describe("a fix that is found to change what all nodes share", () => {
  const changes = Array.from({ length: 7 }, (_, index) => ({ path: `/data/${index}.js`, change: "changed" as const }));
  const given = (settings: Record<string, unknown> = {}) => {
    const cell = new MemoryCell(2);
    cell.sharedChanges = changes;
    return new Driver(cell, declaration(cell, settings));
  };

  test("freezes the rollout before any node gets it, naming the files; going back is not refused for it", async () => {
    const driver = given();
    const { ended, message } = await driver.up();
    expect([ended, message]).toEqual(["failed", expect.stringMatching(/\/data\/0.js \(changed\).* and 2 more/)]);
    expect(driver.cell.written.filter((change) => change.startsWith("sync"))).toEqual([]);
    driver.cell.request = { request: "roll back", reason: "not wanted" };
    expect(await driver.up()).toMatchObject({ ended: "failed", message: expect.stringMatching(/went back/) });
    expect(driver.kept?.journal).toBeNull();
    expect([...driver.cell.fixes]).toEqual([]);
  });

  test("goes on where that is accepted, or all servers are stopped", async () => {
    expect(await given({ acceptSharedChange: true }).up()).toMatchObject({ ended: "converged" });
    expect(await given({ strategy: "offline" }).up()).toMatchObject({ ended: "converged" });
  });
});
