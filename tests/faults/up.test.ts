import { ENGINE_TEST_MS, Engine } from "../support/engine.js";
import { lineTo } from "../support/engine-line.js";
import type { FaultProxy } from "../support/fault-proxy.js";

/** `up` meets a web server that does not obey, and a line that fails at named points of it. */
let engine: Engine;
let line: FaultProxy;
const UP = ["up", "--yes", "--skip-preview"];
/** Makes a step last long enough to be hit, and a reply stay behind its effect. */
const SLOW_LINE_MS = 3;

beforeAll(async () => {
  engine = await Engine.start();
  line = await lineTo(engine);
}, ENGINE_TEST_MS);
afterAll(async () => {
  await line?.stop();
  await engine?.stop();
}, ENGINE_TEST_MS);

/** One test's fault is not the next one's. */
afterEach(async () => {
  line.faults = {};
  for (const fault of ["apachectl-fails", "apachectl-lies", "apachectl-slow"] as const)
    await engine.lab.fault(fault, false);
  await probing({ settleTime: "20s" });
});

const probing = (change: object) =>
  engine.configure((values) => ({ ...values, probes: { ...(values.probes as object), ...change } }));

async function converges(node: string): Promise<void> {
  line.faults = {};
  await engine.up();
  await engine.settled();
  expect(engine.named()).toBe(engine.copyFor(node));
  expect(await engine.served()).toBe(node);
}

test(
  "promises 6 and 8: a create whose reload fails puts everything back, tells the story, is stored, and is gone on with",
  async () => {
    const conf = engine.text(engine.lab.web.httpdConf);
    await engine.route("node2");
    await engine.lab.fault("apachectl-fails", true);
    const { code, output } = await engine.pulumi(UP);
    expect(code).not.toBe(0);
    expect(output).toMatch(
      /could not signal the server[\s\S]*putting things back failed too: .*could not signal the server/,
    );
    expect(await engine.served()).toBe("node1");
    expect(engine.text(engine.lab.web.httpdConf)).toBe(conf);
    const { deployment } = JSON.parse(await engine.expect(0, ["stack", "export"])) as {
      deployment: { resources: { type: string; initErrors?: string[] }[] };
    };
    const stored = deployment.resources.find(({ type }) => type.endsWith("ihs:PluginRouting"));
    expect(stored?.initErrors?.join("\n")).toContain("could not signal the server");
    await engine.lab.fault("apachectl-fails", false);
    await converges("node2");
  },
  ENGINE_TEST_MS,
);

test(
  "promises 6 and 20: an update whose reload only says that it worked is not believed: previous routing back, then gone on with",
  async () => {
    await engine.route("node1");
    await probing({ settleTime: "500ms" });
    await engine.lab.fault("apachectl-lies", true);
    const { code, output } = await engine.pulumi(UP);
    expect(code).not.toBe(0);
    expect(output).toMatch(/10 × answered by node2_AppsCluster_server2/);
    expect(output).toMatch(/WebSpherePluginConfig names .*plugin-cfg-primary-node2.xml again/);
    expect(output).toContain("after that every probe is green again");
    expect(engine.named()).toBe(engine.copyFor("node2"));
    expect(await engine.served()).toBe("node2");
    await engine.lab.fault("apachectl-lies", false);
    await probing({ settleTime: "20s" });
    await converges("node1");
  },
  ENGINE_TEST_MS,
);

describe("promises 7 and 20: a line that fails in the middle of up ends in a whole state, and up goes on", () => {
  test(
    "reset while the copy is written: looked at again, and gone on with in the same run",
    async () => {
      await engine.lab.run("web1", ["rm", engine.copyFor("node2")]);
      await engine.route("node2");
      line.faults = { delayMs: SLOW_LINE_MS, reset: true };
      const { code, output } = await engine.during(
        UP,
        (text) => /\/5\] write|\/4\] rewrite|\] (write|rewrite) \//.test(text),
        () => line.drop(),
      );
      if (code !== 0) throw new Error(output);
      expect({ code, output }).toMatchObject({
        code: 0,
        output: expect.stringContaining("outcome unknown, looking again"),
      });
      await converges("node2");
    },
    ENGINE_TEST_MS,
  );

  test(
    "the reply lost after the directive was changed: the step is not taken twice",
    async () => {
      await engine.route("node1");
      line.faults = { delayMs: SLOW_LINE_MS };
      const { code, output } = await engine.during(
        UP,
        () => engine.named() === engine.copyFor("node1"),
        () => line.drop(),
      );
      if (code !== 0) throw new Error(output);
      expect({ code, output }).toMatchObject({
        code: 0,
        output: expect.stringContaining("outcome unknown, looking again"),
      });
      expect(output.match(/Diagnostics:[\s\S]*/)?.[0].match(/\] point WebSpherePluginConfig/g)).toHaveLength(1);
      await converges("node1");
    },
    ENGINE_TEST_MS,
  );

  test(
    "cut during the reload: it goes on by itself on the host and is taken up again, not started twice",
    async () => {
      await engine.route("node2");
      await engine.lab.fault("apachectl-slow", true);
      const reloads = () =>
        engine.text(`${engine.lab.web.serverRoot}/logs/error_log`)?.match(/resuming normal operations/g)?.length ?? 0;
      const before = reloads();
      const { code, output } = await engine.during(
        UP,
        (text) => /\] reload webserver1/.test(text),
        () => line.drop(),
      );
      if (code !== 0) throw new Error(output);
      expect(reloads() - before).toBe(1);
      await engine.lab.fault("apachectl-slow", false);
      await converges("node2");
    },
    ENGINE_TEST_MS,
  );

  test(
    "silent from the reload on: an error within the time limit that says what is unknown, and up goes on later",
    async () => {
      await engine.route("node1");
      const limit = (operationTimeout: string, connectTimeout: string) =>
        engine.configure((values) => {
          const { web1 } = values.hosts as { web1: object };
          return { ...values, hosts: { web1: { ...web1, operationTimeout, connectTimeout } } };
        });
      await limit("2s", "2s");
      const { code, output } = await engine.during(
        UP,
        (text) => /\] reload webserver1/.test(text),
        () => {
          line.faults = { stallAfter: { down: 0 } };
        },
      );
      expect(code).not.toBe(0);
      expect(output).toMatch(/web1.*(no answer|timed out|did not answer|within)/);
      expect(await engine.served()).toMatch(/^node[12]$/);
      line.faults = {};
      await limit("60s", "20s");
      await converges("node1");
    },
    ENGINE_TEST_MS,
  );
});
