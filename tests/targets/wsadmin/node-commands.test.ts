import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { openNode } from "../../../providers/targets/wsadmin/profile-node.js";
import { nodeSchema } from "../../../providers/targets/wsadmin/settings.js";
import { problemOf } from "../../support/failure.js";
import { lineCut, MemoryHost } from "../../support/memory-host.js";
import { LocalProfile } from "./local-profile.js";

jest.setTimeout(60_000);

describe("the commands of a node (stand-ins of them in a real shell)", () => {
  let local: LocalProfile;
  let host: MemoryHost;
  const running: { kill(): void; ended: Promise<unknown> }[] = [];
  beforeEach(() => {
    local = new LocalProfile();
    host = local.host();
  });
  afterEach(async () => {
    for (const { kill, ended } of running.splice(0)) {
      kill();
      await ended;
    }
    local.remove();
  });

  const node = (more: object = {}) =>
    openNode(
      host,
      nodeSchema.parse({
        node: "node01",
        profile: local.profile,
        administrator: local.administrator,
        ...more,
      }),
    );
  const run = (job: string) => ({ job, timeoutMs: 20_000 });

  /** A process that ends as a server's JVM does. It waits on a pipe of this process: it cannot outlive it. */
  function startProcess(args: readonly string[]): number {
    const child = spawn("sh", ["-c", "read _", "java", ...args], { stdio: ["pipe", "ignore", "ignore"] });
    running.push({ kill: () => child.kill("SIGKILL"), ended: once(child, "exit") });
    return child.pid ?? 0;
  }
  const jvm = (server: string, main = "com.ibm.ws.runtime.WsServer") =>
    startProcess([main, `${local.profile}/config`, "cell01", "node01", server]);

  test("a server is found by pid file and by process list, never by the beginning of its name", async () => {
    const listed = jvm("app10");
    const filed = jvm("app2");
    mkdirSync(join(local.profile, "logs", "app2"), { recursive: true });
    writeFileSync(join(local.profile, "logs", "app2", "app2.pid"), `${filed}\n`);
    // A number that was given to something else since.
    mkdirSync(join(local.profile, "logs", "app1"), { recursive: true });
    writeFileSync(join(local.profile, "logs", "app1", "app1.pid"), `${listed}\n`);
    const found = await node().observe(["app1", "app10", "app2"].map((server) => ({ server })));
    expect(found.map(({ server, process: state, pid }) => [server, state, pid])).toEqual([
      ["app1", "absent", undefined],
      ["app10", "running", listed],
      ["app2", "running", filed],
    ]);
    expect(Math.abs(Date.now() - Date.parse(found[1]?.startedAt ?? ""))).toBeLessThan(60_000);
  });

  test("the program that starts a server is not the server", async () => {
    jvm("app1", "com.ibm.ws.management.tools.WsServerLauncher");
    expect((await node().observe([{ server: "app1" }]))[0]?.process).toBe("absent");
  });

  test("ports: all, none and some of them", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    try {
      const asked = [[port], [1], [port, 1], []].map((ports, index) => ({ server: `s${index}`, ports }));
      expect((await node().observe(asked)).map(({ ports }) => ports)).toEqual(["open", "closed", "some", "unknown"]);
    } finally {
      server.close();
      await once(server, "close");
    }
  });

  test("promise 14: a command logs in by private files; they are gone afterwards and in no argument", async () => {
    local.serverCommand("stopServer", 'echo "login $login"; echo "ADMU4000I: Server $1 stop completed."');
    const outcome = await node().stopServer("app1", run("stop-app1"));
    expect(outcome).toMatchObject({ message: "stopped", codes: ["ADMU4000I"], exitCode: 0 });
    expect(outcome.output).toContain("login 1");
    expect([...host.ran.flat(), local.seen].join("\n")).not.toContain("c4nary");
    expect(local.leftovers()).toEqual([]);
    expect(await host.jobs.peek("stop-app1")).toBeUndefined();
  });

  test("without an administrator the profile's own login stands", async () => {
    local.program("bin/serverStatus.sh", 'echo "ADMU0508I: The Application Server $1 is STARTED"; exit 3');
    const outcome = await node({ administrator: undefined }).serverStatus("app1");
    expect(outcome).toMatchObject({ message: "started", exitCode: 3 });
  });

  test('a refused login is not "stopped"', async () => {
    const text =
      'echo "ADMN0022E: Access is denied"; echo "ADMU0509I: The server cannot be reached. It appears to be stopped."';
    local.serverCommand("serverStatus", text);
    local.serverCommand("stopNode", text);
    expect((await node().serverStatus("app1")).message).toBe("login-refused");
    expect((await problemOf(node().stopAgent(run("stop-agent")))).cause).toBe("login");
    expect(local.leftovers()).toEqual([]);
  });

  test("starting needs no login", async () => {
    local.program("bin/startNode.sh", 'echo "ADMU3000I: Server nodeagent open for e-business; process id is 4711"');
    expect((await node().startAgent(run("start-agent"))).message).toBe("started");
  });

  test("promise 6: a command that was lost with its host is given again, unless something of it goes on", async () => {
    local.serverCommand("stopServer", 'echo "ADMU4000I: Server $1 stop completed."');
    host.setJob("stop-app1", "running");
    host.lose({ restartedAt: null, left: [4712] });
    const error = await problemOf(node().stopServer("app1", run("stop-app1")));
    expect(error).toMatchObject({ cause: "unknown-outcome", message: expect.stringContaining("process 4712") });
    expect(local.seen).toBe("");
    host.lose({ restartedAt: "2026-11-23T01:12:34Z", left: [] });
    const outcome = await node().stopServer("app1", run("stop-app1"));
    expect(outcome).toMatchObject({ message: "stopped", attached: false });
    expect(host.jobNames()).toEqual([]);
  });

  test("promise 6: a command whose answer was lost is attached to, not started again", async () => {
    let lose = true;
    host = local.host({
      afterOperation: ({ name }) => {
        if (name !== "jobs.run" || !lose) return;
        lose = false;
        throw lineCut("node01");
      },
    });
    local.serverCommand("stopServer", `echo once >> '${local.root}/times'; echo "ADMU4000I: stopped"`);
    expect((await problemOf(node().stopServer("app1", run("stop")))).cause).toBe("unknown-outcome");
    expect((await node().stopServer("app1", run("stop"))).message).toBe("stopped");
    expect(readFileSync(join(local.root, "times"), "utf8")).toBe("once\n");
    expect(local.leftovers()).toEqual([]);
  });

  test("promise 14: a command removes its login itself, however we fare meanwhile", async () => {
    let cut = false;
    host = local.host({
      beforeOperation: () => {
        if (cut) throw lineCut("node01");
      },
      afterOperation: ({ name }) => {
        if (name !== "jobs.run") return;
        cut = true;
        throw lineCut("node01");
      },
    });
    local.serverCommand("stopServer", "exit 0");
    await problemOf(node().stopServer("app1", run("stop")));
    expect(local.seen).toContain("ARGS app1");
    expect(local.leftovers()).toEqual([]);
  });

  test("promise 14: a login whose command was never started does not stay", async () => {
    host = local.host({
      beforeOperation: ({ name }) => {
        if (name === "jobs.run") throw lineCut("node01");
      },
    });
    local.serverCommand("stopServer", "exit 0");
    await problemOf(node().stopServer("app1", run("stop")));
    expect(local.leftovers()).toEqual([]);
  });

  (process.getuid?.() === 0 ? test : test.skip)("root runs them as the owner of the profile", async () => {
    chmodSync(local.root, 0o711);
    const nobody = 65534;
    chownSync(local.profile, nobody, nobody);
    local.program("bin/startServer.sh", 'echo "owner $(id -u)"; touch "$PROFILE/made"');
    const outcome = await node({ administrator: undefined }).startServer("app1", run("start"));
    expect(outcome.output).toContain(`owner ${nobody}`);
    expect(statSync(join(local.profile, "made")).uid).toBe(nobody);
  });

  test("anybody else but root and the owner is told so, before anything runs", async () => {
    // What the host's own id and stat would say.
    const answer = { exitCode: 0, stdout: "@@ not-owner wasadmin\n", stderr: "" };
    host = new MemoryHost(host.connection, { onRun: () => answer });
    const problem = await problemOf(node({ administrator: undefined }).startServer("app1", run("start")));
    expect(problem.cause).toBe("permission");
    expect(problem.message).toContain("Log in as wasadmin, or set sudo");
  });

  const answering = (line: string) =>
    new MemoryHost(host.connection, {
      onRun: (argv) => ({ exitCode: 0, stdout: argv[0] === "systemctl" ? "" : `${line}\n`, stderr: "" }),
    });

  describe("an agent that a service manager starts (modelled answers of the host)", () => {
    test("is stopped and started by that service, not by the script", async () => {
      host = answering("@@ service was-node.service active");
      expect(await node().agentControl()).toEqual({ by: "service", unit: "was-node.service", active: true });
      await node().stopAgent(run("stop"));
      await node().startAgent(run("start"));
      expect(host.ran.filter(([program]) => program === "systemctl")).toEqual([
        ["systemctl", "stop", "--", "was-node.service"],
        ["systemctl", "start", "--", "was-node.service"],
      ]);
    });
    test("is stopped by the script while the service is not what started it", async () => {
      host = answering("@@ service was-node.service inactive");
      await node({ administrator: undefined }).stopAgent(run("stop"));
      expect(host.ran.flat()).toContain("stopNode.sh");
    });
    test("is started by what it was stopped by, whatever a stopped agent looks like", async () => {
      host = answering("@@ script");
      await node().startAgent(run("start"), "was-node.service");
      expect(host.ran).toContainEqual(["systemctl", "start", "--", "was-node.service"]);
      host = answering("@@ service was-node.service inactive");
      await node().startAgent(run("start"), null);
      expect(host.ran.flat()).toContain("startNode.sh");
    });
    test("several services: refused, and named", async () => {
      host = answering("@@ several a.service b.service");
      expect((await problemOf(node().agentControl())).message).toContain("a.service, b.service");
    });
    test("no answer is no answer", async () => {
      host = answering("systemd is not itself today");
      await expect(node().agentControl()).rejects.toMatchObject({ cause: "refused" });
    });
  });

  describe("clearing temp folders", () => {
    const file = (path: string) => {
      mkdirSync(join(local.profile, path, ".."), { recursive: true });
      writeFileSync(join(local.profile, path), "x");
    };
    const there = (path: string) => existsSync(join(local.profile, path));

    test("only the given servers' folders are emptied; tranlog and wstemp stay", async () => {
      for (const path of ["temp/node01/app1/A/a.war/_x.class", "temp/node01/app1/b", "temp/node01/app10/c"]) file(path);
      for (const path of ["tranlog/cell01/node01/app1/log1", "wstemp/w/x"]) file(path);
      const cleared = await node().clearTemp(["app1", "app3"], {});
      expect(cleared).toEqual([
        { folder: `${local.profile}/temp/node01/app1`, files: 2 },
        { folder: `${local.profile}/temp/node01/app3`, files: 0 },
      ]);
      expect(there("temp/node01/app1")).toBe(true);
      expect(there("temp/node01/app1/A")).toBe(false);
      expect(["temp/node01/app10/c", "tranlog/cell01/node01/app1/log1", "wstemp/w/x"].every(there)).toBe(true);
      expect(await node().clearTemp(["app1"], { wstemp: true })).toContainEqual({
        folder: `${local.profile}/wstemp`,
        files: 1,
      });
    });

    test("a link inside is removed, what it leads to stays", async () => {
      file("config/keep");
      mkdirSync(join(local.profile, "temp/node01/app1"), { recursive: true });
      symlinkSync(join(local.profile, "config"), join(local.profile, "temp/node01/app1/link"));
      await node().clearTemp(["app1"], {});
      expect(there("config/keep")).toBe(true);
      expect(there("temp/node01/app1/link")).toBe(false);
    });

    test("a folder that a link leads to is refused, and nothing is deleted, the other servers' neither", async () => {
      file("elsewhere/app2/keep");
      file("temp/node01/app1/keep");
      symlinkSync(join(local.profile, "elsewhere/app2"), join(local.profile, "temp/node01/app2"));
      expect((await problemOf(node().clearTemp(["app1", "app2"], {}))).message).toContain("a link leads there");
      expect(["elsewhere/app2/keep", "temp/node01/app1/keep"].every(there)).toBe(true);
    });

    test.each([
      ["out of the profile", () => local.root, /lies outside of the profile; it leads to .*mount that there/s],
      [
        "to another folder of it",
        () => local.profile,
        /a link leads there; it leads to .*Set WAS_TEMP_DIR of the node/s,
      ],
    ])(
      "temp as a link %s is refused by a look, while servers run, also before they have a folder in it",
      async (_name, to, says) => {
        file("temp/node01/app1/keep");
        jvm("app1");
        const roots = new Map([[`${local.profile}/temp`, ["app1", "app2"]]]);
        await node().checkTemp(roots);
        const scratch = join(to(), "scratch");
        renameSync(join(local.profile, "temp"), scratch);
        symlinkSync(scratch, join(local.profile, "temp"));
        expect((await problemOf(node().checkTemp(roots))).message).toMatch(says);
        expect((await problemOf(node().checkTemp(new Map([[`${local.profile}/temp`, ["app9"]]])))).message).toMatch(
          says,
        );
        expect(existsSync(join(scratch, "node01/app1/keep"))).toBe(true);
      },
    );

    test("a look that says nothing proves nothing", async () => {
      host = answering("temp is where it is");
      const looked = node().checkTemp(new Map([[`${local.profile}/temp`, ["app1"]]]));
      await expect(looked).rejects.toMatchObject({ cause: "command-failed" });
    });

    test("a profile that is reached through a link is still itself", async () => {
      file("temp/node01/app1/x");
      symlinkSync(local.profile, join(local.root, "linked"));
      await node({ profile: join(local.root, "linked") }).clearTemp(["app1"], {});
      expect(there("temp/node01/app1/x")).toBe(false);
    });

    test("a server that runs is refused", async () => {
      file("temp/node01/app1/keep");
      jvm("app1");
      const problem = await problemOf(node().clearTemp(["app1"], {}));
      expect([problem.cause, there("temp/node01/app1/keep")]).toEqual(["refused", true]);
    });

    test.each([
      ["outside of the profile", () => "/var/tmp"],
      ["the profile's transaction logs", () => `${local.profile}/tranlog`],
      ["its configuration", () => `${local.profile}/config`],
      ["up and away", () => `${local.profile}/temp/../..`],
      ["the root folder", () => "/"],
      ["a profile whose name only begins the same", () => `${local.profile}2/temp`],
    ])("%s is refused before anything runs", async (_name, tempRoot) => {
      expect((await problemOf(node().clearTemp(["app1"], { tempRoot: tempRoot() }))).cause).toBe("refused");
      expect(host.ran).toEqual([]);
    });

    test.each(["..", "-rf", "a/b", "", "a;b"])("the server name %j is refused", async (name) => {
      expect((await problemOf(node().clearTemp([name], {}))).cause).toBe("invalid-input");
      expect(host.ran).toEqual([]);
    });
  });
});
