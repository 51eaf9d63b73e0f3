import { isCutOff } from "../../../providers/formats/plugin-changes.js";
import type { Lists } from "../../../providers/kinds/interim-fixes/live.js";
import { GENERATED, PLUGIN_DIRECTORY, WebServerModel } from "../plugin-routing/bench.js";
import { APPS, DMGR, INFRA, pluginXml } from "../plugin-routing/fixtures.js";
import { reachedWebServer } from "./reached.js";

const FOUND: Lists = {
  AppsCluster: { primary: ["node1_apps_server1"], backup: ["node10_apps_server1"] },
  InfraCluster: { primary: ["node1_infra"], backup: ["node10_infra"] },
};
const COPY = `${PLUGIN_DIRECTORY}/plugin-cfg-primary-node1.xml`;
const AS_FOUND = pluginXml([APPS, INFRA, DMGR]);
/** Other paths, by a cluster more. */
const MORE = pluginXml([APPS, INFRA, { ...INFRA, name: "NewCluster" }, DMGR]);

let web: WebServerModel;
beforeEach(async () => {
  web = await new WebServerModel().start();
});
afterEach(() => web.stop());

/** As the deployment manager writes it: the time of generation on the first line is new each time. */
const at = (time: string, text: string) =>
  text.replace("cell Cell01", `cell Cell01 generated on 2026.11.23 at ${time} AM UTC`);

const quiet = { settle: false as const, progress() {} };

describe("what users would not reach any more is known before a generated file is put in place", () => {
  test("of the file that is followed, by everything it has", async () => {
    const less = pluginXml([INFRA, DMGR]).replace('Name="/InfraCluster/*"', 'Name="/InfraCluster/a/*"');
    expect(await reachedWebServer(web).losses(Buffer.from(less))).toEqual([
      "ServerCluster AppsCluster (/AppsCluster/*)",
      "Uri /InfraCluster/* of InfraCluster",
    ]);
    expect(await reachedWebServer(web).losses(Buffer.from(MORE))).toEqual([]);
  });

  test.each([
    ["its definition gone", [INFRA, DMGR], ["AppsCluster"]],
    ["every Route to it gone", [{ ...APPS, routed: false as const }, INFRA, DMGR], ["AppsCluster"]],
    ["one path of it gone, and another there", [APPS, INFRA, DMGR], []],
  ])(
    "a cluster that nobody would reach any more is told from one that loses a path: %s",
    async (_, clusters, cutOff) => {
      const less = pluginXml(clusters).replace('Name="/InfraCluster/*"', 'Name="/InfraCluster/a/*"');
      const lost = await reachedWebServer(web).losses(Buffer.from(less));
      expect(lost).toContain("Uri /InfraCluster/* of InfraCluster");
      expect(Object.keys(FOUND).filter((cluster) => isCutOff(lost, cluster))).toEqual(cutOff);
    },
  );

  test("the other way round, what a file that stays has not of the generated one: of a stale one, not of one with a log level set by hand", async () => {
    const server = reachedWebServer(web);
    expect(await server.isAsGenerated(Buffer.from(MORE))).toBe(false);
    expect(await server.lacks(Buffer.from(MORE))).toEqual(["ServerCluster NewCluster (/NewCluster/*)"]);
    web.host.put(GENERATED, MORE.replace('"Error"', '"Trace"'));
    expect(await server.isAsGenerated(Buffer.from(MORE))).toBe(false);
    expect(await server.lacks(Buffer.from(MORE))).toEqual([]);
  });

  test("on the way back, what came after the beginning is none", async () => {
    const server = reachedWebServer(web);
    const { sha256: found } = await server.putAside();
    web.host.put(GENERATED, MORE);
    expect(await server.losses(Buffer.from(AS_FOUND))).not.toEqual([]);
    expect(await server.losses(Buffer.from(AS_FOUND), { found })).toEqual([]);
    expect(await server.losses(Buffer.from(pluginXml([APPS])), { found })).toEqual([
      expect.stringContaining("InfraCluster"),
      expect.stringContaining("dmgr_CellCluster"),
    ]);
  });
});

