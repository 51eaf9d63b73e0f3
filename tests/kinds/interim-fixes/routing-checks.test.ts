import type { FixesDesired } from "../../../providers/kinds/interim-fixes/goal.js";
import type { Journal } from "../../../providers/kinds/interim-fixes/journal.js";
import type { Lists } from "../../../providers/kinds/interim-fixes/live.js";
import { routingRefusals } from "../../../providers/kinds/interim-fixes/routing-checks.js";
import { type RoutedServer, serversInCell } from "../../../providers/kinds/interim-fixes/servers.js";
import type { CellTopology } from "../../../providers/targets/wsadmin/cell.js";
import { Driver, declaration, killedAfter } from "../../model/driver.js";
import { watched } from "../../model/watched.js";
import type { MemoryCell } from "../../support/memory-cell.js";

const nodes = (node1: readonly string[], node2: readonly string[]) => ({ topology: { nodes: { node1, node2 } } });

const apps = { primary: ["node1_AppsCluster", "node2_AppsCluster"], backup: [] };
const infra = { primary: ["node1_InfraCluster", "node2_InfraCluster"], backup: [] };

/** As pluginCfgMerge leaves a file: clusters under names of its own, which are probed by these names. */
function merged(cell: MemoryCell, file: Lists): FixesDesired {
  for (const webServer of cell.webServers) webServer.file = webServer.followed = structuredClone(file);
  return declaration(cell);
}

