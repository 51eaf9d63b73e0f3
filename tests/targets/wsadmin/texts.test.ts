import fc from "fast-check";
import { ProblemError } from "../../../providers/common/problem.js";
import type { ServerState, WebSphereVariable } from "../../../providers/targets/wsadmin/cell.js";
import { foldersToClear, parseCleared } from "../../../providers/targets/wsadmin/clear-temp.js";
import { neededIn, parseFixList, saysSuccess } from "../../../providers/targets/wsadmin/fix-list.js";
import { judge } from "../../../providers/targets/wsadmin/judge.js";
import { blot, messageCodes, statusMessage } from "../../../providers/targets/wsadmin/messages.js";
import type { Claims, ProcessSignals } from "../../../providers/targets/wsadmin/node-commands.js";
import { propertiesText } from "../../../providers/targets/wsadmin/properties.js";
import { wasNameSchema, wasPathSchema } from "../../../providers/targets/wsadmin/settings.js";
import { parseSignals } from "../../../providers/targets/wsadmin/signals.js";
import { resolveVariable } from "../../../providers/targets/wsadmin/variables.js";

describe("what the messages of the commands claim", () => {
  test.each([
    ['ADMU0508I: The Application Server "app1" is STARTED', "started"],
    ['ADMU0508I: The Application Server "app1" is STOPPING', "stopping"],
    ['ADMU0509I: The Application Server "app1" cannot be reached. It appears to be stopped.', "stopped"],
    ["ADMU3200I: Server launched. Waiting\nADMU3000I: Server app1 open for e-business; process id is 4711", "started"],
    ["ADMU3200I: Server launched. Waiting for initialization status.", "starting"],
    ["ADMU3201I: Server stop request issued.", "stopping"],
    ["ADMU3201I: Server stop request issued.\r\nADMU4000I: Server app1 stop completed.\r\n", "stopped"],
    ["ADMU3201I: Server stop request issued.\nADMU3060E: Timed out waiting for server shutdown.", "unknown"],
    ["ADMU3027E: An instance of the server may already be running: app1", "unknown"],
    ["ADMU0111E: Program exiting with error: java.net.ConnectException", "unknown"],
    ["", "unknown"],
    ["ADMU9999I: something new", "unknown"],
    ["SECJ0305I: The role-based authorization check failed\nADMU0509I: It appears to be stopped.", "login-refused"],
    ["ADMN0022E: Access is denied\nADMU0509I: It appears to be stopped.", "login-refused"],
    ["ADMU0509I: It appears to be stopped.\njavax.security.auth.login.LoginException: no", "login-refused"],
  ])("%j is %s", (output, claim) => expect(statusMessage(output)).toBe(claim));

  test("codes are found in order, and only codes", () => {
    expect(messageCodes("ADMU0116I: x [WASX7246E] XADMU01161I ADMU3000I")).toEqual([
      "ADMU0116I",
      "WASX7246E",
      "ADMU3000I",
    ]);
  });

  test("promise 14: every occurrence of a credential is blotted out, also one that looks like a pattern", () => {
    expect(blot("a.*b a.*b axxb", ["a.*b", ""])).toBe("******** ******** axxb");
  });
});

describe("one state from several signals", () => {
  const signals = (process: ProcessSignals["process"], ports: ProcessSignals["ports"]): ProcessSignals => ({
    server: "app1",
    process,
    ports,
    ...(process === "running" && { pid: 4711 }),
  });
  test.each<[ProcessSignals["process"], ProcessSignals["ports"], Claims, ServerState]>([
    ["running", "open", {}, "started"],
    ["running", "open", { message: "started", cell: "started" }, "started"],
    ["running", "unknown", { cell: "started" }, "started"],
    ["running", "unknown", {}, "unknown"],
    ["running", "closed", {}, "starting"],
    ["running", "some", {}, "starting"],
    ["running", "closed", { cell: "started" }, "unknown"],
    ["running", "open", { message: "stopped" }, "unknown"],
    ["running", "open", { cell: "stopped" }, "unknown"],
    ["running", "open", { cell: "stopping" }, "stopping"],
    ["absent", "closed", {}, "stopped"],
    ["absent", "closed", { message: "stopped", cell: "stopped" }, "stopped"],
    ["absent", "unknown", { message: "login-refused" }, "stopped"],
    ["absent", "open", {}, "unknown"],
    ["absent", "closed", { cell: "started" }, "unknown"],
    ["absent", "closed", { message: "starting" }, "unknown"],
    ["unknown", "closed", { message: "stopped", cell: "stopped" }, "unknown"],
    ["unknown", "open", { cell: "started" }, "unknown"],
  ])("process %s, ports %s, %j: %s", (process, ports, claims, state) => {
    expect(judge(signals(process, ports), claims).state).toBe(state);
  });

  test("it says why", () => {
    expect(judge(signals("running", "open"), { message: "login-refused" }).because).toBe(
      "process 4711, ports open, message: login-refused",
    );
  });

  test("no message and no deployment manager alone proves a server stopped", () => {
    const states: ServerState[] = ["started", "starting", "stopping", "stopped", "unknown"];
    for (const message of [...states, "login-refused"] as const)
      for (const cell of states)
        for (const ports of ["open", "closed", "some", "unknown"] as const) {
          expect(judge(signals("running", ports), { message, cell }).state).not.toBe("stopped");
          expect(judge(signals("unknown", ports), { message, cell }).state).toBe("unknown");
        }
  });
});

