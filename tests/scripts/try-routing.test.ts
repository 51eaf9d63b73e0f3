import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyPatch } from "diff";
import { readPluginConfig } from "../../providers/formats/plugin-cfg.js";
import { runTry } from "../../scripts/try/main.js";

const MEDIUM = join(__dirname, "../fixtures/plugin-cfg/nd-medium.xml");

async function tried(...args: string[]): Promise<{ code: number; output: string; errors: string }> {
  const output: string[] = [];
  const errors: string[] = [];
  const code = await runTry(
    args,
    (text) => output.push(text),
    (text) => errors.push(text),
  );
  return { code, output: output.join("\n"), errors: errors.join("\n") };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "try-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A plug-in file of clusters with the given members; the first is primary, the others are backups. */
function fileOf(clusters: Record<string, string[]>, attributes = ""): string {
  const path = join(folder, "plugin-cfg.xml");
  const body = Object.entries(clusters).map(([name, [first, ...others]]) => {
    const servers = [first, ...others].map((member, index) => `<Server Name="${member}" CloneID="${name}${index}"/>`);
    const backups = others.map((member) => `<Server Name="${member}"/>`).join("\n");
    return `<ServerCluster Name="${name}"${attributes}>${servers.join("\n")}
<PrimaryServers>\n<Server Name="${first}"/>\n</PrimaryServers>\n<BackupServers>\n${backups}\n</BackupServers>
</ServerCluster><Route ServerCluster="${name}"/>`;
  });
  writeFileSync(path, `<Config>\n${body.join("\n")}\n</Config>`);
  return path;
}

describe("try routing", () => {
  test("shows findings and a diff that can be applied, and touches nothing (exit 0)", async () => {
    const before = readFileSync(MEDIUM);
    const { mtimeMs } = statSync(MEDIUM);
    const { code, output, errors } = await tried("routing", MEDIUM, "--primary", "node2");
    expect([code, errors]).toEqual([0, ""]);
    expect(output).toContain("6 clusters, 4 of them routed");
    expect(output).toMatch(/backup +node2_AppsCluster_server2 +CloneID 1a2b3c4d2 +http:\/\/node2\.example\.com:9081/);
    expect(output).toContain("Taken to be on node2, by their names: node2_AppsCluster_server2");
    const patched = applyPatch(before.toString("latin1"), output.slice(output.indexOf("--- ")));
    const clusters = readPluginConfig(Buffer.from(patched || "", "latin1"), "patched").clusters;
    expect(clusters.find((cluster) => cluster.name === "PushCluster")).toMatchObject({
      primary: ["node2_PushCluster_server2"],
      backup: ["node1_PushCluster_server1"],
    });
    const changed = output.split("\n").filter((line) => /^[-+](?![-+])/.test(line));
    expect(changed).toHaveLength(3 * 4 + 4);
    expect(readFileSync(MEDIUM)).toEqual(before);
    expect(statSync(MEDIUM).mtimeMs).toBe(mtimeMs);
  });

  test("nothing to change (exit 0, no diff)", async () => {
    const { code, output } = await tried(
      "routing",
      MEDIUM,
      "--primary",
      "node1",
      "--clusters",
      "AppsCluster,InfraCluster",
    );
    expect(code).toBe(0);
    expect(output).toMatch(/\nNothing to change\.$/);
    expect(output).not.toContain("--- ");
  });

  test("only the clusters asked for", async () => {
    const listed = await tried("routing", MEDIUM, "--primary", "node2", "--clusters", "UtilCluster");
    expect(listed.output.match(/^\+ .*/gm)).toEqual([
      '+         <Server Name="node2_UtilCluster_server2"/>',
      '+         <Server Name="node1_UtilCluster_server1"/>',
    ]);
    const skipped = await tried(
      "routing",
      MEDIUM,
      "--primary",
      "node2",
      "--skip-clusters",
      "AppsCluster,PushCluster,UtilCluster",
    );
    expect(skipped.output.match(/^\+ .*/gm)).toHaveLength(2);
    expect([listed.code, skipped.code]).toEqual([0, 0]);
  });

  test("--nodes says it where names do not", async () => {
    const file = fileOf({ A: ["s1", "s2"] });
    expect((await tried("routing", file, "--primary", "east")).code).toBe(2);
    const { code, output } = await tried("routing", file, "--primary", "east", "--nodes", "s1=west,s2=east");
    expect(code).toBe(0);
    expect(output.match(/^[-+] ?<.*/gm)).toEqual([
      '-<Server Name="s1"/>',
      '+<Server Name="s2"/>',
      '-<Server Name="s2"/>',
      '+<Server Name="s1"/>',
    ]);
    expect(output).not.toContain("by their names");
  });

  test.each<[string, string[], RegExp]>([
    ["a misspelt node", ["--primary", "nod2"], /no server's name begins with nod2_; did you mean node2\?/],
    ["a part of a node's name", ["--primary", "node"], /begins with node_; did you mean node1\?/],
    ["an unknown cluster", ["--primary", "node2", "--clusters", "AppCluster"], /did you mean "AppsCluster"\?/],
    ["an unknown cluster to skip", ["--primary", "node2", "--skip-clusters", "Foo"], /no cluster "Foo"/],
    [
      "a server that is not in the file",
      ["--primary", "n", "--nodes", "node1_AppsCluster_server9=n,x"],
      /did you mean node1_AppsCluster_server1\?[\s\S]*"x"/,
    ],
    [
      "a server without node",
      ["--primary", "n", "--clusters", "AppsCluster", "--nodes", "node1_AppsCluster_server1=n"],
      /no node is declared for node2_AppsCluster_server2/,
    ],
    ["a server named twice", ["--primary", "n", "--nodes", "node1_server1=n,node1_server1=m"], /node1_server1 twice/],
    ["no node", [], /no --primary NODE/],
    ["an unknown option", ["--primary", "node2", "--cluster", "A"], /--cluster/],
    ["a second file", ["x.xml", "--primary", "node2"], /a second file/],
  ])("refused with its reason (exit 2): %s", async (_name, args, reason) => {
    const { code, output, errors } = await tried("routing", MEDIUM, ...args);
    expect(code).toBe(2);
    expect(errors).toMatch(/^Refused/);
    expect(errors).toMatch(reason);
    expect(output).not.toContain("\n+");
  });

  test.each<[string, string, RegExp]>([
    ["no XML", "Listen 80", /plugin-cfg\.xml:1/],
    ["a bomb", `<!DOCTYPE a [<!ENTITY b "b">]><Config>&b;</Config>`, /a DOCTYPE/],
    ["another kind of XML", "<Server/>", /root element is <Server>/],
    ["a cluster without servers", `<Config><ServerCluster Name="A"/></Config>`, /has no Server/],
  ])("promise 19: a file that is %s is refused (exit 2)", async (_name, text, reason) => {
    const file = join(folder, "plugin-cfg.xml");
    writeFileSync(file, text);
    const { code, errors } = await tried("routing", file, "--primary", "node2");
    expect([code, errors]).toEqual([2, expect.stringMatching(reason)]);
  });

  test("what routing itself refuses, with every reason: DWLM not declared, one CloneID on two servers", async () => {
    const file = fileOf({ A: ["n1_a", "n2_a"] }, ' GetDWLMTable="true"');
    writeFileSync(file, readFileSync(file, "utf8").replace('CloneID="A1"', 'CloneID="A0"'));
    const { code, errors } = await tried("routing", file, "--primary", "n2");
    expect(code).toBe(2);
    expect(errors).toMatch(/^Refused for 2 reasons/);
    expect(errors).toMatch(/GetDWLMTable/);
    expect(errors).toMatch(/CloneID A0/);
    const declared = await tried(
      "routing",
      fileOf({ A: ["n1_a", "n2_a"] }, ' GetDWLMTable="true"'),
      "--primary",
      "n2",
      "--session-replication",
      "none",
    );
    expect(declared.code).toBe(0);
  });

  test("a file or verb that does not exist, and help", async () => {
    expect(await tried("routing", join(folder, "none.xml"), "--primary", "n")).toMatchObject({
      code: 2,
      errors: expect.stringContaining("ENOENT"),
    });
    expect(await tried("routing", folder, "--primary", "n")).toMatchObject({
      code: 2,
      errors: expect.stringContaining("EISDIR"),
    });
    expect(await tried("toString")).toMatchObject({
      code: 2,
      errors: expect.stringContaining("routing FILE --primary NODE"),
    });
    expect(await tried("--help")).toMatchObject({
      code: 0,
      output: expect.stringContaining("routing FILE --primary NODE"),
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("nodes from names: the whole part before an underscore, or refused", () => {
  const members = async (clusters: Record<string, string[]>, node: string) => {
    const { code, output, errors } = await tried("routing", fileOf(clusters), "--primary", node);
    return code === 0 ? /by their names: (.*)\. If/.exec(output)?.[1]?.split(", ") : errors;
  };

  test("node1 takes nothing of node10", async () => {
    expect(await members({ A: ["node10_s", "node1_s"], B: ["node10_t", "node1_t"] }, "node1")).toEqual([
      "node1_s",
      "node1_t",
    ]);
  });

  test("underscores in servers' and in nodes' names", async () => {
    expect(await members({ Apps: ["n1_Apps_s1", "n2_Apps_s2"], Infra: ["n1_Infra_s1", "n2_Infra_s2"] }, "n2")).toEqual([
      "n2_Apps_s2",
      "n2_Infra_s2",
    ]);
    expect(
      await members(
        { Apps: ["cnx_n1_Apps_s1", "cnx_n2_Apps_s2"], Infra: ["cnx_n1_Infra_s1", "cnx_n2_Infra_s2"] },
        "cnx_n2",
      ),
    ).toEqual(["cnx_n2_Apps_s2", "cnx_n2_Infra_s2"]);
    expect(await members({ Apps: ["n1_cnx_a", "n2_cnx_a"], Infra: ["n1_cnx_b", "n2_cnx_b"] }, "n1")).toEqual([
      "n1_cnx_a",
      "n1_cnx_b",
    ]);
    expect(await members({ Apps: ["n1_s1", "n1_s3", "n2_s2"] }, "n1")).toEqual(["n1_s1", "n1_s3"]);
  });

  test.each<[string, Record<string, string[]>, string]>([
    [
      "a common beginning of all nodes, several clusters",
      { A: ["cnx_n1_a", "cnx_n2_a"], B: ["cnx_n1_b", "cnx_n2_b"] },
      "cnx",
    ],
    ["a common beginning of all nodes, one cluster", { A: ["cnx_n1_a", "cnx_n2_a"] }, "cnx"],
    ["a node whose name begins another's", { A: ["n_a", "n_x_a"], B: ["n_b", "n_x_b"] }, "n"],
  ])("%s is refused, and --nodes named as the way out", async (_name, clusters, node) => {
    expect(await members(clusters, node)).toMatch(/leave open whether .* is the node of .*--nodes /);
  });
});
