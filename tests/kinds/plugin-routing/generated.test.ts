import { copyOf, GENERATED, routingBench, routingInputs, type Stored, WebServerModel } from "./bench.js";
import { APPS, DMGR, INFRA, PUSH, pluginXml } from "./fixtures.js";

jest.setTimeout(30_000);

/** As deployment managers begin a file: the time of generation on its first line. */
const stamped = (text: string, time: string) =>
  text.replace("for the cell Cell01", `for the cell Cell01 generated on ${time} PM CET`);
const FIRST = stamped(pluginXml([APPS, INFRA, DMGR]), "2026.11.23 at 01:00:00");
const SWAPPED = [APPS, INFRA].map((cluster) => ({ ...cluster, primary: cluster.backup, backup: cluster.primary }));
/** The deployment manager itself now makes node10's members primaries. */
const ANEW = stamped(pluginXml([...SWAPPED, DMGR]), "2026.11.23 at 02:00:00");

let web: WebServerModel;
let bench: ReturnType<typeof routingBench>;
let outs: Stored;

const inPlace = (more: Record<string, unknown> = {}) => routingInputs(web, { switchRouting: "in-place", ...more });
const propagate = (text: string) => {
  web.host.put(GENERATED, text);
  web.lookAgain();
};

beforeEach(async () => {
  web = await new WebServerModel().start();
  bench = routingBench(web);
  propagate(FIRST);
  outs = await bench.create(inPlace());
});
afterEach(() => web.stop());

describe("promise 9: a file with our lists that was generated anew is known by the time on its first line", () => {
  test("as generated is what it says now: nothing to put back, and nothing is remembered of the edit", async () => {
    propagate(ANEW);
    expect((await bench.drift(outs)).deviations).toEqual({});
    const back = inPlace({ primaryNode: "as generated" });
    const settled = (await bench.up(outs, back)) ?? {};
    expect(web.host.text(GENERATED)).toBe(ANEW);
    expect(web.host.text(web.host.paths().find((path) => path.includes("/records/")) ?? "")).not.toContain('"inPlace"');
    expect(await bench.up(settled, back)).toBeUndefined();
  });

  test("the way can be changed, and destroy with restore leaves it", async () => {
    propagate(ANEW);
    const moved = (await bench.up(outs, routingInputs(web))) ?? {};
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    expect(await bench.up(moved, routingInputs(web))).toBeUndefined();
    await bench.destroy((await bench.up(moved, routingInputs(web, { onDestroy: "restore" }))) ?? {});
    expect(web.host.text(GENERATED)).toBe(ANEW);
  });

  test("the same time with other content is somebody's edit: refused", async () => {
    propagate((web.host.text(GENERATED) ?? "").replace('LogLevel="Error"', 'LogLevel="Trace"'));
    await expect(bench.up(outs, inPlace({ primaryNode: "as generated" }))).rejects.toThrow(
      /somebody changed it since.*time on its first line/,
    );
  });
});

describe("promise 9: another plug-in file while the first one is edited in place", () => {
  const other = GENERATED.replace("webserver1", "other");

  test("is refused before any write, with the way out; after that nothing of the edit is left", async () => {
    web.host.put(other, FIRST);
    const edited = web.host.text(GENERATED);
    await web.host.close();
    await expect(bench.up(outs, inPlace({ pluginFile: other }))).rejects.toThrow(
      /was edited in place, and pluginFile is another file now.*primaryNode: as generated/,
    );
    await expect(bench.up(outs, routingInputs(web, { pluginFile: other }))).rejects.toThrow(/edited in place/);
    expect(web.host.text(GENERATED)).toBe(edited);
    const back = (await bench.up(outs, inPlace({ primaryNode: "as generated" }))) ?? {};
    expect(web.host.text(GENERATED)).toBe(FIRST);
    // Its directive is to name the other one from now on.
    const moved = (await bench.up(back, inPlace({ pluginFile: other, onUnseenSteps: "go" }))) ?? {};
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    expect(web.host.text(GENERATED)).toBe(FIRST);
    const restoring = inPlace({ pluginFile: other, onUnseenSteps: "go", onDestroy: "restore" });
    await bench.destroy((await bench.up(moved, restoring)) ?? {});
    expect(web.host.text(GENERATED)).toBe(FIRST);
    expect(web.host.text(other)).toBe(FIRST);
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
  });
});

describe("promise 3: the order of primaries has no meaning in place", () => {
  const both = { ...PUSH, primary: ["node10_push", "node1_push"] };
  const nodes = {
    east: ["node1_apps_server1", "node1_infra", "node1_push", "node10_push"],
    west: ["node10_apps_server1", "node10_infra"],
  };

  test("another order is no drift; another member is, on its own", async () => {
    await web.stop();
    web = await new WebServerModel().start();
    bench = routingBench(web);
    const { verify } = inPlace() as { verify: { clusters: object } };
    const clusters = { ...verify.clusters, PushCluster: { probeUrl: "/PushCluster/form" } };
    const inputs = (more: object = {}) =>
      inPlace({ nodes, primaryNode: "east", verify: { ...verify, clusters }, skipClusters: ["AppsCluster"], ...more });
    const infra = { ...INFRA, primary: INFRA.backup ?? [], backup: INFRA.primary ?? [] };
    propagate(pluginXml([APPS, infra, PUSH, DMGR]));
    const state = await bench.create(inputs());
    const ours = web.host.text(GENERATED) ?? "";
    const list = (names: readonly string[]) => names.map((name) => `<Server Name="${name}"/>`).join("\n         ");
    expect(ours).toContain(list(PUSH.primary ?? []));
    propagate(ours.replace(list(PUSH.primary ?? []), list(both.primary)));
    expect((await bench.drift(state)).deviations).toEqual({});
    expect(await bench.up(state, inputs())).toBeUndefined();
    await web.host.close();
    // With a drift beside it, the order is still none.
    web.host.put(
      GENERATED,
      (web.host.text(GENERATED) ?? "")
        .replace(/(<PrimaryServers>\s*<Server Name=")node1_infra/, "$1node10_infra")
        .replace(/(<BackupServers>\s*<Server Name=")node10_infra/, "$1node1_infra"),
    );
    expect(Object.keys((await bench.drift(state)).deviations)).toEqual(["InfraCluster primary"]);
  });
});

test("what is left alone when the way is changed is said in the plan", async () => {
  const directive = await bench.up(outs, routingInputs(web));
  web.host.put(copyOf("node10"), `${web.host.text(copyOf("node10"))}<!-- mine -->`);
  await web.host.close();
  bench.said.length = 0;
  await bench.up(directive ?? {}, inPlace());
  expect(bench.said.join("\n")).toContain(`note: ${copyOf("node10")} stays: somebody changed it since we wrote it`);
});
