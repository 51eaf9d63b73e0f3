import { ProblemError } from "../../providers/common/problem.js";
import { routePlugin } from "../../providers/formats/plugin-cfg.js";
import { clusterOf, handEdited, medium, read, route } from "./plugin-cfg-files.js";

describe("reading", () => {
  test("a file as ND generates it", () => {
    const config = read(medium);
    expect(config.problems).toEqual([]);
    expect(config.refreshIntervalSeconds).toBe(60);
    expect(config.intelligentManagement).toBe(false);
    expect(config.clusters.map(({ name, routed, lists }) => [name, routed, lists])).toEqual([
      ["dmgr_cnxCellManager01_Cluster", false, "primary-only"],
      ["AppsCluster", true, "both"],
      ["InfraCluster", true, "both"],
      ["UtilCluster", true, "both"],
      ["PushCluster", true, "primary-only"],
      ["server1_node1_Cluster", false, "none"],
    ]);
    expect(clusterOf(medium, "InfraCluster")).toEqual({
      name: "InfraCluster",
      line: 45,
      routed: true,
      lists: "both",
      primary: ["node1_InfraCluster_server1"],
      backup: ["node2_InfraCluster_server2"],
      clusterAddress: false,
      dwlm: false,
      cloneSeparator: ":",
      retryIntervalSeconds: 60,
      affinityCookies: ["JSESSIONID"],
      uris: ["/homepage/*", "/news/*", "/search/*"],
      members: [
        {
          name: "node1_InfraCluster_server1",
          cloneId: "1a2b3c4d3",
          line: 46,
          transports: [
            { hostname: "node1.example.com", port: 9082, protocol: "http" },
            { hostname: "node1.example.com", port: 9445, protocol: "https" },
          ],
        },
        {
          name: "node2_InfraCluster_server2",
          cloneId: "1a2b3c4d4",
          line: 53,
          transports: [
            { hostname: "node2.example.com", port: 9082, protocol: "http" },
            { hostname: "node2.example.com", port: 9445, protocol: "https" },
          ],
        },
      ],
    });
    expect(clusterOf(medium, "server1_node1_Cluster").primary).toEqual(["node1_server1"]);
    expect(clusterOf(medium, "server1_node1_Cluster").members[0]?.cloneId).toBeUndefined();
    expect(clusterOf(medium, "dmgr_cnxCellManager01_Cluster").members[0]?.transports).toEqual([]);
  });

  test("a file that people edited: comments hide clusters and URIs, quotes and line breaks anywhere", () => {
    const config = read(handEdited);
    expect(config.problems).toEqual([]);
    expect(config.refreshIntervalSeconds).toBe(120);
    expect(config.clusters.map(({ name, lists, primary, backup }) => [name, lists, primary, backup])).toEqual([
      ["Apps", "both", ["n1_apps"], ["n2_apps", "n3_apps"]],
      ["Minified", "primary-only", ["n1_m", "n2_m"], []],
      ["Listless", "none", ["n1_l", "n2_l"], []],
      ["Empty", "none", ["n1_e", "n2_e"], []],
      ["BackupOnly", "backup-only", [], ["n1_b", "n2_b"]],
    ]);
    expect(clusterOf(handEdited, "Apps")).toMatchObject({
      cloneSeparator: "+",
      uris: ["/apps/*", "/more"],
      affinityCookies: ["APPSESSION", "JSESSIONID"],
    });
    expect(clusterOf(handEdited, "Minified").uris).toEqual(["/*"]);
  });

  test("what makes the lists not the whole story", () => {
    const config = read(
      `<Config RefreshInterval="-1"><IntelligentManagement/><ServerCluster Name="C" GetDWLMTable="True"><Server Name="a"/><ClusterAddress Name="x"/></ServerCluster></Config>`,
    );
    expect(config).toMatchObject({ intelligentManagement: true, refreshIntervalSeconds: -1, problems: [] });
    expect(config.clusters[0]).toMatchObject({ clusterAddress: true, dwlm: true });
  });

  const cluster = (inside: string) =>
    `<Config>\n<ServerCluster Name="C"><Server Name="a"/><Server Name="b"/>${inside}</ServerCluster></Config>`;

  test.each<[string, string, string[]]>([
    ["another root", "<Configuration/>", [":1: the root element is <Configuration>"]],
    ["a cluster without Server", `<Config><ServerCluster Name="C"/></Config>`, [":1: ServerCluster C has no Server"]],
    ["a cluster without Name", `<Config><ServerCluster><Server Name="a"/></ServerCluster></Config>`, ["without Name"]],
    [
      "two clusters of one name",
      cluster("").replace("</Config>", `\n<ServerCluster Name="C"><Server Name="a"/></ServerCluster></Config>`),
      [":3: a second ServerCluster C; the first is on line 2"],
    ],
    [
      "a Server without Name",
      `<Config><ServerCluster Name="C"><Server CloneID="x"/></ServerCluster></Config>`,
      ["a Server without Name"],
    ],
    ["two Servers of one name", cluster(`<Server Name="a"/>`), ["a second Server a"]],
    [
      "a reference to no Server",
      cluster(`<PrimaryServers>\n<Server Name="z"/></PrimaryServers>`),
      [":3: a reference to z"],
    ],
    ["a reference without Name", cluster("<PrimaryServers><Server/></PrimaryServers>"), ["without Name"]],
    [
      "a Server in both lists",
      cluster(`<PrimaryServers><Server Name="a"/></PrimaryServers><BackupServers><Server Name="a"/></BackupServers>`),
      ["a is listed twice"],
    ],
    [
      "a list twice",
      cluster(`<PrimaryServers><Server Name="a"/></PrimaryServers>\n<PrimaryServers/>`),
      [":3: a second PrimaryServers"],
    ],
    [
      "something else in a list",
      cluster(`<PrimaryServers><Cluster Name="a"/></PrimaryServers>`),
      ["<Cluster> in a list"],
    ],
    ["a Route to no cluster", `<Config><Route ServerCluster="X"/></Config>`, ["a Route to ServerCluster X"]],
    ["a Route without cluster", "<Config><Route/></Config>", ["a Route to ServerCluster without name"]],
    [
      "a Route by an unknown group",
      cluster("").replace("</Config>", `<Route ServerCluster="C" UriGroup="u" VirtualHostGroup="v"/></Config>`),
      ["UriGroup u", "VirtualHostGroup v"],
    ],
    ["two groups of one name", `<Config><UriGroup Name="u"/><UriGroup Name="u"/></Config>`, ["a second UriGroup u"]],
    [
      "a Transport without port",
      cluster("").replace(`"b"/>`, `"b"><Transport Hostname="h"/></Server>`),
      ["a Transport to h, port none"],
    ],
    [
      "a port that is none",
      cluster("").replace(`"b"/>`, `"b"><Transport Hostname="h" Port="99999"/></Server>`),
      ["port 99999"],
    ],
    ["a RefreshInterval that is no number", `<Config RefreshInterval="1m"/>`, [`RefreshInterval "1m"`]],
  ])("promise 8: a problem is named with its line: %s", (_name, text, expected) => {
    const { problems } = read(text);
    expect(problems).toHaveLength(expected.length);
    for (const [index, part] of expected.entries()) {
      expect(`${problems[index]?.where}: ${problems[index]?.found}`).toContain(part);
    }
    expect(() => routePlugin(Buffer.from(text), "plugin-cfg.xml", new Map())).toThrow(ProblemError);
  });

  test("restDigest tells routing from everything else", () => {
    const routed = route(medium, "AppsCluster", ["node2_AppsCluster_server2"], ["node1_AppsCluster_server1"]);
    expect(read(routed).restDigest).toBe(read(medium).restDigest);
    const other = Buffer.from(medium.toString("latin1").replace('Port="9081"', 'Port="9181"'), "latin1");
    expect(read(other).restDigest).not.toBe(read(medium).restDigest);
    const withBackups = route(medium, "PushCluster", ["node1_PushCluster_server1"], ["node2_PushCluster_server2"]);
    expect(withBackups.equals(medium)).toBe(false);
    expect(read(withBackups).restDigest).toBe(read(medium).restDigest);
  });
});
