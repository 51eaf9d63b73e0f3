import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProblemError } from "../../providers/common/problem.js";
import { closeAllHosts, openHost } from "../../providers/targets/hosts.js";
import { problemOf } from "../support/failure.js";
import { FaultProxy } from "../support/fault-proxy.js";
import { type Changes, startSshd, type TestSshd } from "../support/sshd.js";
import { SUDO_STAND_IN } from "../support/sudo-stand-in.js";

const options = { what: "work", timeoutMs: 20_000 };
/** Works until the file "go" is there, or its directory gone. Each start leaves a line in "starts". */
const WORK = [
  "sh",
  "-c",
  'cd "$1"; echo "$$" >> starts; echo begun; while ! [ -e go ] && [ -e starts ]; do sleep 0.05; done; echo over; exit 7',
  "work",
];

let server: TestSshd;
let count = 0;
beforeAll(async () => {
  server = await startSshd({ programs: { sudo: SUDO_STAND_IN } });
});
afterEach(closeAllHosts);
afterAll(() => server.stop());

const host = (changes: Changes = {}) => openHost(server.connection(changes));
async function place(): Promise<{
  name: string;
  directory: string;
  work: string[];
  starts: () => string[];
  go: () => void;
}> {
  const name = `job-${++count}`;
  const directory = join(server.tree, `work-${count}`);
  await host().files.makeDirectory(directory);
  const starts = join(directory, "starts");
  return {
    name,
    directory,
    work: [...WORK, directory],
    starts: () => (existsSync(starts) ? readFileSync(starts, "utf8").trim().split("\n") : []),
    go: () => writeFileSync(join(directory, "go"), ""),
  };
}
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !condition(); turn++) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(condition()).toBe(true);
}

const untilAsync = async (condition: () => Promise<boolean>): Promise<void> => {
  for (let turn = 0; turn < 500 && !(await condition()); turn++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await condition()).toBe(true);
};

