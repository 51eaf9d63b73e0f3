import * as pulumi from "@pulumi/pulumi";
import { hasWebServers, type StackConfig } from "./config/schema.js";
import { Databases } from "./databases.js";
import { ConnectionsFixes } from "./interim-fixes.js";
import { WebServers } from "./web-servers.js";

/** Everything one stack describes. Its constructor is the table of contents. */
export class Environment extends pulumi.ComponentResource {
  /** Absent when the configuration has no web servers. */
  readonly webServers?: WebServers;
  /** Absent when the configuration has neither databases nor scripts. */
  readonly databases?: Databases;

  /** Absent when the configuration has no interim fixes. */
  readonly fixes?: ConnectionsFixes;

  constructor(name: string, config: StackConfig, options?: pulumi.ComponentResourceOptions) {
    super("pulumi-connections:index:Environment", name, {}, options);
    if (hasWebServers(config)) this.webServers = new WebServers(`${name}-web`, config, { parent: this });
    if (config.databases || config.sqlScripts) {
      this.databases = new Databases(`${name}-databases`, config, { parent: this });
    }
    if (config.interimFixes && hasWebServers(config)) {
      // Routing as declared first: a rollout holds it from its first step to its last.
      const options = { parent: this, dependsOn: Object.values(this.webServers?.routing ?? {}) };
      this.fixes = new ConnectionsFixes(
        `${name}-connections`,
        { ...config, interimFixes: config.interimFixes },
        options,
      );
    }
    this.registerOutputs({});
  }
}
