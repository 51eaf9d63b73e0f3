import { restartGracefully } from "../../../lab/graceful.js";
import { type Lab, startLab } from "../../../lab/lab.js";
import { startLoad } from "../../../lab/load.js";
import { waitFor } from "../../../lab/running.js";
import { interimFixes } from "../../../providers/kinds/interim-fixes/kind.js";
import { freshAccess } from "../../../providers/lifecycle/access.js";
import { managedProvider } from "../../../providers/lifecycle/provider.js";
import { plansOfThisCommand } from "../../../providers/lifecycle/shown.js";
import { closeAllHosts } from "../../../providers/targets/hosts.js";

jest.setTimeout(600_000);

let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ cell: "2.1" });
  const text = await lab.readFile("web1", lab.web.pluginFile);
  await lab.writeFile("web1", lab.web.pluginFile, text.replace('RefreshInterval="60"', 'RefreshInterval="1"'));
  await restartGracefully(lab);
});
afterAll(async () => {
  await closeAllHosts();
  await lab.stop();
});

function inputs(): Record<string, unknown> {
  const { cell, hosts, web, clusters } = lab;
  if (!cell || !hosts.dmgr) throw new Error("the lab has no cell");
  const hostOf = (name: string) => Object.values(hosts).find((host) => host?.name === name)?.connection;
  const administrator = { user: cell.administrator.name, password: { file: cell.administrator.passwordFile } };
  return {
    cell: cell.name,
    installDir: cell.connectionsRoot,
    deploymentManager: {
      connection: hosts.dmgr.connection,
      profile: cell.dmgr.profile,
      soapPort: cell.dmgr.soapPort,
      addressForNodes: cell.dmgr.address,
      administrator,
    },
    nodes: cell.nodes.map(({ name, profile }) => ({ name, profile, connection: hostOf(name) })),
    topology: {
      nodes: Object.fromEntries(
        cell.nodes.map(({ name }) => [
          name,
          clusters.flatMap(({ members }) => members.filter(({ node }) => node === name).map((member) => member.name)),
        ]),
      ),
    },
    webServers: [
      {
        name: cell.webServer.server,
        httpdConf: web.httpdConf,
        connection: hosts.web1.connection,
        serverRoot: web.serverRoot,
        control: {
          graceful: [web.apachectl, "graceful"],
          test: [web.apachectl, "-t"],
          start: [web.apachectl, "start"],
        },
        pluginFile: web.pluginFile,
        verify: {
          connectTo: { address: web.address, port: web.port },
          publicHost: web.publicName,
          samples: 8,
          clusters: Object.fromEntries(clusters.map(({ name, probePath }) => [name, { probeUrl: probePath }])),
          testUser: {
            user: lab.testUser.name,
            password: { file: lab.testUser.passwordFile },
            loginPath: "/homepage/j_security_check",
          },
        },
      },
    ],
    memberProbes: Object.fromEntries(
      clusters.map(({ name, probePath }) => [
        name,
        { path: probePath, host: web.publicName, expectStatus: [200, 302], warmUp: 1 },
      ]),
    ),
    fixDir: cell.fixDirectory,
    backUp: [`${cell.connectionsRoot}/data/shared/customization`, `${cell.connectionsRoot}/data/shared/provision`],
    shared: [`${cell.connectionsRoot}/data/shared/provision`],
    acceptUnsupported: true,
    drain: { time: "2s" },
    limits: { every: "500ms" },
    fixes: { LO66666: { readme: "reviewed" } },
    owner: "shop/prod/fixes",
    __provider: "pointer",
  };
}

test("promise 10: a fix is rolled through two nodes under load, in the safe order, without one failed request", async () => {
  const said: string[] = [];
  const say = (line: string) => {
    said.push(line);
    if (process.env.SHOW_ROLLOUT) process.stderr.write(`${line}\n`);
  };
  const provider = managedProvider(interimFixes, {
    fresh: freshAccess,
    cached: freshAccess,
    say,
    shown: plansOfThisCommand(),
  });
  const { inputs: checked, failures } = await provider.check({}, inputs());
  expect(failures).toEqual([]);
  const load = startLoad(lab, { sticky: 2, users: 1 });
  await waitFor(() => load.answered() > 50, 20_000, "the load to begin");
  let outs: Record<string, unknown> = {};
  try {
    outs = (await provider.create({ ...(checked as object), __provider: "pointer" })).outs ?? {};
  } catch (error) {
    await load.stop();
    throw new Error(`${error}\n${said.slice(-40).join("\n")}`);
  }
  await waitFor(() => load.answered() > 50, 20_000, "answers after it");
  const report = await load.stop();
  expect(report.failures).toEqual({});
  expect(report.failed).toBe(0);
  for (const { node, port } of lab.clusters.find(({ name }) => name === "AppsCluster")?.members ?? []) {
    const answer = await fetch(`http://${lab.hosts[node]?.connection.address}:${port}/files/app`);
    expect([node, ((await answer.json()) as { level?: string }).level]).toEqual([node, "LO66666"]);
  }

  // promise 1: after it nothing is left to do, and nothing of it is left behind but records and backups.
  const id = interimFixes.identify(outs as { cell: string; installDir: string });
  const seen = await provider.read(id, outs);
  expect(seen.inputs).not.toHaveProperty("deviations");
  expect(await provider.diff(id, seen.props, { ...(checked as object), __provider: "pointer" })).toMatchObject({
    changes: false,
  });
  const left = await lab.run("web1", ["ls", `${lab.hosts.web1.connection.stateDirectory}/holds`]);
  expect(left.stdout.trim()).toBe("");
});
