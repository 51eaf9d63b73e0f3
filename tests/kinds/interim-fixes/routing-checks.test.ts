import type { FixesDesired } from "../../../providers/kinds/interim-fixes/goal.js";
import { nodesByCell, type RoutedServer } from "../../../providers/kinds/interim-fixes/servers.js";
import type { CellTopology } from "../../../providers/targets/wsadmin/cell.js";
import { Driver, declaration } from "../../model/driver.js";
import { watched } from "../../model/watched.js";
import type { MemoryCell } from "../../support/memory-cell.js";

const nodes = (node1: readonly string[], node2: readonly string[]) => ({ topology: { nodes: { node1, node2 } } });

async function refusedUp(cell: MemoryCell, desired: FixesDesired): Promise<string> {
  const { ended, message } = await new Driver(cell, desired).up();
  expect(ended).toBe("failed");
  expect([...cell.violations]).toEqual([]);
  expect(cell.written.filter((change) => /^(stop|route|write|point|hold) /.test(change))).toEqual([]);
  return message;
}

describe("promise 10: a rollout that would stop other members than it keeps users from does not begin", () => {
  test.each<[string, object, RegExp]>([
    [
      "a member that no node is declared for",
      nodes(["node1_AppsCluster"], ["node2_AppsCluster", "node2_InfraCluster"]),
      /node1_InfraCluster of InfraCluster in webserver1\S*: no node is declared for it. Allowed: node1/,
    ],
    [
      "members under each other's node",
      nodes(["node2_AppsCluster", "node1_InfraCluster"], ["node1_AppsCluster", "node2_InfraCluster"]),
      /node1_AppsCluster of AppsCluster in webserver1\S*: declared under node2. Allowed: node1/,
    ],
  ])("%s", async (_, settings, expected) => {
    const cell = watched(2);
    expect(await refusedUp(cell, declaration(cell, { ...settings }))).toMatch(expected);
  });

  test("a server that is no member of the cell", async () => {
    const cell = watched(2);
    const known = cell.routedMembers();
    cell.routedMembers = () => known.map((server) => ({ ...server, transports: [] }));
    expect(await refusedUp(cell, declaration(cell))).toMatch(
      /node1_AppsCluster of AppsCluster in \S+: which member of AppsCluster in the cell it is cannot be told/,
    );
  });

  test("a cluster of another cell, merged into the plug-in file, keeps the lists it has", async () => {
    const cell = watched(2);
    const [webServer] = cell.webServers;
    if (!webServer) throw new Error("no web server");
    const other = { primary: [], backup: ["elsewhere_1", "elsewhere_2"] };
    webServer.file = { ...webServer.file, OtherCellCluster: other };
    webServer.followed = webServer.file;
    const seen = new Set<string>();
    cell.invariants.push(() => void seen.add(JSON.stringify(webServer.file.OtherCellCluster)));
    expect(await new Driver(cell, declaration(cell)).up()).toMatchObject({ ended: "converged" });
    expect([...seen]).toEqual([JSON.stringify(other)]);
  });
});

describe("promise 10: what cannot be proved by requests does not begin", () => {
  const withProbes = (cell: MemoryCell, names: readonly string[]) => {
    const desired = declaration(cell);
    for (const { verify } of desired.settings.webServers) {
      verify.clusters = Object.fromEntries(names.map((name) => [name, Object.values(verify.clusters)[0]])) as never;
    }
    return desired;
  };

  test("a cluster without a probe", async () => {
    const cell = watched(2);
    expect(await refusedUp(cell, withProbes(cell, ["AppsCluster"]))).toMatch(
      /webserver1: verify.clusters.InfraCluster: no probe is declared/,
    );
  });

  test("a probe of a misspelt cluster, beside the one that it leaves without", async () => {
    const cell = watched(2);
    expect(await refusedUp(cell, withProbes(cell, ["AppsCluster", "InfraClutser"]))).toMatch(
      /no probe is declared[\s\S]*no web server routes a cluster InfraClutser; did you mean InfraCluster\?/,
    );
  });

  test("untouched clusters need none", async () => {
    const cell = watched(2);
    const desired = withProbes(cell, ["AppsCluster"]);
    desired.settings.untouched = ["InfraCluster"];
    expect(await new Driver(cell, desired).up()).toMatchObject({ ended: "converged" });
  });
});

