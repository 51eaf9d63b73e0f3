/** What a program of its own may use: `import { Environment, PluginRouting } from "pulumi-connections"`. */
export { InterimFixes, type InterimFixesArgs } from "../providers/kinds/interim-fixes/resource.js";
export { ManualStep, type ManualStepArgs } from "../providers/kinds/manual-step/resource.js";
export { PluginRouting, type PluginRoutingArgs } from "../providers/kinds/plugin-routing/resource.js";
export { SchemaVersion, type SchemaVersionArgs } from "../providers/kinds/schema-version/resource.js";
export { SqlScriptVersion, type SqlScriptVersionArgs } from "../providers/kinds/sql-script-version/resource.js";
export { parseStackConfig } from "./config/parse.js";
export { readStackConfig } from "./config/read.js";
export type { StackConfig } from "./config/schema.js";
export { Databases } from "./databases.js";
export { Environment } from "./environment.js";
export { ConnectionsFixes } from "./interim-fixes.js";
export { ManualSteps } from "./manual-steps.js";
export { WebServers } from "./web-servers.js";
