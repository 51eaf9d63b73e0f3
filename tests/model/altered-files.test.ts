import type { MemoryCell } from "../support/memory-cell.js";
import { Driver, declaration, killedAfter } from "./driver.js";
import { expectSettled, neverRefreshed, watched } from "./watched.js";

/** Somebody edits the plug-in file by hand, right before the change that matches. */
function edited(cell: MemoryCell, at: RegExp, what: string): Driver {
  let once = true;
  cell.changeInvariants.push((change) => {
    if (once && at.test(change)) for (const webServer of cell.webServers) webServer.edited = what;
    once &&= !at.test(change);
    return undefined;
  });
  return new Driver(cell, declaration(cell));
}

const stops = ({ written }: MemoryCell) => written.filter((change) => /^stop node\d_/.test(change));
const CLONE = "Server node1_AppsCluster of AppsCluster";

describe("promise 10: the plug-in file is as this rollout left it before members stop and after the installer", () => {
  test.each([
    ["before the second member of a node", "in place", /^stop node1_/, 1],
    ["after the installer", "in place", /^install /, 2],
    ["before users are moved", "in place", /^stop agent/, 0],
    ["before the second member of a node", "by directive", /^stop node1_/, 1],
    ["before users are moved", "by directive", /^stop agent/, 0],
  ])(
    "changed %s (%s): frozen and named; gone on from when a person says that it is meant",
    async (_, by, at, stopped) => {
      const cell = by === "in place" ? watched(2) : neverRefreshed(2);
      const driver = edited(cell, at, CLONE);
      const { ended, message } = await driver.up();
      expect([ended, message]).toEqual(["failed", expect.stringMatching(/somebody changed it .*other: Server node1_/)]);
      expect(message).toMatch(/backups\/\S+ in the state directory[\s\S]*rollout -- resume/);
      expect(stops(cell)).toHaveLength(stopped);
      // No file is written over, and no node gets anything.
      if (stopped === 0) expect(cell.written.filter((change) => /^(route|write|point) /.test(change))).toEqual([]);
      expect(cell.written.filter((change) => change.startsWith("sync"))).toEqual([]);
      // Not by itself, however often.
      expect(await driver.up()).toMatchObject({
        ended: "failed",
        message: expect.stringMatching(/somebody changed it/),
      });
      expect(stops(cell)).toHaveLength(stopped);
      cell.request = { request: "resume", reason: "" };
      expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
      // It is not the deployment manager's to write over.
      expect(cell.webServers.map((webServer) => webServer.edited)).toEqual([CLONE]);
      expect([...cell.violations]).toEqual([]);
    },
  );

  test("put back, it goes on without a word; a later resume takes nothing for meant", async () => {
    const cell = watched(2);
    const driver = edited(cell, /^stop node1_/, CLONE);
    expect(await driver.up()).toMatchObject({ ended: "failed" });
    for (const webServer of cell.webServers) webServer.edited = "";
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
  });

  test("what was changed once more since it was told is told again", async () => {
    const cell = watched(2);
    const driver = edited(cell, /^stop node1_/, CLONE);
    expect(await driver.up()).toMatchObject({ ended: "failed" });
    for (const webServer of cell.webServers) webServer.edited = "ServerCluster AppsCluster";
    cell.request = { request: "resume", reason: "" };
    expect(await driver.up()).toMatchObject({ message: expect.stringMatching(/other: ServerCluster AppsCluster/) });
  });

  test("what touches no routing is said once, and the rollout goes on", async () => {
    const cell = watched(2, undefined, ["AppsCluster", "InfraCluster", "PushCluster"]);
    const driver = edited(cell, /^stop node1_/, "Log /logs/http_plugin.log");
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect(driver.said.filter((line) => line.includes("somebody changed it: other: Log"))).toHaveLength(1);
    expect(cell.webServers.map((webServer) => webServer.edited)).toEqual(["Log /logs/http_plugin.log"]);
    expect([...cell.violations]).toEqual([]);
  });

  test("so is what the deployment manager generates by then, propagated by somebody", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    const [webServer] = cell.webServers;
    cell.changeInvariants.push((change) => {
      if (webServer && change.startsWith("sync node1")) webServer.generated = cell.level;
      return undefined;
    });
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect(driver.said.join("\n")).toMatch(/somebody changed it: new: Uri/);
    expectSettled(driver);
  });
});

