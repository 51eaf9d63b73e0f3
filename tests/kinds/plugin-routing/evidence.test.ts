import { failureOf } from "../../support/failure.js";
import { lineCut } from "../../support/memory-host.js";
import { CONF, copyOf, GENERATED, HTTPD_CONF, routingBench, routingInputs, WebServerModel } from "./bench.js";
import { APPS, DMGR, INFRA, pluginXml } from "./fixtures.js";

jest.setTimeout(30_000);

const AS_GENERATED = pluginXml([APPS, INFRA, DMGR]);

let web: WebServerModel;
let bench: ReturnType<typeof routingBench>;
/** The answer to the next write of this path is lost, once. */
let losesAnswerOf: string | undefined;
/** The process dies once the web server was reloaded. */
let diesAtReload: boolean;
let dead: boolean;

beforeEach(async () => {
  losesAnswerOf = undefined;
  diesAtReload = dead = false;
  web = await new WebServerModel({
    beforeOperation: () => {
      if (dead) throw lineCut("web1");
    },
    afterOperation: ({ name, path }) => {
      dead ||= diesAtReload && name === "jobs.run";
      if (dead) throw lineCut("web1");
      if (name !== "write" || path !== losesAnswerOf) return;
      losesAnswerOf = undefined;
      throw lineCut("web1");
    },
  }).start();
  bench = routingBench(web);
});
afterEach(() => web.stop());

const inPlace = (more: Record<string, unknown> = {}) => routingInputs(web, { switchRouting: "in-place", ...more });
const WAYS = [
  ["directive", () => routingInputs(web)],
  ["in-place", () => inPlace()],
] as const;
const usual = (clone: string) => `JSESSIONID=0000abcdefgh:${clone}`;

describe("promise 3: only what was seen in force is remembered as proven", () => {
  test.each(WAYS)(
    "a proof that failed leaves drift, though there was nothing to put back: %s",
    async (_way, inputs) => {
      const outs = await bench.create(inputs());
      // Somebody touched it after the last reload, and the node's server is down.
      web.host.put(HTTPD_CONF, web.host.text(HTTPD_CONF) ?? "");
      web.down.add("node10_apps_server1");
      const { message, properties } = await failureOf(bench.up(outs, inputs()));
      expect(message).toMatch(/0 of 4 requests on node10/);
      expect(message).not.toContain("every probe is green again");
      await web.host.close();
      expect((await bench.drift(properties)).deviations.proof).toMatch(/no request has proved yet/);
      web.down.clear();
      const healed = await bench.up(properties, inputs());
      expect(await bench.up(healed ?? {}, inputs())).toBeUndefined();
    },
  );

  test.each(WAYS)(
    "what was never loaded before a failed move is not taken for proven after it: %s",
    async (_way, inputs) => {
      web.host.put(HTTPD_CONF, CONF);
      web.down.add("node10_apps_server1");
      const { message, properties } = await failureOf(bench.create(inputs()));
      expect(message).toMatch(/0 of 4 requests on node10/);
      await web.host.close();
      const { kept } = JSON.parse(
        web.host.text(web.host.paths().find((path) => path.includes("/records/")) ?? "") ?? "",
      );
      expect(kept.proven).toBeNull();
      const back = { ...inputs(), primaryNode: "as generated" };
      expect(await bench.up(properties, back)).toBeDefined();
    },
  );

  test("users on other servers than the previous file's are not called green", async () => {
    web.down.add("node1_infra");
    await bench.create(routingInputs(web, { primaryNode: "as generated" }));
    web.down.add("node10_apps_server1");
    const { message } = await failureOf(bench.create());
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
    expect(message).toMatch(
      /still not green: .*0 of 4 requests on primaries of plugin-cfg\.xml; 4 × answered by node10_infra/,
    );
  });
});

