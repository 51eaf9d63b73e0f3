import { existsSync } from "node:fs";
import { type Lab, startLab } from "../../../lab/lab.js";
import { closeAllHosts, openHost } from "../../../providers/targets/hosts.js";
import { judge } from "../../../providers/targets/wsadmin/judge.js";
import { openNode } from "../../../providers/targets/wsadmin/profile-node.js";
import { cellSchema, nodeSchema, updateInstallerSchema } from "../../../providers/targets/wsadmin/settings.js";
import { openUpdateInstaller } from "../../../providers/targets/wsadmin/silent-installer.js";
import { openCell } from "../../../providers/targets/wsadmin/wsadmin-cell.js";
import { hasJython } from "../../remote/jython.js";

jest.setTimeout(240_000);

const hasCompiler = ["/usr/bin/javac", "/usr/local/bin/javac"].some((file) => existsSync(file));

/** One lab for the whole story: each part begins where the one before ended. */
(hasJython && hasCompiler ? describe : describe.skip)("the targets on the lab's cell, over SSH", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ cell: "2.1" });
  });
  afterAll(async () => {
    await closeAllHosts();
    await lab.stop();
  });

  function targets() {
    const { cell, hosts } = lab;
    if (!cell || !hosts.dmgr) throw new Error("the lab has no cell");
    const administrator = { user: cell.administrator.name, password: { file: cell.administrator.passwordFile } };
    const dmgr = openHost(hosts.dmgr.connection);
    const cellSettings = cellSchema.parse({
      profile: cell.dmgr.profile,
      soapPort: cell.dmgr.soapPort,
      administrator,
      cell: cell.name,
    });
    const node2 = cell.nodes.find(({ name }) => name === "node2");
    const ofNode = {
      node: "node2",
      profile: node2?.profile,
      deploymentManager: { host: cell.dmgr.address, port: cell.dmgr.soapPort },
    };
    const ofInstaller = { installDir: cell.connectionsRoot, profile: cell.dmgr.profile, administrator };
    return {
      cellSettings,
      dmgr,
      cell: openCell(dmgr, cellSettings),
      node: openNode(openHost(hosts.node2.connection), nodeSchema.parse(ofNode)),
      installer: openUpdateInstaller(dmgr, updateInstallerSchema.parse(ofInstaller)),
      fixDirectory: cell.fixDirectory,
      agentPort: node2?.agentPort ?? 0,
    };
  }
  const run = (job: string) => ({ job, timeoutMs: 90_000 });

  test("one look at the cell: nodes, clusters, applications, states", async () => {
    const { topology, state, settings } = await targets().cell.observe();
    expect(topology.nodes.filter(({ role }) => role === "managed").map(({ name }) => name)).toEqual(["node1", "node2"]);
    expect(topology.clusters).toHaveLength(lab.clusters.length);
    expect(topology.webServers).toEqual([lab.cell?.webServer]);
    expect(new Set(topology.applications.map(({ name }) => name))).toEqual(
      new Set(lab.cell?.applications.map(({ name }) => name)),
    );
    for (const { name, cluster } of lab.cell?.applications ?? []) {
      expect(topology.applications.find((application) => application.name === name)?.clusters).toEqual([cluster]);
    }
    expect(state.nodes.map(({ agent, synchronized }) => [agent, synchronized])).toEqual([
      ["started", true],
      ["started", true],
    ]);
    expect(state.servers.every(({ state: one }) => one === "started")).toBe(true);
    expect(settings.plugin).toHaveLength(1);
  });

  test("the wrong password is a refused login; the wrong cell is refused", async () => {
    const { dmgr, cellSettings } = targets();
    const wrong = { ...cellSettings, administrator: { user: "wasadmin", password: { env: "HOME" } } };
    await expect(openCell(dmgr, wrong).state()).rejects.toMatchObject({ cause: "login" });
    await expect(openCell(dmgr, { ...cellSettings, cell: "another" }).state()).rejects.toMatchObject({
      cause: "refused",
    });
  });

  test("a node's agent is stopped, seen as stopped on its host and as unknown from the cell, and started again", async () => {
    const { cell, node, agentPort } = targets();
    const look = async () => {
      const [signals] = await node.observe([{ server: "nodeagent", ports: [agentPort] }]);
      return signals ? judge(signals).state : undefined;
    };
    expect(await look()).toBe("started");
    expect(await node.agentControl()).toEqual({ by: "script" });
    expect((await node.stopAgent(run("stop-agent"))).message).toBe("stopped");
    expect(await look()).toBe("stopped");
    const down = await cell.state();
    expect(down.nodes[1]).toEqual({ node: "node2", agent: "unknown", synchronized: "unknown", autoSync: "unknown" });
    expect(down.servers.filter(({ node: of }) => of === "node2").every(({ state }) => state === "unknown")).toBe(true);
    await expect(cell.fullSync("node2")).rejects.toMatchObject({ cause: "unreachable" });

    const server = down.servers.find(({ node: of }) => of === "node2")?.server ?? "";
    expect((await node.serverStatus(server)).message).toBe("started");
    expect((await node.stopServer(server, run("stop-server"))).message).toBe("stopped");
    expect((await node.clearTemp([server], {})).map(({ folder }) => folder.endsWith(`/temp/node2/${server}`))).toEqual([
      true,
    ]);
    expect((await node.startServer(server, run("start-server"))).message).toBe("started");
    expect((await node.syncNode(run("sync"))).exitCode).toBe(0);
    expect((await node.startAgent(run("start-agent"))).message).toBe("started");
    expect(await look()).toBe("started");
  });

  test("automatic synchronization, plug-in settings, full synchronization, readiness", async () => {
    const { cell } = targets();
    expect(await cell.setAutoSync("node2", false)).toBe(false);
    const webServer = lab.cell?.webServer ?? { node: "", server: "" };
    const change = {
      node: webServer.node,
      webServer: webServer.server,
      generation: "manual",
      propagation: "manual",
    } as const;
    expect((await cell.setPluginSettings([change]))[0]).toMatchObject({ generation: "manual", propagation: "manual" });
    expect((await cell.fullSync("node2")).synchronized).toBe(true);
    expect(await cell.setAutoSync("node2", true)).toBe(true);
    const [files] = await cell.applicationReadiness(["Files"]);
    expect(files).toMatchObject({ application: "Files", distributed: { node1: true, node2: true } });
    expect((await cell.generatePlugin(webServer)).file).toMatch(/webserver1\/plugin-cfg\.xml$/);
  });

  test("a server is stopped and started through its agent", async () => {
    const { cell } = targets();
    const server = lab.clusters[0]?.members.find(({ node }) => node === "node2")?.server ?? "";
    expect(await cell.stopServer({ node: "node2", server })).toBe("stopped");
    expect(await cell.startServer({ node: "node2", server })).toBe("started");
  });

  test("fixes: listed, installed, found installed, uninstalled", async () => {
    const { installer, fixDirectory } = targets();
    expect((await installer.listInstalled()).fixes).toEqual([]);
    expect((await installer.listOffered(fixDirectory)).fixes.map(({ id }) => id)).toContain("LO66666");
    const installed = await installer.install(["LO66666"], fixDirectory, run("install"));
    expect([installed.result, installed.installed.map(({ id }) => id)]).toEqual(["done", ["LO66666"]]);
    expect(await installer.isRunning()).toBe(false);
    expect((await installer.uninstall(["LO66666"], run("uninstall"))).result).toBe("done");
  });
});