describe.each([
  ["in place", () => watched(2)],
  ["by directive", () => neverRefreshed(2)],
])(
  "promise 10, %s: what somebody edits while the rollout stands still before a file is generated anew",
  (_, cellOf) => {
    const TIMEOUT = "Server node2_AppsCluster of AppsCluster";
    const LOG = "Log /logs/http_plugin.log";
    const resume = { request: "resume", reason: "" } as const;
    const edits = ({ webServers }: MemoryCell) => webServers.map((webServer) => webServer.edited);

    /** The file as it was found is in force again, since the newly generated one was not proved; on the way back once more. */
    async function standing(direction: "forward" | "on the way back", what: string): Promise<Driver> {
      const cell = cellOf();
      cell.badGenerated = true;
      const driver = new Driver(cell, declaration(cell));
      const unproved = { ended: "failed", message: expect.stringMatching(/is in force again, and proved/) };
      expect(await driver.up()).toMatchObject(unproved);
      if (direction === "on the way back") {
        cell.request = { request: "roll back", reason: "" };
        expect(await driver.up()).toMatchObject(unproved);
      }
      cell.badGenerated = false;
      for (const webServer of cell.webServers) webServer.edited = what;
      return driver;
    }

    function expectLeft(driver: Driver, direction: string, what: string): void {
      const { cell, kept } = driver;
      expect([kept?.journal, kept?.wentBack !== null]).toEqual([null, direction !== "forward"]);
      expect([edits(cell), cell.webServers[0]?.generated]).toEqual([[what], 0]);
      expect(driver.said.join("\n")).toMatch(/its plug-in file stays as it is[\s\S]*it lacks Uri \/new/);
      expect([...cell.violations]).toEqual([]);
    }

    test.each(["forward", "on the way back"] as const)(
      "%s: is refused, and stays where it is meant",
      async (direction) => {
        const driver = await standing(direction, TIMEOUT);
        const { cell } = driver;
        const before = cell.written.length;
        const refused = {
          ended: "failed",
          message: expect.stringMatching(/somebody changed it .*other: Server node2_/),
        };
        expect(await driver.up()).toMatchObject(refused);
        expect(await driver.up()).toMatchObject(refused);
        expect(cell.written.slice(before).filter((change) => change.startsWith("write generated"))).toEqual([]);
        expect(edits(cell)).toEqual([TIMEOUT]);
        cell.request = resume;
        await driver.up();
        expectLeft(driver, direction, TIMEOUT);
      },
    );

    test.each(["forward", "on the way back"] as const)(
      "%s: is said and stays where it touches no routing",
      async (direction) => {
        const driver = await standing(direction, LOG);
        await driver.up();
        expect(driver.said.join("\n")).toContain(`somebody changed it: other: ${LOG}`);
        expectLeft(driver, direction, LOG);
      },
    );

    test("is refused in the generated file, too, that a run put there which died", async () => {
      const cell = cellOf();
      const driver = new Driver(cell, declaration(cell));
      expect(await driver.up(killedAfter(/^write generated/))).toMatchObject({ ended: "killed" });
      for (const webServer of cell.webServers) webServer.edited = TIMEOUT;
      expect(await driver.up()).toMatchObject({ message: expect.stringMatching(/somebody changed it/) });
      expect(edits(cell)).toEqual([TIMEOUT]);
      cell.request = resume;
      expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
      expect(edits(cell)).toEqual([TIMEOUT]);
      expect([...cell.violations]).toEqual([]);
    });
  },
);
