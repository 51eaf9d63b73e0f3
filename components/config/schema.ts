import { z } from "zod";
import { durationSchema } from "../../providers/common/duration.js";
import {
  aspectsSchema as fixesAspects,
  identitySchema as fixesIdentity,
  settingsSchema as fixesSettings,
  webServerName,
  webServerNode,
} from "../../providers/kinds/interim-fixes/schema.js";
import {
  aspectsSchema as stepAspects,
  settingsSchema as stepSettings,
} from "../../providers/kinds/manual-step/schema.js";
import {
  aspectsSchema as routingAspects,
  settingsSchema as routingSettings,
} from "../../providers/kinds/plugin-routing/schema.js";
import {
  aspectsSchema as levelAspects,
  settingsSchema as levelSettings,
} from "../../providers/kinds/schema-version/schema.js";
import {
  aspectsSchema as scriptAspects,
  identitySchema as scriptIdentity,
} from "../../providers/kinds/sql-script-version/schema.js";
import { runSettingsSchema } from "../../providers/lifecycle/run-settings.js";
import { connectionSchema } from "../../providers/targets/connection.js";
import { PARTS } from "./manual-steps.js";

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
  message: "must be a name of letters, digits, dots, underscores and hyphens",
});
const { connectTo, publicHost, accessLog, ...probing } = routingSettings.shape.verify.shape;
const { serverRoot, control, pluginFile, copyPrefix, defines, variables, nodes, sessionReplication } =
  routingSettings.shape;
const { switchRouting, refreshLimit } = routingSettings.shape;

/** Of a rollout, which takes hours. */
export const FIXES_DEADLINE = "12h";

const webServerSchema = z.strictObject({
  host: name.describe("one of hosts"),
  server: webServerName,
  node: webServerNode,
  serverRoot,
  httpdConf: z.string().min(1).describe("the main configuration file, absolute"),
  pluginFile,
  copyPrefix,
  control,
  defines,
  variables,
  connectTo,
  publicHost,
  accessLog,
});

const { name: _name, through: _through, ...reachedDatabase } = levelSettings.shape.connection.shape;
const { rowKey, contentProof, backup, servers } = levelSettings.shape;

const databaseSchema = z.strictObject({
  ...reachedDatabase,
  through: name.optional().describe("one of hosts to go through by SSH, when the database is not reachable directly"),
  home: name.describe("one of hosts, whose state directory holds lock, record and backups"),
  levels: z
    .partialRecord(
      scriptIdentity.shape.component,
      z.strictObject({ ...levelAspects.shape, rowKey, contentProof, backup, servers }),
    )
    .describe("the schema level of each component that is to be watched and, where it is lower, raised"),
});

const scriptSchema = z.strictObject({
  host: name.describe("one of hosts"),
  path: scriptIdentity.shape.path,
  component: scriptIdentity.shape.component,
  ...scriptAspects.shape,
});

const {
  deploymentManager: { shape: manager },
  nodes: { element: node },
  topology: _topology,
  webServers: _webServers,
  ...rolling
} = fixesSettings.shape;
const { connection: _managerConnection, ...managerSettings } = manager;

const { connection: _stepConnection, ...stepVerify } = stepSettings.shape;
const step = z.strictObject({
  ...stepAspects.shape,
  ...stepVerify,
  after: z.array(name).default([]).describe("names of steps beside it that come first"),
});

const manualStepSchema = step.extend({
  host: name.describe("one of hosts: it remembers the step, and holds the file that shows it"),
  before: z.array(z.enum(PARTS)).default([]).describe("parts of the configuration that wait for it"),
});

const fixStepSchema = step.extend({
  host: name.optional().describe("one of hosts; default: the deployment manager's"),
  when: z.enum(["before", "after"]).default("after").describe("before the fix is installed, or after"),
});

const interimFixesSchema = z.strictObject({
  ...fixesIdentity.shape,
  deploymentManager: z
    .strictObject({ host: name.describe("one of hosts"), ...managerSettings })
    .describe("the cell's deployment manager"),
  nodes: z
    .array(node.omit({ connection: true }).extend({ host: name.describe("one of hosts") }))
    .min(1)
    .describe("nodes with cluster members, in the order of the rollout"),
  ...rolling,
  deadline: durationSchema
    .default(FIXES_DEADLINE)
    .describe("limit of one whole rollout; of every other run: run.deadline"),
  ...fixesAspects.shape,
  fixes: z
    .record(
      fixesAspects.shape.fixes.keyType,
      fixesAspects.shape.fixes.valueType.extend({
        manualSteps: z
          .record(name, fixStepSchema)
          .default({})
          .describe("what its notes ask of a person, by a name of yours"),
      }),
    )
    .describe("fixes that are to be installed, by id"),
});

/** Sections that belong together: all of them, or, where a stack has neither routing nor interim fixes, none. */
export const WEB_SECTIONS = ["topology", "webServers", "probes"] as const;

/**
 * A stack's configuration: one key of `Pulumi.<stack>.yaml` each. Descriptions and defaults end up in the JSON Schema, in
 * docs/configuration.md and in the parser's messages. What one key says about another is checked by the parser.
 */
export const stackConfigSchema = z.strictObject({
  hosts: z
    .record(name, connectionSchema.omit({ name: true }))
    .describe("machines reached over SSH, by the name that messages call them"),
  topology: z
    .strictObject({ nodes, sessionReplication })
    .optional()
    .describe("which cluster member runs on which node of the cell, and what replicates their sessions"),
  webServers: z.record(name, webServerSchema).optional().describe("web servers with the WebSphere plug-in, by name"),
  probes: z
    .strictObject(probing)
    .optional()
    .describe("how to prove, through a web server, where a cluster's users are served"),
  routing: z
    .strictObject({ ...routingAspects.shape, switchRouting, refreshLimit })
    .optional()
    .describe("which node's members serve users; left alone when absent"),
  databases: z
    .record(name, databaseSchema)
    .optional()
    .describe("Db2 databases by the name that messages call them, with the schema levels they have to be at"),
  sqlScripts: z
    .record(name, scriptSchema)
    .optional()
    .describe("database scripts on disk whose schema level is corrected before they are run, by a name of yours"),
  interimFixes: interimFixesSchema
    .optional()
    .describe("interim fixes of the Connections installation, rolled through the nodes; left alone when absent"),
  manualSteps: z
    .record(name, manualStepSchema)
    .optional()
    .describe("steps that only a person can do, by a name of yours; what comes after one waits until it is done"),
  run: runSettingsSchema.strict().prefault({}).describe("how runs behave: maintenance window, destroy, locks, limits"),
});

export type StackConfig = z.infer<typeof stackConfigSchema>;

/** The configuration of a stack that has web servers; the parser lets through all of their sections or none. */
export type WebConfig = StackConfig & Required<Pick<StackConfig, (typeof WEB_SECTIONS)[number]>>;

export const hasWebServers = (config: StackConfig): config is WebConfig =>
  WEB_SECTIONS.every((section) => config[section] !== undefined);
