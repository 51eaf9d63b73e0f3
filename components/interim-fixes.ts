import * as pulumi from "@pulumi/pulumi";
import { InterimFixes, type InterimFixesArgs } from "../providers/kinds/interim-fixes/resource.js";
import { hostConnection } from "./config/connections.js";
import type { StackConfig, WebConfig } from "./config/schema.js";
import { type ConfiguredStep, ManualSteps } from "./manual-steps.js";

type ConfigWithFixes = WebConfig & Required<Pick<StackConfig, "interimFixes">>;

/** The Connections installation of an environment and its interim fixes. */
export class ConnectionsFixes extends pulumi.ComponentResource {
  readonly fixes: InterimFixes;
  /** By the fix's id and the step's name: what a fix's notes ask of a person, before it is installed and after. */
  readonly stepsBefore?: ManualSteps;
  readonly stepsAfter?: ManualSteps;

  constructor(name: string, config: ConfigWithFixes, options?: pulumi.ComponentResourceOptions) {
    super("pulumi-connections:index:ConnectionsFixes", name, {}, options);
    const before = stepsOf(config, "before");
    if (before) this.stepsBefore = new ManualSteps(`${name}-before`, before, config, { parent: this });
    const dependsOn = Object.values(this.stepsBefore?.steps ?? {});
    this.fixes = new InterimFixes(`${name}-fixes`, fixesArgs(config), { parent: this, dependsOn });
    const after = stepsOf(config, "after");
    if (after) {
      const options = { parent: this, dependsOn: this.fixes };
      this.stepsAfter = new ManualSteps(`${name}-after`, after, config, options);
    }
    this.registerOutputs({});
  }
}

/** What a stack's configuration says of its fixes, as the resource takes it. */
export function fixesArgs(config: ConfigWithFixes): InterimFixesArgs {
  const { deploymentManager, nodes, deadline, fixes, ...declared } = config.interimFixes;
  const { host: managerHost, ...manager } = deploymentManager;
  return {
    ...declared,
    fixes: Object.fromEntries(Object.entries(fixes).map(([id, { manualSteps: _, ...fix }]) => [id, fix])),
    deploymentManager: { connection: hostConnection(managerHost, config), ...manager },
    nodes: nodes.map(({ host, ...node }) => ({ connection: hostConnection(host, config), ...node })),
    topology: config.topology,
    webServers: Object.entries(config.webServers).map(([webServer, settings]) => {
      const {
        host,
        server,
        node,
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
        connection: hostConnection(host, config),
        ...{ server, node, httpdConf, serverRoot, control, pluginFile, defines, variables },
        verify: { ...proving, ...config.probes },
      };
    }),
    ...config.run,
    deadline,
  };
}

/** What the fixes' notes ask for, by fix and name; on the deployment manager's host unless another one is named. */
function stepsOf(
  { interimFixes }: ConfigWithFixes,
  when: "before" | "after",
): Record<string, ConfiguredStep> | undefined {
  const steps = Object.entries(interimFixes.fixes).flatMap(([id, { manualSteps }]) =>
    Object.entries(manualSteps)
      .filter(([, step]) => step.when === when)
      .map(([key, { when: _, host = interimFixes.deploymentManager.host, after, ...step }]) => {
        const others = after.filter((other) => manualSteps[other]?.when === when).map((other) => `${id}-${other}`);
        return [`${id}-${key}`, { host, step: `${id} ${key}`, after: others, ...step }] as const;
      }),
  );
  return steps.length > 0 ? Object.fromEntries(steps) : undefined;
}
