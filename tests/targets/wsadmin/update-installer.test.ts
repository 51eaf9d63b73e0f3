import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { posixCommands } from "../../../providers/targets/wsadmin/posix-commands.js";
import { updateInstallerSchema } from "../../../providers/targets/wsadmin/settings.js";
import { openUpdateInstaller } from "../../../providers/targets/wsadmin/silent-installer.js";
import { problemOf } from "../../support/failure.js";
import { MemoryHost } from "../../support/memory-host.js";
import { LocalProfile, runHere } from "./local-profile.js";
import { ownProcesses } from "./own-processes.js";

jest.setTimeout(60_000);

describe("the update installer (a stand-in of it in a real shell)", () => {
  let local: LocalProfile;
  let host: MemoryHost;
  beforeEach(() => {
    local = new LocalProfile();
    process.env.TEST_WAS_PASSWORD = "canary'pass$word";
    host = local.host({
      onRun: (argv, options) => {
        const proc = ownProcesses(join(local.root, "processes"));
        return runHere(
          argv.map((text) => text.replaceAll("/proc/", `${proc}/`)),
          options,
        );
      },
    });
    installer("success");
  });
  afterEach(() => local.remove());

  const installDir = () => join(local.root, "was", "HCL Connections");
  const target = () =>
    openUpdateInstaller(
      host,
      updateInstallerSchema.parse({
        installDir: installDir(),
        profile: local.profile,
        administrator: { ...local.administrator, user: "wasadmin" },
      }),
    );
  const run = { job: "fixes", timeoutMs: 20_000, customizationBackedUp: true };
  const fixed = () => (existsSync(join(local.root, "fixed")) ? readFileSync(join(local.root, "fixed"), "utf8") : "");

  /** @param behaviour of installing: success, or what goes wrong */
  function installer(behaviour: "success" | "silent" | "lies" | "fails" | "refused" | "needy"): void {
    local.program(
      "was/HCL Connections/updateInstaller/updateSilent.sh",
      `[ "$(basename "$PWD")" = updateInstaller ] && [ "$WAS_HOME" = '${local.root}/was' ] || { echo "wrong folder or WAS_HOME"; exit 9; }
printf '%s\\n' "$@" >> '${local.root}/arguments'
case "$*" in
  *-install\\ *)
    [ ${behaviour} = fails ] && { echo "Fix installation failed: canary'pass\\$word"; exit 1; }
    [ ${behaviour} = needy ] && { echo "Fix LO66666 requires LO55555, CFix.70.2110 and LO66666."; exit 1; }
    [ ${behaviour} = refused ] && { echo "WASX7246E: ADMN0022E: Access is denied"; exit 1; }
    [ ${behaviour} = lies ] || echo LO66666 >> '${local.root}/fixed'
    [ ${behaviour} = silent ] || echo "Fix installation completed successfully." ;;
  *-uninstall\\ *) : > '${local.root}/fixed'; echo "Fix uninstallation completed successfully." ;;
  *-fixDir*) echo "Available fixes:"; echo "[1] LO66666, Files: a fix"; echo "[2] CFix.70.2110, all" ;;
  *)
    echo "Installed fixes of HCL Connections:"
    [ -f '${local.root}/fixed' ] && while read -r id; do echo "Fix name: $id"; echo "  Version: 1"; done < '${local.root}/fixed' ;;
esac
exit 5\n`,
    );
  }

  test("lists are read without a login, from the installer's own folder, and change nothing", async () => {
    expect((await target().listInstalled()).fixes).toEqual([]);
    const { fixes, raw } = await target().listOffered(join(local.root, "fixes"));
    expect(fixes.map(({ id }) => id)).toEqual(["LO66666", "CFix.70.2110"]);
    expect(raw).toContain("[1] LO66666");
    expect(raw).not.toContain("@@");
    expect(readFileSync(join(local.root, "arguments"), "utf8")).not.toContain("-was");
    expect(host.written).toEqual([]);
  });

  test("it is made to speak English in UTF-8, whatever the host's locale: its words are read, and archives hold names", async () => {
    const locale = process.env.LC_ALL;
    process.env.LC_ALL = "de_DE.ISO-8859-1";
    try {
      const text = `echo "Fix name: $LC_ALL.$LANG"\n`;
      local.program("was/HCL Connections/updateInstaller/updateSilent.sh", text);
      const [fix] = (await target().listInstalled()).fixes;
      expect(fix?.id).toMatch(/^(en_[A-Z]{2}|C)\.(utf8|UTF-8)\.\1\.\2$/);
    } finally {
      if (locale === undefined) delete process.env.LC_ALL;
      else process.env.LC_ALL = locale;
    }
  });

  test("a fix that is described by the words of a refused login is listed; without any fix they are one", async () => {
    const printing = (text: string) =>
      local.program("was/HCL Connections/updateInstaller/updateSilent.sh", `printf '%s\\n' '${text}'\n`);
    printing(
      "Installed fixes:\nFix name: LO66666\n  Description: Files: Access is denied when a shared folder is opened",
    );
    expect((await target().listInstalled()).fixes.map(({ id }) => id)).toEqual(["LO66666"]);
    printing("Installed fixes:\nADMN0022E: Access is denied");
    expect((await problemOf(target().listInstalled())).cause).toBe("login");
  });

  test("installing and uninstalling: done when text and new list agree, whatever the exit code", async () => {
    const done = await target().install(["LO66666"], join(local.root, "fixes"), run);
    expect(done).toMatchObject({ result: "done", exitCode: 5, installed: [{ id: "LO66666", version: "1" }] });
    expect(readFileSync(join(local.root, "arguments"), "utf8")).toContain(
      "-install\n-fixes\nLO66666\n-featureCustomizationBackedUp\nyes\n-wasUserId\nwasadmin\n-wasPassword\ncanary'pass$word\n",
    );
    expect(await target().uninstall(["LO66666"], run)).toMatchObject({ result: "done", installed: [] });
    expect(fixed()).toBe("");
  });

  test.each([
    ["a success that did nothing", "lies", "unproven"],
    ["a fix that is there without a word of success", "silent", "unproven"],
    ["a failure", "fails", "failed"],
  ] as const)("promise 20: %s is %s", async (_name, behaviour, result) => {
    installer(behaviour);
    expect((await target().install(["LO66666"], join(local.root, "fixes"), run)).result).toBe(result);
    // Nobody else could tell later what it said.
    expect(host.jobNames()).toEqual(result === "unproven" ? [run.job] : []);
  });

  test.each([
    ["with the fix listed and a text of success", "Fix installation completed successfully.", true, "done"],
    ["with the fix listed alone", "canary'pass$word", true, "unproven"],
    ["with a text of success alone", "Fix installation completed successfully.", false, "unproven"],
    ["with neither", "", false, "failed"],
  ] as const)(
    "promise 6: one that was lost with its host %s is judged by both, and never begun again",
    async (_name, text, listed, result) => {
      expect(await target().lost("install", ["LO66666"], run.job)).toBeUndefined();
      if (listed) writeFileSync(join(local.root, "fixed"), "LO66666\n");
      const how = { restartedAt: "2026-11-23T01:12:34Z", left: [] };
      host.setJob(run.job, "lost", `@@ folder /dev/shm/x\n${text}`);
      host.lose(how);
      const lost = await target().lost("install", ["LO66666"], run.job);
      expect(lost).toMatchObject({ how, result, output: text.startsWith("canary") ? "********" : text });
      const error = await problemOf(target().install(["LO66666"], join(local.root, "fixes"), run));
      expect(error).toMatchObject({
        cause: "unknown-outcome",
        message: expect.stringContaining("restart at 2026-11-23"),
      });
      expect(readFileSync(join(local.root, "arguments"), "utf8")).not.toContain("-install\n");
      expect(host.jobNames()).toEqual([run.job]);
    },
  );

  test("what it names as needed first is told", async () => {
    installer("needy");
    const outcome = await target().install(["LO66666"], join(local.root, "fixes"), run);
    expect(outcome).toMatchObject({ result: "failed", requires: ["LO55555", "CFix.70.2110"] });
  });

  test("it is told of backed-up customizations only when there are backups", async () => {
    await target().install(["LO66666"], join(local.root, "fixes"), { ...run, customizationBackedUp: false });
    expect(readFileSync(join(local.root, "arguments"), "utf8")).not.toContain("BackedUp");
  });

  test("a refused login is said as that", async () => {
    installer("refused");
    expect((await problemOf(target().install(["LO66666"], join(local.root, "fixes"), run))).cause).toBe("login");
  });

  test("promise 14: the password is in no argument of ours, no output and no file that is left", async () => {
    installer("fails");
    const lines: string[] = [];
    const outcome = await target().install(["LO66666"], join(local.root, "fixes"), {
      ...run,
      onOutput: (line) => lines.push(line),
    });
    expect(outcome.output).toContain("********");
    expect([...host.ran.flat(), outcome.output, ...lines].join("\n")).not.toContain("canary");
    expect(local.leftovers()).toEqual([]);
  });

  test("a blank in user or password is refused with the reason, before anything is started", async () => {
    await target().checkLogin();
    process.env.TEST_WAS_PASSWORD = "two words";
    expect((await problemOf(target().checkLogin())).message).toContain("cannot take one with a blank");
    const problem = await problemOf(target().install(["LO66666"], join(local.root, "fixes"), run));
    expect(problem.cause).toBe("refused");
    expect(problem.message).toContain("cannot take one with a blank");
    expect(problem.message).not.toContain("two words");
    expect(existsSync(join(local.root, "arguments"))).toBe(false);
    expect(local.leftovers()).toEqual([]);
  });

  test("a second one never starts while one runs; our own of that name is attached to", async () => {
    // Waits for its input to end, as a child of this test: seen in the process list like anybody's.
    writeFileSync(join(local.root, "updateSilent.sh"), "read _\n");
    const other = spawn("sh", [join(local.root, "updateSilent.sh")], { stdio: ["pipe", "ignore", "ignore"] });
    try {
      expect(await target().isRunning()).toBe(true);
      expect((await problemOf(target().install(["LO66666"], "/fixes", run))).message).toContain("running already");
      expect(fixed()).toBe("");
    } finally {
      const ended = new Promise((resolve) => other.once("exit", resolve));
      other.stdin?.end();
      await ended;
    }
    expect(await target().isRunning()).toBe(false);
    host.setJob("fixes", "running");
    expect((await problemOf(target().install(["LO66666"], "/fixes", run))).cause).toBe("timeout");
    expect(fixed()).toBe("");
  });

  test.each([
    ["a listing of somebody's is none", ["-fix", "-installDir", "/opt/HCL/Connections", "-fixDir", "/fixes"], false],
    ["an uninstallation of all", ["-fix", "-installDir", "/opt/HCL/Connections", "-uninstallAll"], true],
    ["an installation", ["-fix", "-installDir", "/opt", "-fixDir", "/fixes", "-install", "-fixes", "LO1"], true],
    ["one that says nothing of what it does", [], true],
  ])("promise 10: an installer that may change something, told by its arguments: %s", async (_name, args, changes) => {
    // A Java of its own below it, as the product's script starts one; both end with this test's input.
    const folder = join(local.root, "updateInstaller");
    mkdirSync(folder, { recursive: true });
    copyFileSync("/bin/cat", join(folder, "java"));
    chmodSync(join(folder, "java"), 0o755);
    writeFileSync(join(folder, "updateSilent.sh"), "./java\n:\n");
    const started = join(folder, "java");
    const of = openUpdateInstaller(
      host,
      updateInstallerSchema.parse({
        installDir: local.root,
        profile: local.profile,
        administrator: local.administrator,
      }),
    );
    const other = spawn("sh", ["updateSilent.sh", ...args], { cwd: folder, stdio: ["pipe", "pipe", "ignore"] });
    try {
      const echoed = new Promise((resolve) => other.stdout?.once("data", resolve));
      other.stdin?.write("up\n");
      await echoed;
      expect([await of.isRunning(), existsSync(started)]).toEqual([changes, true]);
    } finally {
      const ended = new Promise((resolve) => other.once("exit", resolve));
      other.stdin?.end();
      await ended;
    }
  });

  test.each([
    ["its first process is there to be read", "1/cmdline", "none"],
    ["as hidepid=2 leaves it: the processes of others are not there", "self/cmdline", "hidden"],
    ["as hidepid=1 leaves it: they are there, and not to be read", "1/cmdline/unreadable", "hidden"],
  ])("a process list in which no installer is seen, and %s", async (_name, file, word) => {
    const proc = join(local.root, "proc");
    mkdirSync(join(proc, file, ".."), { recursive: true });
    writeFileSync(join(proc, file), "init\0");
    const argv = posixCommands.installerRunning(installDir()).map((text) => text.replaceAll("/proc/", `${proc}/`));
    expect((await runHere(argv, { what: "look", timeoutMs: 20_000 })).stdout).toBe(`@@ ${word}\n`);
  });

  test("promise 10: where other users' processes are hidden, nobody says that none is running", async () => {
    const hidden = new MemoryHost(host.connection, {
      onRun: () => ({ exitCode: 0, stdout: "@@ hidden\n", stderr: "" }),
    });
    const { administrator } = local;
    const settings = updateInstallerSchema.parse({ installDir: installDir(), profile: local.profile, administrator });
    expect(await problemOf(openUpdateInstaller(hidden, settings).isRunning())).toMatchObject({
      cause: "permission",
      message: expect.stringContaining("hidepid"),
    });
  });

  test.each([[[]], [["-all"]], [["a b"]], [["LO1;rm"]]])(
    "promise 19: the ids %j are refused",
    async (ids: string[]) => {
      expect((await problemOf(target().install(ids, "/fixes", run))).cause).toBe("invalid-input");
      expect(host.ran).toEqual([]);
    },
  );

  test("no installer there", async () => {
    const gone = openUpdateInstaller(
      host,
      updateInstallerSchema.parse({
        installDir: local.root,
        profile: local.profile,
        administrator: local.administrator,
      }),
    );
    expect((await problemOf(gone.listInstalled())).cause).toBe("missing");
  });
});
