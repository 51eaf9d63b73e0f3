import {
  CONF,
  copyOf,
  GENERATED,
  HTTPD_CONF,
  routingBench,
  routingInputs,
  type Stored,
  WebServerModel,
  withCluster,
} from "./bench.js";
import { APPS, DMGR, INFRA, NODES, PUSH, pluginXml } from "./fixtures.js";

jest.setTimeout(30_000);

let web: WebServerModel;
let bench: ReturnType<typeof routingBench>;
let outs: Stored;

beforeEach(async () => {
  web = await new WebServerModel().start();
  bench = routingBench(web);
  outs = await bench.create();
});
afterEach(() => web.stop());

const edit = (path: string, from: string, to: string) => {
  const text = web.host.text(path) ?? "";
  expect(text).toContain(from);
  web.host.put(path, text.replace(from, to));
};

/** Swaps a cluster's two lists, as a person does with an editor. */
const swap = (path: string, cluster: string) => {
  const text = web.host.text(path) ?? "";
  const start = text.indexOf(`Name="${cluster}">`);
  const end = text.indexOf("</ServerCluster>", start);
  const lists = text.slice(start, end);
  const [primary, backup] = [/<PrimaryServers>.*?<Server Name="(.*?)"/s, /<BackupServers>.*?<Server Name="(.*?)"/s].map(
    (pattern) => pattern.exec(lists)?.[1] ?? "",
  ) as [string, string];
  const head = lists.slice(0, lists.indexOf("<PrimaryServers>"));
  const tail = lists.slice(lists.indexOf("<PrimaryServers>"));
  const swapped = tail.replace(primary, "@").replace(backup, primary).replace("@", backup);
  web.host.put(path, text.slice(0, start) + head + swapped + text.slice(end));
};

/** Heals by `up`, after which nothing differs. */
async function heals(): Promise<void> {
  const healed = await bench.up(outs);
  expect(healed).toBeDefined();
  expect((await bench.drift(healed ?? {})).deviations).toEqual({});
  expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
  expect(await bench.up(healed ?? {})).toBeUndefined();
}

