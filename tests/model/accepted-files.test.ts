import type { Lists } from "../../providers/kinds/interim-fixes/live.js";
import type { MemoryCell } from "../support/memory-cell.js";
import { NO_FAULTS, newNode } from "../support/memory-cell-parts.js";
import { Driver, declaration, killedAfter } from "./driver.js";
import { expectSettled, neverRefreshed, watched } from "./watched.js";

/** Somebody changes what the plug-in file of each web server has, once, right before the change that matches. */
function changed(cell: MemoryCell, at: RegExp, change: (file: Lists) => Lists): void {
  let once = true;
  cell.changeInvariants.push((name) => {
    if (!once || !at.test(name)) return undefined;
    once = false;
    for (const webServer of cell.webServers) {
      webServer.file = change(structuredClone(webServer.file));
      webServer.changedAt = cell.now;
    }
    return undefined;
  });
}

/** As it is before anything began. */
function found(cell: MemoryCell, change: (file: Lists) => Lists): void {
  for (const webServer of cell.webServers) {
    webServer.file = change(webServer.file);
    webServer.followed = structuredClone(webServer.file);
  }
}

const without =
  (cluster: string) =>
  (file: Lists): Lists =>
    Object.fromEntries(Object.entries(file).filter(([name]) => name !== cluster));

const FOREIGN = { primary: ["x_a", "x_b"], backup: [] };
const withForeign = (file: Lists): Lists => ({ ...file, Foreign: FOREIGN });

function withForeignCluster(cell: MemoryCell): Driver {
  const driver = new Driver(cell, declaration(cell));
  found(cell, withForeign);
  return driver;
}

const clustersIn = (cell: MemoryCell) => cell.webServers.map(({ file }) => Object.keys(file).sort());
const stops = ({ written }: MemoryCell) => written.filter((change) => /^stop node\d_/.test(change));
const routes = ({ written }: MemoryCell) => written.filter((change) => /^(route|write|point) /.test(change));
const WAYS = [
  ["in place", watched],
  ["by directive", neverRefreshed],
] as const;

async function asks(driver: Driver, request: "resume" | "roll back") {
  driver.cell.request = { request, reason: "" };
  return driver.up();
}

const failed = (message: RegExp) => ({ ended: "failed", message: expect.stringMatching(message) });

