import type { MemoryCell } from "../support/memory-cell.js";
import { generatedFile } from "../support/memory-cell-commands.js";
import { Driver, declaration, killedAfter } from "./driver.js";
import { expectSettled, watched } from "./watched.js";

/** Merged by hand where the deployment manager has its own, and propagated from there. */
const MERGED = '<?xml version="1.0"?><Config Level="0"><!-- and those of the other cell --></Config>\n';
const TAKEN_OVER = '<?xml version="1.0"?><Config Level="0"><ServerCluster Name="Foreign"/></Config>\n';

function edited(text: string): { cell: MemoryCell; driver: Driver; own: () => string | undefined } {
  const cell = watched(2);
  const [webServer] = cell.webServers;
  if (!webServer) throw new Error("no web server");
  Object.assign(webServer, { merged: true, generation: "manual", propagation: "automatic" });
  const file = generatedFile(webServer);
  cell.host("dmgr").put(file, text);
  return { cell, driver: new Driver(cell, declaration(cell)), own: () => cell.host("dmgr").text(file) };
}

describe("promise 17: what somebody edited where the deployment manager has its own plug-in file", () => {
  test("is backed up, and nothing is propagated any more, before one is generated over it; it goes back, to the byte", async () => {
    const { cell, driver, own } = edited(TAKEN_OVER);
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    const steps = ["back up", "plug-in settings", "generate web/webserver1"];
    expect(cell.written.filter((change) => steps.includes(change)).slice(0, 3)).toEqual(steps);
    expect([cell.webServers[0]?.merged, own()]).toEqual([true, TAKEN_OVER]);
    expect([...cell.violations]).toEqual([]);
  });

  test.each([
    ["right after it was overwritten", /^generate/, TAKEN_OVER],
    ["right after it was overwritten by what differs in nothing but bytes", /^generate/, MERGED],
    ["right before, where nothing is to go back", /^plug-in settings/, TAKEN_OVER],
  ])("goes back, also when a run died %s", async (_, at, text) => {
    const { cell, driver, own } = edited(text);
    expect(await driver.up(killedAfter(at))).toMatchObject({ ended: "killed" });
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect([cell.webServers[0]?.merged, own()]).toEqual([true, text]);
    expect([...cell.violations]).toEqual([]);
  });

  test("goes back where the rollout does", async () => {
    const { cell, driver, own } = edited(TAKEN_OVER);
    expect(await driver.up(killedAfter(/^generate/))).toMatchObject({ ended: "killed" });
    cell.request = { request: "roll back", reason: "" };
    await driver.up();
    expect(driver.kept?.wentBack).not.toBeNull();
    expect(own()).toBe(TAKEN_OVER);
  });

  test("what somebody put there since a run died over it is not overwritten by what was before", async () => {
    const { driver, own, cell } = edited(TAKEN_OVER);
    expect(await driver.up(killedAfter(/^generate/))).toMatchObject({ ended: "killed" });
    const newer = TAKEN_OVER.replace("Foreign", "Another");
    cell.host("dmgr").put(generatedFile({ node: "web", server: "webserver1" }), newer);
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect(own()).toBe(newer);
  });
});

test("after the installer, what is put in place on a web server is what the deployment manager has, too", async () => {
  const cell = watched(2);
  const driver = new Driver(cell, declaration(cell));
  expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
  expect(cell.host("dmgr").text(generatedFile({ node: "web", server: "webserver1" }))).toContain(
    `Level="${cell.level}"`,
  );
  expectSettled(driver);
});

test("no plug-in file is generated offline: nothing of it is needed there", async () => {
  const cell = watched(2);
  cell.invariants.length = cell.changeInvariants.length = 0;
  expect(await new Driver(cell, declaration(cell, { strategy: "offline" })).up()).toMatchObject({ ended: "converged" });
  expect(cell.written.filter((change) => change.startsWith("generate"))).toEqual([]);
});