describe("promise 3: what somebody changed shows as that and nothing else, and up heals it", () => {
  test("nothing changed", async () => {
    expect(await bench.drift(outs)).toMatchObject({ primaryNode: "node10", deviations: {} });
  });

  test("the directive names the generated file again", async () => {
    web.host.put(HTTPD_CONF, CONF);
    await web.load();
    expect(await bench.drift(outs)).toMatchObject({
      primaryNode: "as generated",
      deviations: { directive: `${HTTPD_CONF}:5 names ${GENERATED}; declared: ${copyOf("node10")}` },
    });
    await heals();
  });

  test("the directive names a file of somebody's own", async () => {
    const own = "/opt/IBM/own.xml";
    web.host.put(own, web.host.text(copyOf("node10")) ?? "");
    swap(own, "AppsCluster");
    edit(HTTPD_CONF, copyOf("node10"), own);
    await web.load();
    const { primaryNode, deviations } = await bench.drift(outs);
    expect(primaryNode).toBe("node10");
    expect(deviations).toEqual({
      directive: `${HTTPD_CONF}:5 names ${own}; declared: ${copyOf("node10")}`,
      "AppsCluster primary": "node1_apps_server1; declared node10_apps_server1",
      "AppsCluster backup": "node10_apps_server1; declared node1_apps_server1",
    });
    await heals();
    expect(web.host.text(own)).toBeDefined();
  });

  test("one cluster of the copy was changed by hand", async () => {
    swap(copyOf("node10"), "InfraCluster");
    const { primaryNode, deviations } = await bench.drift(outs);
    expect({ primaryNode, deviations }).toEqual({
      primaryNode: "node10",
      deviations: {
        "InfraCluster primary": "node1_infra; declared node10_infra",
        "InfraCluster backup": "node10_infra; declared node1_infra",
      },
    });
    await heals();
  });

  test("every cluster of the copy was moved to the other node", async () => {
    swap(copyOf("node10"), "InfraCluster");
    swap(copyOf("node10"), "AppsCluster");
    const { primaryNode, deviations } = await bench.drift(outs);
    expect({ primaryNode, deviations }).toEqual({ primaryNode: "node1", deviations: {} });
    await heals();
  });

  test("the copy was edited in something else", async () => {
    edit(copyOf("node10"), 'RefreshInterval="60"', 'RefreshInterval="5"');
    expect((await bench.drift(outs)).deviations).toEqual({
      copy: "plugin-cfg-primary-node10.xml was edited by hand: it differs from what was written in more than routing",
    });
    await heals();
  });

  test("the generated file and the copy both changed", async () => {
    edit(copyOf("node10"), 'RefreshInterval="60"', 'RefreshInterval="5"');
    edit(GENERATED, 'LogLevel="Error"', 'LogLevel="Trace"');
    expect(Object.keys((await bench.drift(outs)).deviations)).toEqual(["stale", "copy"]);
    await heals();
  });

  test("the copy is gone", async () => {
    web.host.delete(copyOf("node10"));
    expect((await bench.drift(outs)).deviations).toEqual({ copy: `${copyOf("node10")} is missing` });
    await heals();
  });

  test("the copy is not even XML any more", async () => {
    web.host.put(copyOf("node10"), "<Config>");
    const { deviations } = await bench.drift(outs);
    expect(Object.keys(deviations)).toEqual(["copy"]);
    expect(deviations.copy).toContain(`web1:${copyOf("node10")}`);
    await heals();
  });

  test("promise 21: a malformed generated file is told, hides nothing else, and refuses", async () => {
    web.host.put(HTTPD_CONF, CONF.replace(`Config "${GENERATED}"`, `Config "/opt/IBM/own.xml"`));
    web.host.put("/opt/IBM/own.xml", web.host.text(GENERATED) ?? "");
    web.host.put(GENERATED, "<Config>");
    const { deviations } = await bench.drift(outs);
    expect(Object.keys(deviations)).toEqual(["generated", "directive"]);
    await expect(bench.up(outs)).rejects.toThrow(GENERATED);
    expect(web.host.text(GENERATED)).toBe("<Config>");
  });

  test("none or two directives are told with their places, and refuse", async () => {
    edit(HTTPD_CONF, 'WebSpherePluginConfig "/opt/IBM/HTTPServer', '#WebSpherePluginConfig "/opt/IBM/HTTPServer');
    expect(Object.keys((await bench.drift(outs)).deviations)).toEqual(["directive"]);
    await expect(bench.up(outs)).rejects.toThrow(/WebSpherePluginConfig/);
    web.host.put(HTTPD_CONF, `${CONF}WebSpherePluginConfig /opt/two.xml\n`);
    await expect(bench.up(outs)).rejects.toThrow(/WebSpherePluginConfig/);
  });

  test("a stopped web server is no drift; a change then refuses and starts nothing", async () => {
    web.die();
    expect((await bench.drift(outs)).deviations).toEqual({});
    expect(await bench.up(outs)).toBeUndefined();
    await expect(bench.up(outs, routingInputs(web, { primaryNode: "node1" }))).rejects.toThrow(/is running/);
    expect(web.calls).not.toContain("start");
  });

  test("promise 2: looking writes nothing", async () => {
    const before = [...web.host.written];
    await bench.drift(outs);
    expect(web.host.written).toEqual(before);
    expect(web.calls).toHaveLength(3);
  });
});

describe("promise 17: destroy", () => {
  const restore = { onDestroy: "restore" };

  test("retains by default", async () => {
    const before = web.host.text(HTTPD_CONF);
    await bench.destroy(outs);
    expect(web.host.text(HTTPD_CONF)).toBe(before);
    expect(web.host.text(copyOf("node10"))).toBeDefined();
  });

  test("promise 9: restore puts every byte back, and removes only what it made", async () => {
    const own = `${copyOf("node10").replace("node10", "somebody")}`;
    web.host.put(own, "theirs");
    await bench.destroy((await bench.up(outs, routingInputs(web, restore))) ?? {});
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
    expect(web.host.text(copyOf("node10"))).toBeUndefined();
    expect(web.host.text(own)).toBe("theirs");
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
  });

  test("what others changed in httpd.conf meanwhile stays", async () => {
    edit(HTTPD_CONF, "# the end", "# the end, edited");
    await bench.destroy((await bench.up(outs, routingInputs(web, restore))) ?? {});
    expect(web.host.text(HTTPD_CONF)).toBe(CONF.replace("# the end", "# the end, edited"));
  });

  test("our copy that somebody edited stays", async () => {
    const restoring = (await bench.up(outs, routingInputs(web, restore))) ?? {};
    edit(copyOf("node10"), 'LogLevel="Error"', 'LogLevel="Trace"');
    await bench.destroy(restoring);
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
    expect(web.host.text(copyOf("node10"))).toContain("Trace");
    expect(bench.said.join("\n")).toContain("stays: somebody changed it since we wrote it");
  });

  test("nothing is restored while the file found at adoption would not load", async () => {
    const restoring = (await bench.up(outs, routingInputs(web, restore))) ?? {};
    web.host.put(GENERATED, "<Config>");
    await expect(bench.destroy(restoring)).rejects.toThrow(GENERATED);
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
  });

  test("destroy and adopt again, then rename: writes nothing but records", async () => {
    const before = web.host.text(HTTPD_CONF);
    await bench.destroy(outs);
    web.host.written.length = 0;
    const again = await routingBench(web).create(routingInputs(web, { owner: "shop/prod/other-name" }));
    await routingBench(web).create(routingInputs(web, { owner: "shop/prod/third-name" }));
    expect(web.host.written.filter((line) => !line.includes("/state"))).toEqual([]);
    expect(web.host.text(HTTPD_CONF)).toBe(before);
    await bench.destroy(again);
    expect(web.host.text(HTTPD_CONF)).toBe(before);
  });
});

