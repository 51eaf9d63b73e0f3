import { type Lab, startLab } from "../../lab/lab.js";
import { waitFor } from "../../lab/running.js";
import type { NodeName } from "../../lab/topology.js";
import { closeAllHosts, openHost } from "../../providers/targets/hosts.js";
import type { Cell } from "../../providers/targets/wsadmin/cell.js";
import type { NodeCommands } from "../../providers/targets/wsadmin/node-commands.js";
import { openNode } from "../../providers/targets/wsadmin/profile-node.js";
import { cellSchema, nodeSchema, updateInstallerSchema } from "../../providers/targets/wsadmin/settings.js";
import { openUpdateInstaller } from "../../providers/targets/wsadmin/silent-installer.js";
import type { UpdateInstaller } from "../../providers/targets/wsadmin/update-installer.js";
import { openCell } from "../../providers/targets/wsadmin/wsadmin-cell.js";
import { handsOf } from "./was-hands.js";

/** The product's own way to a cell, over SSH, against the lab's. */

jest.setTimeout(90_000);
const WAIT_MS = 20_000;
const TIMEOUT_MS = 60_000;

let lab: Lab;
let cell: Cell;
let installer: UpdateInstaller;
const about = () => {
  if (!lab.cell || !lab.hosts.dmgr) throw new Error("the lab has no cell");
  return { ...lab.cell, host: openHost(lab.hosts.dmgr.connection) };
};
const administrator = () => ({
  user: about().administrator.name,
  password: { file: about().administrator.passwordFile },
});

beforeAll(async () => {
  lab = await startLab({ cell: "2.7" });
  const { host, dmgr, name, connectionsRoot } = about();
  const { profile, soapPort } = dmgr;
  cell = openCell(host, cellSchema.parse({ profile, soapPort, cell: name, administrator: administrator() }));
  const settings = { installDir: connectionsRoot, profile, administrator: administrator() };
  installer = openUpdateInstaller(host, updateInstallerSchema.parse(settings));
}, 90_000);
afterAll(async () => {
  await closeAllHosts();
  await lab?.stop();
}, 30_000);

function nodeCalled(name: NodeName): NodeCommands {
  const { nodes } = about();
  const profile = nodes.find((one) => one.name === name)?.profile;
  const settings = nodeSchema.parse({ node: name, profile, administrator: administrator() });
  const connection = lab.hosts[name]?.connection;
  if (!connection) throw new Error(`no host ${name}`);
  return openNode(openHost(connection), settings);
}
const run = (job: string) => ({ job, timeoutMs: TIMEOUT_MS, customizationBackedUp: true });

test("one look shows the cell as it is: nodes, members, agents, plug-in settings", async () => {
  const { topology, state, settings } = await cell.observe();
  expect(topology.cell).toBe(about().name);
  expect(topology.nodes.map(({ name, role }) => `${name} ${role}`).sort()).toEqual([
    "dmgr deployment-manager",
    "node1 managed",
    "node2 managed",
    "web1 unmanaged",
  ]);
  for (const cluster of lab.clusters) {
    const members = topology.clusters.find(({ name }) => name === cluster.name)?.members;
    expect(members?.map(({ uniqueId }) => Number(uniqueId).toString(32))).toEqual(
      cluster.members.map(({ cloneId }) => cloneId),
    );
  }
  expect(topology.applications.find(({ name }) => name === "Files")?.clusters).toEqual(["AppsCluster"]);
  expect(state.servers.filter((one) => one.state === "started")).toHaveLength(6);
  for (const { startedAt = "" } of state.servers) {
    expect(Math.abs(Date.now() - Date.parse(startedAt))).toBeLessThan(3_600_000);
  }
  expect(state.nodes).toEqual(
    ["node1", "node2"].map((node) => ({ node, agent: "started", synchronized: true, autoSync: true })),
  );
  expect(settings.plugin).toMatchObject([
    { webServer: "webserver1", generation: "automatic", propagation: "automatic" },
  ]);
});

test("an agent that is stopped hides its node's servers, which go on; it starts on its own machine only", async () => {
  const node = nodeCalled("node2");
  const ports = [lab.clusters[0]?.members[1]?.port ?? 0];
  expect((await node.stopAgent(run("stop-agent"))).message).toBe("stopped");
  expect((await cell.state()).nodes.find((one) => one.node === "node2")?.agent).toBe("unknown");
  const server = "AppsCluster_server2";
  expect((await cell.state()).servers.find((one) => one.server === server)?.state).toBe("unknown");
  expect(await node.observe([{ server, ports }, { server: "nodeagent" }])).toMatchObject([
    { process: "running", ports: "open" },
    { process: "absent" },
  ]);
  await expect(cell.startServer({ node: "node2", server })).rejects.toThrow(/agent/);
  // By hand alone, as the runbook has it where an agent does not come up.
  const { dmgr } = about();
  const { stdout } = await (await handsOf(lab)).command("node2", "syncNode", dmgr.address, String(dmgr.soapPort));
  expect(stdout).toContain("ADMU0402I");
  expect((await node.startAgent(run("start-agent"))).message).toBe("started");
  await waitFor(async () => (await cell.state()).nodes.every((one) => one.synchronized === true), WAIT_MS, "the agent");
});