describe("promise 6: a job", () => {
  test("goes on without us, is found again by name, and started once", async () => {
    const { name, work, starts, go } = await place();
    const error = await problemOf(host().jobs.run(name, work, { ...options, timeoutMs: 600 }));
    expect(error).toMatchObject({ cause: "timeout", message: expect.stringContaining("attaches to this job") });
    expect(await host().jobs.peek(name)).toMatchObject({ state: "running", pid: expect.any(Number) });
    expect((await problemOf(host().jobs.collect(name))).cause).toBe("locked");
    await closeAllHosts();
    go();
    const lines: string[] = [];
    const result = await host().jobs.run(name, work, { ...options, onOutput: (line) => lines.push(line) });
    expect(result).toEqual({ exitCode: 7, output: "begun\nover\n", attached: true });
    expect(lines).toEqual(["begun", "over"]);
    expect(starts()).toHaveLength(1);
  });

  test("that somebody watches may be left before its end, and goes on", async () => {
    const { name, work, starts, go } = await place();
    let looks = 0;
    const whileRunning = async () => {
      if (++looks === 3) throw new Error("enough seen");
    };
    await expect(host().jobs.run(name, work, { ...options, whileRunning })).rejects.toMatchObject({
      message: "enough seen",
    });
    expect(await host().jobs.peek(name)).toMatchObject({ state: "running" });
    go();
    expect(await host().jobs.run(name, work, options)).toMatchObject({ exitCode: 7, attached: true });
    expect(starts()).toHaveLength(1);
  });

  test("that many start at the same time is started once", async () => {
    // A slow mkdir: all of them have looked, and seen nothing, before the first one makes the folder.
    const slow = await startSshd({ programs: { mkdir: '#!/bin/sh\nsleep 0.4\nexec /bin/mkdir "$@"\n' } });
    try {
      const starts = join(slow.tree, "starts");
      const argv = ["sh", "-c", 'echo x >> "$0"; exit 7', starts];
      const there = openHost(slow.connection());
      const results = await Promise.all(Array.from({ length: 5 }, () => there.jobs.run("one", argv, options)));
      expect(results.filter(({ attached }) => !attached)).toHaveLength(1);
      expect(results.map(({ exitCode }) => exitCode)).toEqual(Array(5).fill(7));
      expect(readFileSync(starts, "utf8")).toBe("x\n");
    } finally {
      await closeAllHosts();
      await slow.stop();
    }
  });

  test("survives the line, cut again and again while we wait for it", async () => {
    const proxy = await FaultProxy.start(server.port);
    try {
      const { name, work, starts, go } = await place();
      const changes: Changes = { port: proxy.port, hostKey: { pinned: [server.hostKey] } };
      const result = host(changes).jobs.run(name, work, options);
      await until(() => starts().length > 0);
      for (let times = 0; times < 3; times++) {
        const connections = proxy.connections;
        proxy.drop();
        await until(() => proxy.connections > connections);
      }
      go();
      expect(await result).toMatchObject({ exitCode: 7, output: "begun\nover\n" });
      expect(starts()).toHaveLength(1);
    } finally {
      await closeAllHosts();
      await proxy.stop();
    }
  }, 40_000);

  test("whose start was cut at any byte runs once at most, and the next call finds or starts it", async () => {
    const proxy = await FaultProxy.start(server.port);
    try {
      const changes: Changes = { port: proxy.port, hostKey: { pinned: [server.hostKey] } };
      for (let bytes = 0; bytes < 2_400; bytes += 400) {
        const { name, work, starts, go } = await place();
        go();
        await host(changes).run(["true"], options);
        const { connections } = proxy;
        proxy.cutIn("up", bytes);
        const first = host(changes)
          .jobs.run(name, work, options)
          .catch((error: ProblemError) => error);
        // Either it was cut, and a new line is tried, or it needed fewer bytes.
        await Promise.race([first, until(() => proxy.connections > connections)]);
        proxy.faults = {};
        await first;
        expect(await host().jobs.run(name, work, options)).toMatchObject({ exitCode: 7 });
        expect(starts()).toHaveLength(1);
      }
    } finally {
      await closeAllHosts();
      await proxy.stop();
    }
  }, 30_000);

  test("whose runner was killed is lost: an error that says what goes on, not a second start", async () => {
    const { name, work, starts, go } = await place();
    await problemOf(host().jobs.run(name, work, { ...options, timeoutMs: 600 }));
    const state = await host().jobs.peek(name);
    process.kill(Number(state?.pid), "SIGKILL");
    await untilAsync(async () => (await host().jobs.peek(name))?.state === "lost");
    const left = [Number(starts()[0])];
    expect(await host().jobs.peek(name)).toMatchObject({
      lost: { restartedAt: null, left: expect.arrayContaining(left) },
    });
    const error = await problemOf(host().jobs.run(name, work, options));
    expect(error).toMatchObject({ cause: "unknown-outcome", message: expect.stringContaining(`process ${left[0]}`) });
    go();
    await untilAsync(async () => (await host().jobs.peek(name))?.lost?.left.length === 0);
    expect((await problemOf(host().jobs.run(name, work, options))).message).toContain("its processes are gone");
    expect(await host().jobs.output(name)).toBe("begun\nover\n");
    expect(starts()).toHaveLength(1);
    await host().jobs.collect(name);
    expect((await host().jobs.run(name, work, options)).attached).toBe(false);
    expect(starts()).toHaveLength(2);
  });

  test("that its host's restart ended is known by the boot that began it, whoever has its number by now", async () => {
    const { name, work, go } = await place();
    await problemOf(host().jobs.run(name, work, { ...options, timeoutMs: 600 }));
    const folder = join(server.tree, "state", "jobs", name);
    const [said, seconds, boot] = readFileSync(join(folder, "started"), "utf8").split("\n");
    expect(boot).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
    // As it was written in an earlier boot.
    const earlier = "0f6d4bd8-5a3e-4d1f-9a59-6a5d9e0b7c11";
    writeFileSync(join(folder, "started"), `${said}\n${seconds}\n${earlier}\n`);
    const [pid, identity = ""] = readFileSync(join(folder, "process"), "utf8").trim().split(" ");
    writeFileSync(join(folder, "process"), `${pid} ${identity.replace(boot ?? "", earlier)}\n`);
    const restartedAt = new Date(Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]) * 1_000);
    const lost = { restartedAt: restartedAt.toISOString().replace(".000", ""), left: [] };
    expect(await host().jobs.peek(name)).toMatchObject({ state: "lost", lost });
    const error = await problemOf(host().jobs.run(name, work, options));
    expect(error.message).toContain(`ended with its host's restart at ${lost.restartedAt}, its outcome is unknown`);
    go();
  });

  test("of whose exit status a loss of power left an empty file is lost, and has not succeeded", async () => {
    const { name } = await place();
    await host().jobs.run(name, ["true"], options);
    for (const left of ["", "\0\0"]) {
      writeFileSync(join(server.tree, "state", "jobs", name, "exit"), left);
      expect((await problemOf(host().jobs.run(name, ["true"], options))).cause).toBe("unknown-outcome");
    }
  });

  test("is not mistaken for a later process of the same number", async () => {
    const { name, work, go } = await place();
    await problemOf(host().jobs.run(name, work, { ...options, timeoutMs: 600 }));
    const process = join(server.tree, "state", "jobs", name, "process");
    const [pid] = readFileSync(process, "utf8").split(" ");
    writeFileSync(process, `${pid} 12345-other-boot\n`);
    expect(await host().jobs.peek(name)).toMatchObject({ state: "lost" });
    go();
  });

  test("tells its output line by line, whatever it is, and gives back its end", async () => {
    const { name } = await place();
    const lines: string[] = [];
    const script =
      'printf "ä\\r\\nhalf"; sleep 0.2; printf " line\\n"; i=0; while [ $i -lt 40000 ]; do echo "line $i"; i=$((i+1)); done; printf last >&2';
    const result = await host().jobs.run(name, ["sh", "-c", script], {
      ...options,
      onOutput: (line) => lines.push(line),
    });
    expect(lines.slice(0, 3)).toEqual(["ä", "half line", "line 0"]);
    expect(lines).toHaveLength(40_003);
    expect(result.output).toHaveLength(65_536);
    expect(result.output.endsWith("line 39999\nlast")).toBe(true);
  });

  test("promise 19: has its own directory and environment; arguments are data; its umask is the usual one", async () => {
    const { name, directory } = await place();
    const value = "it's $HOME\n`id`";
    const argv = ["sh", "-c", 'pwd; printf "%s|%s|" "$V" "$1"; touch made', "x", value];
    const result = await host().jobs.run(name, argv, { ...options, cwd: directory, env: { V: value } });
    expect(result.output).toBe(`${directory}\n${value}|${value}|`);
    expect((await host().files.stat(join(directory, "made")))?.mode).toBe(0o644);
    const bad = host().jobs.run(name, argv, { ...options, env: { "A;b": "c" } });
    expect((await problemOf(bad)).cause).toBe("invalid-input");
  });

  test.each(["..", "", "a/b", "-x", ".hidden", "x".repeat(101), "a b", "a\nb"])("name %j is refused", async (name) => {
    expect((await problemOf(host().jobs.run(name, ["true"], options))).cause).toBe("invalid-input");
    expect((await problemOf(host().jobs.peek(name))).cause).toBe("invalid-input");
  });

  test("that cannot be started leaves nothing behind", async () => {
    const { name } = await place();
    const nowhere = await problemOf(host().jobs.run(name, ["true"], { ...options, cwd: "/no/such/place" }));
    expect(nowhere).toMatchObject({ cause: "command-failed", message: expect.stringContaining("working directory") });
    expect(await host().jobs.peek(name)).toBeUndefined();
    const readOnly = await problemOf(host({ stateDirectory: "/proc/nothing" }).jobs.run(name, ["true"], options));
    expect(["permission", "command-failed"]).toContain(readOnly.cause);
    expect((await host().jobs.run(name, ["no-such-program"], options)).exitCode).toBe(127);
  });

  test("runs as another user through sudo, who has to exist before anything is started", async () => {
    const { name } = await place();
    expect((await host().jobs.run(name, ["echo", "hi"], { ...options, asUser: "wasadmin" })).output).toBe("hi\n");
    const { name: second } = await place();
    const error = await problemOf(host().jobs.run(second, ["true"], { ...options, asUser: "nobody-like-that" }));
    expect(error).toMatchObject({ cause: "permission", message: expect.stringContaining("unknown user") });
    expect(await host().jobs.peek(second)).toBeUndefined();
    expect((await problemOf(host().jobs.run(second, ["true"], { ...options, asUser: "-x" }))).cause).toBe(
      "invalid-input",
    );
  });

  test("that was forgotten leaves no folder", async () => {
    expect(readdirSync(join(server.tree, "state", "jobs")).filter((name) => name.startsWith("."))).toEqual([]);
  });
});
