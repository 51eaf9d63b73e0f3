import * as pulumi from "@pulumi/pulumi";
import { InterimFixes, type InterimFixesArgs } from "../providers/kinds/interim-fixes/resource.js";
import type { StackConfig, WebConfig } from "./config/schema.js";

type ConfigWithFixes = WebConfig & Required<Pick<StackConfig, "interimFixes">>;

/** The Connections installation of an environment and its interim fixes. */
export class ConnectionsFixes extends pulumi.ComponentResource {
  readonly fixes: InterimFixes;

  constructor(name: string, config: ConfigWithFixes, options?: pulumi.ComponentResourceOptions) {
    super("pulumi-connections:index:ConnectionsFixes", name, {}, options);
    this.fixes = new InterimFixes(`${name}-fixes`, fixesArgs(config), { parent: this });
    this.registerOutputs({});
  }
}

/** What a stack's configuration says of its fixes, as the resource takes it. */
export function fixesArgs(config: ConfigWithFixes): InterimFixesArgs {
  const { deploymentManager, nodes, deadline, ...declared } = config.interimFixes;
  const { host: managerHost, ...manager } = deploymentManager;
  return {
    ...declared,
    deploymentManager: { connection: connectionTo(managerHost, config), ...manager },
    nodes: nodes.map(({ host, ...node }) => ({ connection: connectionTo(host, config), ...node })),
    topology: { nodes: config.topology.nodes },
    webServers: Object.entries(config.webServers).map(([webServer, settings]) => {
      const {
        host,
        httpdConf,
        serverRoot,
        control,
        pluginFile,
        defines,
        variables,
        copyPrefix: _,
        ...proving
      } = settings;
      return {
        name: webServer,
        connection: connectionTo(host, config),
        ...{ httpdConf, serverRoot, control, pluginFile, defines, variables },
        verify: { ...proving, ...config.probes },
      };
    }),
    ...config.run,
    deadline,
  };
}

function connectionTo(host: string, { hosts }: StackConfig) {
  const connection = hosts[host];
  if (!connection) throw new Error(`host ${host} is not in the configuration`);
  return { name: host, ...connection };
}