describe.each(WAYS)(
  "promise 10: what is accepted of a changed plug-in file is what the rollout routes (%s)",
  (_, of) => {
    test.each([
      ["before users are moved", /^stop agent/],
      ["while a node is started", /^start node1_Infra/],
    ])("a cluster of the cell that is mapped to the web server %s, and propagated", async (_when, at) => {
      const cell = of(2);
      const all = declaration(cell);
      const { InfraCluster } = cell.webServers[0]?.file ?? {};
      found(cell, without("InfraCluster"));
      const driver = new Driver(cell, declaration(cell));
      changed(cell, at, (file) => ({ ...file, ...(InfraCluster ? { InfraCluster } : {}) }));
      const { message } = await driver.up();
      expect(message).toMatch(/verify.clusters.InfraCluster: no probe/);
      // What the next run would refuse is no advice.
      expect(message).not.toMatch(/untouched/);
      driver.desired = all;
      expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
      expect(driver.said.join("\n")).toMatch(/from now on this rollout goes by it: InfraCluster is routed, too/);
      expectSettled(driver);
      expect(clustersIn(cell)).toEqual([["AppsCluster", "InfraCluster"]]);
    });

    test("another cell's cluster that somebody merges into it, and means to: no user is said to be sent elsewhere", async () => {
      const cell = of(2);
      const driver = new Driver(cell, declaration(cell));
      changed(cell, /^stop node1_Apps/, withForeign);
      expect(await driver.up()).toMatchObject(failed(/new: ServerCluster Foreign/));
      expect(await asks(driver, "resume")).toMatchObject({ ended: "converged", message: "" });
      expect(cell.webServers.map(({ file }) => file.Foreign)).toEqual([FOREIGN]);
      expect([...cell.violations]).toEqual([]);
      if (of === watched) expect(driver.said.join("\n")).not.toMatch(/sent users elsewhere/);
    });

    test.each([
      ["forward", "resume", undefined],
      ["back", "roll back", "resume"],
    ] as const)("another cell's cluster that goes for good, and is meant to (%s)", async (_way, first, then) => {
      const cell = of(2);
      const driver = withForeignCluster(cell);
      changed(cell, /^stop node1_Infra/, without("Foreign"));
      expect(await driver.up()).toMatchObject(
        failed(/gone: ServerCluster Foreign[\s\S]*no Route leads to Foreign any more/),
      );
      expect(await driver.up()).toMatchObject(failed(/gone: ServerCluster Foreign/));
      let last = await asks(driver, first);
      if (then) {
        expect(last).toMatchObject(failed(/gone: ServerCluster Foreign/));
        last = await asks(driver, then);
      }
      expect(driver.said.join("\n")).toMatch(/goes by it: no Route leads to Foreign any more/);
      expect(driver.kept?.journal).toBeNull();
      expect([last.ended, Boolean(driver.kept?.wentBack)]).toEqual(then ? ["failed", true] : ["converged", false]);
      expect([...cell.violations]).toEqual([]);
      expect(cell.serving()).toHaveLength(2);
    });

    test("a member that is taken out of the cell and the file, and is meant to be", async () => {
      const cell = of(3);
      const driver = new Driver(cell, declaration(cell));
      changed(cell, /^stop node1_Infra/, (file) => ({
        ...file,
        InfraCluster: removed("node3_InfraCluster", file.InfraCluster),
      }));
      expect(await driver.up()).toMatchObject(failed(/gone: Server node3_InfraCluster of InfraCluster/));
      expect(await asks(driver, "resume")).toMatchObject({ ended: "converged", message: "" });
      expect([...cell.violations]).toEqual([]);
      expect([driver.kept?.journal, cell.serving()]).toEqual([null, ["node1", "node2", "node3"]]);
      expect(cell.webServers.map(({ file }) => file.InfraCluster?.primary)).toEqual([
        ["node1_InfraCluster", "node2_InfraCluster"],
      ]);
    });

    test("the last member besides one node's: nobody's word makes that fit; put back, it goes on", async () => {
      const cell = of(2);
      const driver = new Driver(cell, declaration(cell));
      const [before] = cell.webServers.map(({ file }) => structuredClone(file));
      changed(cell, /^stop node1_/, (file) => ({
        ...file,
        InfraCluster: removed("node2_InfraCluster", file.InfraCluster),
      }));
      cell.invariants.length = 0;
      const unfit = failed(/InfraCluster has members on node1 alone[\s\S]*Put back what was there \(backups\/\S+/);
      for (const request of ["resume", "resume", "roll back"] as const) {
        const outcome = await asks(driver, request);
        expect(outcome).toMatchObject(unfit);
        expect(outcome.message).not.toMatch(/Is it meant|untouched/);
      }
      expect(stops(cell)).toHaveLength(1);
      for (const webServer of cell.webServers) webServer.file = structuredClone(before ?? {});
      const { message } = await driver.up();
      expect([message, driver.kept?.journal]).toEqual([expect.stringMatching(/went back/), null]);
      expect(cell.serving()).toHaveLength(2);
    });

    test.each(["resume", "roll back"] as const)(
      "every file loses a cluster that has a probe: told each time; %s",
      async (request) => {
        const cell = of(2);
        const driver = new Driver(cell, declaration(cell));
        changed(cell, /^stop node1_Infra/, without("AppsCluster"));
        for (let run = 0; run < 2; run++)
          expect(await driver.up()).toMatchObject(failed(/gone: ServerCluster AppsCluster/));
        const outcome = await asks(driver, request);
        expect(outcome.message).not.toMatch(/remove the probe/);
        if (request === "roll back") expect(outcome).toMatchObject(failed(/gone: ServerCluster AppsCluster/));
        else expect(outcome).toMatchObject({ ended: "converged" });
      },
    );

    test("a member that joins on a node that the rollout does not treat gets no users before its end", async () => {
      const cell = of(2);
      const driver = new Driver(cell, declaration(cell));
      const [before] = cell.webServers.map(({ file }) => structuredClone(file));
      changed(cell, /^stop agent/, (file) => {
        const node = newNode("node3", ["InfraCluster"], { now: cell.now, nextSync: 1_000_000_000 });
        cell.nodes.push(node);
        const { primary = [], backup = [] } = file.InfraCluster ?? {};
        return { ...file, InfraCluster: { primary: [...primary, "node3_InfraCluster"], backup } };
      });
      const message = /node3[\s\S]*which this rollout does not treat[\s\S]*until the rollout has ended/;
      expect(await driver.up()).toMatchObject(failed(message));
      expect(await asks(driver, "resume")).toMatchObject(failed(message));
      expect([...stops(cell), ...routes(cell)]).toEqual([]);
      for (const webServer of cell.webServers) webServer.file = structuredClone(before ?? {});
      expect(await driver.up()).toMatchObject({ ended: "converged" });
    });
  },
);

describe("promise 10: by directive", () => {
  test.each([
    ["in the run that installs", NO_FAULTS, 1],
    ["in one that takes it up", killedAfter(/^install /), 2],
  ])(
    "where nothing but the file that copies are made of is other by then, the copy is made anew (%s)",
    async (_, faults, runs) => {
      const cell = neverRefreshed(2);
      let isStale = false;
      changed(cell, /^install /, (file) => {
        isStale = true;
        return file;
      });
      const driver = new Driver(cell, declaration(cell), (id) => {
        const estate = cell.estate(id);
        const webServer = (name: string) => {
          const all = estate.webServer(name);
          return {
            ...all,
            isRouted: async (...to: Parameters<typeof all.isRouted>) => !isStale && (await all.isRouted(...to)),
            route: async (...to: Parameters<typeof all.route>) => {
              await all.route(...to);
              isStale = false;
            },
          };
        };
        return { ...estate, webServer };
      });
      const first = await driver.up(faults);
      expect(runs === 1 ? first : await driver.up()).toMatchObject({ ended: "converged", message: "" });
      expect(isStale).toBe(false);
      expectSettled(driver);
    },
  );
});

const removed = (server: string, { primary, backup }: Lists[string] = FOREIGN) => ({
  primary: primary.filter((each) => each !== server),
  backup: backup.filter((each) => each !== server),
});
