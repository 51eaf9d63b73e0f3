import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Difference, ENGINE_TEST_MS, Engine } from "../support/engine.js";
import { FaultProxy } from "../support/fault-proxy.js";

/** Four web servers of one stack: one with drift, one out of reach, one that refuses the login, one with a malformed file. */
let engine: Engine;
let line: FaultProxy;
let keys: string;

beforeAll(async () => {
  engine = await Engine.start();
  const { port, address } = engine.lab.hosts.web1.connection;
  line = await FaultProxy.start(port, address);
  keys = mkdtempSync(join(tmpdir(), "keys-"));
}, ENGINE_TEST_MS);
afterAll(async () => {
  await line?.stop();
  rmSync(keys, { recursive: true, force: true });
  await engine?.stop();
}, ENGINE_TEST_MS);

test(
  "promises 2 and 21: one preview says what is wrong with each, hides no drift behind another, and changes nothing",
  async () => {
    const { lab } = engine;
    const key = join(keys, "key");
    copyFileSync(join(lab.directory, "client-key"), key);
    const generated = await lab.readFile("web1", lab.web.pluginFile);
    /** A web server of its own beside the lab's, with files of its own. It is adopted as found, so nothing probes it. */
    const beside = async (name: string, index: number) => {
      const httpdConf = lab.web.httpdConf.replace("httpd.conf", `${name}.conf`);
      const pluginFile = lab.web.pluginFile.replace("plugin-cfg.xml", `plugin-cfg-${name}.xml`);
      await lab.writeFile("web1", httpdConf, `WebSpherePluginConfig "${pluginFile}"\n`);
      await lab.writeFile("web1", pluginFile, generated);
      // Older than the web server's start: it is taken for what runs.
      await lab.run("web1", ["touch", "-d", "2020-01-01", httpdConf]);
      return { httpdConf, pluginFile, connectTo: { address: "127.0.0.1", port: index } };
    };
    const [faraway, rotated, malformed] = [
      await beside("faraway", 1),
      await beside("rotated", 2),
      await beside("malformed", 3),
    ];
    await engine.configure((values) => {
      const { web1 } = values.hosts as { web1: object };
      const { webserver1 } = values.webServers as { webserver1: object };
      const hurry = { ...web1, connectTimeout: "3s" };
      return {
        ...values,
        hosts: {
          web1,
          faraway: { ...hurry, address: "127.0.0.1", port: line.port },
          rotated: { ...hurry, auth: { keyFile: key } },
        },
        webServers: {
          webserver1,
          faraway: { ...webserver1, ...faraway, host: "faraway" },
          rotated: { ...webserver1, ...rotated, host: "rotated" },
          malformed: { ...webserver1, ...malformed },
        },
      };
    });
    await engine.up();
    await engine.settled();

    line.faults = { refuse: true };
    rmSync(key);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    await lab.writeFile("web1", malformed.pluginFile, generated.slice(0, generated.length / 2));
    const byHand = lab.web.pluginFile.replace("plugin-cfg.xml", "plugin-cfg-by-hand.xml");
    await lab.writeFile("web1", byHand, generated);
    const conf = await lab.readFile("web1", lab.web.httpdConf);
    await lab.writeFile("web1", lab.web.httpdConf, conf.replaceAll(lab.web.pluginFile, byHand));

    const before = engine.fingerprints();
    const drift = await engine.drift();
    const of = (server: string): Record<string, Difference> => drift[`update environment-web-${server}-routing`] ?? {};
    expect(Object.keys(drift)).toHaveLength(4);
    expect(of("webserver1")).toEqual({
      "deviations › directive": { live: expect.stringContaining(`names ${byHand}; declared: ${lab.web.pluginFile}`) },
    });
    expect(of("faraway")).toEqual({
      "deviations › unobserved": { live: expect.stringMatching(/could not be looked at.*faraway/) },
    });
    expect(of("rotated")).toEqual({
      "deviations › unobserved": {
        live: expect.stringMatching(/could not be looked at.*rotated.*(refused|accepted|login)/s),
      },
    });
    expect(Object.keys(of("malformed"))).toEqual(["deviations › generated"]);
    expect(String(of("malformed")["deviations › generated"]?.live)).toContain(malformed.pluginFile);
    await engine.expect(7, ["preview", "--expect-no-changes"]);
    await engine.expect(0, ["preview", "--refresh=false"]);
    expect(engine.fingerprints()).toEqual(before);

    // What can be healed is healed, and the run says what could not.
    const { code, output } = await engine.pulumi(["up", "--yes", "--skip-preview", "--continue-on-error"]);
    expect(code).not.toBe(0);
    expect(output).toMatch(/webserver1-routing updated/);
    expect(engine.named()).toBe(lab.web.pluginFile);
    expect(await engine.served()).toBe("node1");
  },
  2 * ENGINE_TEST_MS,
);
