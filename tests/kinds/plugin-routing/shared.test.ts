import {
  CONF,
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
import { APPS, DMGR, INFRA, pluginXml } from "./fixtures.js";

jest.setTimeout(30_000);

const AS_GENERATED = pluginXml([APPS, INFRA, DMGR]);
/** The installation's other name. */
const LINK = "/opt/ihs";
const linked = (path: string) => path.replace("/opt/IBM/HTTPServer", LINK);

let web: WebServerModel;
let bench: ReturnType<typeof routingBench>;

beforeEach(async () => {
  web = await new WebServerModel().start();
  bench = routingBench(web);
  web.host.put(SECOND_CONF, CONF);
  web.host.link(LINK, "/opt/IBM/HTTPServer");
});
afterEach(() => web.stop());

const inPlace = (more: Record<string, unknown> = {}) => routingInputs(web, { switchRouting: "in-place", ...more });
const second = (more: Stored = {}) => secondInputs(web, { copyPrefix: "plugin-cfg-second-", ...more });
const managed = () => web.host.written.filter((line) => !line.includes("/state"));
const records = () => web.host.paths().filter((path) => path.includes("/records/"));

describe("promise 12: one web server has one owner, by whatever path it is reached", () => {
  const throughLink = (more: object = {}) => {
    const apachectl = "/opt/IBM/HTTPServer/bin/apachectl";
    const control = { test: [apachectl, "-t"], graceful: [apachectl, "graceful"] };
    return routingInputs(web, { httpdConf: linked(HTTPD_CONF), control, ...more });
  };

  test("another stack that reaches it through a link is refused", async () => {
    await bench.create();
    const before = managed();
    const other = throughLink({ owner: "shop/test/routing", primaryNode: "node1" });
    await expect(routingBench(web).create(other)).rejects.toThrow(/managed by shop\/prod\/routing/);
    expect(managed()).toEqual(before);
    expect(records()).toHaveLength(1);
  });

  test("promise 17: its own stack may call it by either path, and the first before-image stays", async () => {
    const outs = await bench.create(throughLink({ onDestroy: "restore" }));
    const news = await bench.create(routingInputs(web, { onDestroy: "restore" }));
    await bench.destroy(outs);
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    await bench.destroy(news);
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
    expect(web.host.text(copyOf("node10"))).toBeUndefined();
    expect(records()).toEqual([]);
  });
});

describe("promise 17: a plug-in file that two web servers reach by different paths is shared", () => {
  test("the second one is not routed in place", async () => {
    await bench.create();
    const inputs = second({ switchRouting: "in-place", pluginFile: linked(GENERATED) });
    await expect(bench.create(inputs)).rejects.toThrow(
      /httpd\.conf, managed by shop\/prod\/routing, uses this file too/,
    );
  });

  test("nor is a copy made of one that another edits in place", async () => {
    await bench.create(inPlace());
    await expect(bench.create(second({ pluginFile: linked(GENERATED) }))).rejects.toThrow(
      /managed by shop\/prod\/routing, edits it in place/,
    );
  });

  test("nor is the other one's copy written", async () => {
    await bench.create();
    const inputs = second({ pluginFile: linked(GENERATED), copyPrefix: "plugin-cfg-primary-" });
    await expect(bench.create(inputs)).rejects.toThrow(/uses this file too.*copyPrefix/);
  });

  test("promise 9: a file that is itself a link is the file that it leads to", async () => {
    await bench.create();
    web.host.link("/opt/plugins/second.xml", GENERATED);
    web.host.put(SECOND_CONF, CONF.replace(`Config "${GENERATED}"`, 'Config "/opt/plugins/second.xml"'));
    const inputs = second({ switchRouting: "in-place", pluginFile: "/opt/plugins/second.xml" });
    await expect(bench.create(inputs)).rejects.toThrow(/uses this file too/);
  });
});

describe("promise 17: an edit in place that is no longer there stands in nobody's way", () => {
  let outs: Stored;
  beforeEach(async () => {
    outs = await bench.create(inPlace());
  });

  test("a propagation has overwritten it", async () => {
    web.host.put(GENERATED, AS_GENERATED.replace('LogLevel="Error"', 'LogLevel="Trace"'));
    await expect(bench.create(second({ primaryNode: "node1" }))).resolves.toBeDefined();
  });

  test("a failed run has taken it back", async () => {
    await bench.up(outs, inPlace({ primaryNode: "as generated" }));
    web.down.add("node10_apps_server1");
    await expect(bench.up(outs, inPlace())).rejects.toThrow(/0 of 4 requests on node10/);
    expect(web.host.text(records()[0] ?? "")).not.toContain('"inPlace"');
    web.down.clear();
    await expect(bench.create(second({ primaryNode: "node1" }))).resolves.toBeDefined();
  });

  test("while its lists stand in the file, it does, also when something else was changed there", async () => {
    const edited = web.host.text(GENERATED) ?? "";
    web.host.put(GENERATED, edited.replace('LogLevel="Error"', 'LogLevel="Trace"'));
    await expect(bench.create(second())).rejects.toThrow(/edits it in place/);
    web.host.put(GENERATED, "<Config>");
    await expect(bench.create(second())).rejects.toThrow(/edits it in place/);
  });
});

test("promise 17: a neighbour whose record cannot be read is no reason to guess: refused, with its file's name", async () => {
  await bench.create();
  const [record = ""] = records();
  web.host.put(record, "{");
  const before = managed();
  await expect(bench.create(second())).rejects.toThrow(new RegExp(`web1:${record}.*not the record of a resource`));
  expect(managed()).toEqual(before);
});
