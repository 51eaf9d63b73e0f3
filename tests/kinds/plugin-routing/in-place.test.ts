import { ProblemError } from "../../../providers/common/problem.js";
import { failureOf } from "../../support/failure.js";
import {
  CONF,
  copyOf,
  GENERATED,
  HTTPD_CONF,
  routingBench,
  routingInputs,
  SECOND_CONF,
  type Stored,
  secondInputs,
  WebServerModel,
  withCluster,
} from "./bench.js";
import { APPS, DMGR, INFRA, pluginXml } from "./fixtures.js";

jest.setTimeout(30_000);

const AS_GENERATED = pluginXml([APPS, INFRA, DMGR]);

let web: WebServerModel;
let bench: ReturnType<typeof routingBench>;

/** The generated file cannot be written, e.g. since its file system is full. */
let full: boolean;

beforeEach(async () => {
  full = false;
  web = await new WebServerModel({
    beforeOperation: ({ name, path }) => {
      if (full && name === "write" && path === GENERATED) {
        throw new ProblemError("permission", { where: GENERATED, found: "no space left" });
      }
    },
  }).start();
  bench = routingBench(web);
});
afterEach(() => web.stop());

const inPlace = (more: Record<string, unknown> = {}) => routingInputs(web, { switchRouting: "in-place", ...more });
const managed = () => web.host.written.filter((line) => !line.includes("/state"));
/** As a propagation does it: the whole file, as it was generated, or with something else in it. */
const propagate = (text = AS_GENERATED) => {
  web.host.put(GENERATED, text);
  web.lookAgain();
};
const edit = (from: string, to: string) => {
  const text = web.host.text(GENERATED) ?? "";
  expect(text).toContain(from);
  web.host.put(GENERATED, text.replace(from, to));
};

