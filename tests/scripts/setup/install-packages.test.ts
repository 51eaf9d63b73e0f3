import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";

/*
 * The real script with stand-ins for apt-get and dpkg and another folder than /usr/sbin: what is tested is the guard
 * that keeps services from being started, not apt.
 */
const script = resolve(__dirname, "../../../scripts/setup/install-packages.sh");
const OTHERS = "#!/bin/sh\nexit 0\n";
let folder: string;
let sbin: string;
let guard: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "setup-packages-"));
  sbin = join(folder, "sbin");
  guard = join(sbin, "policy-rc.d");
  await mkdir(sbin);
  await tool("dpkg", "exit 0");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function tool(name: string, body: string): Promise<void> {
  await mkdir(join(folder, "bin"), { recursive: true });
  await writeFile(join(folder, "bin", name), `#!/bin/sh\n${body}\n`);
  await chmod(join(folder, "bin", name), 0o755);
}

const environment = () => ({
  ...process.env,
  PATH: `${join(folder, "bin")}${delimiter}${process.env.PATH}`,
  POLICY_FOLDER: sbin,
});

function install(...packages: string[]): Promise<number> {
  return new Promise((done) => {
    execFile("sh", [script, ...packages], { env: environment() }, (error) => done(Number(error?.code ?? 0)));
  });
}

/** apt-get notes its arguments and what the guard answers at that moment. */
const NOTING = () => `echo "$*" >>'${folder}/calls'; '${guard}'; echo "guard says $?" >>'${folder}/calls'`;
const calls = () => readFile(join(folder, "calls"), "utf8");

test("while packages are installed no service may be started; afterwards everything is as before", async () => {
  await tool("apt-get", NOTING());
  expect(await install("openssh-server", "apache2")).toBe(0);
  const noted = (await calls()).split("\n");
  expect(noted[0]).toMatch(/ update$/);
  expect(noted[2]).toMatch(/ install -y --no-install-recommends .* -- openssh-server apache2$/);
  expect([noted[1], noted[3]]).toEqual(["guard says 101", "guard says 101"]);
  expect(await readdir(sbin)).toEqual([]);
});

test("a policy that was there before is put back", async () => {
  await writeFile(guard, OTHERS, { mode: 0o755 });
  await tool("apt-get", NOTING());
  expect(await install("apache2")).toBe(0);
  expect(await calls()).toContain("guard says 101");
  expect(await readFile(guard, "utf8")).toBe(OTHERS);
  expect(await readdir(sbin)).toEqual(["policy-rc.d"]);
});

test("a failed installation fails, and puts everything back too", async () => {
  await writeFile(guard, OTHERS);
  await tool("apt-get", "exit 100");
  expect(await install("apache2")).toBe(100);
  expect(await readFile(guard, "utf8")).toBe(OTHERS);
  expect(await readdir(sbin)).toEqual(["policy-rc.d"]);
});

test("after a kill in the middle, the next run puts everything back, even with nothing to install", async () => {
  await writeFile(guard, OTHERS);
  // The stand-in says that it was reached and then waits for its input's end, which is ours.
  await tool("apt-get", `exec 0<&3; echo reached; cat`);
  const killed = spawn("sh", [script, "apache2"], {
    env: environment(),
    stdio: ["ignore", "pipe", "inherit", "pipe"],
    detached: true,
  });
  await once(killed.stdout ?? killed, "data");
  process.kill(-(killed.pid ?? Number.NaN), "SIGKILL");
  await once(killed, "close");
  expect((await readdir(sbin)).sort()).toEqual(["policy-rc.d", "policy-rc.d.before-pulumi-connections"]);
  expect(await readFile(guard, "utf8")).toContain("guard of pulumi-connections");

  expect(await install()).toBe(0);
  expect(await readFile(guard, "utf8")).toBe(OTHERS);
  expect(await readdir(sbin)).toEqual(["policy-rc.d"]);
});

test("without a crash and without packages nothing is touched", async () => {
  await writeFile(guard, OTHERS);
  await tool("apt-get", NOTING());
  expect(await install()).toBe(0);
  expect(await readFile(guard, "utf8")).toBe(OTHERS);
  await expect(calls()).rejects.toThrow("ENOENT");
});
