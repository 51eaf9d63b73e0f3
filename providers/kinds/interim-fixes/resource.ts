import type * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { ManagedResource, type RunArgs } from "../../lifecycle/resource.js";
import { type aspectsSchema, type identitySchema, settingsSchema } from "./schema.js";

type IdentityInput = z.input<typeof identitySchema>;
type SettingsInput = z.input<typeof settingsSchema>;
type AspectsInput = z.input<typeof aspectsSchema>;

/** A rollout waits for users, the update installer and every node; other resources' deadline would cut it short. */
const DEADLINE = "12h";

/**
 * Which interim fixes one Connections installation has. The two of the identity are plain values.
 *
 * Every setting's meaning and default stand in docs/configuration.md under `interimFixes`.
 */
export interface InterimFixesArgs extends RunArgs {
  /** Name of the WebSphere cell; another one found there is refused. */
  cell: IdentityInput["cell"];
  /** The Connections installation on the deployment manager's host. */
  installDir: IdentityInput["installDir"];

  /** How to reach the deployment manager; the administrator's password is a reference. */
  deploymentManager: pulumi.Input<SettingsInput["deploymentManager"]>;
  /** Nodes with cluster members, in the order of the rollout. */
  nodes: pulumi.Input<SettingsInput["nodes"]>;
  /** Node → names of its cluster members as in the plug-in file's `Server` elements. */
  topology: pulumi.Input<SettingsInput["topology"]>;
  /** Every web server in front of the cell. */
  webServers: pulumi.Input<SettingsInput["webServers"]>;
  /** Web servers of the cell that no user reaches. */
  ignoreWebServers?: pulumi.Input<SettingsInput["ignoreWebServers"]>;
  /** Clusters that no fix changes: neither drained nor restarted. */
  untouched?: pulumi.Input<SettingsInput["untouched"]>;
  /** Cluster → page that each of its members answers on its own port. */
  memberProbes: pulumi.Input<SettingsInput["memberProbes"]>;
  /** Folder with the fixes on the deployment manager's host. */
  fixDir: pulumi.Input<SettingsInput["fixDir"]>;
  /** Where backups go. Default: the host's state directory. */
  backupDir?: pulumi.Input<SettingsInput["backupDir"]>;
  /** Customization and provision folders, saved before the installer runs. */
  backUp?: pulumi.Input<SettingsInput["backUp"]>;
  /** Folders that every node shares: compared before and after. */
  shared?: pulumi.Input<SettingsInput["shared"]>;
  /** LotusConnections-config.xml, whose version stamp is renewed last. Default: left as it is. */
  versionStamp?: pulumi.Input<SettingsInput["versionStamp"]>;
  /** Node or web server → why it is gone for good: an open rollout ends without it. */
  lost?: pulumi.Input<SettingsInput["lost"]>;
  /** Node by node while the others serve, or with all clusters stopped as HCL documents it. Default: rolling. */
  strategy?: pulumi.Input<SettingsInput["strategy"]>;
  /** Default: safe. */
  order?: pulumi.Input<SettingsInput["order"]>;
  /** HCL does not support installing fixes while servers run: rolling needs this said. */
  acceptUnsupported?: pulumi.Input<SettingsInput["acceptUnsupported"]>;
  /** Go on though a fix changes a database or files that all nodes share. */
  acceptSharedChange?: pulumi.Input<SettingsInput["acceptSharedChange"]>;
  /** What the next run does with an interrupted rollout. Default: resume. */
  onInterrupted?: pulumi.Input<SettingsInput["onInterrupted"]>;
  /** What a failed step leads to. Default: freeze. */
  onFailure?: pulumi.Input<SettingsInput["onFailure"]>;
  /** How long users of a node that is taken out may finish what they do. */
  drain?: pulumi.Input<SettingsInput["drain"]>;
  /** Limits of long operations. */
  limits?: pulumi.Input<SettingsInput["limits"]>;

  /** Fixes that are to be installed, by id. */
  fixes: pulumi.Input<AspectsInput["fixes"]>;
  /** Fixes that are to be uninstalled; one in no list is not managed. */
  absent?: pulumi.Input<AspectsInput["absent"]>;
  /** Uninstall every fix that is not declared. */
  exclusive?: pulumi.Input<AspectsInput["exclusive"]>;
}

/**
 * Interim fixes of a Connections installation, rolled through the nodes of a live cell: one node at a time is taken out of
 * the web servers' routing, renewed and proved, while the others serve. Destroying the resource uninstalls nothing.
 */
export class InterimFixes extends ManagedResource {
  constructor(name: string, args: InterimFixesArgs, options?: pulumi.CustomResourceOptions) {
    super({ type: "was:InterimFixes", settings: settingsSchema }, name, { deadline: DEADLINE, ...args }, options);
  }
}
