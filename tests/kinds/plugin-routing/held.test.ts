import { removeHold, writeHold } from "../../../providers/targets/plugin/hold.js";
import { CONF, copyOf, GENERATED, HTTPD_CONF, routingBench, routingInputs, WebServerModel } from "./bench.js";

const HOLD = {
  owner: "shop/prod/fixes",
  by: "anna@desk",
  rollout: "20261123T011234Z",
  step: "hold the routing",
  since: "2026-11-23T01:12:34Z",
};

let web: WebServerModel;

beforeEach(async () => {
  web = await new WebServerModel().start();
});
afterEach(async () => {
  expect(web.calls.filter((call) => call !== "-t")).toEqual([]);
  await web.stop();
});

const hold = () => writeHold(web.host, HTTPD_CONF, HOLD);

describe("routing held by an unfinished rollout", () => {
  test("a create adopts what is there, plans no step and says by whom it is held", async () => {
    await hold();
    const bench = routingBench(web);
    await bench.create();
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
    expect(web.host.text(copyOf("node10"))).toBeUndefined();
    expect(bench.said.join("\n")).toMatch(
      /held by an unfinished rollout, step "hold the routing" \(rollout 20261123T011234Z of shop\/prod\/fixes, by anna@desk, since 2026/,
    );
  });

  test("a changed primaryNode waits: the update writes nothing and does not fail", async () => {
    const bench = routingBench(web);
    const asGenerated = routingInputs(web, { primaryNode: "as generated" });
    const stored = await bench.create(asGenerated);
    await hold();
    await bench.up(stored, routingInputs(web, { primaryNode: "node10" }));
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
    expect(web.host.text(copyOf("node10"))).toBeUndefined();
  });

  test("what the rollout routes is no drift", async () => {
    const bench = routingBench(web);
    const stored = await bench.create(routingInputs(web, { primaryNode: "as generated" }));
    await hold();
    web.host.put(GENERATED, `${web.host.text(GENERATED)}<!-- routed -->`);
    expect(await bench.drift(stored)).toMatchObject({ primaryNode: "as generated", deviations: {} });
  });

  test("a destroy that has to restore is refused, and forgets nothing", async () => {
    const bench = routingBench(web);
    const inputs = routingInputs(web, { primaryNode: "as generated", onDestroy: "restore" });
    const stored = await bench.create(inputs);
    await hold();
    await expect(bench.destroy(stored)).rejects.toThrow(/held by an unfinished rollout/);
    await removeHold(web.host, HTTPD_CONF, HOLD.rollout);
    await bench.destroy(stored);
  });

  test("only its own rollout takes a hold away, and another one cannot have it", async () => {
    await hold();
    await removeHold(web.host, HTTPD_CONF, "another");
    await expect(writeHold(web.host, HTTPD_CONF, { ...HOLD, rollout: "another" })).rejects.toThrow(
      /held by rollout 2026\S+ of shop\/prod\/fixes, .* status --stack prod, in the project shop\..* grep -l 20261123T011234Z records\/\*.* anna@desk, .* remove \/state\/holds\/\w+\.json on web1 /s,
    );
  });

  test("promise 12: one that nobody knows any more is shown with its file, and what waited for it can be done without it", async () => {
    await hold();
    const bench = routingBench(web);
    const stored = await bench.create(routingInputs(web, { primaryNode: "as generated", onDestroy: "restore" }));
    await expect(bench.destroy(stored)).rejects.toThrow(/remove \/state\/holds\/\w+\.json on web1 /);
    const [, file = ""] = /its file is (\S+) on web1\)/.exec(bench.said.join("\n")) ?? [];
    await web.host.files.remove(file, { expected: "any" });
    await bench.destroy(stored);
  });

  test("a file that is no hold stops everything: whose it is cannot be told", async () => {
    await hold();
    const [file = ""] = web.host.paths().filter((path) => path.startsWith("/state/holds/"));
    web.host.put(file, "nonsense");
    await expect(routingBench(web).create()).rejects.toThrow(/not a hold on routing/);
  });
});
