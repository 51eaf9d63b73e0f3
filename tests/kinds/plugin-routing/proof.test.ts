import { failureOf } from "../../support/failure.js";
import { lineCut } from "../../support/memory-host.js";
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
import { APPS, DMGR, INFRA, pluginXml } from "./fixtures.js";

jest.setTimeout(30_000);

let web: WebServerModel;
let bench: ReturnType<typeof routingBench>;
/** The line to the host is cut from the next reload on. */
let cutAtReload: boolean;
let cut: boolean;

beforeEach(async () => {
  cutAtReload = cut = false;
  web = await new WebServerModel({
    beforeOperation: ({ name }) => {
      cut ||= cutAtReload && name.startsWith("jobs.");
      if (cut) throw lineCut("web1");
    },
  }).start();
  bench = routingBench(web);
});
afterEach(() => web.stop());

const back = () => routingInputs(web, { primaryNode: "as generated" });
const managed = () => web.host.written.filter((line) => !line.includes("/state"));
/** A run whose provider dies when it is about to reload. */
async function diesBeforeReload(work: () => Promise<unknown>): Promise<Stored> {
  cutAtReload = true;
  const { properties } = await failureOf(work());
  cutAtReload = cut = false;
  // The next process has no snapshot of this one.
  await web.host.close();
  return properties ?? {};
}

describe("going back is proved like going there", () => {
  test.each(["as generated", "restore"])("a reload without any effect is noticed: %s", async (way) => {
    const outs = await bench.create(routingInputs(web, way === "restore" ? { onDestroy: "restore" } : {}));
    web.load = async () => undefined;
    const work = way === "restore" ? bench.destroy(outs) : bench.up(outs, back());
    const { message } = await failureOf(work);
    expect(message).toContain("0 of 4 requests on primaries of plugin-cfg.xml; 4 × answered by node10_apps_server1");
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    expect(web.host.text(HTTPD_CONF)).toContain(`Config "${copyOf("node10")}"`);
  });

  test.each([
    [
      "ClusterAddress",
      {
        ...APPS,
        inside: '<ClusterAddress Name="x"><Transport Hostname="h" Port="1" Protocol="http"/></ClusterAddress>',
      },
    ],
    ["GetDWLMTable", { ...APPS, attributes: 'GetDWLMTable="true"' }],
    ["CloneID", { ...APPS, members: { ...APPS.members, node1_apps_server1: undefined } }],
  ])(
    "a cluster whose requests prove nothing is asked for answers alone, and that is said: %s",
    async (what, cluster) => {
      const outs = await bench.create();
      web.host.put(GENERATED, withCluster(cluster));
      await bench.up(outs, back());
      expect(bench.said.join("\n")).toMatch(
        new RegExp(`note: AppsCluster: only that it answers can be proved.*${what}`),
      );
      expect(bench.said).toContainEqual(
        expect.stringContaining(
          "prove with 4 requests each that InfraCluster are served as plugin-cfg.xml says and AppsCluster answer",
        ),
      );
    },
  );

  test("a misspelt cluster is refused there too", async () => {
    const { message } = await failureOf(
      bench.create(routingInputs(web, { primaryNode: "as generated", clusters: ["AppsClutser"] })),
    );
    expect(message).toContain('there is no cluster "AppsClutser"; did you mean "AppsCluster"?');
  });
});

describe("promise 3: what was proved holds only for what was loaded", () => {
  test("the directive moved, reloaded and moved back without a reload", async () => {
    const outs = await bench.create();
    const ours = web.host.text(HTTPD_CONF) ?? "";
    web.host.put(HTTPD_CONF, CONF);
    await web.load();
    web.host.put(HTTPD_CONF, ours);
    expect((await bench.drift(outs)).deviations).toEqual({
      proof: `${HTTPD_CONF} was changed or replaced after the last reload: what is running may be older`,
    });
    const healed = await bench.up(outs);
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    expect(await bench.up(healed ?? {})).toBeUndefined();
  });

  test("somebody else's reload of what is in place is no drift", async () => {
    const outs = await bench.create();
    await web.load();
    expect((await bench.drift(outs)).deviations).toEqual({});
    expect(await bench.up(outs)).toBeUndefined();
  });
});

