import { connectionSchema } from "../../../providers/targets/connection.js";
import {
  CONF,
  connection,
  copyOf,
  GENERATED,
  HTTPD_CONF,
  routingBench,
  routingInputs,
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
    expect(outs).toMatchObject({ webServer: "ihs1" });
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
    await expect(bench.create(other)).rejects.toThrow(/managed by shop\/prod\/routing/);
  });

  test("one path spelt in two ways is one path", async () => {
    const spelt = (path: string) => path.replace("/IBM/", "//IBM/./");
    const inputs = routingInputs(web, { pluginFile: spelt(GENERATED), httpdConf: spelt(HTTPD_CONF) });
    const outs = await bench.create(inputs);
    expect(outs).toMatchObject({ pluginFile: GENERATED, httpdConf: HTTPD_CONF });
    expect(await bench.up(outs, inputs)).toBeUndefined();
    expect(await bench.up(outs, routingInputs(web))).toBeUndefined();
  });

  test("a path with .. is refused: what it means depends on links", async () => {
    await expect(bench.create(routingInputs(web, { pluginFile: "/opt/IBM/../x.xml" }))).rejects.toThrow(
      /must not hold/,
    );
  });
});
