import type { Lists } from "../../../providers/kinds/interim-fixes/live.js";
import { Driver, declaration } from "../../model/driver.js";
import { expectSettled, watched } from "../../model/watched.js";
import type { MemoryCell } from "../../support/memory-cell.js";

const touching = (cell: MemoryCell) =>
  cell.written.filter((change) => /^(stop|start|route|write|point|hold) /.test(change));

function withFile(file: Lists, nodes = 2): MemoryCell {
  const cell = watched(nodes);
  for (const webServer of cell.webServers) {
    webServer.file = { ...webServer.file, ...file };
    webServer.followed = webServer.file;
  }
  return cell;
}

describe("promise 10: a node whose users no other member of the same web server's file could serve is not taken out", () => {
  test.each<[string, Lists, RegExp]>([
    [
      "a stale file that has a member of one node only",
      { AppsCluster: { primary: ["node1_AppsCluster"], backup: [] } },
      /AppsCluster in webserver1\S*: without node1 it has no member left: node1_AppsCluster/,
    ],
    [
      "a file without any primary, which could not be put back",
      { AppsCluster: { primary: [], backup: ["node1_AppsCluster", "node2_AppsCluster"] } },
      /AppsCluster in webserver1\S*: it names no primary/,
    ],
  ])("%s", async (_, file, expected) => {
    const cell = withFile(file);
    const { ended, message } = await new Driver(cell, declaration(cell)).up();
    expect([...cell.violations].filter((violation) => !violation.startsWith("nobody serves"))).toEqual([]);
    expect(touching(cell)).toEqual([]);
    expect(ended).toBe("failed");
    expect(message).toMatch(expected);
  });

  test("on three nodes, of which one has no member in it, the others may serve", async () => {
    const lists = { primary: ["node1_AppsCluster"], backup: ["node3_AppsCluster"] };
    const cell = withFile({ AppsCluster: lists }, 3);
    expect(await new Driver(cell, declaration(cell)).up()).toMatchObject({ ended: "converged", message: "" });
    expect([...cell.violations]).toEqual([]);
    expect(cell.webServers[0]?.file.AppsCluster).toEqual(lists);
  });

  test("the classic order takes each node's members out too, whoever is routed past it", async () => {
    const cell = withFile({ AppsCluster: { primary: ["node2_AppsCluster"], backup: [] } });
    const { message } = await new Driver(cell, declaration(cell, { order: "classic" })).up();
    expect(message).toMatch(/without node2 it has no member left/);
    expect(touching(cell)).toEqual([]);
  });

  test("offline nobody serves anyway", async () => {
    const cell = withFile({ AppsCluster: { primary: ["node1_AppsCluster"], backup: [] } });
    cell.invariants.length = 0;
    const offline = declaration(cell, { strategy: "offline" });
    expect(await new Driver(cell, offline).up()).toMatchObject({ ended: "converged", message: "" });
  });
});

describe("promise 10: a cluster that is taken off untouched while a rollout is open", () => {
  /** The fix proves to change an application of an untouched cluster: the rollout freezes at that, its first node out. */
  async function frozen(change: (cell: MemoryCell) => void, said = /Remove InfraCluster from untouched, or go back/) {
    const cell = watched(2);
    change(cell);
    cell.clusterOf = () => "InfraCluster";
    const driver = new Driver(cell, declaration(cell, { untouched: ["InfraCluster"] }));
    const { message } = await driver.up();
    expect(message).toMatch(/it changed what runs on servers that were not drained: files on InfraCluster/);
    expect(message).toMatch(said);
    // What nobody knew of may have restarted; from here on somebody does.
    cell.advance(120_000);
    cell.violations.clear();
    return driver;
  }

  test.each<[string, (cell: MemoryCell) => void, RegExp | undefined, Record<string, unknown>, RegExp]>([
    [
      "with members on one node only",
      (cell) => {
        cell.nodes[1]?.members.splice(1, 1);
        withInfraOf(cell, ["node1_InfraCluster"]);
      },
      /feet. Go back: npm/,
      {},
      /InfraCluster: all of its members run on node1.*Put it back: untouched: \[InfraCluster\]/,
    ],
    [
      "without a probe",
      () => undefined,
      undefined,
      { memberProbes: { AppsCluster: { path: "/" } } },
      /memberProbes.InfraCluster/,
    ],
    [
      "that a web server's file has on one node only",
      (cell) => withInfraOf(cell, ["node1_InfraCluster"]),
      undefined,
      {},
      /InfraCluster in webserver1\S*: without node1 it has no member left/,
    ],
  ])("%s: nothing is done to any node", async (_, change, said, settings, expected) => {
    const driver = await frozen(change, said);
    const before = touching(driver.cell).length;
    driver.desired = declaration(driver.cell, settings);
    const { ended, message } = await driver.up();
    expect(ended).toBe("failed");
    expect(message).toMatch(expected);
    expect(touching(driver.cell).slice(before)).toEqual([]);
    expect([...driver.cell.violations]).toEqual([]);
  });

  test("with members on one node only: the way back comes to its end", async () => {
    const driver = await frozen((cell) => {
      cell.nodes[1]?.members.splice(1, 1);
      withInfraOf(cell, ["node1_InfraCluster"]);
    }, /feet. Go back: npm/);
    driver.cell.request = { request: "roll back", reason: "one node" };
    await driver.up();
    expect(driver.kept).toMatchObject({ journal: null, wentBack: { reason: "one node" } });
    expect([...driver.cell.fixes]).toEqual([]);
  });

  test("that others can serve is rolled, too", async () => {
    const driver = await frozen(() => undefined);
    driver.desired = declaration(driver.cell);
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expectSettled(driver);
  });
});

function withInfraOf(cell: MemoryCell, primary: string[]): void {
  for (const webServer of cell.webServers) {
    webServer.file = { ...webServer.file, InfraCluster: { primary, backup: [] } };
    webServer.followed = webServer.file;
  }
}
