import * as pulumi from "@pulumi/pulumi";
import type { Part } from "./config/manual-steps.js";
import { hasWebServers, type StackConfig } from "./config/schema.js";
import { Databases } from "./databases.js";
import { ConnectionsFixes } from "./interim-fixes.js";
import { ManualSteps } from "./manual-steps.js";
import { WebServers } from "./web-servers.js";

/** Everything one stack describes. Its constructor is the table of contents. */
export class Environment extends pulumi.ComponentResource {
  /** Absent when the configuration has no steps for people. */
  readonly manualSteps?: ManualSteps;
  /** Absent when the configuration has no web servers. */
  readonly webServers?: WebServers;
  /** Absent when the configuration has neither databases nor scripts. */
  readonly databases?: Databases;

  /** Absent when the configuration has no interim fixes. */
  readonly fixes?: ConnectionsFixes;

  constructor(name: string, config: StackConfig, options?: pulumi.ComponentResourceOptions) {
    super("pulumi-connections:index:Environment", name, {}, options);
    const steps = config.manualSteps ?? {};
    if (config.manualSteps) this.manualSteps = new ManualSteps(`${name}-manual`, steps, config, { parent: this });
    const waitingFor = (part: Part): pulumi.Resource[] =>
      Object.entries(this.manualSteps?.steps ?? {}).flatMap(([key, step]) =>
        steps[key]?.before.includes(part) ? [step] : [],
      );
    if (hasWebServers(config)) {
      this.webServers = new WebServers(`${name}-web`, config, { parent: this, dependsOn: waitingFor("routing") });
    }
    if (config.databases || config.sqlScripts) {
      const options = { parent: this, dependsOn: waitingFor("databases") };
      this.databases = new Databases(`${name}-databases`, config, options);
    }
    if (config.interimFixes && hasWebServers(config)) {
      // Routing as declared first: a rollout holds it from its first step to its last.
      const options = {
        parent: this,
        dependsOn: [...Object.values(this.webServers?.routing ?? {}), ...waitingFor("interimFixes")],
      };
      this.fixes = new ConnectionsFixes(
        `${name}-connections`,
        { ...config, interimFixes: config.interimFixes },
        options,
      );
    }
    this.registerOutputs({});
  }
}
