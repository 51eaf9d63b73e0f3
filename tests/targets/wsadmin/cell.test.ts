import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cellSchema } from "../../../providers/targets/wsadmin/settings.js";
import { openCell } from "../../../providers/targets/wsadmin/wsadmin-cell.js";
import { hasJython } from "../../remote/jython.js";
import { problemOf } from "../../support/failure.js";
import type { MemoryHost } from "../../support/memory-host.js";
import { LocalProfile, PASSWORD } from "./local-profile.js";

jest.setTimeout(120_000);

(hasJython ? describe : describe.skip)(
  "a cell through wsadmin (a stand-in of it: real Jython 2.1, a real shell)",
  () => {
    let local: LocalProfile;
    let host: MemoryHost;
    beforeEach(() => {
      local = new LocalProfile();
      host = local.host();
    });
    afterEach(() => local.remove());

    const cell = (more: object = {}) =>
      openCell(host, cellSchema.parse({ profile: local.profile, administrator: local.administrator, ...more }));

    test("everything that a preview asks is one JVM, and shared by all that ask", async () => {
      host.put(join(local.profile, "properties", "soap.client.props"), "a=1\n com.ibm.SOAP.requestTimeout = 1800\n");
      const target = cell();
      const [first, second] = await Promise.all([target.snapshot(), cell().snapshot()]);
      expect(second).toBe(first);
      expect(host.ran).toHaveLength(1);
      expect(first.topology.clusters.map(({ name }) => name)).toEqual(["AppsCluster"]);
      expect(first.state.servers).toHaveLength(3);
      expect(first.settings.soapRequestTimeout).toEqual({ connector: 600, client: 1800 });
      expect(host.written).toEqual([]);
    });

    test("a user and a password with blanks, quotes and non-ASCII characters log in", async () => {
      expect((await cell().state()).servers).toHaveLength(3);
    });

    test("promise 14: the password is in no argument, no process list and no file that is left", async () => {
      await cell().state();
      const shown = [...host.ran.flat(), local.seen].join("\n");
      expect(local.seen).toContain("-Dcom.ibm.SOAP.ConfigURL=file:");
      expect(shown).not.toContain(PASSWORD);
      expect(shown).not.toContain("c4nary");
      expect(local.leftovers()).toEqual([]);
    });

    test("promise 14: what holds the password is a 0600 file in a 0700 folder", async () => {
      await cell().state();
      expect(local.modes).toMatch(/^drwx------ /);
      expect(local.modes).toMatch(/^-rw------- .*soap\.client\.props$/m);
      expect(local.modes).toMatch(/^-rw------- .*ipc\.client\.props$/m);
      expect(local.modes).not.toMatch(/^-rw.r/m);
    });

    test("promise 2: nothing of the profile changes by looking", async () => {
      await cell().observe();
      expect(existsSync(join(local.profile, "logs", "wsadmin.traceout"))).toBe(false);
      expect(local.seen).toMatch(/ARGS .*-tracefile \S*pulumi-connections-/);
    });

    test("a refused login is a refused login, not a stopped server, and never shows the password", async () => {
      process.env.TEST_WAS_PASSWORD = "wrong-canary";
      const problem = await problemOf(cell().state());
      expect(problem.cause).toBe("login");
      expect(problem.message).toContain("ADMN0022E");
      expect(problem.message).not.toContain("wrong-canary");
      expect(local.leftovers()).toEqual([]);
    });

    test("a password that the product repeats is blotted out of the message", async () => {
      local.wsadmin(
        "plain",
        `echo "Bad password: $(sed -n 's/.*loginPassword=//p' "\${f%/*}/soap.client.props")"; exit 0`,
      );
      process.env.TEST_WAS_PASSWORD = "repeated-canary";
      const problem = await problemOf(cell().state());
      expect(problem.message).toContain("Bad password: ********");
      expect(problem.message).not.toContain("canary");
    });

    test.each([
      [
        "a deployment manager that is down",
        "echo 'WASX7246E: Cannot establish \"SOAP\" connection: ConnectException'; exit 105",
        "unreachable",
      ],
      ["a wsadmin that says nothing and ends with 0", "exit 0", "command-failed"],
      ["a hanging wsadmin", "exec sleep 60", "timeout"],
    ])("%s", async (_name, text, cause) => {
      local.wsadmin("plain", text);
      const problem = await problemOf(cell({ timeout: "1s" }).state());
      expect(problem.cause).toBe(cause);
      expect(local.leftovers()).toEqual([]);
    });

    test("an exit code is no answer: 7 with our own line is success", async () => {
      expect((await cell().fullSync("node10")).synchronized).toBe(true);
    });

    test("promise 13: another cell than the configured one is refused", async () => {
      expect((await problemOf(cell({ cell: "cell02" }).state())).cause).toBe("refused");
      await expect(cell({ cell: "cell01" }).state()).resolves.toBeDefined();
    });

    test("promise 19: a name that would become part of a query is refused before anything runs", async () => {
      expect((await problemOf(cell().startServer({ node: "node01,*", server: "x" }))).cause).toBe("invalid-input");
      expect((await problemOf(cell().fullSync("a\nb"))).cause).toBe("invalid-input");
      expect(host.ran).toEqual([]);
    });

    test("a start that was refused for its credentials is a refused login", async () => {
      local.wsadmin("start-fails");
      const start = cell().startServer({ node: "node10", server: "Apps_server1" }, { timeoutMs: 10_000 });
      expect((await problemOf(start)).cause).toBe("login");
    });

    test("readiness, plug-in settings and generation", async () => {
      expect((await cell().applicationReadiness(["Blogs"]))[0]?.distributed).toEqual({ node01: true, node10: false });
      const changes = [{ node: "ihsNode", webServer: "webserver1", generation: "manual" as const }];
      expect((await cell().setPluginSettings(changes))[0]).toMatchObject({
        generation: "manual",
        propagation: "automatic",
      });
      const { file } = await cell().generatePlugin({ node: "ihsNode", server: "webserver1" });
      expect(file).toBe(`${local.profile}/config/cells/cell01/nodes/ihsNode/servers/webserver1/plugin-cfg.xml`);
    });

    test("promise 14: what a killed run left is removed by the next one; that of a running one stays", async () => {
      const dead = local.privateFolder(host, "dead");
      const alive = local.privateFolder(host, "alive");
      const young = local.privateFolder(host, "young");
      const old = local.privateFolder(host, "old");
      for (const folder of [dead, alive, young, old]) mkdirSync(folder, { mode: 0o700 });
      // Higher than any process number that Linux gives.
      writeFileSync(join(dead, "pid"), "4194305\n");
      writeFileSync(join(alive, "pid"), `${process.pid}\n`);
      utimesSync(old, new Date(0), new Date(0));
      try {
        await cell().state();
        expect([dead, alive, young, old].map((folder) => existsSync(folder))).toEqual([false, true, true, false]);
      } finally {
        writeFileSync(join(alive, "pid"), "4194305\n");
        utimesSync(young, new Date(0), new Date(0));
        await cell().state();
      }
      expect(local.leftovers()).toEqual([]);
    });

    test("no profile there, or no wsadmin in it: said as that", async () => {
      expect((await problemOf(cell({ profile: join(local.root, "nowhere") }).state())).cause).toBe("missing");
      const problem = await problemOf(cell({ profile: local.root }).state());
      expect(problem.cause).toBe("missing");
      expect(problem.message).toContain("bin/wsadmin.sh");
    });
  },
);
