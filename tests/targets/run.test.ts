import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { closeAllHosts, openHost } from "../../providers/targets/hosts.js";
import { problemOf } from "../support/failure.js";
import { FaultProxy } from "../support/fault-proxy.js";
import { type Changes, startSshd, type TestSshd } from "../support/sshd.js";
import { SUDO_STAND_IN } from "../support/sudo-stand-in.js";

const CANARY = "canary-77aa-secret";
const ask = { what: "ask", timeoutMs: 20_000 };

let server: TestSshd;
beforeAll(async () => {
  server = await startSshd({ programs: { sudo: SUDO_STAND_IN } });
});
afterEach(closeAllHosts);
afterAll(() => server.stop());

const host = (changes: Changes = {}) => openHost(server.connection(changes));

describe("promise 19: arguments are data", () => {
  const text = fc
    .string({
      unit: fc.oneof(
        fc.constantFrom(
          "'",
          '"',
          "\\",
          "\n",
          "\r",
          "$",
          "`",
          "-",
          "*",
          "!",
          " ",
          "ä",
          "𝕏",
          "\t",
          ";",
          "&",
          "#",
          "~",
          "=",
          "%",
        ),
        fc.string({ minLength: 1, maxLength: 1 }),
      ),
      maxLength: 12,
    })
    .map((some) => some.replaceAll("\0", ""));

  test.each(["/bin/sh", "/bin/bash"])(
    "any argument arrives as it was given, through a login shell %s and sudo",
    async (shell) => {
      const other = await startSshd({ shell, programs: { sudo: SUDO_STAND_IN } });
      try {
        for (const changes of [{}, { sudo: true as const }]) {
          const there = openHost(other.connection(changes));
          await fc.assert(
            fc.asyncProperty(fc.array(text, { maxLength: 6 }), async (args) => {
              const { stdout, exitCode } = await there.run(["printf", "%s\\0", "--", ...args], ask);
              expect(exitCode).toBe(0);
              expect(stdout).toBe([...["--"], ...args].map((arg) => `${arg}\0`).join(""));
            }),
            { numRuns: 25 },
          );
        }
      } finally {
        await closeAllHosts();
        await other.stop();
      }
    },
    30_000,
  );

  test.each<[string, string[]]>([
    ["no program", []],
    ["an empty program", [""]],
    ["a NUL character", ["echo", "a\0b"]],
    ["too much for a command line", ["echo", "x".repeat(200_000)]],
  ])("%s is refused before anything is sent", async (_what, argv) => {
    expect((await problemOf(host().run(argv, ask))).cause).toBe("invalid-input");
    expect((await problemOf(host({ sudo: true }).run(argv, ask))).cause).toBe("invalid-input");
  });
});

describe("a command", () => {
  test("gets its input and gives back its output, both streams and the exit code", async () => {
    const input = Buffer.from("line\n".repeat(60_000));
    for (const changes of [{}, { sudo: true as const }]) {
      const { stdout, stderr, exitCode } = await host(changes).run(["sh", "-c", "cat; echo oops >&2; exit 3"], {
        ...ask,
        stdin: input,
      });
      expect([stdout.length, stderr, exitCode]).toEqual([input.length, "oops\n", 3]);
    }
  });

  test("that does not read its input is no error", async () => {
    expect((await host().run(["true"], { ...ask, stdin: Buffer.alloc(3_000_000) })).exitCode).toBe(0);
  });

  test("without input sees its end at once", async () => {
    expect((await host().run(["cat"], ask)).stdout).toBe("");
    expect((await host({ sudo: true }).run(["cat"], ask)).stdout).toBe("");
  });

  test("that was killed tells by 128 + signal", async () => {
    expect((await host().run(["sh", "-c", "kill -KILL $$"], ask)).exitCode).toBe(137);
  });

  test("with more output than can be held is an error, not a cut text", async () => {
    const error = await problemOf(host().run(["head", "-c", "20000000", "/dev/zero"], ask));
    expect(error).toMatchObject({ cause: "command-failed", message: expect.stringContaining("exit code 0") });
  });

  test("has no terminal", async () => {
    expect((await host().run(["sh", "-c", "[ -t 0 ] || [ -t 1 ]"], ask)).exitCode).toBe(1);
  });

  test("30 at once all run on a stock server (MaxSessions 10), over one connection", async () => {
    const proxy = await FaultProxy.start(server.port);
    try {
      const there = host({ port: proxy.port, hostKey: { pinned: [server.hostKey] } });
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_unused, index) => there.run(["echo", String(index)], ask)),
      );
      expect(answers.map(({ stdout }) => stdout)).toEqual(answers.map((_unused, index) => `${index}\n`));
      expect(proxy.connections).toBe(1);
    } finally {
      await closeAllHosts();
      await proxy.stop();
    }
  });

  test("that a server with few sessions has no room for is asked for again, on the same connection", async () => {
    const narrow = await startSshd({ config: ["MaxSessions 2"] });
    try {
      const there = openHost(narrow.connection());
      const answers = await Promise.all(Array.from({ length: 8 }, () => there.run(["true"], ask)));
      expect(answers.map(({ exitCode }) => exitCode)).toEqual(Array(8).fill(0));
      expect(narrow.log().match(/Accepted publickey/g) ?? []).toHaveLength(1);
    } finally {
      await closeAllHosts();
      await narrow.stop();
    }
  });
});

