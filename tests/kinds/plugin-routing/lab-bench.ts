import type { Lab } from "../../../lab/lab.js";
import { pluginRouting } from "../../../providers/kinds/plugin-routing/kind.js";
import { freshAccess } from "../../../providers/lifecycle/access.js";
import { managedProvider } from "../../../providers/lifecycle/provider.js";
import { plansOfCommands } from "../../support/commands.js";

/** The provider of plug-in routing for the lab's web server, called as the engine calls it. */
export function labBench(lab: Lab) {
  const said: string[] = [];
  const shown = plansOfCommands();
  const provider = managedProvider(pluginRouting, {
    fresh: freshAccess,
    cached: freshAccess,
    say: (line) => said.push(line),
    shown,
  });

  function inputs(more: Record<string, unknown> = {}): Record<string, unknown> {
    const members = lab.clusters.flatMap((cluster) => cluster.members);
    const named = (node: string) => members.filter((member) => member.node === node).map((member) => member.name);
    const nodes = Object.fromEntries(members.map(({ node }) => [node, named(node)]));
    return {
      webServer: "webserver1",
      host: "web1",
      httpdConf: lab.web.httpdConf,
      connection: lab.hosts.web1.connection,
      serverRoot: lab.web.serverRoot,
      pluginFile: lab.web.pluginFile,
      nodes,
      verify: {
        connectTo: { address: lab.web.address, port: lab.web.port },
        publicHost: `${lab.web.publicName}:${lab.web.port}`,
        samples: 8,
        retryEvery: "100ms",
        settleTime: "20s",
        clusters: Object.fromEntries(lab.clusters.map((cluster) => [cluster.name, { probeUrl: cluster.probePath }])),
      },
      primaryNode: "node2",
      owner: "lab/test/routing",
      __provider: "pointer",
      ...more,
    };
  }

  async function up(olds: Record<string, unknown> | undefined, more: Record<string, unknown> = {}) {
    shown.nextCommand();
    const { inputs: news, failures } = await provider.check(olds ?? {}, inputs(more));
    expect(failures).toEqual([]);
    const given = { ...news, __provider: "pointer" };
    if (!olds) return (await provider.create(given)).outs;
    const { props } = await provider.read("id", olds);
    if (!(await provider.diff("id", props, given)).changes) return undefined;
    return (await provider.update("id", props, given)).outs;
  }

  return { said, provider, inputs, up };
}