describe("promise 20: the outcome of an answer that was lost, and a second check that is refused", () => {
  test("the directive was pointed: it goes back, and nobody says that nothing has been changed", async () => {
    losesAnswerOf = HTTPD_CONF;
    web.failSyntaxTest = () => web.calls.filter((call) => call === "-t").length === 2;
    const { message } = await failureOf(bench.create());
    expect(message).toContain("Syntax error on line 7");
    expect(message).not.toContain("Nothing has been changed");
    expect(message).toContain(`WebSpherePluginConfig names ${GENERATED} again`);
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
    expect(web.host.text(copyOf("node10"))).toBeUndefined();
  });

  test("the generated file was edited: its bytes go back", async () => {
    const { verify } = inPlace() as { verify: object };
    const inputs = inPlace({ verify: { ...verify, accessLog: "/opt/IBM/HTTPServer/logs/access_log" } });
    losesAnswerOf = GENERATED;
    web.cookie = (clone) => {
      web.logsRequests = false;
      return usual(clone);
    };
    const { message } = await failureOf(bench.create(inputs));
    expect(message).toContain("is not in /opt/IBM/HTTPServer/logs/access_log");
    expect(message).not.toContain("Nothing has been changed");
    expect(message).toContain(`${GENERATED} has its previous content again`);
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
  });

  test("the same in the run after one that died: a check that is refused takes back what that one left", async () => {
    const outs = await bench.create();
    diesAtReload = true;
    const { properties } = await failureOf(bench.up(outs, routingInputs(web, { primaryNode: "node1" })));
    diesAtReload = dead = false;
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
    await web.host.close();
    web.calls.length = 0;
    web.failSyntaxTest = () => web.calls.length === 1;
    const { message } = await failureOf(bench.up(properties, routingInputs(web, { primaryNode: "node1" })));
    expect(message).toContain(
      `This check has changed nothing; the unfinished run before it had: WebSpherePluginConfig names ${copyOf("node1")}`,
    );
    expect(message).toContain(`WebSpherePluginConfig names ${copyOf("node10")} again`);
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
  });
});

describe("promise 20: in place, users are proved to be where the plan puts them, not where the file puts them by then", () => {
  const isEdited = () => web.host.text(GENERATED) !== AS_GENERATED;

  test("a propagation overwrites the file while the run waits", async () => {
    web.whileWaiting = () => {
      if (isEdited()) web.host.put(GENERATED, AS_GENERATED);
    };
    const { message, properties } = await failureOf(bench.create(inPlace()));
    expect(message).toMatch(/plugin-cfg\.xml: .*it was changed after the plan was made/);
    expect(bench.said.join("\n")).not.toMatch(/on node10 \(node1_/);
    web.whileWaiting = () => undefined;
    await web.host.close();
    const healed = await bench.up(properties, inPlace());
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    expect(await bench.up(healed ?? {}, inPlace())).toBeUndefined();
  });

  test("a propagation overwrites the file during the proof", async () => {
    web.cookie = (clone) => {
      if (isEdited()) web.host.put(GENERATED, AS_GENERATED);
      return usual(clone);
    };
    const { message } = await failureOf(bench.create(inPlace()));
    expect(message).toMatch(/plugin-cfg\.xml: .*it was changed after the plan was made/);
  });

  test("somebody points the directive elsewhere while the run waits", async () => {
    web.host.put("/opt/IBM/own.xml", AS_GENERATED);
    web.whileWaiting = () =>
      web.host.put(HTTPD_CONF, CONF.replace(`Config "${GENERATED}"`, 'Config "/opt/IBM/own.xml"'));
    const { message } = await failureOf(bench.create(inPlace()));
    expect(message).toMatch(/httpd\.conf: .*it was changed after the plan was made/);
  });

  test("progress says what is waited for, and of a way back that users are on the file's own primaries", async () => {
    web.neverLooks = true;
    let wrong = 0;
    web.cookie = (clone) => {
      if (isEdited() && ++wrong > 8) {
        web.neverLooks = false;
        web.lookAgain();
      }
      return usual(clone);
    };
    const { verify } = inPlace() as { verify: object };
    const outs = await bench.create(inPlace({ onDestroy: "restore", verify: { ...verify, settleTime: "60s" } }));
    const said = bench.said.join("\n");
    expect(said).toContain("waiting for every process to have read the file again");
    expect(said).not.toContain("old processes to end");
    bench.said.length = 0;
    await bench.destroy(outs);
    expect(bench.said.join("\n")).toContain("AppsCluster: 4/4 on primaries of plugin-cfg.xml (node1_apps_server1)");
    expect(bench.said.join("\n")).not.toContain("on node10 (");
  });
});