test("a server is stopped, its temp folder is cleared but its transaction log is not, and it starts again", async () => {
  const node = nodeCalled("node1");
  const server = "PushCluster_server1";
  expect((await node.stopServer(server, run("stop"))).message).toBe("stopped");
  expect(await cell.state().then(({ servers }) => servers.find((one) => one.server === server)?.state)).toBe("stopped");
  const [cleared] = await node.clearTemp([server], {});
  expect(cleared?.files).toBeGreaterThan(0);
  const profile = about().nodes[0]?.profile;
  const { stdout } = await lab.run("node1", ["find", `${profile}/tranlog`, "-type", "f"]);
  expect(stdout).toContain(server);
  expect((await node.startServer(server, run("start"))).message).toBe("started");
  expect((await node.serverStatus(server)).message).toBe("started");
});

test("a wrong password is said as such by all three, never taken for a stopped server", async () => {
  await lab.fault("wrong-password", true);
  try {
    await expect(cell.state()).rejects.toMatchObject({ cause: "login" });
    expect((await nodeCalled("node1").serverStatus("AppsCluster_server1")).message).toBe("login-refused");
    const refused = installer.install(["LO66666"], about().fixDirectory, run("refused"));
    expect(await refused.then((outcome) => outcome.result, String)).not.toBe("done");
    expect((await installer.listInstalled()).fixes).toEqual([]);
  } finally {
    await lab.fault("wrong-password", false);
  }
});

test("a fix is listed, installed, distributed and proved; the plug-in's file is generated and pushed by the way", async () => {
  const { fixDirectory } = about();
  expect((await installer.listOffered(fixDirectory)).fixes.map(({ id }) => id).sort()).toEqual([
    "CFix.70.2110",
    "LO100079",
    "LO66666",
    "LO77777",
  ]);
  await lab.fault("slow-expansion:node1", true);
  const before = await lab.readFile("web1", lab.web.pluginFile);
  const outcome = await installer.install(["LO66666"], fixDirectory, run("install"));
  expect(outcome).toMatchObject({ result: "done", installed: [{ id: "LO66666" }] });
  expect(await lab.readFile("web1", lab.web.pluginFile)).not.toBe(before);
  expect((await cell.fullSync("node1")).synchronized).toBe(true);
  const word = async () => (await cell.applicationReadiness(["Files"]))[0];
  expect(await word()).toMatchObject({ ready: false, distributed: { node1: false }, expanded: { node1: "unknown" } });
  await lab.fault("distributed-early", true);
  expect(await word()).toMatchObject({ distributed: { node1: true }, expanded: { node1: "unknown" } });
  await lab.fault("tells-expansion", true);
  expect(await word()).toMatchObject({ ready: false, distributed: { node1: false }, expanded: { node1: false } });
  await lab.fault("slow-expansion:node1", false);
  await waitFor(async () => (await word())?.ready === true, WAIT_MS, "distribution");
  expect(await word()).toMatchObject({ distributed: { node1: true }, expanded: { node1: true } });
  for (const fault of ["distributed-early", "tells-expansion"] as const) await lab.fault(fault, false);
});

test("an installer that stands still is seen running, and goes on when it can", async () => {
  await lab.fault("install-hang", true);
  const going = installer.install(["LO77777"], about().fixDirectory, run("hang"));
  await waitFor(() => installer.isRunning(), WAIT_MS, "the installer to run");
  await expect(installer.install(["LO100079"], about().fixDirectory, run("second"))).rejects.toMatchObject({
    cause: "refused",
  });
  await lab.fault("install-hang", false);
  expect((await going).result).toBe("done");
  await lab.fault("install-lies", true);
  const lied = await installer.install(["LO100079"], about().fixDirectory, run("lies"));
  await lab.fault("install-lies", false);
  expect(lied.result).toBe("unproven");
});

test("plug-in generation and propagation are turned off in one saved change, and done by hand", async () => {
  const web = about().webServer;
  const off = { node: web.node, webServer: web.server, generation: "manual", propagation: "manual" } as const;
  expect(await cell.setPluginSettings([off])).toMatchObject([{ generation: "manual", propagation: "manual" }]);
  const before = await lab.readFile("web1", lab.web.pluginFile);
  expect((await installer.uninstall(["LO77777"], run("uninstall"))).result).toBe("done");
  expect(await lab.readFile("web1", lab.web.pluginFile)).toBe(before);
  const { file } = await cell.generatePlugin(web);
  await cell.propagatePlugin(web);
  const generated = await lab.run("dmgr", ["cat", file]);
  expect(await lab.readFile("web1", lab.web.pluginFile)).toBe(generated.stdout);
});
