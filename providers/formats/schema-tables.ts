/**
 * Where each component of Connections keeps the level of its database schema. Three shapes of table:
 *
 * - "schema": `<X>_SCHEMA` with COMPKEY, DBSCHEMAVER, RELEASEVER; in this order for HOMEPAGE, by an administrator's script;
 * - "product": `PRODUCT` with SCHEMA_VERSION, beside it POSTSCHEMAVER where the release has it;
 * - "properties": `ROLLER_PROPERTIES` with NAME and VALUE, the level under the name "database.schema.version".
 *
 * Tables and version columns: the read-only version check of stoeps13/ibmcnxscripting (`DB2/check_schema_versions.sh`,
 * Apache-2.0) and the public list "Connections Db Schema Versions". PNS as a database of its own: stoeps13/
 * connections-utility-scripts. POSTSCHEMAVER of FILES and WIKIS: HCL-TECH-SOFTWARE/connections-automation
 * (`connections-wizards`). Columns' types, their order and the spelling of keys are not public for all: they are read from the
 * catalog and the row, or from the script itself, and what is not as expected is refused.
 */
export interface SchemaTable {
  /** The database that a usual installation keeps it in. */
  readonly database: string;
  /** As the catalog has them. */
  readonly schema: string;
  readonly table: string;
  readonly versionColumn: string;
  /** Set together with the version where the table has it. */
  readonly postColumn?: string;
  readonly keyColumn?: string;
  /** What stands in the key column of the component's row; undefined where no public source says so. */
  readonly key?: string;
  /** The table's columns in order, where a source says it: for INSERTs that do not name them, in a script without its CREATE TABLE. */
  readonly columnOrder?: readonly string[];
}

const schemaShape = (database: string, schema: string, table: string): SchemaTable => ({
  database,
  schema,
  table,
  versionColumn: "DBSCHEMAVER",
  keyColumn: "COMPKEY",
});

const productShape = (name: string): SchemaTable => ({
  database: name,
  schema: name,
  table: "PRODUCT",
  versionColumn: "SCHEMA_VERSION",
  postColumn: "POSTSCHEMAVER",
});

const propertiesShape = (name: string): SchemaTable => ({
  database: name,
  schema: name,
  table: "ROLLER_PROPERTIES",
  versionColumn: "VALUE",
  keyColumn: "NAME",
  key: "database.schema.version",
});

export const COMPONENTS = [
  "ACTIVITIES",
  "BLOGS",
  "BOOKMARKS",
  "COMMUNITIES",
  "EVENTS",
  "FILES",
  "FORUMS",
  "HOMEPAGE",
  "METRICS",
  "MOBILE",
  "PROFILES",
  "PUSH",
  "WIKIS",
] as const;

/** A component of Connections that has a schema level. HOMEPAGE is also that of News and Search. */
export type Component = (typeof COMPONENTS)[number];

export const SCHEMA_TABLES: Readonly<Record<Component, SchemaTable>> = {
  ACTIVITIES: schemaShape("OPNACT", "ACTIVITIES", "OA_SCHEMA"),
  BLOGS: propertiesShape("BLOGS"),
  BOOKMARKS: schemaShape("DOGEAR", "DOGEAR", "DOGEAR_SCHEMA"),
  COMMUNITIES: schemaShape("SNCOMM", "SNCOMM", "SNCOMM_SCHEMA"),
  EVENTS: schemaShape("SNCOMM", "CALENDAR", "CA_SCHEMA"),
  FILES: productShape("FILES"),
  FORUMS: schemaShape("FORUM", "FORUM", "DF_SCHEMA"),
  HOMEPAGE: {
    ...schemaShape("HOMEPAGE", "HOMEPAGE", "HOMEPAGE_SCHEMA"),
    key: "HOMEPAGE",
    columnOrder: ["COMPKEY", "DBSCHEMAVER", "RELEASEVER"],
  },
  METRICS: productShape("METRICS"),
  MOBILE: propertiesShape("MOBILE"),
  PROFILES: schemaShape("PEOPLEDB", "EMPINST", "SNPROF_SCHEMA"),
  // In 5.0 the table stands in the database FILES.
  PUSH: productShape("PNS"),
  WIKIS: productShape("WIKIS"),
};

/** `HOMEPAGE.HOMEPAGE_SCHEMA.DBSCHEMAVER`, as people name it. */
export const levelName = ({ schema, table, versionColumn }: SchemaTable): string =>
  `${schema}.${table}.${versionColumn}`;
