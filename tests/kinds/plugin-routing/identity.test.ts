import { withSettings } from "../../../policy/settings.js";
import { connectionSchema } from "../../../providers/targets/connection.js";
import {
  CONF,
  connection,
  copyOf,
  GENERATED,
  HTTPD_CONF,
  routingBench,
  routingInputs,
  SECOND_CONF,
  type Stored,
  secondInputs,
  WebServerModel,
} from "./bench.js";

jest.setTimeout(30_000);

let web: WebServerModel;
let bench: ReturnType<typeof routingBench>;

beforeEach(async () => {
  web = await new WebServerModel().start();
  bench = routingBench(web);
});
afterEach(() => web.stop());

const managed = () => web.host.written.filter((line) => !line.includes("/state"));
const renamedHost = { host: "ihs-a", connection: connectionSchema.parse({ ...connection, name: "ihs-a" }) };

describe("promise 17: what host, web server and resource are called does not matter to what is managed", () => {
  test("another name of the web server is a setting, no replacement", async () => {
    const olds = await bench.create();
    const news = routingInputs(web, { webServer: "ihs1" });
    const { replaces = [] } = await bench.provider.diff("x", olds, news);
    expect(replaces).toEqual([]);
    const before = managed();
    const outs = await bench.up(olds, news);
    expect(withSettings(outs ?? {})).toMatchObject({ webServer: "ihs1" });
    expect(managed()).toEqual(before);
  });

  test.each(["retain", "restore"])(
    "another name of the host replaces and writes nothing: onDestroy %s",
    async (onDestroy) => {
      const olds = await bench.create(routingInputs(web, { onDestroy }));
      const before = managed();
      const news = await bench.create(routingInputs(web, { onDestroy, ...renamedHost }));
      await bench.destroy(olds);
      expect(managed()).toEqual(before);
      expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
      // The first before-image is still the one that goes back.
      await bench.destroy((await bench.up(news, routingInputs(web, { onDestroy: "restore", ...renamedHost }))) ?? news);
      expect(web.host.text(HTTPD_CONF)).toBe(CONF);
      expect(web.host.text(copyOf("node10"))).toBeUndefined();
      expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
    },
  );

  test("promise 12: another stack that calls host and web server otherwise is refused", async () => {
    await bench.create();
    const other = routingInputs(web, { ...renamedHost, webServer: "ihs1", owner: "shop/test/routing" });
    await expect(routingBench(web).create(other)).rejects.toThrow(/managed by shop\/prod\/routing/);
  });

  test("one path spelt in two ways is one path", async () => {
    const spelt = (path: string) => path.replace("/IBM/", "//IBM/./");
    const inputs = routingInputs(web, { pluginFile: spelt(GENERATED), httpdConf: spelt(HTTPD_CONF) });
    const outs = await bench.create(inputs);
    expect(withSettings(outs)).toMatchObject({ pluginFile: GENERATED, httpdConf: HTTPD_CONF });
    expect(await bench.up(outs, inputs)).toBeUndefined();
    expect(await bench.up(outs, routingInputs(web))).toBeUndefined();
  });

  test("a path with .. is refused: what it means depends on links", async () => {
    await expect(bench.create(routingInputs(web, { pluginFile: "/opt/IBM/../x.xml" }))).rejects.toThrow(
      /must not hold/,
    );
  });
});

