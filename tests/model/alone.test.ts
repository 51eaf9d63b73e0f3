import { interimFixes, interimFixesOver } from "../../providers/kinds/interim-fixes/kind.js";
import { plan } from "../../providers/kinds/interim-fixes/plan.js";
import type { MemoryCell } from "../support/memory-cell.js";
import { LONG_AGO_MS, newMember } from "../support/memory-cell-parts.js";
import { Driver, declaration, killedAfter } from "./driver.js";
import {
  ALONE,
  everywhere,
  expectSettled,
  KINDS,
  merged,
  neverRefreshed,
  recover,
  SETTINGS,
  watched,
  withAlone,
} from "./watched.js";

/** Generous, since the machine may be busy: every index is a whole rollout and its recovery. */
jest.setTimeout(300_000);

/** Whose probe is declared, the person expects to be rolled. */
const APPS_AND_INFRA = { AppsCluster: { path: "/" }, InfraCluster: { path: "/" } };
const UNPROBED = { memberProbes: APPS_AND_INFRA };
const PROBED = { memberProbes: { ...APPS_AND_INFRA, [ALONE]: { path: "/" } } };

const driverOf = (cell: MemoryCell, settings: Record<string, unknown> = {}) =>
  new Driver(cell, declaration(cell, { ...UNPROBED, ...settings }));
const foundIn = async (driver: Driver) => (await driver.plan()).refusals.map(({ found }) => found).join("\n");
const notesIn = async (driver: Driver) => (await driver.plan()).notes.join("\n");
const touched = ({ written }: MemoryCell) => written.filter((change) => change.includes(ALONE));

/** A rollout whose process died when the first node was out. */
async function interrupted(cell: MemoryCell, settings: Record<string, unknown> = {}): Promise<Driver> {
  const driver = driverOf(cell, settings);
  expect(await driver.up(killedAfter(/^stop node1_InfraCluster/))).toMatchObject({ ended: "killed" });
  cell.advance(60_000);
  return driver;
}

describe("promises 6 and 10: a cluster with a member on one node only is neither stopped, started nor routed", () => {
  test.each(
    ["node1", "node2"].flatMap((node) =>
      SETTINGS.flatMap(([name, settings]) => KINDS.map((kind) => [node, kind, name, settings] as const)),
    ),
  )("on %s, a fault at every change: %s, then %s", async (node, kind, _name, settings) => {
    const cellOf = () => withAlone(watched(2), node);
    expect(await everywhere(cellOf, kind, { ...UNPROBED, ...settings }, recover)).toBeGreaterThan(60);
  });

  test("by directive, the process dies at every change", async () => {
    const cellOf = () => withAlone(neverRefreshed(2), "node1");
    expect(await everywhere(cellOf, "killed after", UNPROBED, recover)).toBeGreaterThan(60);
  });

  test("the process dies at every change, and the rollout is told to go back", async () => {
    const cellOf = () => withAlone(watched(2), "node1");
    await everywhere(cellOf, "killed after", UNPROBED, async (driver) => {
      driver.cell.request = { request: "roll back", reason: "not wanted any more" };
      await recover(driver);
    });
  });

  test.each(["node1", "node2"])("on %s, in the classic order", async (node) => {
    const cell = withAlone(watched(2), node);
    expect(await driverOf(cell, { order: "classic" }).up()).toMatchObject({ ended: "converged" });
    // That applications restart under users' feet is what this order costs, elsewhere.
    expect([...cell.violations].filter((text) => text.includes(ALONE) || text.startsWith("only "))).toEqual([]);
    expect(touched(cell)).toEqual([]);
  });

  test("under another name in a merged file", async () => {
    const cell = withAlone(merged(2), "node1", "Shared_3_Cluster_0");
    expect(await driverOf(cell).up()).toMatchObject({ ended: "converged" });
    expect([...cell.violations]).toEqual([]);
  });

  test("on a node that no other cluster has a member on, and that nodes does not need", async () => {
    const cell = watched(3);
    cell.nodes[2]?.members.splice(0);
    for (const webServer of cell.webServers) {
      const left = (servers: readonly string[]) => servers.filter((server) => !server.startsWith("node3"));
      const lists = Object.entries(webServer.file).map(([name, { primary }]) => [
        name,
        { primary: left(primary), backup: [] },
      ]);
      webServer.file = webServer.followed = Object.fromEntries(lists);
    }
    const driver = driverOf(withAlone(cell, "node3"));
    expect(await foundIn(driver)).toBe("no cluster that is rolled has a member on it");
    const { settings } = driver.desired;
    driver.desired = { ...driver.desired, settings: { ...settings, nodes: settings.nodes.slice(0, 2) } };
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect([...cell.violations]).toEqual([]);
  });
});

