import { z } from "zod";
import { durationSchema } from "../../common/duration.js";
import { connectionSchema } from "../../targets/connection.js";
import {
  absolutePath,
  controlSchema,
  nodesSchema,
  refreshLimitSchema,
  sessionReplicationSchema,
  verifySchema,
} from "../../targets/plugin/schema.js";
import { administratorSchema, cellSchema } from "../../targets/wsadmin/settings.js";

/** Free-form: LO66666, LO100079, CFix.70.2110. A leading hyphen would be an option of the update installer. */
const fixId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
  message: "may hold letters, digits, dot, underscore and hyphen, as the update installer lists it",
});

export const identitySchema = z.strictObject({
  cell: z.string().min(1).describe("name of the WebSphere cell"),
  installDir: absolutePath.describe("the Connections installation on the deployment manager's host"),
});

const { profile, soapHost, soapPort, timeout } = cellSchema.shape;

const deploymentManagerSchema = z.strictObject({
  connection: connectionSchema.describe("how to reach the deployment manager's host"),
  profile,
  administrator: administratorSchema.describe("without spaces, which the update installer does not take"),
  soapHost,
  soapPort,
  timeout,
});

const nodeSchema = z.strictObject({
  name: z.string().min(1).describe("name of the node in the cell"),
  connection: connectionSchema.describe("how to reach the node's host"),
  profile: profile.describe("root folder of the node's profile"),
  probeAddress: z
    .string()
    .min(1)
    .optional()
    .describe("address of the members' own ports, from this machine; default: the connection's address"),
});

/** Names of servers are unique on their node only. */
export const webServerName = z
  .string()
  .min(1)
  .optional()
  .describe("name of the web server in the cell; default: the one it has here");
export const webServerNode = z
  .string()
  .min(1)
  .optional()
  .describe("node of the web server in the cell; needed where several nodes have a web server of that name");

const webServerSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    .describe("what messages call the web server; its name in the cell, unless server says another"),
  server: webServerName,
  node: webServerNode,
  httpdConf: absolutePath.describe("the web server's main configuration file"),
  connection: connectionSchema.describe("how to reach the web server's host"),
  serverRoot: absolutePath.describe("installation directory of the web server"),
  control: controlSchema.prefault({}).describe("commands of the web server"),
  pluginFile: absolutePath.describe("the plug-in file that the deployment manager generates and propagates"),
  defines: z.array(z.string().min(1)).optional().describe("names given to httpd with -D"),
  variables: z.record(z.string().min(1), z.string()).optional().describe("environment variables in the configuration"),
  verify: verifySchema.describe("how to prove where this web server sends requests"),
});