describe("promise 17: two web servers on one host that share a plug-in file", () => {
  const second = (more: Stored = {}) => secondInputs(web, more);
  const prefixed = { copyPrefix: "plugin-cfg-second-" };

  beforeEach(() => web.host.put(SECOND_CONF, CONF));

  test("promise 13: the address of another one of the same program is refused: its answers would prove the wrong one", async () => {
    await bench.create();
    const { verify } = routingInputs(web) as { verify: object };
    const { failures } = await bench.provider.check({}, second({ ...prefixed, verify }));
    expect(failures).toEqual([
      {
        property: "verify.connectTo",
        reason: expect.stringMatching(/^127\.0\.0\.1:\d+ is that of shop\/prod\/routing too: one of the two/),
      },
    ]);
    // The same resource asked again, and one that is not known in full yet, are neither.
    expect((await bench.provider.check({}, routingInputs(web))).failures).toEqual([]);
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    expect((await bench.provider.check({}, second({ ...prefixed, verify: unknown }))).failures).toEqual([]);
  });

  test("the second is refused the first one's copy, before any write", async () => {
    await bench.create();
    const before = managed();
    await expect(bench.create(second())).rejects.toThrow(
      /httpd\.conf, managed by shop\/prod\/routing, uses this file too.*copyPrefix/,
    );
    expect(managed()).toEqual(before);
  });

  test("with a copy of its own it is not touched when the first is destroyed", async () => {
    const first = await bench.create(routingInputs(web, { onDestroy: "restore" }));
    await bench.create(second(prefixed));
    await bench.destroy(first);
    expect(web.host.text(SECOND_CONF)).toContain("plugin-cfg-second-node10.xml");
    expect(web.host.paths()).toContain(copyOf("node10").replace("-primary-", "-second-"));
    expect(web.host.text(copyOf("node10"))).toBeUndefined();
  });

  test("found naming the first one's copy, it gets its own; until then the copy is not removed", async () => {
    const first = await bench.create(routingInputs(web, { onDestroy: "restore" }));
    web.host.put(SECOND_CONF, web.host.text(HTTPD_CONF) ?? "");
    await bench.create(second(prefixed));
    expect(web.host.text(SECOND_CONF)).toContain("plugin-cfg-second-node10.xml");
    // What was found there, and may be put back some day, is the first one's copy.
    await bench.destroy(first);
    expect(web.host.text(copyOf("node10"))).toBeDefined();
    expect(bench.said.join("\n")).toContain("stays: another web server on this host uses it");
  });

  test("one directive for both is refused", async () => {
    const include = `ServerRoot "/opt/IBM/HTTPServer"\nLoadModule was_ap22_module a.so\nInclude conf/plugin.conf\n`;
    web.host.put(HTTPD_CONF.replace("httpd.conf", "plugin.conf"), `WebSpherePluginConfig "${GENERATED}"\n`);
    web.host.put(HTTPD_CONF, include);
    web.host.put(SECOND_CONF, include);
    await bench.create();
    await expect(bench.create(second(prefixed))).rejects.toThrow(
      /the WebSpherePluginConfig in it is that of .*httpd\.conf too/,
    );
  });

  test("one that can share nothing is not remembered, however many there are", async () => {
    const neighboursOf = (outs: object) => JSON.parse(String((outs as { live?: unknown }).live)).neighbours;
    const elsewhere = GENERATED.replace("webserver1", "second");
    web.host.put(elsewhere, web.host.text(GENERATED) ?? "");
    web.host.put(SECOND_CONF, CONF.replace(GENERATED, elsewhere));
    await bench.create(second({ pluginFile: elsewhere, primaryNode: "as generated" }));
    expect(neighboursOf(await bench.create())).toEqual([]);

    const third = HTTPD_CONF.replace("httpd.conf", "third.conf");
    web.host.put(third, CONF);
    const outs = await bench.create(second({ webServer: "third", httpdConf: third, copyPrefix: "plugin-cfg-third-" }));
    expect(neighboursOf(outs)).toEqual([expect.objectContaining({ httpdConf: HTTPD_CONF })]);
  });

  test("another path to the same httpd.conf is no other web server", async () => {
    await bench.create();
    web.host.link("/opt/ihs", "/opt/IBM/HTTPServer");
    const before = managed();
    await bench.create(routingInputs(web, { httpdConf: "/opt/ihs/conf/httpd.conf", serverRoot: "/opt/ihs" }));
    expect(managed()).toEqual(before);
  });

  test("a directive that reaches our copy by a link names our copy", async () => {
    const outs = await bench.create();
    web.host.link("/opt/plugins", "/opt/IBM/HTTPServer/Plugins");
    const linked = (web.host.text(HTTPD_CONF) ?? "").replace(
      "HTTPServer/Plugins/config",
      "HTTPServer/../../plugins/config",
    );
    web.host.put(HTTPD_CONF, linked.replace("/opt/IBM/HTTPServer/../../plugins", "/opt/plugins"));
    await web.load();
    expect((await bench.drift(outs)).deviations).toEqual({});
  });
});
