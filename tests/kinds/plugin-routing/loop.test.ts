import { failureOf } from "../../support/failure.js";
import {
  CONF,
  copyOf,
  GENERATED,
  HTTPD_CONF,
  routingBench,
  routingInputs,
  WebServerModel,
  withCluster,
} from "./bench.js";
import { APPS, DMGR, INFRA, pluginXml } from "./fixtures.js";

jest.setTimeout(30_000);

let web: WebServerModel;

beforeEach(async () => {
  web = await new WebServerModel().start();
});
afterEach(() => web.stop());

const managed = () => web.host.written.filter((line) => !line.includes("/state"));

describe("plug-in routing through the loop", () => {
  test("moves users to the other node: copy, directive, reload, proof", async () => {
    const bench = routingBench(web);
    await bench.create();
    expect(managed()).toEqual([
      `write ${copyOf("node10")}`,
      `write ${HTTPD_CONF}`,
      "job plugin-routing-webserver1-graceful",
    ]);
    expect(web.calls).toEqual(["-t", "-t", "graceful"]);
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    expect(web.primaries("InfraCluster")).toEqual(["node10_infra"]);
    expect(web.host.text(GENERATED)).toBe(pluginXml([APPS, INFRA, DMGR]));
    expect(web.host.text(HTTPD_CONF)).toBe(CONF.replace(`Config "${GENERATED}"`, `Config "${copyOf("node10")}"`));
  });

  test("says what it does, step by step", async () => {
    const bench = routingBench(web);
    await bench.create();
    expect(bench.said.map((line) => line.replace(/\d+\.\d s/, "N s"))).toMatchSnapshot();
  });

  test("promise 1: a second up writes nothing and asks nothing of the web server", async () => {
    const bench = routingBench(web);
    const outs = await bench.create();
    const before = [...web.host.written];
    expect(await bench.up(outs)).toBeUndefined();
    expect(web.host.written).toEqual(before);
    expect(web.calls).toEqual(["-t", "-t", "graceful"]);
  });

  test("adopts a routing that is right already without a write, a reload or a probe", async () => {
    const bench = routingBench(web);
    const inputs = routingInputs(web, { primaryNode: "node1" });
    const outs = await bench.create(inputs);
    expect(managed()).toEqual([]);
    expect(web.calls).toEqual([]);
    expect(await bench.up(outs, inputs)).toBeUndefined();
  });

  test("adoption after an edit that the web server has not loaded: reloads and proves", async () => {
    web.host.put(HTTPD_CONF, CONF);
    const bench = routingBench(web);
    const inputs = routingInputs(web, { primaryNode: "node1" });
    const outs = await bench.create(inputs);
    expect(managed()).toEqual(["job plugin-routing-webserver1-graceful"]);
    expect(await bench.up(outs, inputs)).toBeUndefined();
  });

  test("as generated: the directive goes back, the copy stays", async () => {
    const bench = routingBench(web);
    const inputs = routingInputs(web, { primaryNode: "as generated" });
    const outs = (await bench.up(await bench.create(), inputs)) ?? {};
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
    expect(web.host.text(copyOf("node10"))).toBeDefined();
    expect(await bench.up(outs, inputs)).toBeUndefined();
  });

  test("a new generated file is followed: the copy is made anew", async () => {
    const bench = routingBench(web);
    const outs = await bench.create();
    const generated = pluginXml([APPS, INFRA, DMGR]).replace('RefreshInterval="60"', 'RefreshInterval="30"');
    web.host.put(GENERATED, generated);
    expect((await bench.drift(outs)).deviations).toEqual({
      stale: "plugin-cfg-primary-node10.xml is stale: plugin-cfg.xml was changed after the copy was made",
    });
    await bench.up(outs);
    expect(web.host.text(copyOf("node10"))).toContain('RefreshInterval="30"');
    expect(web.calls.filter((call) => call === "graceful")).toHaveLength(2);
  });

  test("a new cluster that is not routed to yet cannot be asked before", async () => {
    const bench = routingBench(web);
    web.host.put(GENERATED, pluginXml([APPS, DMGR]));
    await web.load();
    const { verify } = routingInputs(web) as { verify: { clusters: object } };
    const only = { ...verify, clusters: { AppsCluster: { probeUrl: "/AppsCluster/app" } } };
    const outs = await bench.create(routingInputs(web, { verify: only }));
    web.host.put(GENERATED, pluginXml([APPS, INFRA, DMGR]));
    await bench.up(outs);
    expect(web.primaries("InfraCluster")).toEqual(["node10_infra"]);
  });

  test("answers of old processes after the reload are waited out", async () => {
    web.staleAnswers = 9;
    const { verify } = routingInputs(web) as { verify: object };
    await routingBench(web).create(routingInputs(web, { verify: { ...verify, settleTime: "20s" } }));
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
  });

  test("the access log is proof where a page gives no cookie", async () => {
    web.cookie = () => undefined;
    const { verify } = routingInputs(web) as { verify: object };
    const proof = { accessLog: "/opt/IBM/HTTPServer/logs/access_log" };
    const clusters = {
      AppsCluster: { probeUrl: "/AppsCluster/app?lang=en", proof },
      InfraCluster: { probeUrl: "/InfraCluster/app", proof },
    };
    const inputs = routingInputs(web, { verify: { ...verify, clusters } });
    await routingBench(web).create(inputs);
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    web.logsRequests = false;
    web.host.put(GENERATED, withCluster({ ...APPS, attributes: 'RetryInterval="61"' }));
    await expect(routingBench(web).create(inputs)).rejects.toThrow(/4 × the request is not in the access log/);
  });
});

