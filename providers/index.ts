import { ProblemError } from "./common/problem.js";
import { interimFixes } from "./kinds/interim-fixes/kind.js";
import { manualStep } from "./kinds/manual-step/kind.js";
import { pluginRouting } from "./kinds/plugin-routing/kind.js";
import { schemaVersionKind } from "./kinds/schema-version/kind.js";
import { sqlScriptVersion } from "./kinds/sql-script-version/kind.js";
import { cachedAccess, freshAccess } from "./lifecycle/access.js";
import type { AnyKind } from "./lifecycle/inputs.js";
import { endWithTheEngine } from "./lifecycle/interrupt.js";
import { managedProvider } from "./lifecycle/provider.js";
import { plansOfThisCommand } from "./lifecycle/shown.js";
import { openDatabase } from "./targets/db2/database.js";

/** The one registry: every kind that state files may name. A type, once released, never leaves it. */
export const kinds: readonly AnyKind[] = [
  pluginRouting,
  interimFixes,
  schemaVersionKind(openDatabase),
  sqlScriptVersion,
  manualStep,
];

const providers = new Map<string, ReturnType<typeof managedProvider>>();

/**
 * The provider of a type, as the pointer text in state asks for it (see `lifecycle/pointer.ts`).
 *
 * @throws ProblemError `missing` for a type that this version does not know.
 */
export function provider(type: string): ReturnType<typeof managedProvider> {
  const present = providers.get(type);
  if (present) return present;
  if (providers.size === 0) endWithTheEngine();
  const created = managedProvider(kindOf(type), {
    cached: cachedAccess,
    fresh: freshAccess,
    say: console.log,
    shown: plansOfThisCommand(),
  });
  providers.set(type, created);
  return created;
}

export function kindOf(type: string): AnyKind {
  const kind = kinds.find((candidate) => candidate.type === type);
  if (kind) return kind;
  throw new ProblemError("missing", {
    where: "pulumi-connections",
    found: `no kind of resource is called ${JSON.stringify(type)}`,
    allowed: kinds.map((candidate) => candidate.type).join(", "),
    next: "Install the version of pulumi-connections that wrote this state, or a newer one",
  });
}
