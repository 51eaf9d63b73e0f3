import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "./config/schema.js";
import { WebServers } from "./web-servers.js";

/** Everything one stack describes. Its constructor is the table of contents. */
export class Environment extends pulumi.ComponentResource {
  readonly webServers: WebServers;

  constructor(name: string, config: StackConfig, options?: pulumi.ComponentResourceOptions) {
    super("pulumi-connections:index:Environment", name, {}, options);
    this.webServers = new WebServers(`${name}-web`, config, { parent: this });
    this.registerOutputs({});
  }
}