describe("promise 13: what is left untouched is fixed when a rollout begins", () => {
  test("a cluster of two nodes that lost a member, and its probe, meanwhile: it is not left as it is, half-way", async () => {
    const cell = withAlone(watched(2), "node1");
    const driver = await interrupted(cell);
    const { desired } = driver;
    const gone = cell.nodes[1]?.members.splice(1, 1) ?? [];
    expect(gone.map(({ server }) => server)).toEqual(["node2_InfraCluster"]);
    driver.desired = declaration(cell, { memberProbes: { AppsCluster: { path: "/" } } });
    expect(await notesIn(driver)).not.toMatch(/InfraCluster/);
    expect(await foundIn(driver)).toBe("which member of InfraCluster in the cell it is cannot be told");
    cell.nodes[1]?.members.splice(1, 0, ...gone);
    driver.desired = desired;
    await recover(driver);
  });

  test.each<[string, (cell: MemoryCell) => void, Record<string, unknown>]>([
    [
      "a second member",
      (cell) => cell.nodes[1]?.members.push({ ...newMember(`node2_${ALONE}`, ALONE, cell.now), alone: true }),
      UNPROBED,
    ],
    ["a probe", () => undefined, PROBED],
    ["a line under untouched", () => undefined, { ...UNPROBED, untouched: [ALONE] }],
  ])(
    "%s that it got meanwhile changes nothing, and is no change of what the rollout rests on",
    async (_, change, settings) => {
      const cell = withAlone(watched(2), "node1");
      const driver = await interrupted(cell);
      change(cell);
      driver.desired = declaration(cell, settings);
      expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
      expectSettled(driver);
      expect(touched(cell)).toEqual([]);
    },
  );

  test("a rollout that a version began which left nothing by itself goes on as it began", async () => {
    const cell = withAlone(watched(2), "node1");
    const driver = await interrupted(cell, { untouched: [ALONE] });
    const { journal } = driver.kept ?? {};
    if (!driver.kept || !journal) throw new Error("no rollout is open");
    const { alone: _, ...foundations } = journal.foundations;
    const kept = { ...driver.kept, journal: { ...journal, foundations } };
    const live = await driver.observe("preview");
    expect(plan(driver.desired, live, kept).refusals).toEqual([]);
    const found = plan(declaration(cell, UNPROBED), live, kept).refusals.map((problem) => problem.found);
    expect(found).toContain("all of its members run on node1");
  });

  test("a node that is lost does not make one of two nodes into one that is left untouched", async () => {
    const cell = watched(2);
    const settings = { memberProbes: { AppsCluster: { path: "/" } }, lost: { node2: "burnt down" } };
    const driver = new Driver(cell, declaration(cell, settings));
    expect(await foundIn(driver)).toMatch(/no rollout is open/);
    expect(await notesIn(driver)).not.toMatch(/untouched/);
    const { lost: _, ...without } = settings;
    driver.desired = declaration(cell, without);
    expect(await foundIn(driver)).toBe("no probe is declared");
  });

  test.each([ALONE, "Shared_3_Cluster_0"])(
    "the node it lives on burns down at every change: the rollout ends without it (%s)",
    async (inFile) => {
      for (let index = 0; ; index++) {
        const cell = withAlone(inFile === ALONE ? watched(3) : merged(3), "node2", inFile);
        const driver = driverOf(cell);
        let changes = 0;
        const before = () => {
          if (changes++ < index) return;
          cell.burn("node2");
          throw new Error("the fire");
        };
        await driver.up({ before, after() {}, alive() {} });
        if (!cell.gone.has("node2")) break;
        cell.advance(600_000);
        if (!driver.kept?.journal) continue;
        driver.desired = declaration(cell, { ...UNPROBED, lost: { node2: "burnt down" } });
        expect([index, await driver.up()]).toEqual([index, { ended: "converged", message: "" }]);
        expect([...cell.violations]).toEqual([]);
      }
    },
  );
});