describe("promise 11: what becomes of sessions at a switch is measured and said", () => {
  const before = "AppsCluster: a session begun on node1_apps_server1 before the switch";

  test.each([
    ["to primaries", `${before} began anew on node10_apps_server1: what it held in memory alone is lost`],
    ["to backups too", `${before} stays there until it ends`],
    ["with persistent sessions", `${before} went on, answered by node10_apps_server1`],
  ] as const)("affinity %s", async (affinity, line) => {
    web.affinity = affinity;
    const bench = routingBench(web);
    await bench.create();
    expect(bench.said.filter((said) => said.includes("AppsCluster: a session"))).toEqual([`[web1 5/5] ${line}`]);
  });

  test("nothing is measured where pages give no session", async () => {
    web.cookie = () => undefined;
    const { verify } = routingInputs(web) as { verify: object };
    const proof = { accessLog: "/opt/IBM/HTTPServer/logs/access_log" };
    const clusters = {
      AppsCluster: { probeUrl: "/AppsCluster/app", proof },
      InfraCluster: { probeUrl: "/InfraCluster/app", proof },
    };
    const bench = routingBench(web);
    await bench.create(routingInputs(web, { verify: { ...verify, clusters } }));
    expect(bench.said.join("\n")).not.toContain("session");
  });
});

describe("promise 8: what cannot be proved is taken back", () => {
  /** Everything as before, and the story told. */
  async function failsAndGoesBack(): Promise<string> {
    const { message } = await failureOf(routingBench(web).create());
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
    expect(web.host.text(copyOf("node10"))).toBeUndefined();
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
    return message.replaceAll(String(web.port), "PORT");
  }

  test("the node's server is down, so the other one answers", async () => {
    web.down.add("node10_apps_server1");
    expect(await failsAndGoesBack()).toMatchSnapshot();
  });

  test.each([
    ["no cookie", () => undefined, "4 × no JSESSIONID cookie"],
    ["a cookie without a clone", () => "JSESSIONID=0000abc", "4 × a JSESSIONID cookie without a CloneID"],
    ["a clone of nobody", () => "JSESSIONID=0000abc:1zzz", "4 × CloneID 1zzz, which is no member's"],
    [
      "a partition number",
      () => "JSESSIONID=0000abc:1160617483186",
      "4 × a partition number instead of a CloneID: sessions are replicated memory to memory",
    ],
  ])("before the first write: %s", async (_name, cookie, message) => {
    web.cookie = cookie;
    await expect(routingBench(web).create()).rejects.toThrow(message);
    expect(managed()).toEqual([]);
    expect(web.calls).toEqual(["-t"]);
  });

  test("a bad status before the first write refuses the run", async () => {
    web.status = 500;
    await expect(routingBench(web).create()).rejects.toThrow(/4 × status 500.*Nothing has been changed/);
    expect(managed()).toEqual([]);
  });

  test("a page that turns bad with the reload", async () => {
    web.cookie = (clone) => {
      if (web.calls.length > 0 && web.primaries("AppsCluster")?.[0] !== "node1_apps_server1") web.status = 500;
      else web.status = 200;
      return `JSESSIONID=0000abc:${clone}`;
    };
    expect(await failsAndGoesBack()).toContain("after that every probe is green again");
  });

  test("the parent ends at the reload: it is started again with the previous file", async () => {
    const load = web.load.bind(web);
    web.load = async () => {
      const { path } = await web.directive();
      if (path === GENERATED) return load();
      web.die();
    };
    const story = await failsAndGoesBack();
    expect(story).toContain("the parent process of webserver1 is gone");
    expect(story).toContain("webserver1 was down and was started again");
    expect(web.calls.at(-1)).toBe("start");
  });

  test("a syntax test that fails keeps the old server untouched", async () => {
    const model = web as unknown as { host: { run: unknown } };
    const run = web.host.run.bind(web.host);
    model.host.run = async (argv: readonly string[], options: Parameters<typeof run>[1]) =>
      argv.includes("-t") && web.host.text(HTTPD_CONF) !== CONF
        ? { exitCode: 1, stdout: "", stderr: "Syntax error on line 5 of httpd.conf\n" }
        : run(argv, options);
    const story = await failsAndGoesBack();
    expect(story).toContain("apachectl -t ended with exit code 1: Syntax error on line 5 of httpd.conf");
    expect(web.calls).not.toContain("stop");
  });

  test("a file that was damaged after it was written is noticed before the reload, whatever the syntax test says", async () => {
    const load = web.load.bind(web);
    web.load = async () => {
      throw new Error("must not be reached with a damaged file");
    };
    const run = web.host.files.write.bind(web.host.files);
    web.host.files.write = async (path, bytes, options) => {
      const written = await run(path, bytes, options);
      if (path === HTTPD_CONF) web.host.put(copyOf("node10"), "<Config><ServerCluster></Config>");
      if (path === HTTPD_CONF && bytes.toString() === CONF) web.load = load;
      return written;
    };
    const error = await routingBench(web)
      .create()
      .catch((failure: Error) => failure);
    expect(String(error)).toContain("plugin-cfg-primary-node10.xml");
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
    // It is not what we wrote, so it is not ours to remove.
    expect(web.host.text(copyOf("node10"))).toBe("<Config><ServerCluster></Config>");
  });

  test("a web server that is not running is not started", async () => {
    web.die();
    await expect(routingBench(web).create()).rejects.toThrow(/no process of webserver1 is running/);
    expect(managed()).toEqual([]);
  });
});