describe("promise 10: a proof asks for each cluster that was routed when the rollout began", () => {
  test.each([
    ["routed", { level: "routed", lists: FOUND }],
    ["answering", { level: "answering", clusters: Object.keys(FOUND) }],
  ] as const)("%s: one that is gone from the file, or that no Route leads to any more", async (_, proof) => {
    const server = reachedWebServer(web, { clusters: { InfraCluster: { probeUrl: "/InfraCluster/x" } } });
    await server.prove(proof, quiet);
    for (const less of [
      [INFRA, DMGR],
      [{ ...APPS, routed: false as const }, INFRA, DMGR],
    ]) {
      web.host.put(GENERATED, pluginXml(less));
      await web.load();
      await expect(server.prove(proof, quiet)).rejects.toThrow(/no Route leads to AppsCluster/);
    }
  });
});

describe("promise 1: generated again with nothing but another time, a file is put in place nowhere", () => {
  test("nor is anything reloaded, in place or by directive, beside a copy either", async () => {
    web.host.put(COPY, at("01:00:00", AS_FOUND));
    web.host.put(GENERATED, at("01:00:00", AS_FOUND));
    await point(COPY);
    const server = reachedWebServer(web);
    const again = Buffer.from(at("02:00:00", AS_FOUND));
    for (const by of ["in-place", "directive"] as const) {
      expect(await server.replace(again, FOUND, by)).toBe(false);
      expect([COPY, GENERATED].map((path) => web.host.text(path))).toEqual([
        at("01:00:00", AS_FOUND),
        at("01:00:00", AS_FOUND),
      ]);
    }
    expect(web.calls).toEqual([]);
    expect(await server.replace(Buffer.from(at("02:00:00", MORE)), FOUND, "directive")).toBe(true);
    expect([COPY, GENERATED].map((path) => web.host.text(path))).toEqual([at("02:00:00", MORE), at("02:00:00", MORE)]);
  });
});

describe("promise 4: what was put aside goes back", () => {
  test("in place: byte for byte, and not a second time", async () => {
    const server = reachedWebServer(web);
    const before = await server.putAside();
    expect(await server.replace(Buffer.from(MORE), FOUND, "in-place")).toBe(true);
    expect(web.host.text(GENERATED)).toBe(MORE);
    expect(await server.putBack(before, FOUND, "in-place")).toBe(true);
    expect(web.host.text(GENERATED)).toBe(AS_FOUND);
    expect(await server.putBack(before, FOUND, "in-place")).toBe(false);
    expect(web.calls).toEqual([]);
  });

  test("with a copy that is followed, and the generated file beside it", async () => {
    web.host.put(COPY, AS_FOUND);
    await point(COPY);
    const server = reachedWebServer(web);
    const before = await server.putAside();
    expect(before).toMatchObject({ path: COPY, generated: expect.any(String) });
    await server.replace(Buffer.from(MORE), FOUND, "directive");
    expect([web.host.text(COPY), web.host.text(GENERATED)]).toEqual([MORE, MORE]);
    expect(await server.putBack(before, FOUND, "directive")).toBe(true);
    expect([web.host.text(COPY), web.host.text(GENERATED)]).toEqual([AS_FOUND, AS_FOUND]);
    expect(web.calls.filter((call) => call === "graceful")).toHaveLength(2);
  });

  test("by directive: a web server that ended with the new file is started with the old one", async () => {
    const server = reachedWebServer(web);
    const before = await server.putAside();
    await server.replace(Buffer.from(MORE), FOUND, "directive");
    web.die();
    await server.putBack(before, FOUND, "directive");
    expect(web.calls.at(-1)).toBe("start");
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
  });
});