describe("WebSphere variables", () => {
  const to = (name: string) => `\${${name}}`;
  const variables: WebSphereVariable[] = [
    { name: "ROOT", value: "/opt/cell", scope: {} },
    { name: "ROOT", value: "/opt/node", scope: { node: "node01" } },
    { name: "ROOT", value: "/opt/cluster", scope: { cluster: "Apps" } },
    { name: "ROOT", value: "/opt/server", scope: { node: "node01", server: "app1" } },
    { name: "TEMP", value: `${to("ROOT")}/t/$(LEAF)`, scope: {} },
    { name: "LEAF", value: "x", scope: {} },
    { name: "BROKEN", value: `${to("NOWHERE")}/x`, scope: {} },
    { name: "A", value: to("B"), scope: {} },
    { name: "B", value: to("A"), scope: {} },
  ];
  test.each([
    ["the cell", {}, "/opt/cell/t/x"],
    ["another node", { node: "node010" }, "/opt/cell/t/x"],
    ["the node", { node: "node01" }, "/opt/node/t/x"],
    ["the cluster", { cluster: "Apps" }, "/opt/cluster/t/x"],
    ["the node before the cluster", { node: "node01", cluster: "Apps" }, "/opt/node/t/x"],
    ["the server", { node: "node01", server: "app1" }, "/opt/server/t/x"],
    ["another server", { node: "node01", server: "app10" }, "/opt/node/t/x"],
  ])("as %s sees them", (_name, scope, value) => expect(resolveVariable(variables, "TEMP", scope)).toBe(value));

  test("one that is not there, or refers to one that is not, is undefined: never half a path", () => {
    expect(resolveVariable(variables, "NOWHERE", {})).toBeUndefined();
    expect(resolveVariable(variables, "BROKEN", {})).toBeUndefined();
  });
  test("one that refers to itself is said to", () => {
    expect(() => resolveVariable(variables, "A", {})).toThrow(/A → B → A/);
  });
});

describe("lists of fixes", () => {
  test("installed ones, a block each, named once or twice", () => {
    const raw = [
      "WAS_HOME = /opt/IBM/WebSphere/AppServer",
      "Fix name: LO66666",
      "Fix ID: LO66666",
      "Fix description: Files: upload",
      "Version: 8.0.0.0",
      "Date: 2026-01-02",
      "",
      "Fix name: CFix.70.2110\r",
    ].join("\n");
    expect(parseFixList("x", raw).fixes).toEqual([
      { id: "LO66666", description: "Files: upload", version: "8.0.0.0", date: "2026-01-02" },
      { id: "CFix.70.2110" },
    ]);
  });
  test("offered ones, numbered", () => {
    const raw = "[1] LO100079, a fix, with commas\n[12] LO66666\n [ 3 ] CFix.70.2110,\n";
    expect(parseFixList("x", raw).fixes).toEqual([
      { id: "LO100079", description: "a fix, with commas" },
      { id: "LO66666" },
      { id: "CFix.70.2110" },
    ]);
  });
  test("what a fix needs, where its list says so", () => {
    const raw = "[1] LO100079, links\n  Requires fixes: LO66666, CFix.70.2110\n[2] LO66666\n  Prerequisites: none\n";
    expect(parseFixList("x", raw).fixes).toEqual([
      { id: "LO100079", description: "links", requires: ["LO66666", "CFix.70.2110"] },
      { id: "LO66666" },
    ]);
  });
  test("what a refusal of the installer names as needed, and nothing that only stands near it", () => {
    expect(neededIn("Fix LO100079 requires LO66666 and CFix.70.2110.\nLO1234 done\nNeeds LO66666")).toEqual([
      "LO66666",
      "CFix.70.2110",
    ]);
    expect(neededIn("Fix LO66666 failed. It requires a restart.")).toEqual([]);
  });
  test("none: only a text that speaks of fixes and of no failure", () => {
    expect(parseFixList("x", "There are no fixes installed.").fixes).toEqual([]);
  });
  test.each([
    [""],
    ["./updateSilent.sh: line 3: java: command not found"],
    ["Usage: updateSilent -fix -installDir …"],
    ["Exception while reading fixes: java.io.IOException"],
    ["Picked up JAVA_TOOL_OPTIONS"],
  ])("%j is no list", (raw) => expect(() => parseFixList("where", raw)).toThrow(ProblemError));

  test("promise 19: whatever is printed, it is a list or a problem", () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom("", "Fix name: ", "[1] ", "fix\n"), (text, front) => {
        try {
          for (const { id } of parseFixList("x", front + text).fixes) expect(id).toMatch(/^[A-Za-z0-9][\w.-]*$/);
        } catch (error) {
          expect(error).toBeInstanceOf(ProblemError);
        }
      }),
    );
  });

  test.each([
    ["install", "Fix installation completed successfully.", true],
    ["uninstall", "Fix installation completed successfully.", false],
    ["uninstall", "Fix uninstallation completed successfully", true],
    ["install", "Fix uninstallation completed successfully", false],
    ["install", "Fix installation did not complete. Others completed successfully", false],
    ["install", "", false],
  ] as const)("%s: %j says success: %s", (action, text, says) => expect(saysSuccess(action, text)).toBe(says));
});

