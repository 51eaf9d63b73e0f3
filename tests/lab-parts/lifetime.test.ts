import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { db2LabProblem } from "../../lab/db2/build.js";
import { attachLab, type Lab, startLab } from "../../lab/lab.js";
import { isAlive, startTime, waitFor } from "../../lab/running.js";
import { projectRoot, toolchain } from "../../lab/toolchain.js";
import { findDriver } from "../../providers/targets/db2/driver.js";
import { ask } from "./asking.js";
import { familyOf } from "./family.js";

const TIMEOUT_MS = 60_000;
const LONG_MS = 15_000;
/** A stack is made, by the engine. */
const COMMANDS_MS = 180_000;

let directory: string;
const owners: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "lab-lifetime-"));
});

afterEach(async () => {
  for (const owner of owners.splice(0)) owner.kill("SIGKILL");
  await (await attachLab(directory))?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A process of its own that starts a lab and holds it. */
async function owner(): Promise<ChildProcess> {
  const program = join(__dirname, "typescript-owner.cjs");
  const child = spawn(process.execPath, [program, join(__dirname, "hold-lab.ts"), directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  owners.push(child);
  await new Promise<void>((up, failed) => {
    child.stdout?.once("data", () => up());
    child.once("exit", (code) => failed(new Error(`the owner ended with ${code}`)));
  });
  child.removeAllListeners("exit");
  return child;
}

async function attached(): Promise<Lab> {
  const lab = await attachLab(directory);
  if (!lab) throw new Error("no lab runs");
  return lab;
}

const allGone = (family: Lab["processes"]) =>
  waitFor(() => !family.some(isAlive), LONG_MS, `the end of ${family.map((one) => one.pid).join(", ")}`);

test(
  "stop leaves no process and, of a fresh directory, no file",
  async () => {
    const lab = await startLab();
    const family = await familyOf(lab);
    expect(family.length).toBeGreaterThan(10);
    await lab.stop();
    expect(family.filter(isAlive)).toEqual([]);
    expect(existsSync(lab.directory)).toBe(false);
  },
  TIMEOUT_MS,
);

test(
  "a second start finds the running lab; with other options it is refused",
  async () => {
    const first = await startLab({ directory });
    const second = await startLab({ directory });
    expect(second.processes).toEqual(first.processes);
    await expect(startLab({ directory, mpm: "event" })).rejects.toThrow(/runs here with mpm = worker/);
    await second.stop();
    expect(first.processes.filter(isAlive)).toEqual([]);
    expect(await attachLab(directory)).toBeUndefined();
  },
  TIMEOUT_MS,
);

test(
  "two starts at the same time are one lab",
  async () => {
    const [first, second] = await Promise.all([startLab({ directory }), startLab({ directory })]);
    expect(second.processes).toEqual(first.processes);
    await first.stop();
  },
  TIMEOUT_MS,
);

test(
  "two labs in two directories do not meet",
  async () => {
    const [first, second] = await Promise.all([startLab({ directory }), startLab()]);
    await second.writeFile("web1", second.web.pluginFile, "changed");
    expect(await first.readFile("web1", first.web.pluginFile)).not.toBe("changed");
    await second.stop();
    expect((await ask(first, "/files/app")).status).toBe(200);
    await first.stop();
  },
  TIMEOUT_MS,
);

test(
  "promise 6: the owner is killed: nothing survives; the next start finds files, keys and ports as they were",
  async () => {
    const holder = await owner();
    const before = await attached();
    const family = await familyOf(before);
    await before.writeFile(
      "web1",
      before.web.pluginFile,
      (await before.readFile("web1", before.web.pluginFile)).replace("2026", "2027"),
    );
    holder.kill("SIGKILL");
    await allGone(family);
    const after = await startLab({ directory });
    expect(after.hosts).toEqual(before.hosts);
    expect(after.web).toEqual(before.web);
    expect(await after.readFile("web1", after.web.pluginFile)).toContain("generated on 2027");
    expect((await ask(after, "/files/app")).status).toBe(200);
    await after.stop();
  },
  TIMEOUT_MS,
);

test(
  "the supervisor is killed: its hosts end, and a start cleans up",
  async () => {
    await owner();
    const lab = await attached();
    const family = await familyOf(lab);
    process.kill(lab.processes[0]?.pid ?? 0, "SIGKILL");
    await allGone(family);
    expect(await attachLab(directory)).toBeUndefined();
    const again = await startLab({ directory });
    expect((await ask(again, "/files/app")).status).toBe(200);
    await again.stop();
  },
  TIMEOUT_MS,
);

test(
  "remains are ended only when their start time proves that they are the lab's",
  async () => {
    const [mine, stranger] = [spawn("sleep", ["600"]), spawn("sleep", ["600"])];
    owners.push(mine, stranger);
    const processes = [
      { pid: mine.pid ?? 0, startTime: startTime(mine.pid ?? 0) },
      { pid: stranger.pid ?? 0, startTime: "1" },
    ];
    await writeFile(join(directory, "lab-directory"), "");
    await writeFile(join(directory, "state.json"), JSON.stringify({ pid: 1, controlPort: 1, processes }));
    const lab = await startLab({ directory });
    expect(startTime(mine.pid ?? 0)).toBeUndefined();
    expect(startTime(stranger.pid ?? 0)).toBeDefined();
    await lab.stop();
  },
  TIMEOUT_MS,
);

test("a directory with other files in it is refused and left alone", async () => {
  await writeFile(join(directory, "thesis.txt"), "precious");
  await expect(startLab({ directory })).rejects.toThrow(/files that are not a lab's/);
  expect(await readFile(join(directory, "thesis.txt"), "utf8")).toBe("precious");
});

test(
  "a start that was killed half-way is built anew",
  async () => {
    await writeFile(join(directory, "lab-directory"), "");
    await writeFile(join(directory, "starting.lock"), "999999999 1");
    await writeFile(join(directory, "lab.json"), '{"version":1,');
    const lab = await startLab({ directory });
    expect((await ask(lab, "/files/app")).status).toBe(200);
    await lab.stop();
  },
  TIMEOUT_MS,
);

test(
  "without namespaces the lab works the same, below a directory",
  async () => {
    process.env.LAB_NAMESPACES = "none";
    try {
      const lab = await startLab({ directory });
      expect(lab.web.httpdConf.startsWith(directory)).toBe(true);
      expect((await ask(lab, "/files/app")).json.member).toBe("node1_AppsCluster_server1");
      expect((await lab.run("web1", [lab.web.apachectl, "graceful"])).exitCode).toBe(0);
      const family = await familyOf(lab);
      await lab.stop();
      expect(family.filter(isAlive)).toEqual([]);
    } finally {
      delete process.env.LAB_NAMESPACES;
    }
  },
  TIMEOUT_MS,
);

test(
  "a directory with quotes and blanks in its name works with namespaces, and is refused without",
  async () => {
    const odd = join(directory, `o'dd "$dir`);
    const ran = async () => {
      const lab = await startLab({ directory: odd });
      const { exitCode } = await lab.run("web1", [lab.web.apachectl, "configtest"]);
      const page = await ask(lab, "/files/app");
      await lab.stop();
      return { exitCode, status: page.status };
    };
    const { namespaces } = await toolchain();
    if (namespaces === "none") await expect(ran()).rejects.toThrow(/blanks or special characters/);
    else expect(await ran()).toEqual({ exitCode: 0, status: 200 });
    process.env.LAB_NAMESPACES = "none";
    try {
      await expect(startLab({ directory: odd })).rejects.toThrow(/blanks or special characters/);
    } finally {
      delete process.env.LAB_NAMESPACES;
    }
  },
  TIMEOUT_MS,
);

(process.getuid?.() === 0 ? test : test.skip)(
  "without namespaces, root is told when the web server's processes could not reach the tree",
  async () => {
    process.env.LAB_NAMESPACES = "none";
    try {
      await expect(startLab({ directory: join(directory, "inner") })).rejects.toThrow(
        /only its owner can pass through/,
      );
      expect(await attachLab(join(directory, "inner"))).toBeUndefined();
    } finally {
      delete process.env.LAB_NAMESPACES;
    }
  },
);

describe("the command line", () => {
  const cli = async (...args: string[]) => {
    const child = spawn(process.execPath, [
      join(__dirname, "typescript-owner.cjs"),
      join(__dirname, "..", "..", "lab", "cli.ts"),
      ...args,
      ...["--directory", directory],
    ]);
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk;
    });
    const code = await new Promise((ended) => child.on("close", ended));
    return { code, out, err };
  };
  /** Runs the preview that was printed in the shell that was printed; `up` is the same line with another verb. */
  const looksAsPrinted = async (out: string) => {
    const [shell, preview] = [/^ +(\. .*)$/m.exec(out)?.[1], /^ +(pulumi preview .*)$/m.exec(out)?.[1]];
    const script = `${shell}\n${preview} --non-interactive --json`;
    const { stdout } = await promisify(execFile)("sh", ["-ec", script], { cwd: projectRoot() });
    expect(JSON.parse(stdout).changeSummary.create).toBeGreaterThan(1);
  };

  test(
    "start leaves the lab running in the background, status finds it, stop ends it",
    async () => {
      expect(await cli("status")).toMatchObject({ code: 0, out: expect.stringContaining("No lab runs") });
      expect(await cli("start")).toMatchObject({ code: 0, err: "", out: expect.stringContaining("The lab is up") });
      expect(await cli("start")).toMatchObject({ code: 0, out: expect.stringContaining("runs already") });
      const lab = await attached();
      expect((await ask(lab, "/files/app")).status).toBe(200);
      const status = await cli("status");
      expect(status).toMatchObject({ code: 0, out: expect.stringContaining(lab.web.url) });
      expect(status.out.includes("HOMEPAGE is at 704")).toBe(lab.db2 !== undefined);
      expect(lab.db2 !== undefined).toBe(findDriver() !== undefined && db2LabProblem() === undefined);
      await looksAsPrinted(status.out);
      expect(await cli("break", "routing", "AppsCluster")).toMatchObject({ code: 0 });
      expect((await ask(lab, "/files/app")).json.member).toBe("node2_AppsCluster_server2");
      const family = await familyOf(lab);
      expect(await cli("stop")).toMatchObject({ code: 0, out: expect.stringContaining("has ended") });
      expect(family.filter(isAlive)).toEqual([]);
      expect(await cli("stop")).toMatchObject({ code: 0, out: expect.stringContaining("No lab runs") });
    },
    COMMANDS_MS,
  );

  test(
    "usage errors name what is allowed, with exit code 2",
    async () => {
      expect(await cli("fly")).toMatchObject({ code: 2, err: expect.stringContaining("start, stop, status") });
      expect(await cli("start", "--db2", "maybe")).toMatchObject({ code: 2, err: expect.stringContaining("yes, no") });
      expect(await cli("start", "--mpm", "prefork")).toMatchObject({ code: 2, err: expect.stringContaining("worker") });
      expect(await cli("break", "leg")).toMatchObject({ code: 2, err: expect.stringContaining("routing CLUSTER") });
      expect(await cli("break", "ssh", "node9")).toMatchObject({ code: 2, err: expect.stringContaining("web1|node1") });
      expect(await cli("mend", "httpd")).toMatchObject({ code: 1, err: expect.stringContaining("no lab runs here") });
      expect(await cli("break")).toMatchObject({ code: 0, out: expect.stringContaining("malformed") });
    },
    TIMEOUT_MS,
  );
});