describe("promise 8: after a run that was taken back", () => {
  test("the declaration taken back too, nothing is due", async () => {
    const before = await bench.create(back());
    web.down.add("node10_apps_server1");
    const { properties } = await failureOf(bench.up(before));
    expect(await bench.up(properties ?? {}, back())).toBeUndefined();
  });

  test("what somebody then routed by hand is not taken for ours: red probes refuse, and it stays", async () => {
    web.down.add("node10_apps_server1");
    const { properties } = await failureOf(bench.create());
    web.down.clear();
    const own = "/opt/IBM/hand/plugin-cfg.xml";
    web.host.put(own, withCluster({ ...APPS, primary: APPS.backup, backup: APPS.primary }));
    web.host.put(HTTPD_CONF, CONF.replace(`Config "${GENERATED}"`, `Config "${own}"`));
    await web.load();
    web.status = 500;
    const before = managed();
    const { message } = await failureOf(bench.up(properties ?? {}));
    expect(message).toMatch(/status 500.*Nothing has been changed/);
    expect(managed()).toEqual(before);
  });

  test("the same after a run that died: a file of somebody's own is no half-done state", async () => {
    const stored = await diesBeforeReload(() => bench.create(routingInputs(web)));
    const own = "/opt/IBM/hand/plugin-cfg.xml";
    web.host.put(own, web.host.text(GENERATED) ?? "");
    web.host.put(HTTPD_CONF, CONF.replace(`Config "${GENERATED}"`, `Config "${own}"`));
    await web.load();
    web.status = 500;
    const { message } = await failureOf(bench.up(stored, routingInputs(web)));
    expect(message).toMatch(/Nothing has been changed/);
    expect(web.host.text(HTTPD_CONF)).toContain(own);
  });
});

describe("promise 6: a copy that is in force, rewritten by a run that died", () => {
  test.each(["bad for users", "good"])("the new content is %s", async (content) => {
    const outs = await bench.create(routingInputs(web));
    const good = web.host.text(copyOf("node10"));
    web.host.put(GENERATED, pluginXml([APPS, INFRA, DMGR], '<Property Name="ESIEnable" Value="true"/>'));
    const stored = await diesBeforeReload(() => bench.up(outs, routingInputs(web)));
    expect(web.host.text(copyOf("node10"))).not.toBe(good);
    // The plug-in reads it by itself, within its RefreshInterval.
    await web.load();
    if (content === "good") {
      const healed = await bench.up(stored, routingInputs(web));
      expect(await bench.up(healed ?? {}, routingInputs(web))).toBeUndefined();
      return;
    }
    web.status = 500;
    const { message } = await failureOf(bench.up(stored, routingInputs(web)));
    expect(message).toContain(`${copyOf("node10")} has its previous content again`);
    expect(message).not.toContain("Nothing has been changed");
    expect(web.host.text(copyOf("node10"))).toBe(good);
  });

  test("taken back without a reload: nobody says that users noticed nothing", async () => {
    const outs = await bench.create();
    web.host.put(GENERATED, pluginXml([APPS, INFRA, DMGR], '<Property Name="ESIEnable" Value="true"/>'));
    web.failSyntaxTest = () => web.calls.length > 4;
    const { message } = await failureOf(bench.up(outs));
    expect(message).toContain("may have read the file meanwhile by itself (RefreshInterval)");
    expect(message).not.toContain("noticed nothing");
  });

  test("its rewriting carries the impact of a reload", async () => {
    const outs = await bench.create();
    web.host.put(GENERATED, pluginXml([APPS, INFRA, DMGR], '<Property Name="ESIEnable" Value="true"/>'));
    await bench.up(outs);
    expect(bench.said).toContainEqual(expect.stringMatching(/rewrite .*as primaries \[degraded capacity\]/));
  });
});

describe("promise 8: the web server's own syntax test", () => {
  test("fails for a reason of its own: refused before the first write", async () => {
    web.failSyntaxTest = () => true;
    const { message } = await failureOf(bench.create());
    expect(message).toMatch(/Syntax error on line 7.*Nothing has been changed/);
    expect(managed()).toEqual([]);
  });

  test("fails only after the writes: they go back, and nothing is reloaded", async () => {
    web.failSyntaxTest = () => web.calls.length > 1;
    const { message } = await failureOf(bench.create());
    expect(message).toContain(`WebSpherePluginConfig names ${GENERATED} again`);
    expect(message).toContain("webserver1 had not been reloaded, so users noticed nothing");
    expect(message).not.toContain("putting things back failed");
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
    expect(web.host.text(copyOf("node10"))).toBeUndefined();
    expect(web.calls).not.toContain("graceful");
  });
});