describe("what somebody changed since a file was seen, its lists aside", () => {
  const SWAPPED = { ...FOUND, AppsCluster: { primary: ["node10_apps_server1"], backup: ["node1_apps_server1"] } };
  const ROLLOUT = `${PLUGIN_DIRECTORY}/plugin-cfg-rollout-webserver1-without-node1.xml`;
  const other = (text: string) => text.replace('CloneID="1abc0010"', 'CloneID="1abc9999"');
  const CLONE = [{ what: "Server node10_apps_server1 of AppsCluster", how: "other", routing: true }];
  const asSeen = async (server: ReturnType<typeof reachedWebServer>) =>
    Object.fromEntries((await server.alterations({}, GENERATED)).map(({ path, sha256 }) => [path, sha256]));

  test("in place: routing is none; a CloneID, and a log level that touches no routing", async () => {
    const server = reachedWebServer(web);
    const seen = await asSeen(server);
    await server.route(SWAPPED, { by: "in-place" });
    expect(await server.alterations(seen, GENERATED)).toEqual([]);
    const routed = web.host.text(GENERATED) ?? "";
    web.host.put(GENERATED, other(routed));
    expect(await server.alterations(seen, GENERATED)).toMatchObject([
      { path: GENERATED, before: seen[GENERATED], changes: CLONE },
    ]);
    web.host.put(GENERATED, routed.replace('"Error"', '"Trace"'));
    const [log] = await server.alterations(seen, GENERATED);
    expect(log?.changes).toEqual([{ what: expect.stringMatching(/^Log /), how: "other", routing: false }]);
    expect(await server.alterations({ [GENERATED]: log?.sha256 ?? "" }, GENERATED)).toEqual([]);
  });

  test("by directive: the copy that is followed, and the file that the next copy is made of", async () => {
    const server = reachedWebServer(web);
    const seen = await asSeen(server);
    const found = { path: GENERATED, value: GENERATED };
    await server.route(SWAPPED, { by: "directive", follow: ROLLOUT, found });
    // As the file that it was made of, and from now on as it is.
    const [copy, ...none] = await server.alterations(seen, GENERATED);
    expect([copy, none]).toEqual([{ path: ROLLOUT, sha256: expect.any(String), changes: [] }, []]);
    const goesOn = { ...seen, [ROLLOUT]: copy?.sha256 ?? "" };
    expect(await server.alterations(goesOn, GENERATED)).toEqual([]);
    for (const path of [ROLLOUT, GENERATED]) {
      const text = web.host.text(path) ?? "";
      web.host.put(path, other(text));
      expect(await server.alterations(goesOn, GENERATED)).toMatchObject([{ path, changes: CLONE }]);
      web.host.put(path, text);
    }
  });

  test.each([
    ["", true],
    [", that nobody looked at before", false],
  ])(
    "by directive: what was taken for meant in that file is none in the copy%s, before it is made of it anew and after",
    async (_, isSeen) => {
      const server = reachedWebServer(web);
      const found = { path: GENERATED, value: GENERATED };
      const before = await asSeen(server);
      await server.route(SWAPPED, { by: "directive", follow: ROLLOUT, found });
      const seen = isSeen ? await asSeen(server) : before;
      web.host.put(GENERATED, other(AS_FOUND));
      const altered = await server.alterations(seen, GENERATED);
      expect(altered.filter((each) => each.before !== undefined)).toMatchObject([{ path: GENERATED, changes: CLONE }]);
      const goesOn = { ...seen, ...Object.fromEntries(altered.map(({ path, sha256 }) => [path, sha256])) };
      expect(await server.alterations(goesOn, GENERATED)).toEqual([]);
      await server.route(SWAPPED, { by: "directive", follow: ROLLOUT, found });
      expect(web.host.text(ROLLOUT)).toContain("1abc9999");
      const anew = await server.alterations(goesOn, GENERATED);
      expect(anew).toEqual([{ path: ROLLOUT, sha256: expect.any(String), changes: [] }]);
    },
  );

  test("what a file has more than is generated now, in one that is not followed, too", async () => {
    const server = reachedWebServer(web);
    web.host.put(COPY, MORE);
    expect(await server.losses(Buffer.from(MORE), { path: COPY })).toEqual([]);
    expect(await server.losses(Buffer.from(AS_FOUND), { path: COPY })).toEqual([
      "ServerCluster NewCluster (/NewCluster/*)",
    ]);
  });
});

async function point(path: string): Promise<void> {
  const { file, value } = await web.directive();
  web.host.put(file, (web.host.text(file) ?? "").replace(`Config "${value}"`, `Config "${path}"`));
  await web.load();
  web.calls.length = 0;
}
