import type * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { ManagedResource, type RunArgs } from "../../lifecycle/resource.js";
import { type aspectsSchema, type identitySchema, settingsSchema } from "./schema.js";

type IdentityInput = z.input<typeof identitySchema>;
type SettingsInput = z.input<typeof settingsSchema>;
type AspectsInput = z.input<typeof aspectsSchema>;

/**
 * The schema level that a database script has to insert.
 *
 * The three of the identity are plain values; changing one replaces the resource, which writes nothing by itself.
 */
export interface SqlScriptVersionArgs extends RunArgs {
  /** Name of the host: the same as `connection.name`. */
  host: IdentityInput["host"];
  /** Absolute path of the script. */
  path: IdentityInput["path"];
  /** Component of Connections whose row the script inserts, such as HOMEPAGE. */
  component: IdentityInput["component"];

  /** How to reach the host over SSH. Credentials are references, resolved at every use. */
  connection: pulumi.Input<SettingsInput["connection"]>;

  /** The schema level: 705, or in quotes where it has a dot. */
  version: pulumi.Input<AspectsInput["version"]>;
  /** The levels that the script may insert now. */
  from: pulumi.Input<AspectsInput["from"]>;
}

/**
 * Corrects a database script before it is run: the digits of the one literal that says the component's schema level. Comments,
 * other literals, line ends and encoding stay as they are; a script with several such literals, or none, is refused.
 */
export class SqlScriptVersion extends ManagedResource {
  constructor(name: string, args: SqlScriptVersionArgs, options?: pulumi.CustomResourceOptions) {
    super({ type: "connections:SqlScriptVersion", settings: settingsSchema }, name, args, options);
  }
}
