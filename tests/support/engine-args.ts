import type { Lab } from "../../lab/lab.js";

/** What a program declares to route the lab's web server to a node. */
export function routingArgs(lab: Lab, primaryNode: string): Record<string, unknown> {
  const members = lab.clusters.flatMap((cluster) => cluster.members);
  const of = (node: string) => members.filter((member) => member.node === node).map(({ name }) => name);
  return {
    webServer: "webserver1",
    host: "web1",
    httpdConf: lab.web.httpdConf,
    connection: lab.hosts.web1.connection,
    serverRoot: lab.web.serverRoot,
    pluginFile: lab.web.pluginFile,
    nodes: Object.fromEntries(members.map(({ node }) => [node, of(node)])),
    verify: {
      connectTo: { address: lab.web.address, port: lab.web.port },
      publicHost: `${lab.web.publicName}:${lab.web.port}`,
      samples: 8,
      retryEvery: "100ms",
      settleTime: "20s",
      clusters: Object.fromEntries(lab.clusters.map(({ name, probePath }) => [name, { probeUrl: probePath }])),
    },
    lockLease: "5s",
    primaryNode,
  };
}
