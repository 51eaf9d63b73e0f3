import { FAULTS, isDone } from "../../support/fault.js";
import { CONF, copyOf, GENERATED, HTTPD_CONF, routingBench, type WebServerModel } from "./bench.js";
import { everywhereOn, inputsFor } from "./faults.js";
import { APPS, DMGR, INFRA, pluginXml } from "./fixtures.js";

/** Generous, since the machine may be busy: every index is a whole run and its recovery. */
jest.setTimeout(120_000);

const AS_GENERATED = pluginXml([APPS, INFRA, DMGR]);
const inPlace = (web: WebServerModel, more: Record<string, unknown> = {}) =>
  inputsFor(web, { switchRouting: "in-place", ...more });

const expectOn = (web: WebServerModel, node: "node1" | "node10") => {
  expect(web.primaries("AppsCluster")).toEqual([`${node}_apps_server1`]);
  expect(web.primaries("InfraCluster")).toEqual([`${node}_infra`]);
};

const untouched = (web: WebServerModel) => {
  expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
  expect(web.host.text(HTTPD_CONF)).toBe(CONF);
  expect(web.host.text(copyOf("node10"))).toBeUndefined();
  expectOn(web, "node1");
};

const DEATHS = FAULTS.filter(([, , lasting]) => lasting);

/** Between a death and the next run the plug-in may have looked at its file, or not. */
const BETWEEN = [
  ["the plug-in has looked meanwhile", (web: WebServerModel) => web.lookAgain()],
  ["the plug-in has not looked yet", () => undefined],
] as const;

describe("promise 6: interrupted anywhere, routing in place converges and the proof is never skipped", () => {
  test.each(
    FAULTS.flatMap(([name, ...fault]) => BETWEEN.map(([between, look]) => [name, between, ...fault, look] as const)),
  )("move to node10: %s, %s", async (_name, _between, side, lasting, look) => {
    const indices = await everywhereOn(side, lasting, async (web, fault) => {
      const bench = routingBench(web);
      const stored = await fault.strike(() => bench.create(inPlace(web)));
      look(web);
      const outs = (stored ? await bench.up(stored, inPlace(web)) : await bench.create(inPlace(web))) ?? stored ?? {};
      expectOn(web, "node10");
      expect(web.calls.filter((call) => call !== "-t")).toEqual([]);
      expect(await bench.up(outs, inPlace(web))).toBeUndefined();
      await bench.destroy((await bench.up(outs, inPlace(web, { onDestroy: "restore" }))) ?? {});
      untouched(web);
    });
    expect(indices).toBeGreaterThan(7);
  });

  test.each(DEATHS)("back to the start after a half-done move: %s", async (_name, side, lasting) => {
    let edited = 0;
    const indices = await everywhereOn(side, lasting, async (web, fault) => {
      const bench = routingBench(web);
      const stored = await fault.strike(() => bench.create(inPlace(web)));
      if (web.host.text(GENERATED) !== AS_GENERATED) edited++;
      web.lookAgain();
      const back = inPlace(web, { primaryNode: "as generated" });
      if (stored) await bench.up(stored, back);
      else await bench.create(back);
      untouched(web);
    });
    expect(indices).toBeGreaterThan(7);
    expect(edited).toBeGreaterThan(3);
  });

  test.each(FAULTS)("promise 9: restore on destroy: %s", async (_name, side, lasting) => {
    const indices = await everywhereOn(side, lasting, async (web, fault) => {
      const bench = routingBench(web);
      const outs = await bench.create(inPlace(web, { onDestroy: "restore" }));
      if (!(await isDone(fault.during(() => bench.destroy(outs))))) await bench.destroy(outs);
      untouched(web);
    });
    expect(indices).toBeGreaterThan(5);
  });

  // A fault for once does not keep a run from its proof, so there is nothing bad left to find.
  test.each(DEATHS)(
    "what turns out bad for users goes back to where the first run started: %s",
    async (_name, side, lasting) => {
      let judged = 0;
      await everywhereOn(side, lasting, async (web, fault) => {
        const bench = routingBench(web);
        const outs = await bench.create(inPlace(web));
        const before = web.host.text(GENERATED);
        const stored = (await fault.strike(() => bench.up(outs, inPlace(web, { primaryNode: "node1" })))) ?? outs;
        await web.host.close();
        web.lookAgain();
        const { kept } = JSON.parse(
          web.host.text(web.host.paths().find((path) => path.includes("/records/")) ?? "") ?? "",
        );
        const moved = kept.proven !== null && web.host.text(GENERATED) !== before;
        if (moved) return;
        judged++;
        web.down.add("node1_apps_server1");
        await expect(bench.up(stored, inPlace(web, { primaryNode: "node1" }))).rejects.toThrow(
          /answered by node10_apps/,
        );
        expect(web.host.text(GENERATED)).toBe(before);
        expectOn(web, "node10");
        web.down.clear();
        await web.host.close();
        await bench.up(stored, inPlace(web, { primaryNode: "node1" }));
        expectOn(web, "node1");
      });
      expect(judged).toBeGreaterThan(7);
    },
  );
});

