import type { Kind } from "../../lifecycle/kind.js";
import type { DatabaseConnection } from "../../targets/db2/connection.js";
import type { Database } from "../../targets/db2/database.js";
import { apply, unclaim } from "./apply.js";
import { describe } from "./describe.js";
import { type Kept, type Live, observe } from "./live.js";
import { plan, release, type SchemaStep } from "./plan.js";
import { type Aspects, aspectsSchema, type Identity, identitySchema, type Settings, settingsSchema } from "./schema.js";

/**
 * The schema level of one component in its database.
 *
 * @param openDatabase answers the one `Database` of a connection and process; nothing is connected before it is asked something
 */
export function schemaVersionKind(
  openDatabase: (connection: DatabaseConnection) => Database,
): Kind<Identity, Settings, Aspects, Live, Kept, SchemaStep> {
  return {
    type: "connections:SchemaVersion",
    schemaVersion: 1,
    identity: identitySchema,
    settings: settingsSchema,
    aspects: aspectsSchema,
    identify: ({ database, component }) => `${database}/${component}`,
    home: (_identity, settings) => settings.home,
    observe: (identity, settings) => observe(identity, settings, openDatabase(settings.connection)),
    plan,
    apply: (step, context) => apply(step, context, openDatabase(context.desired.settings.connection)),
    undo: async (context) => unclaim(context),
    undoWhenInterrupted: true,
    describe,
    adopt,
    release,
  };
}

function adopt({ row }: Live): Kept {
  const version = row?.version.value;
  const postVersion = row?.post?.value;
  return {
    found: { ...(version ? { version } : {}), ...(postVersion ? { postVersion } : {}) },
    spent: [],
  };
}
