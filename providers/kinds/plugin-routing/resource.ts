import type * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { ManagedResource, type RunArgs } from "../../lifecycle/resource.js";
import type { AS_GENERATED } from "../../targets/plugin/schema.js";
import { type aspectsSchema, type identitySchema, settingsSchema } from "./schema.js";

type IdentityInput = z.input<typeof identitySchema>;
type SettingsInput = z.input<typeof settingsSchema>;
type AspectsInput = z.input<typeof aspectsSchema>;

/**
 * Which WebSphere node's members one web server sends users to.
 *
 * `host` and `httpdConf` are its identity and plain values; changing one replaces the resource, which writes nothing by
 * itself.
 */
export interface PluginRoutingArgs extends RunArgs {
  /** Name of the host: the same as `connection.name`. */
  host: IdentityInput["host"];
  /** Absolute path of the web server's main configuration file; the directive may stand in an included one. */
  httpdConf: IdentityInput["httpdConf"];

  /** What messages call the web server. */
  webServer: pulumi.Input<SettingsInput["webServer"]>;
  /** How to reach the host over SSH. Credentials are references, resolved at every use. */
  connection: pulumi.Input<SettingsInput["connection"]>;
  /** Installation directory of the web server, e.g. `/opt/IBM/HTTPServer`. */
  serverRoot: pulumi.Input<SettingsInput["serverRoot"]>;
  /** Commands as program and arguments, never shell text. Default: `<serverRoot>/bin/apachectl`, `<serverRoot>/logs/httpd.pid`. */
  control?: pulumi.Input<SettingsInput["control"]>;
  /** Absolute path of the plug-in file that the deployment manager generates and propagates. Edited only in place. */
  pluginFile: pulumi.Input<SettingsInput["pluginFile"]>;
  /** Our copy beside it is `<copyPrefix><node>.xml`. Web servers that share a plug-in file need different ones. Default `plugin-cfg-primary-`. */
  copyPrefix?: pulumi.Input<SettingsInput["copyPrefix"]>;
  /**
   * "directive" (default): a copy with other primaries, and `WebSpherePluginConfig` points at it. It survives a propagation
   * and takes a graceful reload, at which a few connections may be reset. "in-place": `pluginFile` itself is edited, and
   * read again within its RefreshInterval. No reload and nothing lost on any MPM, but a propagation overwrites it.
   */
  switchRouting?: pulumi.Input<SettingsInput["switchRouting"]>;
  /** In place: a longer RefreshInterval of the plug-in file is refused. Default "10m". */
  refreshLimit?: pulumi.Input<SettingsInput["refreshLimit"]>;
  /** Node → names of its cluster members as in the plug-in file's `Server` elements. No member under two nodes. */
  nodes: pulumi.Input<SettingsInput["nodes"]>;
  /** Between cluster members; must be declared where the plug-in file says `GetDWLMTable="true"`. */
  sessionReplication?: pulumi.Input<SettingsInput["sessionReplication"]>;
  /** Names given to httpd with `-D`. */
  defines?: pulumi.Input<SettingsInput["defines"]>;
  /** Environment variables that the configuration refers to, e.g. from envvars. */
  variables?: pulumi.Input<SettingsInput["variables"]>;
  /** How to prove where requests go: the web server's own address, the public name, and a page per cluster. */
  verify: pulumi.Input<SettingsInput["verify"]>;

  /** Node whose members serve users, the others being backups; or "as generated": what the generated file says. */
  primaryNode: pulumi.Input<AspectsInput["primaryNode"] | typeof AS_GENERATED>;
  /** Only these clusters. Default: every cluster that a Route names. */
  clusters?: pulumi.Input<AspectsInput["clusters"]>;
  /** Leave these clusters as generated. */
  skipClusters?: pulumi.Input<AspectsInput["skipClusters"]>;
}

/**
 * Routes users of one IBM HTTP Server to one WebSphere node.
 *
 * `plugin-cfg-primary-<node>.xml`, the generated plug-in file with that node's members as primaries, is kept beside the
 * generated file, and `WebSpherePluginConfig` names it. Every change is proved by requests before it counts as done, and
 * taken back when the proof fails.
 */
export class PluginRouting extends ManagedResource {
  constructor(name: string, args: PluginRoutingArgs, options?: pulumi.CustomResourceOptions) {
    super({ type: "ihs:PluginRouting", settings: settingsSchema }, name, args, options);
  }
}