describe("which member of the cell a server of the plug-in file is", () => {
  const topology = (uniqueId: string): Pick<CellTopology, "clusters" | "nodes" | "servers"> => ({
    nodes: [
      { name: "node1", hostName: "was1.example.com", role: "managed" },
      { name: "node10", hostName: "was10.example.com", role: "managed" },
    ],
    servers: ["node1", "node10"].map((node) => ({
      node,
      server: "apps_server1",
      type: "application",
      endpoints: { WC_defaulthost: { host: "*", port: 9080 } },
    })),
    clusters: [
      {
        name: "AppsCluster",
        members: [
          { node: "node1", server: "apps_server1" },
          { node: "node10", server: "apps_server1", uniqueId },
        ],
      },
    ],
  });
  const server = (more: Partial<RoutedServer>): RoutedServer => ({
    cluster: "AppsCluster",
    name: "renamed",
    transports: [],
    ...more,
  });
  const found = (more: Partial<RoutedServer>, uniqueId = "1235000000000") =>
    nodesByCell([server(more)], topology(uniqueId));

  test.each<[string, Partial<RoutedServer>, Record<string, string | null>]>([
    ["by its whole name, not by how that begins", { name: "node10_apps_server1" }, { node10_apps_server1: "node10" }],
    ["by host and port", { transports: [{ hostname: "WAS1.example.com", port: 9080 }] }, { renamed: "node1" }],
    ["by its CloneID", { cloneId: (1235000000000).toString(32) }, { renamed: "node10" }],
    ["not at all", { cloneId: "1abc" }, { renamed: null }],
    [
      "not where the signs disagree",
      { name: "node10_apps_server1", transports: [{ hostname: "was1.example.com", port: 9080 }] },
      { node10_apps_server1: null },
    ],
    ["a cluster that the cell does not have is none of its business", { cluster: "Other" }, {}],
  ])("%s", (_, more, expected) => {
    expect(found(more)).toEqual(expected);
  });

  test("a uniqueId that is no number ties nothing", () => {
    expect(found({ cloneId: "abc" }, "abc")).toEqual({ renamed: null });
  });
});

test("promise 10: where members end together with their agent, no second node's agent is touched", async () => {
  const cell = watched(3);
  cell.agentTakesMembers = true;
  const { ended, message } = await new Driver(cell, declaration(cell)).up();
  expect(ended).toBe("failed");
  expect(message).toContain("node2: node2_AppsCluster, node2_InfraCluster stopped together with the node agent");
  expect(cell.serving()).toEqual(["node1", "node3"]);
  expect(cell.written.filter((change) => change.startsWith("stop "))).toEqual(["stop agent node2"]);
});

test("a node on which the changed application runs nowhere is done without it, there and back", async () => {
  const cell = watched(3);
  const [, , node3] = cell.nodes;
  if (!node3) throw new Error("no third node");
  node3.members.splice(0, 1);
  for (const webServer of cell.webServers) {
    webServer.file = {
      ...webServer.file,
      AppsCluster: { primary: ["node1_AppsCluster", "node2_AppsCluster"], backup: [] },
    };
    webServer.followed = webServer.file;
  }
  const driver = new Driver(cell, declaration(cell));
  expect(await driver.up()).toMatchObject({ ended: "converged" });
  expect(await new Driver(cell, declaration(cell, {}, { fixes: {}, absent: ["LO66666"] })).up()).toMatchObject({
    ended: "converged",
  });
  expect([...cell.violations]).toEqual([]);
});
