import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lab, startLab } from "../../lab/lab.js";
import { isAlive, waitFor } from "../../lab/running.js";
import type { NodeName } from "../../lab/topology.js";
import { familyOf } from "./family.js";
import { type Hands, handsOf } from "./was-hands.js";

jest.setTimeout(90_000);
const WAIT_MS = 20_000;

let directory: string;
let lab: Lab;
let hands: Hands;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "lab-was-"));
  lab = await startLab({ directory, cell: "2.1" });
  hands = await handsOf(lab);
}, 90_000);
afterAll(async () => {
  await lab?.stop();
  await rm(directory, { recursive: true, force: true });
}, 30_000);

const server = "AppsCluster_server2";
const member = "node2_AppsCluster_server2";
const onNode = (node: NodeName, path: string) =>
  `${lab.cell?.nodes.find((one) => one.name === node)?.profile ?? ""}/${path}`;
const names = async (query: string) =>
  (await hands.wsadmin(`print '@@' + AdminControl.queryNames('${query}')`)).stdout.split("@@")[1]?.trim();
const agentIs = (answer: "there" | "gone") =>
  waitFor(
    async () => ((await names("type=NodeAgent,node=node2,*")) === "") === (answer === "gone"),
    WAIT_MS,
    `agent ${answer}`,
  );

test("serverStatus says ADMU0508I or ADMU0509I, and the latter with exit code 0 for a refused login too", async () => {
  expect((await hands.command("node2", "serverStatus", server)).stdout).toContain("ADMU0508I");
  await lab.fault("wrong-password", true);
  const { exitCode, stdout } = await hands.command("node2", "serverStatus", server);
  await lab.fault("wrong-password", false);
  expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/ADMN0022E[\s\S]*ADMU0509I/)]);
});

test("wsadmin with a wrong password says WASX7246E, without a deployment manager WASX7023E", async () => {
  const refused = await hands.wsadmin("print 1", "-user", "wasadmin", "-password", "wrong");
  expect(refused.stdout).toContain("WASX7246E");
  const closed = await hands.wsadmin("print 1", "-port", "1");
  expect(closed.stdout).toContain("WASX7023E");
});

test("stopServer and startServer: documented messages and codes, also the second time", async () => {
  expect((await hands.command("node2", "stopServer", server)).stdout).toContain("ADMU4000I");
  expect(await hands.command("node2", "stopServer", server)).toMatchObject({
    exitCode: 246,
    stdout: expect.stringContaining("ADMU0509I"),
  });
  await lab.fault(`member-no-start:${member}`, true);
  expect(await hands.command("node2", "startServer", server)).toMatchObject({
    exitCode: 255,
    stdout: expect.stringContaining("ADMU3011E"),
  });
  await lab.fault(`member-no-start:${member}`, false);
  expect((await hands.command("node2", "startServer", server)).stdout).toMatch(/ADMU3000I.*process id is \d+/);
  expect(await hands.command("node2", "startServer", server)).toMatchObject({
    exitCode: 255,
    stdout: expect.stringContaining("ADMU3027E"),
  });
});

test("a server is a process: killed, it serves no longer and its pid file stays", async () => {
  const pidFile = onNode("node2", `logs/${server}/${server}.pid`);
  const pid = (await lab.run("node2", ["cat", pidFile])).stdout.trim();
  const { stdout } = await lab.run("node2", ["sh", "-c", `tr '\\0' ' ' < /proc/${pid}/cmdline`]);
  expect(stdout).toMatch(new RegExp(`^java .*WsServer .*config labCell01 node2 ${server} $`));
  await lab.run("node2", ["kill", "-9", pid]);
  await waitFor(
    async () => (await hands.levelAt("node2", "/files/app").catch(String)).includes("Error"),
    WAIT_MS,
    "end",
  );
  expect((await lab.run("node2", ["cat", pidFile])).stdout.trim()).toBe(pid);
  await hands.command("node2", "startServer", server);
});

test("an agent that dies takes its node's MBeans with it, and its servers go on; a service brings it back", async () => {
  await lab.fault("agent-dies:node2", true);
  await agentIs("gone");
  expect(await names("type=Server,node=node2,*")).toBe("");
  expect(await hands.levelAt("node2", "/files/app")).toBe("base");
  await lab.fault("agent-returns:node2", true);
  await agentIs("there");
  await lab.fault("agent-returns:node2", false);
  expect(await names("type=Server,node=node2,*")).toContain(server);
});