function withProbes(cell: MemoryCell, names: readonly string[]): FixesDesired {
  const desired = declaration(cell);
  for (const { verify } of desired.settings.webServers) {
    verify.clusters = Object.fromEntries(names.map((name) => [name, Object.values(verify.clusters)[0]])) as never;
  }
  return desired;
}

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
    cell.transportsOf = () => [];
    expect(await refusedUp(cell, declaration(cell))).toMatch(
      /node1_AppsCluster of AppsCluster in \S+: which member of AppsCluster in the cell it is cannot be told/,
    );
  });

  test("a merged file with a cluster whose servers are members of two clusters of the cell", async () => {
    const cell = watched(2);
    const lists = { primary: ["node1_AppsCluster", "node2_InfraCluster"], backup: [] };
    const desired = merged(cell, { Shared_1_Cluster_0: lists, Shared_2_Cluster_0: infra });
    expect(await refusedUp(cell, desired)).toMatch(
      /Shared_1_Cluster_0 in webserver1\S*: it holds members of AppsCluster and InfraCluster/,
    );
  });

  test("a merged file in which a cluster could be one that nothing else in it is", async () => {
    const cell = watched(2);
    const strange = { primary: ["elsewhere_1", "elsewhere_2"], backup: [] };
    const desired = merged(cell, { Shared_1_Cluster_0: strange, InfraCluster: infra });
    expect(await refusedUp(cell, desired)).toMatch(
      /Shared_1_Cluster_0 in webserver1\S*: whether it is AppsCluster of the cell cannot be told/,
    );
  });

  test("a cluster of a plug-in file under untouched, though its servers are members of a cluster that is rolled", async () => {
    const cell = watched(2);
    const desired = merged(cell, { Shared_1_Cluster_0: apps, InfraCluster: infra });
    desired.settings.untouched = ["Shared_1_Cluster_0"];
    expect(await refusedUp(cell, desired)).toMatch(/untouched: Shared_1_Cluster_0 is AppsCluster of the cell/);
  });

  test("a merged file with Shared_1_Cluster_0 is rolled as what it is in the cell, and nobody is sent to a stopped member", async () => {
    const cell = watched(2);
    const desired = merged(cell, { Shared_1_Cluster_0: apps, Shared_2_Cluster_0: infra });
    expect(await new Driver(cell, desired).up()).toMatchObject({ ended: "converged" });
    expect([...cell.violations]).toEqual([]);
    expect(cell.webServers[0]?.file).toMatchObject({ Shared_1_Cluster_0: apps, Shared_2_Cluster_0: infra });
  });

  test("an untouched cluster keeps the lists it has under another name, too; so does one that is said to be another cell's", async () => {
    const cell = watched(2);
    const strange = { primary: ["elsewhere_1"], backup: ["elsewhere_2"] };
    const desired = merged(cell, { Shared_2_Cluster_0: infra, Shared_3_Cluster_0: strange, AppsCluster: apps });
    desired.settings.untouched = ["InfraCluster"];
    const seen = new Set<string>();
    const [webServer] = cell.webServers;
    cell.invariants.push(() => void seen.add(JSON.stringify(webServer?.file.Shared_2_Cluster_0)));
    expect(await new Driver(cell, desired).up()).toMatchObject({ ended: "converged" });
    expect([...seen]).toEqual([JSON.stringify(infra)]);
  });

  describe("a merged file with a cell that was built like this one: the same names of nodes and servers", () => {
    const theirs = { primary: ["node1_node1_AppsCluster", "node2_node2_AppsCluster"], backup: [] };
    const mergedWith = (cloneIdOf: (server: string) => string) => {
      const cell = watched(2);
      for (const { name, members } of cell.nodes) {
        const [apps] = members;
        if (!apps) throw new Error("no member");
        cell.cloneIds.set(`${name}_${apps.server}`, cloneIdOf(apps.server));
      }
      const transportsOf = cell.transportsOf.bind(cell);
      cell.transportsOf = (server) => {
        const own = transportsOf(server);
        return own.length > 0 ? own : [{ hostname: "test.example.com", port: 9080 }];
      };
      const desired = merged(cell, { Shared_1_Cluster_0: apps, Shared_2_Cluster_0: infra, Shared_3_Cluster_0: theirs });
      const seen = new Set<string>();
      const [webServer] = cell.webServers;
      cell.invariants.push(() => void seen.add(JSON.stringify(webServer?.file.Shared_3_Cluster_0)));
      return { cell, desired, seen };
    };
    const asOurs = (cell: MemoryCell) => (server: string) => BigInt(cell.uniqueIdOf(server)).toString(32);

    test("other CloneIDs and addresses: it keeps the lists it has, and needs no probe", async () => {
      const { cell, desired, seen } = mergedWith((server) => `z${server.length}`);
      for (const { verify } of desired.settings.webServers) delete verify.clusters.Shared_3_Cluster_0;
      expect(await new Driver(cell, desired).up()).toMatchObject({ ended: "converged", message: "" });
      expect([...seen]).toEqual([JSON.stringify(theirs)]);
      expect([...cell.violations]).toEqual([]);
    });

    test("copied with its CloneIDs: refused, until a person says that it is another cell's", async () => {
      const { cell, desired, seen } = mergedWith(asOurs(watched(2)));
      expect(await refusedUp(cell, desired)).toMatch(
        /node1_node1_AppsCluster of Shared_3_Cluster_0 in \S+: no node is declared for it.*If it is another cell's: untouched: \[Shared_3_Cluster_0\]/,
      );
      desired.settings.untouched = ["Shared_3_Cluster_0"];
      expect(await new Driver(cell, desired).up()).toMatchObject({ ended: "converged", message: "" });
      expect([...seen]).toEqual([JSON.stringify(theirs)]);
      expect([...cell.violations]).toEqual([]);
    });

    test("one of its servers listens on an address of this cell: no word makes it another's", async () => {
      const { cell, desired } = mergedWith(asOurs(watched(2)));
      const transportsOf = cell.transportsOf;
      cell.transportsOf = (server) =>
        server === "node2_node2_AppsCluster" ? [{ hostname: "node2", port: 9080 }] : transportsOf(server);
      desired.settings.untouched = ["Shared_3_Cluster_0"];
      expect(await refusedUp(cell, desired)).toMatch(/untouched: Shared_3_Cluster_0 is AppsCluster of the cell/);
    });
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

describe("a cluster that somebody creates in the cell while a rollout is open", () => {
  const others = { primary: ["elsewhere_1", "elsewhere_2"], backup: [] };
  const open = async (at: RegExp) => {
    const cell = watched(2);
    const driver = new Driver(
      cell,
      merged(cell, { Shared_1_Cluster_0: apps, Shared_2_Cluster_0: infra, Other: others }),
    );
    await driver.up(killedAfter(at));
    cell.clusters.push("NewCluster");
    return driver;
  };

  test.each(["resume", "roll back"] as const)("is none that a merged file has had since before: %s", async (ask) => {
    const driver = await open(/^stop agent/);
    driver.cell.request = { request: ask, reason: "as asked" };
    await driver.up();
    expect(driver.kept?.journal).toBeNull();
    expect([...driver.cell.violations]).toEqual([]);
    expect([...driver.cell.fixes]).toEqual(ask === "resume" ? ["LO66666"] : []);
  });

  test("may be one whose servers are others since", async () => {
    const driver = await open(/^stop node1_InfraCluster/);
    const [webServer] = driver.cell.webServers;
    if (!webServer) throw new Error("no web server");
    webServer.file = webServer.followed = { ...webServer.file, Other: { ...others, primary: ["elsewhere_3"] } };
    const { refusals } = await driver.plan();
    expect(refusals).toEqual([
      expect.objectContaining({
        found: expect.stringMatching(/^whether it is NewCluster of the cell cannot be told/),
        next: "Generate, propagate and merge the plug-in file anew.",
      }),
    ]);
  });
});

describe("promise 10: what cannot be proved by requests does not begin", () => {
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

  describe("how a cluster of a merged file is left out instead", () => {
    const refusalsOf = async (journal: Journal | null) => {
      const cell = watched(2);
      const desired = merged(cell, { Shared_1_Cluster_0: apps, Shared_2_Cluster_0: infra });
      for (const { verify } of desired.settings.webServers) delete verify.clusters.Shared_1_Cluster_0;
      const live = await new Driver(cell, desired).observe("preview");
      const [webServer] = live.webServers;
      if (!webServer) throw new Error("no web server");
      webServer.shapes = { Shared_2_Cluster_0: [{ where: "its file", found: "ClusterAddress" }] };
      return routingRefusals(desired, live, journal).map(({ where, next }) => [where, next]);
    };

    test("before a rollout: by the name that untouched takes, the cell's", async () => {
      expect(await refusalsOf(null)).toEqual([
        [
          "webserver1: verify.clusters.Shared_1_Cluster_0",
          "Add its probeUrl (in a stack's configuration: probes.clusters.Shared_1_Cluster_0). If no fix changes it: untouched: [AppsCluster]",
        ],
        ["its file", "If no fix changes it: untouched: [InfraCluster]"],
      ]);
    });

    test("in an open one: not at all, for what is untouched is not changed then", async () => {
      const cell = watched(2);
      const driver = new Driver(cell, declaration(cell));
      await driver.up(killedAfter(/^stop agent/));
      expect(await refusalsOf(driver.kept?.journal ?? null)).toEqual([
        [
          "webserver1: verify.clusters.Shared_1_Cluster_0",
          "Add its probeUrl (in a stack's configuration: probes.clusters.Shared_1_Cluster_0).",
        ],
        ["its file", undefined],
      ]);
    });
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
  const found = (more: Partial<RoutedServer>, uniqueId = "1235000000000") => {
    const routed = server(more);
    return serversInCell([routed], topology(uniqueId))[routed.cluster]?.[routed.name];
  };
  const inApps = (...nodes: readonly string[]) => nodes.map((node) => ({ cluster: "AppsCluster", node }));

  test.each<[string, Partial<RoutedServer>, ReturnType<typeof inApps>]>([
    ["by its whole name, not by how that begins", { name: "node10_apps_server1" }, inApps("node10")],
    ["by host and port", { transports: [{ hostname: "WAS1.example.com", port: 9080 }] }, inApps("node1")],
    ["by its CloneID", { cloneId: (1235000000000).toString(32) }, inApps("node10")],
    ["not at all", { cloneId: "1abc" }, []],
    [
      "not where the signs disagree",
      { name: "node10_apps_server1", transports: [{ hostname: "was1.example.com", port: 9080 }] },
      inApps("node1", "node10"),
    ],
    [
      "not by its name alone, where CloneID and address are both nobody's",
      { name: "node10_apps_server1", cloneId: "zzzz", transports: [{ hostname: "test10.example.org", port: 9080 }] },
      [],
    ],
    [
      "by its name, where the address may be its own: a short name",
      { name: "node10_apps_server1", cloneId: "zzzz", transports: [{ hostname: "was10", port: 9080 }] },
      inApps("node10"),
    ],
    [
      "by its name, where the address may be its own: a number",
      { name: "node10_apps_server1", cloneId: "zzzz", transports: [{ hostname: "192.0.2.10", port: 9080 }] },
      inApps("node10"),
    ],
    ["by its name, whatever its cluster is called", { cluster: "Other", name: "node1_apps_server1" }, inApps("node1")],
  ])("%s", (_, more, expected) => {
    expect(found(more)?.map(({ cluster, node }) => ({ cluster, node }))).toEqual(expected);
  });

  test("a server of no cluster is known, and no member", () => {
    const { servers, ...rest } = topology("1235000000000");
    const ccm = { node: "node1", server: "ccm", type: "application" as const, endpoints: {} };
    expect(serversInCell([server({ name: "node1_ccm" })], { ...rest, servers: [...servers, ccm] })).toEqual({
      AppsCluster: { node1_ccm: [{ cluster: null, node: "node1" }] },
    });
  });

  test("a uniqueId that is no number ties nothing", () => {
    expect(found({ cloneId: "abc" }, "abc")).toEqual([]);
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