describe("inputs", () => {
  const failuresOf = async (more: Record<string, unknown>) => {
    const { failures } = await bench.provider.check({}, routingInputs(web, more));
    return failures?.map(({ property, reason }) => `${property}: ${reason}`);
  };

  test.each([
    [
      "a member under two nodes",
      { nodes: { ...NODES, node3: ["node1_push"] } },
      "node1_push is listed under node1 too",
    ],
    ["a relative path", { pluginFile: "config/plugin-cfg.xml" }, "must be an absolute path"],
    ["shell text instead of arguments", { control: { graceful: "apachectl -k graceful" } }, "control.graceful"],
    ["a time without a unit", { verify: { settleTime: 5 } }, "verify.settleTime"],
    ["a mistyped key", { primaryNod: "node1" }, 'did you mean "primaryNode"?'],
    ["an empty list of clusters", { clusters: [] }, "clusters"],
    ["a cluster twice", { clusters: ["A", "A"] }, "lists a name twice"],
  ])("%s is told with its path", async (_name, more, message) => {
    expect((await failuresOf(more))?.join("\n")).toContain(message);
  });

  test.each([
    ["no probe for a routed cluster", { primaryNode: "node1" }, /verify\.clusters\.PushCluster: no probe is declared/],
    [
      "a misspelt node",
      { primaryNode: "node2x", skipClusters: ["PushCluster"] },
      /there is no node "node2x".*Allowed: node1, node10/,
    ],
  ])("refused in the preview and before the first write: %s", async (_name, more, message) => {
    web.host.put(GENERATED, pluginXml([APPS, INFRA, PUSH, DMGR]));
    const before = [...web.host.written];
    await expect(bench.up(outs, routingInputs(web, more))).rejects.toThrow(message);
    expect(bench.said.join("\n")).toMatch(/refused: /);
    expect(web.host.written.filter((line) => !line.includes("/state"))).toEqual(
      before.filter((line) => !line.includes("/state")),
    );
  });

  test("a host that is not the connection's is refused", async () => {
    await expect(bench.create(routingInputs(web, { host: "web2" }))).rejects.toThrow(/the connection is that of web1/);
  });

  test("promise 18: unknown values are not validated as if they were values", async () => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    for (const key of ["nodes", "verify", "primaryNode", "connection", "control"]) {
      expect(await failuresOf({ [key]: unknown })).toEqual([]);
    }
    const nested = { nodes: { node1: [unknown] }, verify: { clusters: { AppsCluster: { probeUrl: unknown } } } };
    const diff = await bench.provider.diff("x", outs, routingInputs(web, nested));
    expect(diff).toMatchObject({ changes: true });
  });

  test("promise 19: a node's name cannot lead the copy astray", async () => {
    const hostile = '../../../etc/x" \n';
    const members = Object.fromEntries(
      Object.entries(NODES).map(([node, list]) => [node === "node1" ? hostile : node, list]),
    );
    await bench.up(outs, routingInputs(web, { nodes: members, primaryNode: hostile }));
    expect(web.host.paths().filter((path) => path.includes("primary-"))).toEqual([
      `${copyOf("..%2F..%2F..%2Fetc%2Fx%22%20%0A")}`,
      copyOf("node10"),
    ]);
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
  });

  test("a skipped cluster keeps its lists as generated", async () => {
    const { verify } = routingInputs(web) as { verify: object };
    const clusters = { AppsCluster: { probeUrl: "/AppsCluster/app" } };
    await bench.up(outs, routingInputs(web, { skipClusters: ["InfraCluster"], verify: { ...verify, clusters } }));
    expect(web.primaries("InfraCluster")).toEqual(["node1_infra"]);
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
  });

  test("regenerated with another member: told as a refusal until its node is declared", async () => {
    const members = { ...APPS.members, node3_apps: "1abc0003" };
    web.host.put(GENERATED, withCluster({ ...APPS, members }));
    await expect(bench.up(outs)).rejects.toThrow(/no node is declared for node3_apps/);
  });
});
