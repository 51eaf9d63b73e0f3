import { ReachedWebServer } from "../../../providers/kinds/interim-fixes/web-server.js";
import { controlSchema, verifySchema } from "../../../providers/targets/plugin/schema.js";
import { connection, GENERATED, HTTPD_CONF, ROOT, WebServerModel } from "../plugin-routing/bench.js";

let web: WebServerModel;
const waited: number[] = [];

beforeEach(async () => {
  web = await new WebServerModel().start();
  waited.length = 0;
});
afterEach(() => web.stop());

function inPlace(): ReachedWebServer {
  const settings = {
    name: "webserver1",
    httpdConf: HTTPD_CONF,
    connection,
    serverRoot: ROOT,
    control: controlSchema.parse({}),
    pluginFile: GENERATED,
    verify: verifySchema.parse({
      connectTo: { address: "127.0.0.1", port: web.port },
      publicHost: "connections.example.com",
      samples: 4,
      settleTime: "0ms",
      retryEvery: "1ms",
      clusters: { AppsCluster: { probeUrl: "/AppsCluster/app" } },
    }),
  };
  const pause = async (ms: number) => {
    waited.push(ms);
    await web.load();
  };
  return new ReachedWebServer(settings, web.host, web.host.files, pause, new AbortController().signal);
}

const swapped = { AppsCluster: { primary: ["node10_apps_server1"], backup: ["node1_apps_server1"] } };
const quiet = { settle: "in-place" as const, progress() {} };

test("promise 4: routing in place changes the lists of the file that the plug-in follows, and reloads nothing", async () => {
  const before = web.host.text(GENERATED) ?? "";
  const server = inPlace();
  await server.route(swapped, { by: "in-place" });
  const after = (web.host.text(GENERATED) ?? "").split("\n");
  const changed = before.split("\n").filter((line, index) => line !== after[index]);
  expect(changed.every((line) => /^\s*<Server Name="[^"]*"\/>$/.test(line))).toBe(true);
  expect((await server.look()).lists.AppsCluster).toEqual(swapped.AppsCluster);
  expect(web.calls.filter((call) => call !== "-t")).toEqual([]);
});

test("promise 1: routed so already, nothing is written", async () => {
  const server = inPlace();
  const { lists } = await server.look();
  web.host.written.length = 0;
  await server.route(lists, { by: "in-place" });
  expect(web.host.written).toEqual([]);
});

test("the proof waits until every process has to look at its file again, and then counts CloneIDs", async () => {
  const server = inPlace();
  await server.route(swapped, { by: "in-place" });
  await expect(server.prove({ level: "routed", lists: swapped }, { ...quiet, settle: false })).rejects.toThrow(
    /answered by node1_apps/,
  );
  await server.prove({ level: "routed", lists: swapped }, quiet);
  expect(waited).toEqual([62_000]);
});

test("a hold of another rollout is not taken, nor taken away", async () => {
  const server = inPlace();
  const hold = { by: "anna@desk", rollout: "r1", step: "hold", since: "2026-11-23T01:12:34Z" };
  await server.hold(hold);
  await expect(server.hold({ ...hold, rollout: "r2" })).rejects.toThrow(/held by rollout r1 of anna@desk/);
  await server.release("r2");
  expect((await server.look()).hold).toEqual(hold);
});