describe("routing in place", () => {
  test("promise 4: moves users by the lists of the generated file alone; nothing is reloaded, no copy is made", async () => {
    const outs = await bench.create(inPlace());
    expect(managed()).toEqual([`write ${GENERATED}`]);
    expect(web.calls).toEqual([]);
    expect(web.waited).toEqual([62_000]);
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    expect(web.primaries("InfraCluster")).toEqual(["node10_infra"]);
    const after = (web.host.text(GENERATED) ?? "").split("\n");
    const changed = AS_GENERATED.split("\n").filter((line, index) => line !== after[index]);
    expect(changed.every((line) => /^\s*<Server Name="[^"]*"\/>$/.test(line))).toBe(true);
    expect(await bench.up(outs, inPlace())).toBeUndefined();
  });

  test("says what it does, step by step", async () => {
    await bench.create(inPlace());
    expect(bench.said.map((line) => line.replace(/\d+\.\d s/, "N s"))).toMatchSnapshot();
  });

  test("promise 9: as generated puts every byte back, waits and proves; nothing is reloaded", async () => {
    const outs = await bench.create(inPlace());
    const back = inPlace({ primaryNode: "as generated" });
    const again = await bench.up(outs, back);
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
    expect(web.calls).toEqual([]);
    expect(await bench.up(again ?? {}, back)).toBeUndefined();
  });

  test("there, to another node and back: the file is as generated, byte for byte", async () => {
    const outs = await bench.create(inPlace());
    const there = await bench.up(outs, inPlace({ primaryNode: "node1" }));
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
    await bench.up(there ?? {}, inPlace());
    await bench.destroy((await bench.up(outs, inPlace({ onDestroy: "restore" }))) ?? {});
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
  });

  test.each([
    ["-1", /RefreshInterval is -1: the plug-in never reads its file again/],
    ["601", /RefreshInterval is 601 s.*0 s to 10m/],
  ])("RefreshInterval %s is refused before the first write", async (interval, message) => {
    web.host.put(GENERATED, AS_GENERATED.replace('RefreshInterval="60"', `RefreshInterval="${interval}"`));
    await web.load();
    await expect(bench.create(inPlace())).rejects.toThrow(message);
    expect(managed()).toEqual([]);
    // A reload does not ask for it.
    await bench.create();
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
  });

  test("a limit of one's own", async () => {
    await expect(bench.create(inPlace({ refreshLimit: "30s" }))).rejects.toThrow(/0 s to 30s/);
  });

  test("a directive's file that was edited since the last reload is loaded first: what runs may follow another file", async () => {
    web.host.put(HTTPD_CONF, CONF);
    const outs = await bench.create(inPlace());
    expect(web.calls.filter((call) => call !== "-t")).toEqual(["graceful"]);
    expect(await bench.up(outs, inPlace())).toBeUndefined();
  });
});

describe("promise 3: drift in place", () => {
  let outs: Stored;
  beforeEach(async () => {
    outs = await bench.create(inPlace());
  });
  const heals = async () => {
    const healed = await bench.up(outs, inPlace());
    expect(healed).toBeDefined();
    expect((await bench.drift(healed ?? {})).deviations).toEqual({});
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    expect(await bench.up(healed ?? {}, inPlace())).toBeUndefined();
  };

  test("a propagation shows as that, one line per cluster", async () => {
    propagate();
    expect(await bench.drift(outs)).toMatchObject({
      primaryNode: "node10",
      deviations: {
        "AppsCluster primary":
          "node1_apps_server1, as plugin-cfg.xml was generated again by a propagation; declared node10_apps_server1",
        "InfraCluster primary":
          "node1_infra, as plugin-cfg.xml was generated again by a propagation; declared node10_infra",
      },
    });
    await heals();
  });

  test("so does one that brings something else too, and going back then goes to that", async () => {
    const anew = AS_GENERATED.replace('LogLevel="Error"', 'LogLevel="Trace"');
    propagate(anew);
    expect(Object.values((await bench.drift(outs)).deviations)).toEqual([
      expect.stringContaining("generated again by a propagation"),
      expect.stringContaining("generated again by a propagation"),
    ]);
    await heals();
    await bench.up(outs, inPlace({ primaryNode: "as generated" }));
    expect(web.host.text(GENERATED)).toBe(anew);
  });

  test("a cluster that somebody moved by hand shows as that; healed, the way back is still byte for byte", async () => {
    edit(
      '<PrimaryServers>\n         <Server Name="node10_infra"/>',
      '<PrimaryServers>\n         <Server Name="node1_infra"/>',
    );
    edit(
      '<BackupServers>\n         <Server Name="node1_infra"/>',
      '<BackupServers>\n         <Server Name="node10_infra"/>',
    );
    expect(await bench.drift(outs)).toMatchObject({
      primaryNode: "node10",
      deviations: {
        "InfraCluster primary": "node1_infra; declared node10_infra",
        "InfraCluster backup": "node10_infra; declared node1_infra",
      },
    });
    await heals();
    await bench.up(outs, inPlace({ primaryNode: "as generated" }));
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
  });

  test("what else somebody changed in the file is no drift, and stays when lists are healed", async () => {
    edit('LogLevel="Error"', 'LogLevel="Trace"');
    expect((await bench.drift(outs)).deviations).toEqual({});
    expect(await bench.up(outs, inPlace())).toBeUndefined();
    // The next preview has no snapshot of this one.
    await web.host.close();
    edit('<Server Name="node10_infra"/>', '<Server Name="node1_infra"/>');
    edit(
      '<BackupServers>\n         <Server Name="node1_infra"/>',
      '<BackupServers>\n         <Server Name="node10_infra"/>',
    );
    await heals();
    expect(web.host.text(GENERATED)).toContain('LogLevel="Trace"');
  });

  test.each(["edited", "edited and healed"])(
    "promise 9: a file that somebody %s since does not go back: refused, for which bytes were generated is not known",
    async (how) => {
      edit('LogLevel="Error"', 'LogLevel="Trace"');
      if (how === "edited and healed") {
        edit('<Server Name="node10_infra"/>', '<Server Name="node1_infra"/>');
        edit(
          '<BackupServers>\n         <Server Name="node1_infra"/>',
          '<BackupServers>\n         <Server Name="node10_infra"/>',
        );
        await heals();
      }
      const theirs = web.host.text(GENERATED);
      const message = /routed in place, and somebody changed it since/;
      await expect(bench.up(outs, inPlace({ primaryNode: "as generated" }))).rejects.toThrow(message);
      await expect(bench.up(outs, routingInputs(web))).rejects.toThrow(message);
      const restoring = (await bench.up(outs, inPlace({ onDestroy: "restore" }))) ?? {};
      await expect(bench.destroy(restoring)).rejects.toThrow(message);
      expect(web.host.text(GENERATED)).toBe(theirs);
      // A propagation is the way back.
      propagate();
      await bench.destroy(restoring);
      expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
    },
  );

  test("promise 9: other lists alone, a person's or a rollout's, do not stand in the way of the bytes that were generated", async () => {
    edit('<Server Name="node10_infra"/>', '<Server Name="node1_infra"/>');
    edit(
      '<BackupServers>\n         <Server Name="node1_infra"/>',
      '<BackupServers>\n         <Server Name="node10_infra"/>',
    );
    await bench.up(outs, inPlace({ primaryNode: "as generated" }));
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
  });

  test("destroyed after a propagation, there is nothing to put back, and that is said", async () => {
    const restoring = (await bench.up(outs, inPlace({ onDestroy: "restore" }))) ?? {};
    const anew = AS_GENERATED.replace('LogLevel="Error"', 'LogLevel="Trace"');
    propagate(anew);
    web.host.written.length = 0;
    await bench.destroy(restoring);
    expect(managed()).toEqual([]);
    expect(web.host.text(GENERATED)).toBe(anew);
    expect(bench.said.join("\n")).toContain("it was generated again since it was edited in place");
  });

  test("a new member is no declared one's: generated anew, and refused until its node is declared", async () => {
    const members = { ...APPS.members, node3_apps: "1abc0003" };
    web.host.put(GENERATED, withCluster({ ...APPS, members, primary: [...(APPS.primary ?? []), "node3_apps"] }));
    await expect(bench.up(outs, inPlace())).rejects.toThrow(/no node is declared for node3_apps/);
  });

  test("the directive that somebody pointed elsewhere is pointed back, with a reload", async () => {
    web.host.put("/opt/IBM/own.xml", AS_GENERATED);
    web.host.put(HTTPD_CONF, CONF.replace(`Config "${GENERATED}"`, 'Config "/opt/IBM/own.xml"'));
    await web.load();
    expect((await bench.drift(outs)).deviations.directive).toMatch(
      /names \/opt\/IBM\/own\.xml; declared: .*plugin-cfg/,
    );
    await heals();
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
  });
});

describe("promise 8: in place, what cannot be proved is taken back", () => {
  test("the node's server is down: the bytes of before, another wait, another proof, and the story", async () => {
    web.down.add("node10_apps_server1");
    const { message } = await failureOf(bench.create(inPlace()));
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
    expect(web.primaries("AppsCluster")).toEqual(["node1_apps_server1"]);
    expect(web.waited).toEqual([62_000, 62_000]);
    expect(web.calls).toEqual([]);
    expect(message.replaceAll(String(web.port), "PORT")).toMatchSnapshot();
  });

  test("the same from another node: its lists come back", async () => {
    const outs = await bench.create(inPlace());
    const before = web.host.text(GENERATED);
    web.down.add("node1_apps_server1");
    const { message } = await failureOf(bench.up(outs, inPlace({ primaryNode: "node1" })));
    expect(message).toContain(`${GENERATED} has its previous content again`);
    expect(web.host.text(GENERATED)).toBe(before);
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
  });

  test("a plug-in that does not look again is noticed", async () => {
    web.neverLooks = true;
    const { message } = await failureOf(bench.create(inPlace()));
    expect(message).toMatch(/0 of 4 requests on node10; 4 × answered by node1_apps_server1/);
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
  });
});

describe("from one way to the other", () => {
  test("directive → in-place: the directive names the generated file again, and our copy is gone", async () => {
    const outs = await bench.create();
    const moved = await bench.up(outs, inPlace());
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
    expect(web.host.text(copyOf("node10"))).toBeUndefined();
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    expect(await bench.up(moved ?? {}, inPlace())).toBeUndefined();
    await bench.destroy((await bench.up(moved ?? {}, inPlace({ onDestroy: "restore" }))) ?? {});
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
    expect(web.host.text(HTTPD_CONF)).toBe(CONF);
  });

  test("in-place → directive: the generated file is as generated, after users are on the copy", async () => {
    const outs = await bench.create(inPlace());
    web.host.written.length = 0;
    const moved = await bench.up(outs, routingInputs(web));
    expect(managed()).toEqual([
      `write ${copyOf("node10")}`,
      `write ${HTTPD_CONF}`,
      "job plugin-routing-webserver1-graceful",
      `write ${GENERATED}`,
    ]);
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    expect(await bench.up(moved ?? {}, routingInputs(web))).toBeUndefined();
    await web.host.close();
    // Nothing of the edit is remembered: a file generated with those lists is not taken for ours.
    web.host.put(GENERATED, web.host.text(copyOf("node10")) ?? "");
    expect(await bench.up(moved ?? {}, routingInputs(web))).toBeUndefined();
  });

  test("what fails after the proof takes nobody back: the next up tidies what is left", async () => {
    const outs = await bench.create(inPlace());
    full = true;
    const { message, properties } = await failureOf(bench.up(outs, routingInputs(web)));
    expect(message).toMatch(/no space left.*\n.*which was proved; what is left is tidied by the next up/);
    expect(web.host.text(HTTPD_CONF)).toContain(`Config "${copyOf("node10")}"`);
    expect(web.calls.filter((call) => call !== "-t")).toEqual(["graceful"]);
    full = false;
    await web.host.close();
    const tidied = await bench.up(properties ?? {}, routingInputs(web));
    expect(web.host.text(GENERATED)).toBe(AS_GENERATED);
    expect(web.calls.filter((call) => call !== "-t")).toEqual(["graceful"]);
    await web.host.close();
    expect(await bench.up(tidied ?? {}, routingInputs(web))).toBeUndefined();
  });

  test("an admin's own copy that ours replaced comes back", async () => {
    const own = "<!-- an admin's own copy, not well-formed";
    web.host.put(copyOf("node10"), own);
    await bench.up(await bench.create(), inPlace());
    expect(web.host.text(copyOf("node10"))).toBe(own);
  });

  test("our copy that somebody edited stays", async () => {
    const outs = await bench.create();
    web.host.put(copyOf("node10"), `${web.host.text(copyOf("node10"))}<!-- mine -->`);
    const moved = await bench.up(outs, inPlace());
    expect(web.host.text(copyOf("node10"))).toContain("mine");
    expect(await bench.up(moved ?? {}, inPlace())).toBeUndefined();
  });
});

describe("promise 17: a plug-in file that another web server uses too is not edited in place", () => {
  const second = (more: Stored = {}) => secondInputs(web, more);
  beforeEach(() => web.host.put(SECOND_CONF, CONF));

  test("the second one is refused", async () => {
    await bench.create();
    await expect(bench.create(second({ switchRouting: "in-place" }))).rejects.toThrow(
      /httpd\.conf, managed by shop\/prod\/routing, uses this file too/,
    );
  });

  test("nor is a copy made of one that another edits in place", async () => {
    await bench.create(inPlace());
    await expect(bench.create(second({ copyPrefix: "plugin-cfg-second-" }))).rejects.toThrow(
      /httpd\.conf, managed by shop\/prod\/routing, edits it in place/,
    );
  });
});
