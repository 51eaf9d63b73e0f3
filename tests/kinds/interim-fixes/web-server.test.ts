import { openEstate } from "../../../providers/kinds/interim-fixes/open-estate.js";
import type { Way } from "../../../providers/kinds/interim-fixes/switching.js";
import { declaration } from "../../model/driver.js";
import { isDone } from "../../support/fault.js";
import { MemoryCell } from "../../support/memory-cell.js";
import { CONF, GENERATED, HTTPD_CONF, PLUGIN_DIRECTORY, ROOT, WebServerModel } from "../plugin-routing/bench.js";
import { everywhereOn } from "../plugin-routing/faults.js";
import { APPS, DMGR, INFRA, pluginXml } from "../plugin-routing/fixtures.js";
import { reachedWebServer, webServerSettings } from "./reached.js";

const AS_GENERATED = pluginXml([APPS, INFRA, DMGR]);

let web: WebServerModel;
const waited: number[] = [];

beforeEach(async () => {
  web = await new WebServerModel().start();
  waited.length = 0;
});
afterEach(() => web.stop());

const reached = (model = web, verify: object = {}) => reachedWebServer(model, verify, waited);

const swapped = { AppsCluster: { primary: ["node10_apps_server1"], backup: ["node1_apps_server1"] } };
const found = {
  ...{ AppsCluster: { primary: ["node1_apps_server1"], backup: ["node10_apps_server1"] } },
  InfraCluster: { primary: ["node1_infra"], backup: ["node10_infra"] },
};
const IN_PLACE: Way = { by: "in-place" };
const COPY = `${PLUGIN_DIRECTORY}/plugin-cfg-rollout-webserver1-without-node1.xml`;
const FOUND = { path: GENERATED, value: GENERATED };
const THERE: Way = { by: "directive", follow: COPY, found: FOUND };
const BACK: Way = { by: "directive", follow: GENERATED, found: FOUND };
const quiet = { settle: "in-place" as const, progress() {} };
const reloads = () => web.calls.filter((call) => call !== "-t");