const memberProbeSchema = z.strictObject({
  port: z
    .string()
    .min(1)
    .default("WC_defaulthost")
    .describe("name of the members' port, as the cell calls it; without TLS"),
  path: z
    .string()
    .regex(/^\/[^\s#]*$/)
    .describe("page that every member of the cluster answers"),
  host: z.string().min(1).optional().describe("Host header of the probe; default: the address"),
  expectStatus: z.array(z.number().int().min(100).max(599)).min(1).default([200]).describe("accepted status codes"),
  warmUp: z.number().int().min(0).max(1000).default(5).describe("right answers in a row before the one that counts"),
});

export const settingsSchema = z.strictObject({
  deploymentManager: deploymentManagerSchema,
  nodes: z.array(nodeSchema).min(1).describe("nodes with cluster members, in the order of the rollout"),
  topology: z.strictObject({
    nodes: nodesSchema.describe("node → names of its cluster members, as in the plug-in file's Server elements"),
    sessionReplication: sessionReplicationSchema,
  }),
  webServers: z.array(webServerSchema).describe("every web server in front of the cell"),
  ignoreWebServers: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "web servers of the cell that no user reaches: their names, or <node>/<name> where several nodes have one",
    ),
  untouched: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "clusters that no fix of this installation changes, as the cell calls them; they are neither drained nor restarted. strategy: rolling leaves one with members on a single node, and none in memberProbes, untouched by itself. And another cell's in a merged plug-in file, where that has to be said",
    ),
  memberProbes: z
    .record(z.string().min(1), memberProbeSchema)
    .describe("cluster → how to probe each of its members; whoever declares one expects the cluster to be rolled"),
  fixDir: absolutePath.describe("folder with the fixes on the deployment manager's host"),
  backupDir: absolutePath
    .optional()
    .describe("where backups go, a folder for each rollout; default: backups in the host's state directory"),
  backUp: z
    .array(absolutePath)
    .default([])
    .describe(
      "customization and provision folders, saved before the installer runs, besides <installDir>/version; it is told so, hence not without",
    ),
  shared: z
    .array(absolutePath)
    .default([])
    .describe(
      "folders that every node shares, e.g. provision/webresources: each file's content is compared before and after",
    ),
  versionStamp: absolutePath
    .optional()
    .describe("LotusConnections-config.xml in the deployment manager's configuration; default: left as it is"),
  lost: z
    .record(z.string().min(1), z.string().min(1))
    .default({})
    .describe(
      "node or web server → why it is gone for good: an open rollout ends without it. Refused while it still answers; taken off again, with the node or web server itself, after the rollout",
    ),
  strategy: z
    .enum(["rolling", "offline"])
    .default("rolling")
    .describe("node by node while the others serve; or, as HCL documents it, with all clusters stopped"),
  order: z
    .enum(["safe", "classic"])
    .default("safe")
    .describe("safe: members are stopped before their agent starts; classic: as done by hand, which loses requests"),
  switchRouting: z
    .enum(["auto", "in-place", "directive"])
    .default("auto")
    .describe(
      "how users are moved. in-place: the plug-in file is edited and read again within its RefreshInterval; nothing is reloaded or lost. directive: a copy of it and a graceful reload, which may reset connections. auto: in place, unless the file is never read again in time, or may be overwritten meanwhile",
    ),
  acceptUnsupported: z
    .boolean()
    .default(false)
    .describe("HCL does not support installing fixes while servers run; rolling needs this said"),
  acceptSharedChange: z
    .boolean()
    .default(false)
    .describe("go on though a fix changes a database or files that all nodes share"),
  onInterrupted: z.enum(["resume", "roll back"]).default("resume").describe("what the next run does"),
  onFailure: z.enum(["freeze", "roll back"]).default("freeze").describe("what a failed step leads to"),
  drain: z
    .strictObject({
      time: durationSchema.default("10m").describe("longest wait for users of a node to finish"),
      connections: z
        .number()
        .int()
        .min(0)
        .default(0)
        .describe("at so many open connections to its members' ports, or fewer, a node counts as left"),
      sessions: z
        .number()
        .int()
        .min(0)
        .optional()
        .describe(
          "and at so many sessions in its members' memory, or fewer; default: not counted. They expire long after users left, so time may end first; one start of wsadmin for each member and look",
        ),
      requests: z
        .number()
        .int()
        .min(0)
        .optional()
        .describe("and at so many requests that are being answered within sessions, or fewer; default: not counted"),
    })
    .prefault({})
    .describe(
      "how long users of a node that is taken out may finish what they do; what cannot be counted is given the whole time",
    ),
  limits: z
    .strictObject({
      installer: durationSchema
        .default("3h")
        .describe("of the update installer; then the rollout freezes and says so. It is never killed"),
      backup: durationSchema.default("1h").describe("of one backup"),
      refresh: refreshLimitSchema,
      synchronize: durationSchema.default("30m").describe("of a full synchronization with distribution"),
      start: durationSchema
        .default("20m")
        .describe("of the start of an agent or member, and then of its first answers to its probe"),
      answer: durationSchema.default("30s").describe("of a member that has run all along to answer its probe"),
      stop: durationSchema.default("15m").describe("of the stop of an agent or member"),
      ownership: durationSchema.default("2m").describe("of the look at who owns a profile's files"),
      every: durationSchema.default("5s").describe("pause between two looks while waiting"),
    })
    .prefault({})
    .describe("limits of long operations"),
});

export const aspectsSchema = z.strictObject({
  fixes: z
    .record(
      fixId,
      z.strictObject({
        readme: z
          .literal("reviewed")
          .optional()
          .describe("somebody read the fix's notes; nothing is installed without"),
        needs: z.array(fixId).default([]).describe("fixes that it needs, by its notes"),
        changes: z
          .array(z.enum(["database", "shared files"]))
          .default([])
          .describe("what it changes, by its notes, that does not travel with a synchronization"),
      }),
    )
    .describe("fixes that are to be installed, by id"),
  absent: z.array(fixId).default([]).describe("fixes that are to be uninstalled; one in no list is not managed"),
  exclusive: z.boolean().default(false).describe("uninstall every fix that is not declared"),
});

export type Identity = z.infer<typeof identitySchema>;
export type Settings = z.infer<typeof settingsSchema>;
export type Aspects = z.infer<typeof aspectsSchema>;
