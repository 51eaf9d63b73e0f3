import { breakNamed } from "../../lab/breaks.js";
import { restartGracefully } from "../../lab/graceful.js";
import { withSettings } from "../../policy/settings.js";
import { ENGINE_TEST_MS, Engine } from "../support/engine.js";
import { withoutState } from "../support/engine-files.js";

/** Create, converge, drift and heal: the real engine, a real web server, one lab for all of it in the order of a life. */
let engine: Engine;
const ROUTING = "environment-web-webserver1-routing";

beforeAll(async () => {
  engine = await Engine.start();
}, ENGINE_TEST_MS);
afterAll(() => engine?.stop(), ENGINE_TEST_MS);

const breakIt = async (...words: string[]): Promise<void> => {
  const { thing, args } = breakNamed(words);
  await thing.break(engine.lab, args);
};

test(
  "promise 1: what exists is adopted, and said so; then up moves users, the preview is empty and a second up writes nothing",
  async () => {
    const before = engine.fingerprints();
    const created = await engine.up();
    expect(created).toContain("adopted as found");
    expect(withoutState(engine.fingerprints())).toEqual(withoutState(before));

    await engine.route("node2");
    expect(await engine.drift()).toEqual({
      [`update ${ROUTING}`]: { primaryNode: { live: "as generated", declared: "node2" } },
    });
    await engine.up();
    expect(await engine.served()).toBe("node2");
    expect(engine.named()).toBe(engine.copyFor("node2"));

    const moved = engine.fingerprints();
    await engine.settled();
    await engine.up();
    expect(engine.fingerprints()).toEqual(moved);
  },
  ENGINE_TEST_MS,
);

describe("promise 3: what somebody changed by hand shows as that and nothing else, and a plain up heals it", () => {
  const conf = () => engine.lab.web.httpdConf;
  const copy = () => engine.copyFor("node2");
  const cases: readonly [string, () => Promise<void>, () => Record<string, unknown>][] = [
    [
      "the directive back at the generated file",
      () => breakIt("directive"),
      () => ({
        primaryNode: { live: "as generated", declared: "node2" },
        "deviations › directive": {
          live: `${conf()}:53 names ${engine.lab.web.pluginFile}; declared: ${copy()}`,
        },
      }),
    ],
    [
      "one cluster exchanged in the copy",
      () => breakIt("routing", "InfraCluster"),
      () => ({
        "deviations › InfraCluster primary": {
          live: "node1_InfraCluster_server1; declared node2_InfraCluster_server2",
        },
        "deviations › InfraCluster backup": {
          live: "node2_InfraCluster_server2; declared node1_InfraCluster_server1",
        },
      }),
    ],
    [
      "the copy edited beside the routing",
      () => breakIt("copy"),
      () => ({
        "deviations › copy": {
          live: "plugin-cfg-primary-node2.xml was edited by hand: it differs from what was written in more than routing",
        },
      }),
    ],
    [
      "the generated file made anew",
      () => breakIt("stale"),
      () => ({
        "deviations › stale": {
          live: "plugin-cfg-primary-node2.xml is stale: plugin-cfg.xml was changed after the copy was made",
        },
      }),
    ],
    [
      "the copy deleted",
      async () => {
        await engine.lab.run("web1", ["rm", copy()]);
      },
      () => ({ "deviations › copy": { live: `${copy()} is missing` } }),
    ],
    [
      "the copy deleted, and the web server reloaded since, so that users get nothing",
      async () => {
        await engine.lab.run("web1", ["rm", copy()]);
        await restartGracefully(engine.lab);
      },
      () => ({ "deviations › copy": { live: `${copy()} is missing` } }),
    ],
  ];

  test.each(cases)(
    "%s",
    async (name, breaking, shown) => {
      const right = engine.text(copy());
      await breaking();
      const broken = engine.fingerprints();
      expect(await engine.drift()).toEqual({ [`update ${ROUTING}`]: shown() });
      expect(engine.fingerprints()).toEqual(broken);
      await engine.up();
      expect(await engine.served("InfraCluster")).toBe("node2");
      expect(engine.named()).toBe(copy());
      if (name !== "the generated file made anew") expect(engine.text(copy())).toBe(right);
    },
    ENGINE_TEST_MS,
  );

  test(
    "a person reads one line for each list of one cluster, not the whole file",
    async () => {
      await breakIt("routing", "AppsCluster");
      const text = await engine.expect(0, ["preview", "--diff"]);
      const marked = text.split("\n").filter((line) => /^\s*[-+~] (?!pulumi)/.test(line) && !/\(hidden\)/.test(line));
      expect(marked.map((line) => line.trim().slice(0, 100))).toMatchInlineSnapshot(`
[
  "+ deviations   : {",
  "+ AppsCluster backup : "node2_AppsCluster_server2; declared node1_AppsCluster_server1"",
  "+ AppsCluster primary: "node1_AppsCluster_server1; declared node2_AppsCluster_server2"",
  "- deviations : {",
  "- AppsCluster backup : "node2_AppsCluster_server2; declared node1_AppsCluster_server1"",
  "- AppsCluster primary: "node1_AppsCluster_server1; declared node2_AppsCluster_server2"",
  "~ 1 to update",
]
`);
      expect(text).toMatch(/found: AppsCluster primary: .*; declared node2_AppsCluster_server2\n/);
      await engine.up();
    },
    ENGINE_TEST_MS,
  );
});