describe("temp folders", () => {
  const at = { host: "node1", profile: "/opt/was/p", node: "node01" };
  test("one per server, and the work spaces when asked", () => {
    expect(foldersToClear(at, ["a", "b"], {})).toEqual(["/opt/was/p/temp/node01/a", "/opt/was/p/temp/node01/b"]);
    expect(foldersToClear(at, ["a"], { tempRoot: "/opt/was/p/big/tmp", wstemp: true })).toEqual([
      "/opt/was/p/big/tmp/node01/a",
      "/opt/was/p/wstemp",
    ]);
  });
  test("promise 19: whatever WAS_TEMP_DIR is, nothing but a server's folder inside of the profile is cleared", () => {
    const part = fc.constantFrom("..", ".", "", "opt", "was", "p", "temp", "tranlog", "config", "x", "wstemp");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), fc.constantFrom("", at.profile), (parts, front) => {
        try {
          for (const folder of foldersToClear(at, ["a"], { tempRoot: `${front}/${parts.join("/")}` })) {
            expect(folder).toMatch(/^\/opt\/was\/p\/(?!tranlog|config|wstemp)[^/]+(\/[^/]+)*\/node01\/a$/);
            expect(folder).not.toMatch(/\/\.{1,2}\/|\/tranlog\//);
          }
        } catch (error) {
          if (!(error instanceof ProblemError)) throw error;
        }
      }),
    );
  });
  test("an answer that says nothing is not taken for success", () => {
    expect(() => parseCleared("node1: clear", "")).toThrow(/nothing was cleared/);
  });
});

test("an answer that leaves a server out is not taken for a stopped one", () => {
  expect(() => parseSignals("x", "@@ a\tabsent\t-\t-\tclosed\n", [{ server: "a" }, { server: "b" }])).toThrow(
    /about b/,
  );
  expect(parseSignals("x", "@@ a\tnonsense\t-\t-\tnonsense\n", [{ server: "a" }])).toEqual([
    { server: "a", process: "unknown", ports: "unknown" },
  ]);
});

test("properties are ASCII whatever is in them, one line each", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (value) => {
      expect(propertiesText({ "a b": value })).toMatch(/^a\\ b=[\x20-\x7e]*\n$/);
    }),
  );
  expect(propertiesText({ k: " a=b:c#d!e\\f\nü" })).toBe("k=\\ a\\=b\\:c\\#d\\!e\\\\f\\u000a\\u00fc\n");
});

test.each(["/", "relative", "/a'b", '/a"b', "/a$b", "/a`b", "/a\nb", "C:relative"])("%j is no path", (path) => {
  expect(wasPathSchema.safeParse(path).success).toBe(false);
});
test.each([
  ["/opt/IBM/AppServer/", "/opt/IBM/AppServer"],
  ["D:\\IBM\\profiles\\Dmgr 01\\", "D:\\IBM\\profiles\\Dmgr 01"],
])("%j is the path %j", (given, path) => expect(wasPathSchema.parse(given)).toBe(path));

test.each(["", " a", "a ", ".a", "a,b", "a*", "a=b", "a(b", "a\tb", "a'b", "a/b"])("%j is no name", (name) => {
  expect(wasNameSchema.safeParse(name).success).toBe(false);
});
test.each(["node01", "Apps_server-1", "my server", "Knoten_ü"])("%j is a name", (name) => {
  expect(wasNameSchema.safeParse(name).success).toBe(true);
});
