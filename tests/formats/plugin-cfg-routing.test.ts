import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProblemError } from "../../providers/common/problem.js";
import { routePlugin } from "../../providers/formats/plugin-cfg.js";
import { clusterOf, handEdited, medium, read, route } from "./plugin-cfg-files.js";

/** Files that a real Open Liberty generated; not part of this repository. */
const SAMPLES = join(__dirname, "../../../shared/samples/plugin-cfg");

/** Lines of `before` that are gone and lines of `after` that are new, in order. */
function changedLines(before: Buffer, after: Buffer): { out: string[]; in: string[] } {
  const a = before.toString("latin1").split("\n");
  const b = after.toString("latin1").split("\n");
  const common = (from: (list: string[], index: number) => string | undefined): number => {
    let count = 0;
    while (count < Math.min(a.length, b.length) && from(a, count) === from(b, count)) count++;
    return count;
  };
  const head = common((list, index) => list[index]);
  const tail = Math.min(
    common((list, index) => list.at(-1 - index)),
    Math.min(a.length, b.length) - head,
  );
  return { out: a.slice(head, a.length - tail), in: b.slice(head, b.length - tail) };
}

const server = (cluster: string, node: number) => `         <Server Name="node${node}_${cluster}_server${node}"/>`;
/** From the only primary to the only backup. */
const lists = (cluster: string, primary: number, backup: number) => [
  server(cluster, primary),
  "      </PrimaryServers>",
  "      <BackupServers>",
  server(cluster, backup),
];