describe("promise 20: a lost answer is not success", () => {
  let proxy: FaultProxy;
  beforeAll(async () => {
    proxy = await FaultProxy.start(server.port);
  });
  afterEach(async () => {
    await closeAllHosts();
    proxy.faults = {};
  });
  afterAll(() => proxy.stop());
  const throughProxy = () => host({ port: proxy.port, hostKey: { pinned: [server.hostKey] }, operationTimeout: "1s" });

  test("the line is cut while a command runs: unknown outcome, and the next command takes a new line", async () => {
    const mark = join(server.tree, "happened");
    const there = throughProxy();
    await there.run(["true"], ask);
    const running = there.run(["sh", "-c", 'echo started; echo x > "$0"; exec cat', mark], {
      ...ask,
      stdin: Buffer.alloc(100_000_000),
    });
    const failed = problemOf(running);
    proxy.cutIn("up", 2_000);
    expect((await failed).cause).toBe("unknown-outcome");
    proxy.faults = {};
    expect((await there.run(["true"], ask)).exitCode).toBe(0);
  });

  test("the answer stalls: a timeout that says the outcome is unknown; other commands are not disturbed", async () => {
    const there = throughProxy();
    const long = there.run(["sh", "-c", "sleep 1; echo done"], ask);
    const hold = join(server.tree, "hold");
    writeFileSync(hold, "");
    const waiting = ["sh", "-c", 'while [ -e "$0" ]; do sleep 0.05; done', hold];
    const error = await problemOf(there.run(waiting, { what: "wait", timeoutMs: 200 }));
    rmSync(hold);
    expect(error).toMatchObject({ cause: "timeout", message: expect.stringContaining("no answer within 200 ms") });
    expect((await long).stdout).toBe("done\n");
  });

  test("a stuck file operation does not end commands under way; later ones take a new line", async () => {
    const there = throughProxy();
    execFileSync("mkfifo", [join(server.tree, "stuck")]);
    const long = there.run(["sh", "-c", "sleep 2; echo done"], ask);
    // Opening a pipe that nobody writes to blocks the SFTP server.
    expect((await problemOf(there.files.read(join(server.tree, "stuck")))).cause).toBe("timeout");
    expect(await there.files.list(server.tree)).toContain("stuck");
    expect(proxy.connections).toBeGreaterThan(1);
    expect((await long).stdout).toBe("done\n");
    // Lets the server's process go, which is still waiting for a writer.
    execFileSync("sh", ["-c", ': > "$0"', join(server.tree, "stuck")]);
  });

  test("a closed host says so", async () => {
    const there = throughProxy();
    await there.close();
    expect((await problemOf(there.run(["true"], ask))).cause).toBe("interrupted");
    expect((await throughProxy().run(["true"], ask)).exitCode).toBe(0);
  });
});