describe("a cluster that is left untouched by itself", () => {
  test("freezes the rollout after the installer where the fix changes it; back, then offline with a probe", async () => {
    const cell = withAlone(watched(2), "node1");
    cell.clusterOf = () => ALONE;
    const driver = driverOf(cell);
    const { message } = await driver.up();
    expect(message).toMatch(/it changed what runs on servers that were not drained: files on DocsCluster/);
    expect(message).toMatch(
      /Go back: npm run rollout -- roll-back, then pulumi up. Then strategy: offline, with memberProbes.DocsCluster/,
    );
    const installed = cell.written.findIndex((change) => change.startsWith("install"));
    expect(cell.written.slice(installed).filter((change) => /^(sync|start) /.test(change))).toEqual([]);
    cell.request = { request: "roll back", reason: "it is alone" };
    await driver.up();
    expect(driver.kept).toMatchObject({ journal: null, wentBack: { reason: "it is alone" } });
    expect([[...cell.fixes], touched(cell), [...cell.violations]]).toEqual([[], [], []]);

    cell.invariants.length = cell.changeInvariants.length = 0;
    cell.request = { request: "resume", reason: "" };
    driver.desired = declaration(cell, { ...UNPROBED, strategy: "offline" });
    expect(await foundIn(driver)).toBe("no probe is declared");
    driver.desired = declaration(cell, { ...PROBED, strategy: "offline" });
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect(touched(cell)).toEqual([`stop node1_${ALONE}`, `start node1_${ALONE}`]);
  });

  test("freezes nothing where it has no member: whatever is mapped to it runs nowhere", async () => {
    const cell = watched(2);
    cell.clusters.push(ALONE);
    const estate = (id: string) => {
      const own = cell.estate(id);
      const topology = async () => {
        const seen = await own.topology();
        const applications = seen.applications.map((each) => ({ ...each, clusters: [...each.clusters, ALONE] }));
        return { ...seen, applications };
      };
      return { ...own, topology };
    };
    const driver = new Driver(cell, declaration(cell, UNPROBED), estate);
    expect(await notesIn(driver)).toMatch(/untouched: DocsCluster \(it has no member\)/);
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
  });

  test("is untouched for what counts users and ports, too", async () => {
    const cell = withAlone(watched(2), "node1");
    const driver = driverOf(cell);
    const untouched: (readonly string[])[] = [];
    const kind = interimFixesOver(({ settings }) => {
      untouched.push(settings.untouched);
      return cell.estate("process");
    });
    cell.request = { request: "stop", reason: "seen enough" };
    const context = { desired: driver.desired, live: await driver.observe("preview"), kept: { journal: null } };
    const drain = { key: "drain", title: "drain", impact: "none", do: "drain", node: "node1" } as const;
    const applied = async () => kind.apply(drain, context as unknown as Parameters<typeof kind.apply>[1]);
    await expect(applied()).rejects.toThrow(/seen enough/);
    expect(untouched).toEqual([[ALONE]]);
  });

  test("is not expected to run what is installed, whatever its member runs", async () => {
    const cell = withAlone(watched(2), "node1");
    cell.clusterOf = () => ALONE;
    cell.fixes.add("LO66666");
    for (const node of cell.nodes) node.distributedAt = cell.now - LONG_AGO_MS / 2;
    const deviations = async (settings: Record<string, unknown>) => {
      const driver = driverOf(cell, settings);
      const kept = { journal: null, found: [], wentBack: null, durations: {} };
      return Object.keys(interimFixes.describe(driver.desired, await driver.observe("preview"), kept).deviations);
    };
    expect(await deviations(PROBED)).toEqual([`node1 node1_${ALONE}`]);
    expect(await deviations({})).toEqual([]);
    expect((await driverOf(cell).plan()).steps).toEqual([]);
  });

  test("keeps a rollout from beginning where its node is still to get an application of it: the synchronization would restart it", async () => {
    const cell = withAlone(watched(2), "node2");
    cell.clusterOf = () => ALONE;
    cell.changeMaster();
    cell.distribute(cell.node("node1"));
    Object.assign(cell.node("node2"), { agent: "stopped" });
    expect(await foundIn(driverOf(cell))).toBe("its node does not have files as the deployment manager has it");
    expect(await foundIn(driverOf(cell, { untouched: [ALONE] }))).toBe("");
  });

  test("keeps no rollout from beginning by what only those that are restarted have to be like", async () => {
    const cell = withAlone(watched(2), "node1");
    cell.restartStates.set(`node1_${ALONE}`, "RUNNING");
    const cleared = new Set<string>();
    const estate = (id: string) => {
      const own = cell.estate(id);
      const node = (name: string) => {
        const checkTemp = async (roots: ReadonlyMap<string, readonly string[]>) =>
          void [...roots.values()].flat().map((server) => cleared.add(server));
        return { ...own.node(name), checkTemp };
      };
      return { ...own, node };
    };
    const found = async (settings: Record<string, unknown>) =>
      foundIn(new Driver(cell, declaration(cell, settings), estate));
    expect(await found(UNPROBED)).toBe("");
    expect([...cleared].filter((server) => server.includes(ALONE))).toEqual([]);
    expect(await found(PROBED)).toMatch(/nodeRestartState RUNNING/);
    expect(cleared).toContain(`node1_${ALONE}`);
  });
});
