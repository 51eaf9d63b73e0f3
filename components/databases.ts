import * as pulumi from "@pulumi/pulumi";
import {
  type SchemaLevels,
  SchemaVersion,
  type SchemaVersionArgs,
  schemaLevels,
} from "../providers/kinds/schema-version/resource.js";
import { SqlScriptVersion } from "../providers/kinds/sql-script-version/resource.js";
import { databaseConnection, hostConnection } from "./config/connections.js";
import type { StackConfig } from "./config/schema.js";

type Configured<Key extends "databases" | "sqlScripts"> = NonNullable<StackConfig[Key]>[string];

/** The databases of an environment: the schema levels they have to be at, and those in the scripts that will be run. */
export class Databases extends pulumi.ComponentResource {
  /** `<database>/<component>` → its level. */
  readonly levels: Readonly<Record<string, SchemaVersion>>;
  /** Script → the level in it. */
  readonly scripts: Readonly<Record<string, SqlScriptVersion>>;
  /** All declared levels beside those last observed, and which known release they are together. */
  readonly schemaLevels: pulumi.Output<SchemaLevels>;

  constructor(name: string, config: StackConfig, options?: pulumi.ComponentResourceOptions) {
    super("pulumi-connections:index:Databases", name, {}, options);
    this.levels = Object.fromEntries(
      Object.entries(config.databases ?? {}).flatMap(([database, settings]) =>
        Object.keys(settings.levels).map((component) => [
          `${database}/${component}`,
          this.level(`${name}-${database}`, database, component as SchemaVersionArgs["component"], config),
        ]),
      ),
    );
    this.scripts = Object.fromEntries(
      Object.entries(config.sqlScripts ?? {}).map(([script, settings]) => [
        script,
        this.script(`${name}-${script}`, settings, config),
      ]),
    );
    this.schemaLevels = pulumi.all(Object.values(this.levels).map(({ level }) => level)).apply(schemaLevels);
    this.registerOutputs({ schemaLevels: this.schemaLevels });
  }

  private level(
    name: string,
    database: string,
    component: SchemaVersionArgs["component"],
    config: StackConfig,
  ): SchemaVersion {
    const settings = config.databases?.[database];
    const level = settings?.levels[component];
    if (!settings || !level) throw new Error(`${component} in ${database} is not in the configuration`);
    return new SchemaVersion(
      `${name}-${component}`,
      {
        database,
        component,
        connection: databaseConnection(database, config),
        home: hostConnection(settings.home, config),
        ...config.run,
        // Restoring would lower it, which is never done; `run` speaks of everything else.
        onDestroy: "retain",
        ...level,
      },
      { parent: this },
    );
  }

  private script(name: string, settings: Configured<"sqlScripts">, config: StackConfig): SqlScriptVersion {
    return new SqlScriptVersion(
      `${name}-level`,
      { ...settings, connection: hostConnection(settings.host, config), ...config.run },
      { parent: this },
    );
  }
}
