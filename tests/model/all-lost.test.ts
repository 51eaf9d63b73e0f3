import type { MemoryCell } from "../support/memory-cell.js";
import { NO_FAULTS } from "../support/memory-cell-parts.js";
import { Driver, declaration } from "./driver.js";
import { merged, watched } from "./watched.js";

const LOST = { node3: "burnt down", node4: "burnt down" };

/** InfraCluster runs on the last two nodes alone, and they burn right before the change that matches. */
async function burnt(cell: MemoryCell, at: RegExp, settings: Record<string, unknown> = {}): Promise<Driver> {
  for (const { members } of cell.nodes.slice(0, -2)) {
    members.splice(
      members.findIndex(({ cluster }) => cluster === "InfraCluster"),
      1,
    );
  }
  const lists = { primary: cell.nodes.slice(-2).map(({ name }) => `${name}_InfraCluster`), backup: [] };
  for (const webServer of cell.webServers) {
    const [, inFile = ""] = Object.keys(webServer.file);
    webServer.file = webServer.followed = { ...webServer.file, [inFile]: lists };
  }
  const driver = new Driver(cell, declaration(cell, settings));
  let isBurnt = false;
  const before = (change: string) => {
    if (isBurnt || !at.test(change)) return;
    isBurnt = true;
    for (const { name } of cell.nodes.slice(-2)) cell.burn(name);
    throw new Error("the fire");
  };
  expect(await driver.up({ ...NO_FAULTS, before })).toMatchObject({ ended: "failed" });
  cell.advance(600_000);
  driver.desired = declaration(cell, { ...settings, lost: LOST });
  return driver;
}

const infraIn = (cell: MemoryCell) =>
  cell.webServers.flatMap(({ file }) =>
    Object.values(file).filter(({ primary }) => primary.some((server) => server.endsWith("_InfraCluster"))),
  );

describe("promise 10: a cluster that ran on lost nodes alone keeps the rollout from no end", () => {
  describe.each([
    ["that is rolled", {}],
    ["that is untouched", { untouched: ["InfraCluster"] }],
  ])("one %s", (_, settings) => {
    test.each([
      ["forward, before the installer", /^install /, undefined],
      ["forward, with a node out", /^stop node2/, undefined],
      ["back, before the installer", /^install /, "roll back"],
      ["back, with a node out", /^stop node2/, "roll back"],
    ] as const)("%s", async (_name, at, ask) => {
      for (const cellOf of [() => watched(4), () => merged(4)]) {
        const cell = cellOf();
        const driver = await burnt(cell, at, settings);
        if (ask) cell.request = { request: ask, reason: "the fire" };
        const { refusals, notes } = await driver.plan();
        expect(refusals).toEqual([]);
        const said = notes.filter((note) => note.includes("nobody is left to serve InfraCluster"));
        expect(said).toHaveLength("untouched" in settings ? 0 : 1);
        await driver.up();
        expect(driver.kept?.journal).toBeNull();
        expect([...cell.violations]).toEqual([]);
        expect([...cell.fixes]).toEqual(ask ? [] : ["LO66666"]);
        expect(infraIn(cell)).toEqual([{ primary: ["node3_InfraCluster", "node4_InfraCluster"], backup: [] }]);
      }
    });
  });
});