test("the first synchronization after an agent's start is full: it finds what changed by hand, later ones do not", async () => {
  const file = onNode("node2", "config/cells/labCell01/LotusConnections-config/LotusConnections-config.xml");
  const before = await lab.readFile("node2", file);
  await lab.writeFile("node2", file, "by hand");
  const log = onNode("node2", "logs/nodeagent/SystemOut.log");
  const done = async () => (await lab.readFile("node2", log)).match(/ADMS0003I/g)?.length ?? 0;
  const count = await done();
  await waitFor(async () => (await done()) > count + 1, WAIT_MS, "two automatic synchronizations");
  expect(await lab.readFile("node2", file)).toBe("by hand");
  await hands.command("node2", "stopNode");
  await hands.command("node2", "startNode");
  await waitFor(async () => (await lab.readFile("node2", file)) === before, WAIT_MS, "the full one");
});

test("an agent that stays is said to time out; synchronizations can fail", async () => {
  await lab.fault("agent-stays:node2", true);
  expect(await hands.command("node2", "stopNode", "-timeout", "1")).toMatchObject({
    exitCode: 245,
    stdout: expect.stringContaining("ADMU3060E"),
  });
  await lab.fault("agent-stays:node2", false);
  await lab.fault("sync-fails:node2", true);
  const sync = "AdminControl.invoke(AdminControl.completeObjectName('type=NodeSync,node=node2,*'), 'sync')";
  expect((await hands.wsadmin(`print '@@' + ${sync}`)).stdout).toContain("@@false");
  await lab.fault("sync-fails:node2", false);
  expect((await hands.wsadmin(`print '@@' + ${sync}`)).stdout).toContain("@@true");
});

test("the installer refuses: unknown fix, missing prerequisite, no backup, wrong folder, blanks in the password", async () => {
  expect((await hands.install("LO11111")).stdout).toContain("is not found in");
  expect((await hands.install("LO100079")).stdout).toContain("requires LO66666");
  const { fixDirectory = "", updateInstaller = "", connectionsRoot = "" } = lab.cell ?? {};
  const words = ["-fixDir", fixDirectory, "-install", "-fixes", "LO66666", "-wasUserId", "wasadmin", "-wasPassword"];
  expect((await hands.installer(...words, "two", "words")).stdout).toContain("must not contain spaces");
  expect((await hands.installer(...words, "wrong")).stdout).toContain("WASX7246E");
  const elsewhere = await lab.run("dmgr", [
    `${updateInstaller}/updateSilent.sh`,
    ...["-fix", "-installDir", connectionsRoot, ...words, "x"],
  ]);
  expect(elsewhere.stdout).toContain("run the command from the updateInstaller folder");
  expect((await hands.installer()).stdout).not.toContain("Fix name");
});

test("an installer that is killed in the middle of an EAR leaves a damaged one; a later one repairs it", async () => {
  await lab.fault("install-hang", true);
  const killed = hands.install("LO66666");
  const pids = async () =>
    (await lab.run("dmgr", ["sh", "-c", "grep -lzF update-installer.mts /proc/[0-9]*/cmdline"])).stdout;
  const guarded = async () =>
    (await lab.run("dmgr", ["sh", "-c", "grep -lzxF guard /proc/[0-9]*/cmdline"])).stdout !== "";
  await waitFor(guarded, WAIT_MS, "the installer to work");
  const [pid = ""] = /\d+/.exec((await pids()).split("\n").find((one) => !one.includes("self")) ?? "") ?? [];
  await lab.run("dmgr", ["kill", "-9", pid]);
  await killed;
  await lab.fault("install-hang", false);
  const level = () => hands.levelAt("node1", "/files/app");
  await waitFor(async () => (await level()) === "damaged", WAIT_MS, "the damage to spread");
  expect((await hands.install("LO66666")).stdout).toContain("Fix installation completed successfully");
  await waitFor(async () => (await level()) === "LO66666", WAIT_MS, "the repair");
});

test("stopped, it leaves no process; started again, it is what it was, with fixes and clients' passwords", async () => {
  const family = await familyOf(lab);
  expect(family.length).toBeGreaterThan(20);
  await lab.stop();
  expect(family.filter(isAlive)).toEqual([]);
  const before = lab.cell;
  lab = await startLab({ directory });
  hands = await handsOf(lab);
  expect(lab.cell).toEqual(before);
  expect((await hands.installer()).stdout).toContain("Fix name: LO66666");
  // Applications take a moment to start after their servers.
  const isFixed = async () => (await hands.levelAt("node2", "/files/app")).includes("LO66666");
  await waitFor(isFixed, WAIT_MS, "the fixed application");
  expect((await hands.command("node1", "serverStatus", "-all")).stdout.match(/ADMU0508I/g)).toHaveLength(4);
});
