import { readFileSync, writeFileSync } from "node:fs";
import { ENGINE_TEST_MS, Engine } from "../support/engine.js";
import { hostFile } from "../support/engine-files.js";
import { lineTo } from "../support/engine-line.js";
import { commandOf, kill, providersOf } from "../support/engine-processes.js";
import type { FaultProxy } from "../support/fault-proxy.js";

/**
 * The provider process, or the whole command, is killed in the middle of `up`; the next `up` converges. A line that is slow
 * makes each step last long enough to be hit.
 */
let engine: Engine;
let line: FaultProxy;
const SLOW_LINE_MS = 3;
const UP = ["up", "--yes", "--skip-preview"];

beforeAll(async () => {
  engine = await Engine.start();
  line = await lineTo(engine);
  await engine.up();
}, ENGINE_TEST_MS);
afterAll(async () => {
  await line?.stop();
  await engine?.stop();
}, ENGINE_TEST_MS);

const killProvider = () => kill(providersOf(engine.workspace));
const lockFile = () => `${engine.lab.hosts.web1.connection.stateDirectory}/lock`;

/** A reload took place since the call: httpd writes its pid file at each. */
function reloads(): () => boolean {
  const marks = () =>
    engine.text(`${engine.lab.web.serverRoot}/logs/error_log`)?.match(/AH00493|resuming/g)?.length ?? 0;
  const before = marks();
  return () => marks() > before;
}

/** What a killed run left is still an unfinished run, users are served, and one more up brings everything in order. */
async function goesOn(node: string): Promise<void> {
  line.faults = {};
  expect(await engine.served()).toMatch(/^node[12]$/);
  await engine.up();
  await engine.settled();
  expect(engine.named()).toBe(engine.copyFor(node));
  expect(await engine.served()).toBe(node);
  expect(engine.text(lockFile())).toBeUndefined();
}

describe("promise 6: killed in the middle, the next up converges, and users are served at every moment", () => {
  test(
    "while it waits for the lock",
    async () => {
      const file = hostFile(engine.lab, "web1", lockFile());
      const stack = `pulumi-connections/${engine.workspace.stack}/other`;
      const process = { machine: "another", pid: 1 };
      const lock = { token: "t", owner: stack, by: "a colleague", since: "today", why: "x", leaseMs: 600_000, beat: 0 };
      writeFileSync(file, JSON.stringify({ ...lock, process }), { mode: 0o666 });
      await engine.route("node2");
      const { code, output } = await engine.during(
        UP,
        (text) => /waiting for the lock: held by a colleague/.test(text),
        killProvider,
      );
      expect(code).not.toBe(0);
      expect(output).not.toMatch(/\[web1 1\//);
      expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject(lock);
      await engine.lab.run("web1", ["rm", lockFile()]);
      await goesOn("node2");
    },
    ENGINE_TEST_MS,
  );

  test(
    "after write-copy, before the directive names the copy",
    async () => {
      await engine.route("node1");
      line.faults = { delayMs: SLOW_LINE_MS };
      await engine.during(UP, () => engine.text(engine.copyFor("node1")) !== undefined, killProvider);
      expect(engine.named()).toBe(engine.copyFor("node2"));
      expect(await engine.served()).toBe("node2");
      await goesOn("node1");
    },
    ENGINE_TEST_MS,
  );

  test(
    "after point-directive, before the reload",
    async () => {
      await engine.route("node2");
      line.faults = { delayMs: SLOW_LINE_MS };
      const reloaded = reloads();
      await engine.during(UP, () => engine.named() === engine.copyFor("node2"), killProvider);
      expect(reloaded()).toBe(false);
      expect(await engine.served()).toBe("node1");
      await goesOn("node2");
    },
    ENGINE_TEST_MS,
  );

  test(
    "during the reload, which goes on by itself",
    async () => {
      await engine.route("node1");
      await engine.lab.fault("apachectl-slow", true);
      await engine.during(
        UP,
        (text) => /4\/5\] reload webserver1/.test(text) || /3\/4\] reload/.test(text),
        killProvider,
      );
      await engine.lab.fault("apachectl-slow", false);
      await goesOn("node1");
    },
    ENGINE_TEST_MS,
  );

  test(
    "during the proof",
    async () => {
      const slow = engine.lab.clusters[0]?.members.find(({ node }) => node === "node2")?.name ?? "";
      await engine.route("node2");
      const reloaded = reloads();
      await engine.during(
        UP,
        () => reloaded(),
        async () => {
          await engine.lab.fault(`member-slow:${slow}`, true);
          killProvider();
        },
      );
      await engine.lab.fault(`member-slow:${slow}`, false);
      expect(engine.named()).toBe(engine.copyFor("node2"));
      await goesOn("node2");
    },
    ENGINE_TEST_MS,
  );

  test(
    "while it puts things back after a proof that failed",
    async () => {
      await engine.route("node1");
      await engine.configure((values) => ({
        ...values,
        probes: { ...(values.probes as object), settleTime: "500ms" },
      }));
      await engine.lab.fault("apachectl-lies", true);
      line.faults = { delayMs: SLOW_LINE_MS };
      let pointed = false;
      const putBack = () => {
        pointed ||= engine.named() === engine.copyFor("node1");
        return pointed && engine.named() === engine.copyFor("node2");
      };
      await engine.during(UP, putBack, killProvider);
      await engine.lab.fault("apachectl-lies", false);
      expect(await engine.served()).toBe("node2");
      await engine.configure((values) => ({ ...values, probes: { ...(values.probes as object), settleTime: "20s" } }));
      await goesOn("node1");
    },
    ENGINE_TEST_MS,
  );

  test(
    "the pulumi command itself, during the reload: pulumi cancel, then up",
    async () => {
      const checkpoints = { env: { PULUMI_SKIP_CHECKPOINTS: "false" } };
      await engine.route("node2");
      await engine.lab.fault("apachectl-slow", true);
      await engine.during(
        UP,
        (text) => /\] reload webserver1/.test(text),
        () => kill(commandOf(engine.workspace)),
        checkpoints,
      );
      await engine.lab.fault("apachectl-slow", false);
      await engine.left();
      const locked = await engine.pulumi(UP);
      expect(locked.code).not.toBe(0);
      expect(locked.output).toContain("pulumi cancel");
      await engine.expect(0, ["cancel", "--yes"]);
      await goesOn("node2");
    },
    ENGINE_TEST_MS,
  );
});

test(
  "one SIGINT during up: the step under way ends, the state is whole, the next up goes on",
  async () => {
    await engine.route("node1");
    await engine.lab.fault("apachectl-slow", true);
    const { output } = await engine.during(
      UP,
      (text) => /\] reload webserver1/.test(text),
      () => kill(commandOf(engine.workspace), "SIGINT"),
    );
    await engine.lab.fault("apachectl-slow", false);
    expect(output).toMatch(/\] reload webserver1.*/);
    const { deployment } = JSON.parse(await engine.expect(0, ["stack", "export"])) as {
      deployment: { pending_operations?: unknown[]; resources: { type: string }[] };
    };
    expect(deployment.pending_operations ?? []).toEqual([]);
    expect(deployment.resources.filter(({ type }) => type.endsWith("ihs:PluginRouting"))).toHaveLength(1);
    await goesOn("node1");
  },
  ENGINE_TEST_MS,
);
