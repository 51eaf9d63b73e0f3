const pulumi = require("@pulumi/pulumi");
const { PluginRouting } = require("pulumi-connections");

/** What both web servers share. */
const cell = {
  serverRoot: "/opt/IBM/HTTPServer",
  httpdConf: "/opt/IBM/HTTPServer/conf/httpd.conf",
  nodes: {
    cnxNode01: ["cnxNode01_apps_server1", "cnxNode01_infra_server1"],
    cnxNode02: ["cnxNode02_apps_server2", "cnxNode02_infra_server2"],
  },
};

/** @param {string} host */
const connection = (host) => ({ name: host, address: `${host}.example.com`, user: "ihsadmin", auth: { agent: true } });

/** @param {string} host */
const verify = (host) => ({
  connectTo: { address: `${host}.example.com`, port: 443, tls: {} },
  publicHost: "connections.example.com",
  clusters: { apps: { probeUrl: "/files/app" }, infra: { probeUrl: "/homepage/web/updates/" } },
});

/**
 * @param {number} number
 * @param {import("@pulumi/pulumi").Resource[]} dependsOn
 */
function routing(number, dependsOn) {
  const host = `web${number}`;
  const webServer = `webserver${number}`;
  return new PluginRouting(
    `${host}-routing`,
    {
      webServer,
      host,
      ...cell,
      pluginFile: `/opt/IBM/HTTPServer/Plugins/config/${webServer}/plugin-cfg.xml`,
      connection: connection(host),
      verify: verify(host),
      primaryNode: new pulumi.Config().require("primaryNode"),
    },
    { dependsOn },
  );
}

// The second web server is touched only when the first one is proven.
const first = routing(1, []);
routing(2, [first]);