describe("promise 6: interrupted anywhere, the way of switching is another one after the next up", () => {
  test.each(FAULTS)("directive → in-place: %s", async (_name, side, lasting) => {
    const indices = await everywhereOn(side, lasting, async (web, fault) => {
      const bench = routingBench(web);
      const outs = await bench.create(inputsFor(web));
      const stored = (await fault.strike(() => bench.up(outs, inPlace(web)))) ?? outs;
      web.lookAgain();
      await web.host.close();
      const moved = (await bench.up(stored, inPlace(web))) ?? stored;
      expect(web.host.text(HTTPD_CONF)).toBe(CONF);
      expect(web.host.text(copyOf("node10"))).toBeUndefined();
      expectOn(web, "node10");
      expect(await bench.up(moved, inPlace(web))).toBeUndefined();
      await bench.destroy((await bench.up(moved, inPlace(web, { onDestroy: "restore" }))) ?? {});
      untouched(web);
    });
    expect(indices).toBeGreaterThan(10);
  });

  test.each(FAULTS)("in-place → directive: %s", async (_name, side, lasting) => {
    const indices = await everywhereOn(side, lasting, async (web, fault) => {
      const bench = routingBench(web);
      const outs = await bench.create(inPlace(web));
      const stored = (await fault.strike(() => bench.up(outs, inputsFor(web)))) ?? outs;
      web.lookAgain();
      await web.host.close();
      const moved = (await bench.up(stored, inputsFor(web))) ?? stored;
      expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
      expect(web.host.text(HTTPD_CONF)).toContain(`Config "${copyOf("node10")}"`);
      expectOn(web, "node10");
      expect(await bench.up(moved, inputsFor(web))).toBeUndefined();
      await bench.destroy((await bench.up(moved, inputsFor(web, { onDestroy: "restore" }))) ?? {});
      untouched(web);
    });
    expect(indices).toBeGreaterThan(10);
  });

  test.each(DEATHS)("given up half-way, and back to the first way: %s", async (_name, side, lasting) => {
    let pointed = 0;
    const indices = await everywhereOn(side, lasting, async (web, fault) => {
      const bench = routingBench(web);
      const outs = await bench.create(inPlace(web));
      const stored = (await fault.strike(() => bench.up(outs, inputsFor(web)))) ?? outs;
      if (web.host.text(HTTPD_CONF) !== CONF) pointed++;
      web.lookAgain();
      await web.host.close();
      const back = (await bench.up(stored, inPlace(web))) ?? stored;
      expect(web.host.text(HTTPD_CONF)).toBe(CONF);
      expect(web.host.text(copyOf("node10"))).toBeUndefined();
      expectOn(web, "node10");
      expect(await bench.up(back, inPlace(web))).toBeUndefined();
    });
    expect(indices).toBeGreaterThan(10);
    expect(pointed).toBeGreaterThan(3);
  });
});
