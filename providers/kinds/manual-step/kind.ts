import type { Access, Kind } from "../../lifecycle/kind.js";
import { describe, type Kept, type Live, type ManualStepAction, plan, release } from "./plan.js";
import { type Aspects, aspectsSchema, type Identity, identitySchema, type Settings, settingsSchema } from "./schema.js";
import { findingsOf } from "./verify.js";

/** What only a person can do: visible, ordered and, where something shows it, verified. */
export const manualStep: Kind<Identity, Settings, Aspects, Live, Kept, ManualStepAction> = {
  type: "manual:Step",
  schemaVersion: 1,
  identity: identitySchema,
  settings: settingsSchema,
  aspects: aspectsSchema,
  identify: ({ host, step }) => `${host}:${step}`,
  recordKey: ({ step }) => step,
  home: (_identity, settings) => settings.connection,
  observe,
  plan,
  apply: async ({ confirmed }) => ({ confirmed }),
  describe,
  adopt: () => ({ confirmed: null }),
  release,
};

async function observe(_identity: Identity, { connection, verify }: Settings, access: Access): Promise<Live> {
  if (!verify) return { verified: "not asked", findings: [] };
  const findings = await findingsOf(verify, access.files(connection), connection.name);
  return { verified: findings.length === 0 ? "yes" : "no", findings };
}