describe("in place", () => {
  test("promise 4: routing changes the lists of the file that the plug-in follows, and reloads nothing", async () => {
    const server = reached();
    await server.route(swapped, IN_PLACE);
    const after = (web.host.text(GENERATED) ?? "").split("\n");
    const changed = AS_GENERATED.split("\n").filter((line, index) => line !== after[index]);
    expect(changed.every((line) => /^\s*<Server Name="[^"]*"\/>$/.test(line))).toBe(true);
    expect((await server.look()).lists.AppsCluster).toEqual(swapped.AppsCluster);
    expect(reloads()).toEqual([]);
  });

  test("a cluster whose lists stay as they are is not written: another cell's may have backups alone", async () => {
    const other = {
      ...INFRA,
      name: "OtherCellCluster",
      members: { elsewhere_1: "e1" },
      primary: [],
      backup: ["elsewhere_1"],
    };
    web.host.put(GENERATED, pluginXml([APPS, INFRA, other]));
    await web.load();
    const server = reached();
    const { lists } = await server.look();
    expect(lists.OtherCellCluster).toEqual({ primary: [], backup: ["elsewhere_1"] });
    await server.route({ ...lists, ...swapped }, IN_PLACE);
    expect((await server.look()).lists).toEqual({ ...lists, ...swapped });
    await server.route(lists, THERE);
    expect(await server.look()).toMatchObject({ lists, path: COPY });
  });

  test("promise 1: routed so already, nothing is written", async () => {
    const server = reached();
    const { lists } = await server.look();
    web.host.written.length = 0;
    await server.route(lists, IN_PLACE);
    expect(web.host.written).toEqual([]);
  });

  test("the proof waits until every process has to look at its file again, and then counts CloneIDs", async () => {
    const server = reached();
    await server.route(swapped, IN_PLACE);
    await expect(server.prove({ level: "routed", lists: swapped }, { ...quiet, settle: false })).rejects.toThrow(
      /answered by node1_apps/,
    );
    await server.prove({ level: "routed", lists: swapped }, quiet);
    expect(waited).toEqual([62_000]);
  });
});

test("ports that its plug-in forwards to, of these servers in these clusters", async () => {
  const ports = await reached().portsOf(["node1_apps_server1", "node1_infra"], ["InfraCluster"]);
  const text = web.host.text(GENERATED) ?? "";
  const [, own = ""] = /<Server [^>]*Name="node1_apps_server1"[^>]*>([\s\S]*?)<\/Server>/.exec(text) ?? [];
  const expected = [...own.matchAll(/Port="(\d+)"/g)].map(([, port]) => Number(port));
  expect(expected.length).toBeGreaterThan(0);
  expect(ports).toEqual(expected);
});

describe("by directive", () => {
  test("a copy with other lists, the directive to it, a reload; the generated file stays", async () => {
    const server = reached();
    await server.route(swapped, THERE);
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
    expect(web.host.text(HTTPD_CONF)).toBe(CONF.replace(`Config "${GENERATED}"`, `Config "${COPY}"`));
    expect(reloads()).toEqual(["graceful"]);
    await server.prove({ level: "routed", lists: swapped }, { ...quiet, settle: "directive" });
    expect(waited).toEqual([]);
    expect(await server.look()).toMatchObject({ path: COPY, value: COPY, lists: swapped });
  });

  test("promise 1: done twice, nothing is written or reloaded", async () => {
    const server = reached();
    await server.route(swapped, THERE);
    web.host.written.length = 0;
    await server.route(swapped, THERE);
    expect(web.host.written).toEqual([]);
    expect(reloads()).toEqual(["graceful"]);
  });

  test("lists that the found file has anyway need neither copy nor reload", async () => {
    await reached().route(found, THERE);
    expect(reloads()).toEqual([]);
    expect(web.host.text(COPY)).toBeUndefined();
  });

  test("promise 9: back, byte for byte, and only copies of this web server's rollouts are removed", async () => {
    const theirs = COPY.replace("webserver1", "webserver10");
    web.host.put(theirs, AS_GENERATED);
    const server = reached();
    await server.route(swapped, THERE);
    await server.removeCopies();
    expect(web.host.text(COPY)).toBeDefined();
    await server.route(found, BACK);
    await server.removeCopies();
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
    expect(web.host.paths().filter((path) => path.includes("rollout"))).toEqual([theirs]);
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
  });

  test("a file that was propagated meanwhile gets the lists back that it was found with", async () => {
    const ours = pluginXml([{ ...APPS, primary: APPS.backup, backup: APPS.primary }, INFRA, DMGR]);
    web.host.put(GENERATED, ours);
    await web.load();
    const server = reached();
    const { lists } = await server.look();
    await server.route(found, { ...THERE, follow: COPY });
    web.host.put(GENERATED, AS_GENERATED);
    await server.route(lists, BACK);
    expect((await server.look()).lists).toEqual(lists);
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
  });

  test("a file that somebody pointed the directive at is gone back to, and never written", async () => {
    const own = "/opt/IBM/own.xml";
    web.host.put(own, AS_GENERATED);
    await reached().route(swapped, { ...THERE, follow: own });
    expect(web.host.text(own)).toBe(AS_GENERATED);
    expect((await web.directive()).path).toBe(own);
  });

  test("a newly generated file is loaded by a reload, which asks for no interval", async () => {
    const server = reached();
    const fresh = AS_GENERATED.replace('RefreshInterval="60"', 'RefreshInterval="-1"');
    expect(await server.replace(Buffer.from(fresh), found, "directive")).toBe(true);
    expect(reloads()).toEqual(["graceful"]);
  });

  test("promise 6: of a run that died before that reload, the next one finds it, and reloads once", async () => {
    const server = reached();
    const fresh = Buffer.from(AS_GENERATED.replace('RefreshInterval="60"', 'RefreshInterval="-1"'));
    web.host.put(GENERATED, fresh.toString());
    expect(await server.replace(fresh, found, "directive")).toBe(false);
    expect(reloads()).toEqual(["graceful"]);
    expect(await server.replace(fresh, found, "directive")).toBe(false);
    expect(reloads()).toEqual(["graceful"]);
  });

  test.each([
    ["before", true],
    ["after", true],
    ["before", false],
    ["after", false],
  ] as const)(
    "promise 6: ended %s any change (for good: %s), the next run moves users and proves it",
    async (side, lasting) => {
      const settled = async (model: WebServerModel) => {
        const server = reached(model);
        await server.route(swapped, THERE);
        await server.prove({ level: "routed", lists: swapped }, { ...quiet, settle: "directive" });
        await server.route(found, BACK);
        await server.prove({ level: "routed", lists: found }, { ...quiet, settle: "directive" });
        await server.removeCopies();
        expect(model.host.text(HTTPD_CONF)).toBe(CONF);
        expect(model.host.text(COPY)).toBeUndefined();
      };
      for (const way of [THERE, BACK]) {
        const indices = await everywhereOn(side, lasting, async (model, fault) => {
          if (way === BACK) await reached(model).route(swapped, THERE);
          await isDone(fault.during(() => reached(model).route(way === THERE ? swapped : found, way)));
          await settled(model);
        });
        expect(indices).toBeGreaterThan(2);
      }
    },
  );
});

describe("whether it is routed so already is asked without a write or a reload", () => {
  const asked = async (lists: typeof swapped, way: Way) => {
    web.host.written.length = 0;
    const before = reloads().length;
    const answer = await reached().isRouted(lists, way);
    expect([web.host.written, reloads().length]).toEqual([[], before]);
    return answer;
  };

  test("in place: the lists of the file that is followed", async () => {
    expect(await asked(swapped, IN_PLACE)).toBe(false);
    await reached().route(swapped, IN_PLACE);
    expect(await asked(swapped, IN_PLACE)).toBe(true);
  });

  test("by directive: the copy, the directive and what was loaded", async () => {
    expect(await asked(swapped, THERE)).toBe(false);
    await reached().route(swapped, THERE);
    expect(await asked(swapped, THERE)).toBe(true);
    // Somebody writes the same again: nothing to write, yet what runs is older than the file.
    web.host.put(COPY, web.host.text(COPY) ?? "");
    expect(await asked(swapped, THERE)).toBe(false);
    await reached().route(swapped, THERE);
    expect(await asked(swapped, THERE)).toBe(true);
    web.host.put(HTTPD_CONF, CONF);
    await web.load();
    expect(await asked(swapped, THERE)).toBe(false);
  });
});

describe("promise 10: a connection that is lost leaves no node half stopped", () => {
  const NOW = { settle: false as const, progress() {} };

  test.each([
    ["routed", { level: "routed", lists: found }],
    ["answering", { level: "answering", clusters: [] }],
  ] as const)("%s: what got no answer is asked again", async (_, proof) => {
    web.losesConnection = (request) => request === 2;
    await reached().prove(proof, NOW);
    expect(web.requests).toBe(8);
  });

  test("a line that comes late into the access log too", async () => {
    const proof = { accessLog: `${ROOT}/logs/access_log` };
    const server = reached(web, { clusters: { AppsCluster: { probeUrl: "/AppsCluster/app", proof } } });
    web.losesConnection = (request) => {
      web.logsRequests = request > 4;
      return false;
    };
    await server.prove({ level: "routed", lists: found }, NOW);
    expect(web.requests).toBe(8);
  });

  test.each([
    ["an answer of one that must not serve", 200, swapped, /answered by node1_apps_server1/],
    ["an error", 503, found, /status 503/],
  ])("%s counts at once, beside a lost connection", async (_, status, lists, message) => {
    web.status = status;
    web.losesConnection = (request) => request === 2;
    await expect(reached().prove({ level: "routed", lists }, NOW)).rejects.toThrow(message);
    expect(web.requests).toBe(4);
  });

  test("one that does not come back is a red proof", async () => {
    web.losesConnection = () => true;
    await expect(reached().prove({ level: "routed", lists: found }, NOW)).rejects.toThrow(/0 of 4 requests/);
    expect(web.requests).toBeGreaterThan(4);
  });
});

test("promise 10: a cluster whose servers are all a lost node's is not asked, for nobody is left to answer; any other is", async () => {
  const clusters = { AppsCluster: { probeUrl: "/AppsCluster/app" }, InfraCluster: { probeUrl: "/InfraCluster/app" } };
  const asked = async (gone: readonly string[]) => {
    web.requests = 0;
    const { identity, settings } = declaration(new MemoryCell(2), {
      webServers: [webServerSettings(web, { clusters })],
      topology: { nodes: { node1: ["node10_apps_server1"], node2: gone } },
      lost: { node2: "burnt down" },
    });
    const access = { host: () => web.host, files: () => web.host.files };
    const server = openEstate({ identity, settings }, access).webServer("webserver1");
    await server.prove({ level: "answering", clusters: Object.keys(clusters) }, { settle: false, progress() {} });
    return web.requests;
  };
  expect(await asked(["node2_apps_server1"])).toBe(8);
  expect(await asked(["node1_apps_server1"])).toBe(8);
  expect(await asked(["node1_infra", "node10_infra"])).toBe(4);
});

describe("promise 13: a web server is proved on its own address", () => {
  const verify = { accessLog: `${ROOT}/logs/access_log` };

  test("requests that its access log does not show are another one's, and prove nothing", async () => {
    await reached(web, verify).prove({ level: "answering", clusters: [] }, { settle: false, progress() {} });
    web.logsRequests = false;
    await expect(
      reached(web, verify).prove({ level: "answering", clusters: [] }, { settle: false, progress() {} }),
    ).rejects.toThrow(/was answered, but is not in .*access_log on web1/);
  });
});

test.each([
  ["Worker", "worker"],
  ["event", "event"],
  ["winnt", "unknown"],
])("httpd's processing module: %s", async (says, mpm) => {
  web.mpm = says;
  expect(await reached().mpm()).toBe(mpm);
});

test("a hold of another rollout is not taken, nor taken away", async () => {
  const server = reached();
  const hold = { by: "anna@desk", rollout: "r1", step: "hold", since: "2026-11-23T01:12:34Z" };
  await server.hold(hold);
  await expect(server.hold({ ...hold, rollout: "r2" })).rejects.toThrow(/held by rollout r1 of anna@desk/);
  await server.release("r2");
  await server.note({ rollout: "r2", step: "drain", owner: "shop/test/fixes" });
  expect((await server.look()).hold).toEqual({ ...hold, file: expect.stringMatching(/holds\/\w+\.json on web1$/) });
  // Whose record it is by now, after a stack has taken it over.
  const note = { rollout: "r1", step: "drain", owner: "shop/prod/fixes" };
  await server.note(note);
  expect((await server.look()).hold).toEqual({
    ...hold,
    ...note,
    file: expect.stringMatching(/holds\/\w+\.json on web1$/),
  });
});

test("promise 10: a proof without a single request is none", async () => {
  const server = reached(web, { clusters: { AppsClutser: { probeUrl: "/" } } });
  await expect(server.prove({ level: "answering", clusters: [] }, { settle: false, progress() {} })).rejects.toThrow(
    "no cluster of its plug-in file has a probe",
  );
});
