import * as pulumi from "@pulumi/pulumi";
import type { StackConfig } from "./config/schema.js";
import { Databases } from "./databases.js";
import { WebServers } from "./web-servers.js";

/** Everything one stack describes. Its constructor is the table of contents. */
export class Environment extends pulumi.ComponentResource {
  readonly webServers: WebServers;
  /** Absent when the configuration has neither databases nor scripts. */
  readonly databases?: Databases;

  constructor(name: string, config: StackConfig, options?: pulumi.ComponentResourceOptions) {
    super("pulumi-connections:index:Environment", name, {}, options);
    this.webServers = new WebServers(`${name}-web`, config, { parent: this });
    if (config.databases || config.sqlScripts) {
      this.databases = new Databases(`${name}-databases`, config, { parent: this });
    }
    this.registerOutputs({});
  }
}