describe("promise 4: routing changes the servers' lines and nothing else", () => {
  test("active/passive: the two references change places", () => {
    const edited = route(medium, "AppsCluster", ["node2_AppsCluster_server2"], ["node1_AppsCluster_server1"]);
    expect(changedLines(medium, edited)).toEqual({ out: lists("AppsCluster", 1, 2), in: lists("AppsCluster", 2, 1) });
    expect(edited).toHaveLength(medium.length);
    expect(edited.at(-1)).toBe(">".charCodeAt(0));
  });

  test("active/active without BackupServers: the list is written as its neighbour is", () => {
    const edited = route(medium, "PushCluster", ["node2_PushCluster_server2"], ["node1_PushCluster_server1"]);
    expect(changedLines(medium, edited)).toEqual({
      out: [server("PushCluster", 1), server("PushCluster", 2), "      </PrimaryServers>"],
      in: [...lists("PushCluster", 2, 1), "      </BackupServers>"],
    });
  });

  test("there and back again gives the first bytes", () => {
    for (const [name, first, second] of [
      ["AppsCluster", "node1_AppsCluster_server1", "node2_AppsCluster_server2"],
      ["UtilCluster", "node1_UtilCluster_server1", "node2_UtilCluster_server2"],
    ] as const) {
      expect(route(route(medium, name, [second], [first]), name, [first], [second])).toEqual(medium);
    }
    const push = ["node1_PushCluster_server1", "node2_PushCluster_server2"] as const;
    expect(route(route(medium, "PushCluster", [push[0]], [push[1]]), "PushCluster", [...push], [])).toEqual(medium);
  });

  test("nothing to change = the same bytes, whatever the order of the primaries", () => {
    expect(routePlugin(medium, "f", new Map())).toEqual(medium);
    expect(route(medium, "PushCluster", ["node2_PushCluster_server2", "node1_PushCluster_server1"], [])).toEqual(
      medium,
    );
    expect(route(handEdited, "Listless", ["n2_l", "n1_l"], [])).toEqual(handEdited);
    expect(route(handEdited, "Empty", ["n1_e", "n2_e"], [])).toEqual(handEdited);
  });

  test.each<[string, string, string[], string[], string[], string[]]>([
    [
      "three nodes, Backup before Primary, each reference with its own spelling, comments stay",
      "Apps",
      ["n3_apps"],
      ["n1_apps", "n2_apps"],
      [
        '\t      <Server Name="n2_apps" />',
        "\t      <Server",
        '\t          Name="n3_apps"></Server>',
        "\t  </BackupServers>",
        "\t  <!-- Primary after Backup -->",
        "\t  <PrimaryServers>",
        "\t    <Server Name='n1_apps'/> <!-- big machine -->",
      ],
      [
        "\t      <Server Name='n1_apps'/>",
        '\t      <Server Name="n2_apps" />',
        "\t  </BackupServers>",
        "\t  <!-- Primary after Backup -->",
        "\t  <PrimaryServers>",
        "\t    <Server",
        '\t          Name="n3_apps"></Server> <!-- big machine -->',
      ],
    ],
    [
      "backups in another order",
      "Apps",
      ["n1_apps"],
      ["n3_apps", "n2_apps"],
      ['\t      <Server Name="n2_apps" />', "\t      <Server", '\t          Name="n3_apps"></Server>'],
      ["\t      <Server", '\t          Name="n3_apps"></Server>', '\t      <Server Name="n2_apps" />'],
    ],
    [
      "a list that becomes empty is removed; a comment behind a reference stays on its line",
      "Apps",
      ["n1_apps", "n2_apps", "n3_apps"],
      [],
      [
        "\t  <BackupServers>",
        "\t      <!-- in this order -->",
        '\t      <Server Name="n2_apps" />',
        "\t      <Server",
        '\t          Name="n3_apps"></Server>',
        "\t  </BackupServers>",
        "\t  <!-- Primary after Backup -->",
        "\t  <PrimaryServers>",
        "\t    <Server Name='n1_apps'/> <!-- big machine -->",
      ],
      [
        "\t  <!-- Primary after Backup -->",
        "\t  <PrimaryServers>",
        "\t    <Server Name='n1_apps'/> <!-- big machine -->",
        '\t    <Server Name="n2_apps" />',
        "\t    <Server",
        '\t          Name="n3_apps"></Server>',
      ],
    ],
    [
      "a file without line breaks stays one",
      "Minified",
      ["n2_m"],
      ["n1_m"],
      [
        expect.stringContaining(
          '<PrimaryServers><Server Name="n1_m"/><Server Name="n2_m"/></PrimaryServers></ServerCluster>',
        ),
      ],
      [
        expect.stringContaining(
          '<PrimaryServers><Server Name="n2_m"/></PrimaryServers><BackupServers><Server Name="n1_m"/></BackupServers></ServerCluster>',
        ),
      ],
    ],
    [
      "no lists: both are written in the file's own indentation",
      "Listless",
      ["n2_l"],
      ["n1_l"],
      [],
      [
        "\t\t<PrimaryServers>",
        '\t\t\t<Server Name="n2_l"/>',
        "\t\t</PrimaryServers>",
        "\t\t<BackupServers>",
        '\t\t\t<Server Name="n1_l"/>',
        "\t\t</BackupServers>",
      ],
    ],
    [
      "an empty list is filled",
      "Empty",
      ["n1_e"],
      ["n2_e"],
      ["\t\t<PrimaryServers/>"],
      [
        "\t\t<PrimaryServers>",
        '\t\t\t<Server Name="n1_e"/>',
        "\t\t</PrimaryServers>",
        "\t\t<BackupServers>",
        '\t\t\t<Server Name="n2_e"/>',
        "\t\t</BackupServers>",
      ],
    ],
    [
      "backups only: the primaries come before them",
      "BackupOnly",
      ["n2_b"],
      ["n1_b"],
      ["\t\t<BackupServers>", '\t\t\t<Server Name="n1_b"/>', '\t\t\t<Server Name="n2_b"/>'],
      [
        "\t\t<PrimaryServers>",
        '\t\t\t<Server Name="n2_b"/>',
        "\t\t</PrimaryServers>",
        "\t\t<BackupServers>",
        '\t\t\t<Server Name="n1_b"/>',
      ],
    ],
  ])("%s", (_name, cluster, primary, backup, removed, added) => {
    for (const lineEnd of ["\n", "\r\n"]) {
      const before = Buffer.from(handEdited.toString("latin1").replaceAll("\n", lineEnd), "latin1");
      const edited = route(before, cluster, primary, backup);
      const found = changedLines(before, edited);
      const plain = (lines: string[]) => lines.map((line) => line.replace(/\r$/, ""));
      expect({ out: plain(found.out), in: plain(found.in) }).toEqual({ out: removed, in: added });
      expect(edited.toString("latin1").replaceAll(lineEnd, "")).not.toMatch(/[\r\n]/);
      expect(clusterOf(edited, cluster)).toMatchObject({ primary, backup });
      expect(route(edited, cluster, primary, backup)).toEqual(edited);
    }
  });

  test("several clusters at once", () => {
    const wanted = new Map(
      ["Apps", "Infra", "Util", "Push"].map((name) => [
        `${name}Cluster`,
        { primary: [`node2_${name}Cluster_server2`], backup: [`node1_${name}Cluster_server1`] },
      ]),
    );
    const edited = routePlugin(medium, "f", wanted);
    for (const [name, lists] of wanted) expect(clusterOf(edited, name)).toMatchObject(lists);
    expect(clusterOf(edited, "dmgr_cnxCellManager01_Cluster")).toEqual(
      clusterOf(medium, "dmgr_cnxCellManager01_Cluster"),
    );
  });

  test("names are data: markup and quotes in them are moved as they are written", () => {
    const before = Buffer.from(
      `<Config><ServerCluster Name="a&amp;b"><Server Name='x"&lt;'/><Server Name="y&#38;&apos;"/></ServerCluster></Config>`,
    );
    const edited = route(before, "a&b", ["y&'"], ['x"<']);
    expect(edited.toString()).toContain(
      `<PrimaryServers><Server Name="y&#38;&apos;"/></PrimaryServers><BackupServers><Server Name='x"&lt;'/></BackupServers>`,
    );
  });

  test("what cannot be wanted is refused, every reason at once", () => {
    const wanted = new Map([
      ["AppsCluster", { primary: ["node1_AppsCluster_server1", "node3"], backup: ["node1_AppsCluster_server1"] }],
      ["NoCluster", { primary: ["x"], backup: [] }],
      ["PushCluster", { primary: [], backup: ["node1_PushCluster_server1"] }],
    ]);
    expect.assertions(2);
    try {
      routePlugin(medium, "f.xml", wanted);
    } catch (error) {
      expect((error as ProblemError).cause).toBe("invalid-input");
      expect((error as ProblemError).problems.map((problem) => problem.found)).toEqual([
        "AppsCluster has no node3",
        "AppsCluster: a server is wanted twice",
        "no ServerCluster NoCluster",
        "PushCluster: no primary is wanted",
      ]);
    }
  });
});

const samples = existsSync(SAMPLES) ? readdirSync(SAMPLES).filter((name) => name.endsWith(".xml")) : [];
(samples.length > 0 ? describe : describe.skip)("promise 4: files that Open Liberty generated", () => {
  test.each(samples)("%s", (name) => {
    const before = readFileSync(join(SAMPLES, name));
    const config = read(before);
    expect(config.problems).toEqual([]);
    expect(config.clusters.length).toBeGreaterThan(0);
    for (const cluster of config.clusters) {
      const [first = "", ...rest] = cluster.members.map((member) => member.name).reverse();
      const edited = route(before, cluster.name, [first], rest);
      expect(clusterOf(edited, cluster.name)).toMatchObject({ primary: [first], backup: rest });
      expect(route(edited, cluster.name, [first], rest)).toEqual(edited);
      const changed = changedLines(before, edited);
      for (const line of [...changed.out, ...changed.in]) {
        expect(line.trim()).toMatch(/^(<Server Name="[^"]*"\/>|<\/?(Primary|Backup)Servers>|)$/);
      }
    }
  });
});
