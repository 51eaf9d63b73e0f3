import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readObservation, readReadiness, readUsers } from "../../providers/targets/wsadmin/answers.js";
import { propertiesText } from "../../providers/targets/wsadmin/properties.js";
import { type ScriptName, scriptText } from "../../providers/targets/wsadmin/wsadmin.js";
import { hasJython, runCases, VERSIONS } from "./jython.js";

/** Of a case in front of the "/": what is odd about the stand-in cell (tests/remote/stubs/cell.py). */
const CASES: Readonly<Record<string, readonly [ScriptName, Readonly<Record<string, string>>]>> = {
  "plain/observe": ["observe", { "want.0": "topology", "want.1": "state", "want.2": "settings" }],
  "plain/distribution": ["observe", { "want.0": "distribution" }],
  "no-status/distribution": ["observe", { "want.0": "distribution" }],
  "agent-down/observe": ["observe", { "want.0": "state" }],
  "plain/other-cell": ["observe", { "want.0": "state", cell: "another" }],
  "lost/observe": ["observe", { "want.0": "state" }],
  "plain/sync": ["sync", { node: "node10", action: "full" }],
  "agent-down/sync": ["sync", { node: "node10", action: "full" }],
  "sync-fails/sync": ["sync", { node: "node10", action: "full" }],
  "plain/auto-off": ["sync", { node: "node01", action: "auto-off" }],
  "plain/no-node": ["sync", { node: "node1", action: "full" }],
  "plain/start": ["server", { node: "node10", server: "Apps_server1", action: "start" }],
  "plain/started-already": ["server", { node: "node01", server: "Apps_server1", action: "start" }],
  "start-fails/start": ["server", { node: "node10", server: "Apps_server1", action: "start" }],
  "plain/stop": ["server", { node: "node01", server: "Apps_server1", action: "stop" }],
  "plain/stop-immediate": ["server", { node: "node01", server: "Apps_server1", action: "stop-immediate" }],
  "plain/no-server": ["server", { node: "node01", server: "Apps_server10", action: "stop" }],
  "plain/readiness": ["readiness", { "application.0": "Blogs", "application.1": "FileNet Engine" }],
  "plain/odd-name": ["readiness", { "application.0": ' = : # ! \\ "x" \t Würfel 🎲 €\n@@' }],
  "plain/sessions": ["sessions", { node: "node01", server: "Apps_server1" }],
  "pmi-off/sessions": ["sessions", { node: "node01", server: "Apps_server1" }],
  "plain/sessions-elsewhere": ["sessions", { node: "node01", server: "Apps_server2" }],
  "plain/sessions-none": ["sessions", { node: "node10", server: "ccm" }],
  "plain/settings": ["plugin", { action: "settings", "change.0": "ihsNode\twebserver1\tMANUAL\t" }],
  "plain/settings-same": ["plugin", { action: "settings", "change.0": "ihsNode\twebserver1\tAUTOMATIC\tAUTOMATIC" }],
  "failing-change/settings": ["plugin", { action: "settings", "change.0": "ihsNode\twebserver1\tMANUAL\tMANUAL" }],
  "plain/generate": [
    "plugin",
    { action: "generate", node: "ihsNode", server: "webserver1", configuration: "/opt/IBM/My WAS/config" },
  ],
  "plain/propagate": [
    "plugin",
    { action: "propagate", node: "ihsNode", server: "webserver1", configuration: "/opt/IBM/WAS/config" },
  ],
};

/** The stub says nothing, or "unknown", of what is expanded. */
const UNTOLD = { node01: "unknown", node10: "unknown" };

const describeWithJython = hasJython ? describe : describe.skip;

