import * as pulumi from "@pulumi/pulumi";
import { PluginRouting } from "../providers/kinds/plugin-routing/resource.js";
import { hostConnection } from "./config/connections.js";
import type { WebConfig } from "./config/schema.js";

/** The web servers of an environment: who of the application servers behind them serves users. */
export class WebServers extends pulumi.ComponentResource {
  /** Web server → its routing. Empty when the configuration leaves routing alone. */
  readonly routing: Readonly<Record<string, PluginRouting>>;

  constructor(name: string, config: WebConfig, options?: pulumi.ComponentResourceOptions) {
    super("pulumi-connections:index:WebServers", name, {}, options);
    this.routing = Object.fromEntries(
      config.routing
        ? Object.keys(config.webServers).map((server) => [server, this.route(`${name}-${server}`, server, config)])
        : [],
    );
    this.registerOutputs({});
  }

  private route(name: string, webServer: string, config: WebConfig): PluginRouting {
    const server = config.webServers[webServer];
    if (!server || !config.routing) throw new Error(`web server ${webServer} is not in the configuration`);
    const { host, server: _server, node: _node, httpdConf, connectTo, publicHost, accessLog, ...reached } = server;
    return new PluginRouting(
      `${name}-routing`,
      {
        webServer,
        host,
        httpdConf,
        connection: hostConnection(host, config),
        ...reached,
        ...config.topology,
        verify: { connectTo, publicHost, ...(accessLog ? { accessLog } : {}), ...config.probes },
        ...config.run,
        ...config.routing,
      },
      { parent: this },
    );
  }
}
