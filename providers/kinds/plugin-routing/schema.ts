import { z } from "zod";
import { connectionSchema } from "../../targets/connection.js";
import {
  AS_GENERATED,
  absolutePath,
  controlSchema,
  names,
  nodesSchema,
  refreshLimitSchema,
  sessionReplicationSchema,
  verifySchema,
} from "../../targets/plugin/schema.js";

export { AS_GENERATED };

/** Which web server: by where it is, and by nothing that is only a name for it on this host. */
export const identitySchema = z.strictObject({
  host: z.string().min(1).describe("name of the host's connection"),
  httpdConf: absolutePath.describe(
    "the web server's main configuration file; the directive may stand in an included one",
  ),
});

export const settingsSchema = z.strictObject({
  webServer: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { message: "may hold letters, digits, dot, underscore and hyphen" })
    .describe("what messages call the web server"),
  connection: connectionSchema.describe("how to reach the web server's host"),
  serverRoot: absolutePath.describe("installation directory of the web server"),
  control: controlSchema.prefault({}).describe("commands of the web server: program and arguments, never shell text"),
  pluginFile: absolutePath.describe("the plug-in file that the deployment manager generates and propagates"),
  copyPrefix: z
    .string()
    .regex(/^plugin-cfg-[A-Za-z0-9._-]*$/, { message: 'must begin with "plugin-cfg-" and be part of a file name' })
    .default("plugin-cfg-primary-")
    .describe(
      "our copy beside the plug-in file is called <copyPrefix><node>.xml; web servers that share a plug-in file need different ones",
    ),
  switchRouting: z
    .enum(["directive", "in-place"])
    .default("directive")
    .describe(
      "directive: a copy of the plug-in file, and WebSpherePluginConfig points at it; survives a propagation, needs a graceful reload. in-place: the plug-in file itself is edited and read again within its RefreshInterval; no reload, nothing lost on any MPM, but a propagation overwrites it",
    ),
  refreshLimit: refreshLimitSchema,
  nodes: nodesSchema.describe("node → names of its cluster members, as the plug-in file's Server elements have them"),
  sessionReplication: sessionReplicationSchema,
  defines: z.array(z.string().min(1)).optional().describe("names given to httpd with -D"),
  variables: z
    .record(z.string().min(1), z.string())
    .optional()
    .describe("environment variables that the configuration refers to, e.g. from envvars"),
  verify: verifySchema.describe("how to prove where requests go"),
});

export const aspectsSchema = z.strictObject({
  primaryNode: z
    .string()
    .min(1)
    .describe(
      `node whose members serve users, the others being backups; or "${AS_GENERATED}": what the generated file says`,
    ),
  clusters: names.optional().describe("only these clusters; default: every cluster that a Route names"),
  skipClusters: names.optional().describe("leave these clusters as generated"),
});

export type Identity = z.infer<typeof identitySchema>;
export type Settings = z.infer<typeof settingsSchema>;
export type Aspects = z.infer<typeof aspectsSchema>;
