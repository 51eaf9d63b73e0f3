import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { formatProblem } from "../../common/problem.js";
import { ManagedResource, type RunArgs } from "../../lifecycle/resource.js";
import type { Live } from "./live.js";
import type { FoundLevel, ObservedLevel } from "./overview.js";
import { type aspectsSchema, type identitySchema, settingsSchema } from "./schema.js";

export { type ObservedLevel, type SchemaLevels, schemaLevels } from "./overview.js";

type IdentityInput = z.input<typeof identitySchema>;
type SettingsInput = z.input<typeof settingsSchema>;
type AspectsInput = z.input<typeof aspectsSchema>;

/**
 * The schema level that one component's database has to have.
 *
 * The two of the identity are plain values; changing one replaces the resource, which writes nothing by itself.
 */
export interface SchemaVersionArgs extends Omit<RunArgs, "onDestroy"> {
  /** Name of the database: the same as `connection.name`. */
  database: IdentityInput["database"];
  /** Component of Connections, such as HOMEPAGE (also that of News and Search). */
  component: IdentityInput["component"];

  /** How to reach the database. A change wants a `marker` in it. Credentials are references, resolved at every use. */
  connection: pulumi.Input<SettingsInput["connection"]>;
  /** A host over SSH whose state directory holds lock, record and backups. */
  home: pulumi.Input<SettingsInput["home"]>;
  /** What stands in the key column of the component's row, where the table has several rows. */
  rowKey?: pulumi.Input<SettingsInput["rowKey"]>;
  /** A catalog probe, or a statement that serves for one change. Without it a lower level is reported, not changed. */
  contentProof?: pulumi.Input<SettingsInput["contentProof"]>;
  /** The backup that a change wants. Default: one that began at most a day ago. */
  backup?: pulumi.Input<SettingsInput["backup"]>;
  /** The servers that must be stopped for a change. Default: nobody else may be connected. */
  servers?: pulumi.Input<SettingsInput["servers"]>;
  /** A level is never lowered: destroy always leaves it as it is. */
  onDestroy?: pulumi.Input<SettingsInput["onDestroy"]>;

  /** The schema level: 705, or in quotes where it has a dot. */
  version: pulumi.Input<AspectsInput["version"]>;
  /** The levels that it may be moved from. */
  from: pulumi.Input<AspectsInput["from"]>;
  /** The level in POSTSCHEMAVER, where the table has that column. */
  postVersion?: pulumi.Input<AspectsInput["postVersion"]>;
  /** The levels that POSTSCHEMAVER may be moved from. */
  postFrom?: pulumi.Input<AspectsInput["postFrom"]>;
}

/**
 * Brings a component's schema level to the declared one, once, and watches it: a number that an upgrade script checks before it
 * changes tables. It is raised only from a declared level, with a proof that the level's content is there, with a recent
 * backup and while no server is connected; it is never lowered.
 */
export class SchemaVersion extends ManagedResource {
  /** The level as declared, and as last observed; not known in a preview that is going to change it. */
  readonly level: pulumi.Output<ObservedLevel>;

  constructor(name: string, args: SchemaVersionArgs, options?: pulumi.CustomResourceOptions) {
    super({ type: "connections:SchemaVersion", settings: settingsSchema }, name, args, options);
    const { component, database, version, postVersion } = args;
    this.level = pulumi.all([this.live, version, postVersion]).apply(([live, declared, declaredPost]) => ({
      component,
      database,
      declared: String(declared),
      ...(declaredPost === undefined ? {} : { declaredPost: String(declaredPost) }),
      ...foundLevel(live),
    }));
  }
}

/** @param live JSON text; undefined while nothing was observed. */
function foundLevel(live: string | undefined): Pick<FoundLevel, "level" | "postLevel" | "problem"> {
  const { row, problems = [] } = (live === undefined ? {} : JSON.parse(live)) as Partial<Live>;
  if (!row) return { problem: problems.map(formatProblem).join(" ") || "not looked at yet" };
  const { version, post } = row;
  return {
    ...(version.value === null ? {} : { level: version.value }),
    ...(post?.value ? { postLevel: post.value } : {}),
  };
}