describe("sudo", () => {
  const PASSWORD = { env: "TEST_SUDO_PASSWORD" };
  const passwordFile = () => join(server.folder, "bin", "sudo-password");
  beforeAll(() => {
    process.env.TEST_SUDO_PASSWORD = CANARY;
  });
  afterEach(() => execFileSync("rm", ["-f", passwordFile(), join(server.folder, "bin", "requiretty")]));
  afterAll(() => {
    delete process.env.TEST_SUDO_PASSWORD;
  });
  const callsFile = () => join(server.folder, "sudo-calls");
  const noteCalls = () => execFileSync("sh", ["-c", ': > "$0"; chmod 666 "$0"', callsFile()]);
  const calls = () => readFileSync(callsFile(), "utf8").trim().split("\n");
  const wants = (password: string) => writeFileSync(passwordFile(), password, { mode: 0o644 });

  test("promise 14: the password goes in when asked for, and nowhere else", async () => {
    wants(CANARY);
    const { stdout, stderr } = await host({ sudo: { password: PASSWORD } }).run(["sh", "-c", "cat; ps -eo args; env"], {
      ...ask,
      stdin: "input\n",
    });
    expect(stdout.startsWith("input\n")).toBe(true);
    expect(stdout + stderr).not.toContain(CANARY);
    expect(stderr).toBe("");
  });

  test("promise 14: where sudo needs no password the command does not get it as its input", async () => {
    const { stdout } = await host({ sudo: { password: PASSWORD } }).run(["cat"], { ...ask, stdin: "input\n" });
    expect(stdout).toBe("input\n");
    const path = join(server.tree, "sudo-written");
    await host({ sudo: { password: PASSWORD } }).files.write(path, Buffer.from("bytes"), { expected: "absent" });
    expect(readFileSync(path, "utf8")).toBe("bytes");
  });

  test("a wrong password is tried once, typed, and not shown", async () => {
    wants("another");
    noteCalls();
    const error = await problemOf(host({ sudo: { password: PASSWORD } }).run(["true"], ask));
    expect(error).toMatchObject({ cause: "login", message: expect.stringContaining("sudo refused the password") });
    expect(`${error.stack}`).not.toContain(CANARY);
    expect(calls().filter((line) => line === "wrong password")).toHaveLength(1);
  });

  test("promise 21: a wrong password is tried once, whatever is asked at once or later; one put right meanwhile is tried", async () => {
    wants("another");
    noteCalls();
    const wrong = () => calls().filter((line) => line === "wrong password");
    const there = host({ sudo: { password: PASSWORD } });
    const asked = [
      there.run(["true"], ask),
      there.files.read("/etc/passwd"),
      there.files.stat("/"),
      there.jobs.peek("x"),
    ];
    const errors = await Promise.all(asked.map((each) => problemOf(each)));
    errors.push(await problemOf(there.run(["true"], ask)));
    expect(errors.map(({ cause }) => cause)).toEqual(errors.map(() => "login"));
    expect(errors[4]?.message).toContain("refused before, at web1: sudo (sudo refused the password)");
    expect(wrong()).toHaveLength(1);
    wants(CANARY);
    expect((await problemOf(there.run(["true"], ask))).cause).toBe("login");
    process.env.TEST_SUDO_PASSWORD = "another";
    wants("another");
    try {
      expect((await there.run(["true"], ask)).exitCode).toBe(0);
    } finally {
      process.env.TEST_SUDO_PASSWORD = CANARY;
    }
  });

  test("a command that takes long keeps no other one waiting for its turn at sudo", async () => {
    wants(CANARY);
    const there = host({ sudo: { password: PASSWORD } });
    const gate = join(server.tree, "sudo-gate");
    execFileSync("mkfifo", ["-m", "666", gate]);
    const long = there.run(["cat", gate], { ...ask, timeoutMs: 30_000 });
    expect((await there.run(["true"], ask)).exitCode).toBe(0);
    execFileSync("sh", ["-c", 'echo done > "$0"', gate]);
    expect((await long).stdout).toBe("done\n");
  });

  test("a password that is needed and not configured, a terminal that is needed, and no sudo at all are said", async () => {
    wants("x");
    expect(await problemOf(host({ sudo: true }).run(["true"], ask))).toMatchObject({
      cause: "login",
      message: expect.stringContaining("NOPASSWD"),
    });
    writeFileSync(join(server.folder, "bin", "requiretty"), "");
    expect(await problemOf(host({ sudo: true }).run(["true"], ask))).toMatchObject({
      cause: "permission",
      message: expect.stringContaining("!requiretty"),
    });
    const bare = await startSshd({ programs: { sudo: "#!/bin/sh\nexit 127\n" } });
    try {
      const error = await problemOf(openHost(bare.connection({ sudo: true })).run(["true"], ask));
      expect(error).toMatchObject({ cause: "permission", message: expect.stringContaining("there is no sudo") });
    } finally {
      await closeAllHosts();
      await bare.stop();
    }
  });

  test("a command may go without it", async () => {
    wants("x");
    expect((await host({ sudo: true }).run(["echo", "hi"], { ...ask, sudo: false })).stdout).toBe("hi\n");
  });

  test("reads of one tick share one command", async () => {
    noteCalls();
    const names = Array.from({ length: 40 }, (_unused, index) => join(server.tree, `batch ${index}`));
    for (const name of names) writeFileSync(name, `#${name}`);
    const there = host({ sudo: true });
    const read = await Promise.all(names.map((name) => there.files.read(name)));
    expect(read.map((content) => content?.bytes.toString())).toEqual(names.map((name) => `#${name}`));
    expect(calls()).toHaveLength(1);
  });
});