describeWithJython("the scripts for wsadmin, in both of its interpreters (stand-in objects)", () => {
  let folder: string;
  const outputs = new Map<string, string>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "pulumi-connections-scripts-"));
    mkdirSync(join(folder, "cache"));
    const cases: string[] = [];
    for (const [index, [name, [script, request]]] of Object.entries(CASES).entries()) {
      writeFileSync(join(folder, `${script}.py`), await scriptText(script));
      writeFileSync(join(folder, `${index}.request`), propertiesText({ ...request, nonce: "NONCE", seconds: "0" }));
      cases.push(`${name}=${join(folder, `${script}.py`)}=${join(folder, `${index}.request`)}`);
    }
    for (const version of VERSIONS) outputs.set(version, runCases(version, folder, cases));
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function caseOf(name: string): { readonly answer: Record<string, unknown>; readonly changes: readonly string[] } {
    const text = (outputs.get("2.1") ?? "").split("== ").find((one) => one.startsWith(`${name}\n`)) ?? "";
    const changes = [...text.matchAll(/^-- (.*)$/gm)].map(([, change = ""]) => change.trim());
    return { answer: JSON.parse(text.split("@@NONCE@@")[1] ?? "{}"), changes };
  }

  test("Jython 2.1 and 2.7 print the same bytes", () => {
    expect(outputs.get("2.1")).toContain("plain/propagate");
    expect(outputs.get("2.7.4")).toBe(outputs.get("2.1"));
  });

  test("each script prints one line with the answer, in ASCII, and nothing else", () => {
    const own = (outputs.get("2.7.4") ?? "").split("\n").filter((line) => !/^(== |-- |$)/.test(line));
    expect(own).toHaveLength(Object.keys(CASES).length);
    for (const line of own) expect(line).toMatch(/^@@NONCE@@[\x20-\x7e]*@@NONCE@@$/);
  });

  test("the distribution of each application of a cluster is told by node; one that cannot be asked about hides no other", () => {
    const plain = caseOf("plain/distribution");
    expect(plain.changes).toEqual([]);
    expect(readObservation("test", plain.answer.value).distribution).toEqual([
      { application: "Activities", distributed: { node01: true, node10: true }, expanded: UNTOLD },
      { application: "Blogs", distributed: { node01: true, node10: false }, expanded: UNTOLD },
    ]);
    expect(readObservation("test", caseOf("no-status/distribution").answer.value).distribution).toEqual([
      { application: "Activities", distributed: {}, expanded: {} },
      { application: "Blogs", distributed: { node01: true, node10: false }, expanded: UNTOLD },
    ]);
  });

  test("one run answers topology, state and settings of the whole cell, and changes nothing", () => {
    const { answer, changes } = caseOf("plain/observe");
    expect(changes).toEqual([]);
    const { topology, state, settings } = readObservation("test", answer.value);
    expect(topology?.nodes).toEqual([
      {
        name: "dmgrNode",
        hostName: "dmgr.example.org",
        role: "deployment-manager",
      },
      {
        name: "node01",
        hostName: "node1.example.org",
        role: "managed",
        agentPort: 8878,
        profileRoot: "/opt/IBM/WebSphere/AppServer/profiles/AppSrv01",
      },
      {
        name: "node10",
        hostName: "node10.example.org",
        role: "managed",
        agentPort: 8878,
        profileRoot: '/opt/IBM/Würfel "x"\\y/€',
      },
      { name: "ihsNode", hostName: "web1.example.org", role: "unmanaged" },
    ]);
    expect(topology?.clusters).toEqual([
      {
        name: "AppsCluster",
        members: [
          { node: "node01", server: "Apps_server1", uniqueId: "1289391827364", weight: 2 },
          { node: "node10", server: "Apps_server1", uniqueId: "1289391827999", weight: 2 },
        ],
      },
    ]);
    expect(topology?.standAlone).toEqual([{ node: "node10", server: "ccm" }]);
    expect(topology?.webServers).toEqual([{ node: "ihsNode", server: "webserver1" }]);
    expect(topology?.applications).toContainEqual({
      name: "FileNet Engine",
      clusters: [],
      servers: [
        { node: "ihsNode", server: "webserver1" },
        { node: "node10", server: "ccm" },
      ],
    });
    expect(state?.servers.map(({ node, server, state: found }) => [node, server, found])).toEqual([
      ["node01", "Apps_server1", "started"],
      ["node10", "Apps_server1", "stopped"],
      // FAILED is none of the states that anything may be concluded from.
      ["node10", "ccm", "unknown"],
    ]);
    expect(state?.nodes).toEqual([
      { node: "node01", agent: "started", synchronized: true, autoSync: true },
      { node: "node10", agent: "started", synchronized: false, autoSync: true },
    ]);
    expect(state?.clusters).toEqual([{ cluster: "AppsCluster", state: "partially started" }]);
    expect(settings).toEqual({
      plugin: [
        {
          node: "ihsNode",
          webServer: "webserver1",
          generation: "automatic",
          propagation: "automatic",
          remoteFile: "/opt/IBM/WebSphere/Plugins/config/webserver1/plugin-cfg.xml",
        },
      ],
      monitoring: [
        { node: "node01", server: "Apps_server1", nodeRestartState: "STOPPED", autoRestart: true },
        { node: "node10", server: "Apps_server1", nodeRestartState: "STOPPED", autoRestart: true },
        { node: "node10", server: "ccm", nodeRestartState: "STOPPED", autoRestart: true },
      ],
      soapRequestTimeout: { connector: 600 },
      keyGeneration: [{ group: "CellLTPAKeySetGroup", automatic: true, due: "2027-01-15T07:59:59.000Z" }],
    });
  });

  test("promise 21: without its agent everything of a node is unknown, not stopped", () => {
    const { state } = readObservation("test", caseOf("agent-down/observe").answer.value);
    expect(state?.nodes[1]).toEqual({ node: "node10", agent: "unknown", synchronized: "unknown", autoSync: "unknown" });
    expect(state?.servers.map(({ state: found }) => found)).toEqual(["started", "unknown", "unknown"]);
  });

  test("promise 13: another cell is refused before anything is asked or changed", () => {
    expect(caseOf("plain/other-cell")).toMatchObject({ answer: { ok: "no", kind: "wrong-cell" }, changes: [] });
  });

  test("a connection that is lost is a failure with the product's text", () => {
    expect(caseOf("lost/observe").answer).toMatchObject({ ok: "no", error: expect.stringContaining("ADMC0009E") });
  });

  test("promise 20: a synchronization is what the node says afterwards", () => {
    expect(caseOf("plain/sync")).toEqual({
      answer: { ok: "yes", value: { synchronized: "yes", autoSync: "yes" } },
      changes: ["node10 refreshRepositoryEpoch", "node10 sync"],
    });
    expect(caseOf("sync-fails/sync").answer).toMatchObject({ value: { synchronized: "no" } });
    expect(caseOf("agent-down/sync")).toMatchObject({ answer: { ok: "no", kind: "no-agent" }, changes: [] });
    expect(caseOf("plain/auto-off").changes).toEqual(["node01 autoSyncEnabled=false"]);
  });

  test("a node is not found by the beginning of its name", () => {
    expect(caseOf("plain/no-node")).toMatchObject({ answer: { ok: "no", kind: "missing" }, changes: [] });
    expect(caseOf("plain/no-server")).toMatchObject({ answer: { ok: "no", kind: "missing" }, changes: [] });
  });

  test("starting and stopping: the state is read afterwards, and what is so already is left alone", () => {
    expect(caseOf("plain/start")).toMatchObject({
      answer: { value: { state: "started" } },
      changes: ["start node10/Apps_server1 0"],
    });
    expect(caseOf("plain/started-already")).toMatchObject({ answer: { value: { state: "started" } }, changes: [] });
    expect(caseOf("start-fails/start").answer).toMatchObject({
      value: { state: "stopped", said: expect.stringContaining("ADMN0022E") },
    });
    expect(caseOf("plain/stop").changes).toEqual(["stop node01/Apps_server1"]);
    expect(caseOf("plain/stop-immediate").changes).toEqual(["stop node01/Apps_server1 immediate"]);
  });

  test("readiness tells per node, and that is what counts", () => {
    expect(readReadiness("test", caseOf("plain/readiness").answer.value)).toEqual([
      { application: "Blogs", ready: false, distributed: { node01: true, node10: false }, expanded: UNTOLD },
      { application: "FileNet Engine", ready: true, distributed: { node01: true, node10: true }, expanded: UNTOLD },
    ]);
  });

  test("sessions and requests of a member are summed over its web modules", () => {
    expect(readUsers("test", caseOf("plain/sessions").answer.value)).toEqual({ sessions: 42, requests: 1 });
  });

  test.each([
    ["a module without statistics", "pmi-off/sessions", "no LiveCount of"],
    ["another server at that port", "plain/sessions-elsewhere", "another process than Apps_server2"],
    ["no session manager", "plain/sessions-none", "offers no SessionManager"],
  ])("%s is not a member without users", (_name, name, message) => {
    expect(caseOf(name).answer).toMatchObject({ ok: "no", kind: "missing", error: expect.stringContaining(message) });
  });

  test("promise 19: any text travels there and back as it is", () => {
    const [, request] = CASES["plain/odd-name"] ?? [];
    expect(caseOf("plain/odd-name").answer.error).toBe(`the cell has no application ${request?.["application.0"]}`);
  });

  test("plug-in settings: one save for what differs, none when nothing does, and nothing unsaved after a failure", () => {
    expect(caseOf("plain/settings")).toMatchObject({
      answer: { value: [{ generation: "MANUAL", propagation: "AUTOMATIC" }] },
      changes: ["modify PluginGeneration=MANUAL", "save"],
    });
    expect(caseOf("plain/settings-same").changes).toEqual([]);
    const failed = caseOf("failing-change/settings");
    expect(failed.answer).toMatchObject({ ok: "no" });
    expect(failed.changes.at(-1)).toBe("reset");
    expect(failed.changes).not.toContain("save");
  });

  test("generating and propagating name the one web server", () => {
    expect(caseOf("plain/generate").changes).toEqual([
      'None generate "/opt/IBM/My WAS/config" cell01 ihsNode webserver1 false',
    ]);
    expect(caseOf("plain/propagate").changes).toEqual(["None propagate /opt/IBM/WAS/config cell01 ihsNode webserver1"]);
  });
});
