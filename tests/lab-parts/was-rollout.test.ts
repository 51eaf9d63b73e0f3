import { restartGracefully } from "../../lab/graceful.js";
import { type Lab, startLab } from "../../lab/lab.js";
import { type LoadReport, startLoad } from "../../lab/load.js";
import { waitFor } from "../../lab/running.js";
import type { NodeName } from "../../lab/topology.js";
import { type Hands, handsOf } from "./was-hands.js";

jest.setTimeout(150_000);

const SYNC_MS = 20_000;
const MANUAL = `
for one in AdminConfig.list('PluginProperties').splitlines():
    AdminConfig.modify(one, [['PluginGeneration', 'MANUAL'], ['PluginPropagation', 'MANUAL']])
AdminConfig.save()
`;

let lab: Lab;
let hands: Hands;

async function begin(nodes: 2 | 3): Promise<void> {
  lab = await startLab({ cell: "2.1", nodes });
  hands = await handsOf(lab);
  await hands.wsadmin(MANUAL);
  await hands.routeTo("all");
  await restartGracefully(lab); // once: from now on the file is looked at every second
}
afterEach(() => lab.stop());

const forServers = async (node: NodeName, command: string) => {
  for (const server of hands.serversOf(node)) {
    const { exitCode, stdout } = await hands.command(node, command, server);
    if (exitCode !== 0) throw new Error(stdout);
  }
};
const levelOf = async (node: NodeName) => {
  const { stdout } = await lab.run(node, [
    "cat",
    `${lab.cell?.nodes.find((one) => one.name === node)?.profile}/installedApps/${lab.cell?.name}/Files.ear/META-INF/level.properties`,
  ]);
  return /^fixes=(.*)$/m.exec(stdout)?.[1];
};
const distributedTo = (node: NodeName) =>
  waitFor(async () => (await levelOf(node)) === "LO66666", SYNC_MS, `the fix on ${node}`);

async function underLoad(work: () => Promise<void>): Promise<LoadReport> {
  const load = startLoad(lab, { sticky: 2, users: 1 });
  await waitFor(() => load.answered() > 50, SYNC_MS, "the load to begin");
  try {
    await work();
  } catch (error) {
    await load.stop();
    throw error;
  }
  return load.stop();
}

test("the safe order, typed by hand under load, fails no request and ends with the fix on every member", async () => {
  await begin(2);
  const report = await underLoad(async () => {
    await hands.command("node2", "stopNode");
    await hands.routeTo("node2");
    await forServers("node1", "stopServer");
    expect((await hands.install("LO66666")).stdout).toContain("Fix installation completed successfully");
    await distributedTo("node1");
    await forServers("node1", "startServer");
    await hands.routeTo("node1");
    await forServers("node2", "stopServer");
    expect((await hands.command("node2", "startNode")).stdout).toContain("ADMU3000I");
    await distributedTo("node2");
    await forServers("node2", "startServer");
    await hands.routeTo("all");
  });
  expect(report.failures).toEqual({});
  expect(report.failed).toBe(0);
  for (const node of ["node1", "node2"] as const) expect(await hands.levelAt(node, "/files/app")).toBe("LO66666");
});

test("the classic order fails requests: the second agent's first synchronization restarts what users are on", async () => {
  await begin(2);
  const report = await underLoad(async () => {
    await hands.command("node2", "stopNode");
    await hands.routeTo("node2");
    await forServers("node1", "stopServer");
    await hands.install("LO66666");
    await distributedTo("node1");
    await forServers("node1", "startServer");
    // Sessions made on node 2 meanwhile stay there, as do half of the users of an active/active cluster.
    await hands.routeTo("all");
    await hands.command("node2", "startNode");
    await distributedTo("node2");
    await waitFor(async () => (await hands.levelAt("node2", "/files/app")) === "LO66666", SYNC_MS, "the restart");
  });
  expect(report.failed).toBeGreaterThan(0);
  expect(Object.keys(report.failures).every((one) => /^AppsCluster: status (404|500)$/.test(one))).toBe(true);
});

test("stopping every member first, as the product's documentation says, is an outage that the load measures", async () => {
  await begin(2);
  const report = await underLoad(async () => {
    for (const node of ["node1", "node2"] as const) await forServers(node, "stopServer");
    await hands.install("LO66666");
    for (const node of ["node1", "node2"] as const) await distributedTo(node);
    for (const node of ["node1", "node2"] as const) await forServers(node, "startServer");
  });
  expect(report.failed).toBeGreaterThan(0);
  expect(report.longestGapMs).toBeGreaterThan(1_000);
  expect(report.lostSessions).toBeGreaterThan(0);
});

test("three nodes: each cluster has a member on each, and the third can serve alone", async () => {
  await begin(3);
  expect(lab.clusters.map((cluster) => cluster.members.map((member) => member.node))).toEqual(
    lab.clusters.map(() => ["node1", "node2", "node3"]),
  );
  const report = await underLoad(async () => {
    await hands.routeTo("node3");
    await forServers("node1", "stopServer");
    await forServers("node2", "stopServer");
  });
  expect(report.failures).toEqual({});
  expect((await hands.command("node3", "serverStatus", "-all")).stdout.match(/ADMU0508I/g)).toHaveLength(4);
});
