import * as pulumi from "@pulumi/pulumi";
import { ManualStep } from "../providers/kinds/manual-step/resource.js";
import { hostConnection } from "./config/connections.js";
import type { StackConfig } from "./config/schema.js";

/** One step as the configuration has it, with the host and the name that it is remembered by. */
export interface ConfiguredStep
  extends Pick<NonNullable<StackConfig["manualSteps"]>[string], "instructions" | "done" | "verify" | "after"> {
  readonly host: string;
  /** Default: the name in the configuration. */
  readonly step?: string;
}

/** Steps for people, each after those that it names. What comes after a step waits for it: `dependsOn` this component. */
export class ManualSteps extends pulumi.ComponentResource {
  /** By the name in the configuration. */
  readonly steps: Readonly<Record<string, ManualStep>>;

  constructor(
    name: string,
    configured: Readonly<Record<string, ConfiguredStep>>,
    config: StackConfig,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("pulumi-connections:index:ManualSteps", name, {}, options);
    const made = new Map<string, ManualStep>();
    const make = (key: string): ManualStep => {
      const present = made.get(key);
      if (present) return present;
      const settings = configured[key];
      if (!settings) throw new Error(`manual step ${key} is not in the configuration`);
      const { host, step = key, after, instructions, done, verify } = settings;
      const resource = new ManualStep(
        `${name}-${key}`,
        { host, step, connection: hostConnection(host, config), instructions, done, verify, ...config.run },
        { parent: this, dependsOn: after.map(make) },
      );
      made.set(key, resource);
      return resource;
    };
    this.steps = Object.fromEntries(Object.keys(configured).map((key) => [key, make(key)]));
    this.registerOutputs({});
  }
}
