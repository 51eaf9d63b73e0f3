import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { formatProblem } from "../../providers/common/problem.js";
import { readPluginConfig } from "../../providers/formats/plugin-cfg.js";
import { type RoutingOptions, wantedRouting } from "../../providers/formats/routing.js";
import { APPS, type ClusterFixture, DMGR, INFRA, NODES, PUSH, pluginXml } from "../kinds/plugin-routing/fixtures.js";

const nodeOf = new Map(
  Object.entries(NODES).flatMap(([node, members]) => members.map((name) => [name, node] as const)),
);

function decide(clusters: readonly ClusterFixture[], options: Partial<RoutingOptions> = {}, top = "") {
  const config = readPluginConfig(Buffer.from(pluginXml(clusters, top)), "plugin-cfg.xml");
  const { wanted, refusals, notes } = wantedRouting(config, { primaryNodes: ["node10"], nodeOf, ...options });
  return { wanted: Object.fromEntries(wanted), refusals: refusals.map(formatProblem), notes };
}

describe("wantedRouting", () => {
  const three: ClusterFixture = {
    name: "AppsCluster",
    members: { a_1: "1aaa0001", b_1: "1aaa0002", c_1: "1aaa0003" },
    primary: ["c_1"],
    backup: ["b_1", "a_1"],
  };
  const threeNodes = new Map([
    ["a_1", "a"],
    ["b_1", "b"],
    ["c_1", "c"],
  ]);

  test.each([
    [
      "active/passive",
      [APPS],
      {},
      { AppsCluster: { primary: ["node10_apps_server1"], backup: ["node1_apps_server1"] } },
    ],
    [
      "routed so already",
      [APPS],
      { primaryNodes: ["node1"] },
      { AppsCluster: { primary: APPS.primary, backup: APPS.backup } },
    ],
    [
      "active/active without BackupServers",
      [PUSH],
      {},
      { PushCluster: { primary: ["node10_push"], backup: ["node1_push"] } },
    ],
    [
      "no lists at all",
      [{ ...PUSH, primary: undefined }],
      {},
      { PushCluster: { primary: ["node10_push"], backup: ["node1_push"] } },
    ],
    [
      "backups alone",
      [{ ...PUSH, primary: undefined, backup: ["node10_push", "node1_push"] }],
      {},
      { PushCluster: { primary: ["node10_push"], backup: ["node1_push"] } },
    ],
    [
      "three nodes keep the order of the lists",
      [three],
      { primaryNodes: ["a"], nodeOf: threeNodes },
      { AppsCluster: { primary: ["a_1"], backup: ["c_1", "b_1"] } },
    ],
    [
      "clusters without a Route are left alone",
      [APPS, DMGR],
      {},
      { AppsCluster: { primary: ["node10_apps_server1"], backup: ["node1_apps_server1"] } },
    ],
    [
      "only the listed",
      [APPS, INFRA, PUSH],
      { clusters: ["InfraCluster"] },
      { InfraCluster: { primary: ["node10_infra"], backup: ["node1_infra"] } },
    ],
    [
      "all but the skipped",
      [APPS, INFRA],
      { skipClusters: ["AppsCluster"] },
      { InfraCluster: { primary: ["node10_infra"], backup: ["node1_infra"] } },
    ],
    [
      "GetDWLMTable where sessions are not replicated",
      [{ ...INFRA, attributes: 'GetDWLMTable="true"' }],
      { sessionReplication: "none" },
      { InfraCluster: { primary: ["node10_infra"], backup: ["node1_infra"] } },
    ],
  ] as [string, ClusterFixture[], Partial<RoutingOptions>, object][])("%s", (_name, clusters, options, wanted) => {
    expect(decide(clusters, options)).toMatchObject({ wanted, refusals: [] });
  });

  test("a member is found by the map alone: node1 is not a prefix of node10", () => {
    const swapped = new Map([
      ["node1_apps_server1", "node10"],
      ["node10_apps_server1", "node1"],
    ]);
    expect(decide([APPS], { nodeOf: swapped }).wanted).toEqual({
      AppsCluster: { primary: ["node1_apps_server1"], backup: ["node10_apps_server1"] },
    });
  });

  const single: ClusterFixture = {
    name: "ToolsCluster",
    members: { node1_tools: "1aaa0009" },
    primary: ["node1_tools"],
  };
  const withTools = new Map([...nodeOf, ["node1_tools", "node1"]]);

  test.each([
    [
      "no primary left",
      [APPS, single],
      { nodeOf: withTools },
      "",
      "plugin-cfg.xml:21: ToolsCluster: no member runs on node10; it has node1_tools (node1). The cluster would be left without a primary server. To leave this cluster as it is: skipClusters: [ToolsCluster].",
    ],
    [
      "missing CloneID",
      [{ ...APPS, members: { ...APPS.members, node10_apps_server1: undefined } }],
      {},
      "",
      "plugin-cfg.xml:7: AppsCluster: no CloneID on node10_apps_server1. Without it sessions do not stick to a server, and no cookie proves which one answered. To leave this cluster as it is: skipClusters: [AppsCluster].",
    ],
    [
      "duplicate CloneID",
      [{ ...APPS, members: { node1_apps_server1: "1abc0001", node10_apps_server1: "1abc0001" } }],
      {},
      "",
      "plugin-cfg.xml:7: AppsCluster: CloneID 1abc0001 stands on node1_apps_server1 and node10_apps_server1. Allowed: a CloneID of its own on every member. A session cookie then names two servers, and users may lose their sessions. Merge or regenerate the file again. To leave this cluster as it is: skipClusters: [AppsCluster].",
    ],
    [
      "member without a node",
      [{ ...APPS, members: { ...APPS.members, stray_apps: "1abc0077" } }],
      {},
      "",
      'plugin-cfg.xml:7: AppsCluster: no node is declared for stray_apps. Allowed: every member of a routed cluster under its node in "nodes". Which node a server runs on cannot be told from its name. To leave this cluster as it is: skipClusters: [AppsCluster].',
    ],
    [
      "misspelt node",
      [APPS],
      { primaryNodes: ["noed10"] },
      "",
      'primaryNode: there is no node "noed10"; did you mean "node10"? Allowed: node1, node10.',
    ],
    [
      "misspelt cluster",
      [APPS, INFRA],
      { clusters: ["AppCluster", "InfraCluster"] },
      "",
      'clusters: there is no cluster "AppCluster"; did you mean "AppsCluster"? Allowed: AppsCluster, InfraCluster.',
    ],
    [
      "misspelt skipped cluster",
      [APPS, INFRA],
      { skipClusters: ["Mail"] },
      "",
      'skipClusters: there is no cluster "Mail". Allowed: AppsCluster, InfraCluster.',
    ],
    [
      "listed and skipped",
      [APPS, INFRA],
      { clusters: ["AppsCluster", "InfraCluster"], skipClusters: ["InfraCluster"] },
      "",
      "skipClusters: InfraCluster is listed in clusters too. Remove it from one of the two.",
    ],
    [
      "listed without a Route",
      [APPS, DMGR],
      { clusters: ["AppsCluster", "dmgr_CellCluster"] },
      "",
      "clusters: no Route in plugin-cfg.xml leads to dmgr_CellCluster. No request reaches it, so where its requests go can be neither changed nor proved. Remove dmgr_CellCluster from clusters.",
    ],
    [
      "ClusterAddress",
      [{ ...APPS, inside: '<ClusterAddress Name="balancer"><Transport Hostname="lb" Port="80"/></ClusterAddress>' }],
      {},
      "",
      "plugin-cfg.xml:7: AppsCluster: ClusterAddress. New requests go to that address, another balancer, and not by the list of primaries. To leave this cluster as it is: skipClusters: [AppsCluster].",
    ],
    [
      "IntelligentManagement",
      [APPS],
      {},
      "<IntelligentManagement/>",
      "plugin-cfg.xml: IntelligentManagement is configured. On-demand routers then steer requests dynamically, so the lists of servers do not decide where users go. Disable Intelligent Management for this web server and regenerate its plug-in file.",
    ],
    [
      "GetDWLMTable, replication not declared",
      [{ ...APPS, attributes: 'GetDWLMTable="true"' }],
      {},
      "",
      'plugin-cfg.xml:7: AppsCluster: GetDWLMTable="true", and sessionReplication is not declared. Allowed: sessionReplication "none", if the servers of this cluster do not replicate sessions memory to memory. With replication the plug-in follows a table from the servers and not these lists; the file cannot tell. Look at the session management of the cluster\'s members. To leave this cluster as it is: skipClusters: [AppsCluster].',
    ],
    [
      "GetDWLMTable with replication",
      [{ ...APPS, attributes: 'GetDWLMTable="true"' }],
      { sessionReplication: "memory-to-memory" },
      "",
      'plugin-cfg.xml:7: AppsCluster: GetDWLMTable="true", and sessionReplication is memory-to-memory. Allowed: sessionReplication "none", if the servers of this cluster do not replicate sessions memory to memory. With replication the plug-in follows a table from the servers and not these lists; the file cannot tell. Look at the session management of the cluster\'s members. To leave this cluster as it is: skipClusters: [AppsCluster].',
    ],
    [
      "everything skipped",
      [APPS],
      { skipClusters: ["AppsCluster"] },
      "",
      "plugin-cfg.xml: no cluster is left to route. Allowed: at least one cluster that a Route names and skipClusters does not.",
    ],
  ] as [string, ClusterFixture[], Partial<RoutingOptions>, string, string][])(
    "refuses: %s",
    (_name, clusters, options, top, message) => {
      expect(decide(clusters, options, top).refusals).toEqual([message]);
    },
  );

  test("a skipped cluster is no reason to refuse", () => {
    const sick = { ...APPS, members: { node1_apps_server1: "1abc0001", node10_apps_server1: "1abc0001" } };
    expect(decide([sick, single, INFRA], { skipClusters: ["AppsCluster", "ToolsCluster"] })).toMatchObject({
      refusals: [],
      wanted: { InfraCluster: { primary: ["node10_infra"] } },
    });
  });

  test("every problem is told at once", () => {
    const sick = { ...APPS, members: { node1_apps_server1: "1abc0001", node10_apps_server1: "1abc0001" } };
    const { refusals } = decide([sick, single], { nodeOf: withTools, clusters: ["AppsCluster", "ToolsCluster", "X"] });
    expect(refusals).toHaveLength(3);
  });

  test("problems of the file are refusals", () => {
    expect(decide([{ ...APPS, primary: ["nobody"] }]).refusals[0]).toContain("a reference to nobody");
  });

  test("notes tell what a person should know", () => {
    const outOfService = { ...APPS, primary: ["node1_apps_server1"], backup: undefined };
    expect(decide([outOfService, DMGR], { sessionReplication: "memory-to-memory" }).notes).toEqual([
      "AppsCluster: node10_apps_server1 is in neither list of the file, so gets no requests now; it becomes a primary",
      "AppsCluster: replicated sessions carry a partition number instead of a CloneID; prove it by access log",
      "left alone, since no Route leads to it: dmgr_CellCluster",
    ]);
  });

  test("promise 1: deciding for what was decided changes nothing, for any shape", () => {
    const arbitrary = fc
      .uniqueArray(fc.constantFrom("n1_a", "n1_b", "n2_a", "n2_b", "n3_a"), { minLength: 1 })
      .chain((names) =>
        fc.record({
          names: fc.constant(names),
          primary: fc.subarray(names),
          node: fc.constantFrom("n1", "n2", "n3"),
        }),
      );
    fc.assert(
      fc.property(arbitrary, ({ names, primary, node }) => {
        const backup = names.filter((name) => !primary.includes(name));
        const nodes = new Map<string, string>(names.map((name) => [name, name.slice(0, 2)]));
        const cluster = (p: string[], b: string[]) => ({
          clusters: [
            {
              ...{ name: "C", line: 1, routed: true, lists: "both" as const, clusterAddress: false, dwlm: false },
              members: names.map((name, index) => ({ name, cloneId: `c${index}`, line: 1 })),
              ...{ primary: p, backup: b },
            },
          ],
          intelligentManagement: false,
          problems: [],
        });
        const options = { primaryNodes: [node], nodeOf: nodes };
        const first = wantedRouting(cluster(primary, backup), options).wanted.get("C");
        if (!first) return names.every((name) => nodes.get(name) !== node);
        expect([...first.primary, ...first.backup].sort()).toEqual([...names].sort());
        expect(first.primary.every((name) => nodes.get(name) === node)).toBe(true);
        expect(first.backup.some((name) => nodes.get(name) === node)).toBe(false);
        expect(wantedRouting(cluster(first.primary, first.backup), options).wanted.get("C")).toEqual(first);
        return true;
      }),
    );
  });
});

const SAMPLES = `${__dirname}/../../../../shared/samples/plugin-cfg`;
const samples = (() => {
  try {
    return readdirSync(SAMPLES).filter((name) => name.endsWith(".xml"));
  } catch {
    return [];
  }
})();
const testSamples = samples.length > 0 ? test.each(samples) : test.skip.each(["(no samples on this machine)"]);

testSamples("sample %s: every cluster gets its primaries, or a reason", (name) => {
  const config = readPluginConfig(readFileSync(`${SAMPLES}/${name}`), name);
  const members = config.clusters.flatMap((cluster) => cluster.members.map((member) => member.name));
  const nodes = new Map(members.map((member) => [member, /server1/.test(member) ? "node1" : "node2"]));
  for (const primaryNode of new Set(nodes.values())) {
    const { wanted, refusals } = wantedRouting(config, { primaryNodes: [primaryNode], nodeOf: nodes });
    expect(wanted.size + refusals.length).toBeGreaterThanOrEqual(
      config.clusters.filter((cluster) => cluster.routed).length,
    );
    for (const { primary } of wanted.values())
      expect(primary.map((server) => nodes.get(server))).toContain(primaryNode);
  }
});