test(
  "a change of settings alone rewrites the state and takes no step: nothing but the record may change on the target",
  async () => {
    const before = engine.fingerprints();
    await engine.configure((values) => ({ ...values, probes: { ...(values.probes as object), samples: 7 } }));
    expect(await engine.drift()).toEqual({ [`update ${ROUTING}`]: { "verify › samples": { live: 10, declared: 7 } } });
    const output = await engine.up();
    expect(output).toMatch(/~ 1 updated/);
    expect(output).not.toMatch(/\[web1 1\//);
    expect(withoutState(engine.fingerprints())).toEqual(withoutState(before));
    const stored = JSON.parse(await engine.expect(0, ["stack", "export"])) as {
      deployment: { resources: { type: string; outputs?: Record<string, unknown> }[] };
    };
    const routing = stored.deployment.resources.find(({ type }) => type.endsWith("ihs:PluginRouting"));
    expect(withSettings(routing?.outputs ?? {})).toMatchObject({ verify: { samples: 7 } });
    await engine.settled();
  },
  ENGINE_TEST_MS,
);

test(
  "a setting that changes what is looked at: the first up stops before its first write, the next preview is true, the second up does it",
  async () => {
    const { pluginFile } = engine.lab.web;
    const elsewhere = pluginFile.replace("plugin-cfg.xml", "generated.xml");
    const generated = await engine.lab.readFile("web1", pluginFile);
    await engine.lab.writeFile("web1", elsewhere, generated.replace("<Config ", "<!-- made anew -->\n<Config "));
    await engine.configure((values) => {
      const { webserver1 } = values.webServers as { webserver1: object };
      return { ...values, webServers: { webserver1: { ...webserver1, pluginFile: elsewhere } } };
    });
    const before = engine.fingerprints();
    const { code, output } = await engine.pulumi(["up", "--yes"]);
    expect(code).not.toBe(0);
    expect(output).toContain("note: changed: pluginFile.");
    expect(output).toMatch(
      /the preview had looked with the former settings \(changed: pluginFile\); now due, and not shown/,
    );
    expect(withoutState(engine.fingerprints())).toEqual(withoutState(before));

    expect(await engine.drift()).toEqual({
      [`update ${ROUTING}`]: { "deviations › stale": { live: expect.stringContaining("generated.xml was changed") } },
    });
    expect(await engine.expect(0, ["up", "--yes"])).not.toContain("former settings");
    expect(engine.text(engine.copyFor("node2"))).toContain("<!-- made anew -->");
    expect(await engine.served()).toBe("node2");
    await engine.settled();
  },
  2 * ENGINE_TEST_MS,
);

test(
  "a misspelt node is refused before anything is asked of a host, and the nodes are listed",
  async () => {
    await engine.route("nodee2");
    const before = engine.fingerprints();
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { code, output } = await engine.pulumi(command);
      expect(code).not.toBe(0);
      expect(output).toMatch(/nodee2.*node1, node2/);
    }
    expect(engine.fingerprints()).toEqual(before);
    await engine.route("node2");
  },
  ENGINE_TEST_MS,
);

test(
  "a cluster without a probe is refused: a line of the preview, and an error of up before its first write",
  async () => {
    const [kept, dropped] = engine.lab.clusters;
    await engine.configure((values) => ({
      ...values,
      probes: { ...(values.probes as object), clusters: { [kept?.name ?? ""]: { probeUrl: kept?.probePath } } },
    }));
    const before = engine.fingerprints();
    const refusal = new RegExp(`verify.clusters.${dropped?.name}: .*no probe is declared`);
    expect(await engine.expect(0, ["preview"])).toMatch(refusal);
    const { code, output } = await engine.pulumi(["up", "--yes", "--skip-preview"]);
    expect(code).not.toBe(0);
    expect(output).toMatch(refusal);
    expect(withoutState(engine.fingerprints())).toEqual(withoutState(before));
  },
  ENGINE_TEST_MS,
);
