import type { Access, Description, Kind } from "../../lifecycle/kind.js";
import { apply, undo } from "./apply.js";
import type { OpenEstate } from "./estate.js";
import { concernsMembers, declaredChange, dueOnMembers, type FixesDesired, isNothing } from "./goal.js";
import type { Kept } from "./journal.js";
import { lagText } from "./levels.js";
import { type Live, memberName } from "./live.js";
import { remaining } from "./lost.js";
import { observe } from "./observe.js";
import { openEstate } from "./open-estate.js";
import { keptFromDestroy, plan, release } from "./plan.js";
import { type Aspects, aspectsSchema, type Identity, identitySchema, type Settings, settingsSchema } from "./schema.js";
import type { RolloutStep } from "./steps.js";
import { filesProved, judgedNodes } from "./touched.js";
import { leavingUntouched } from "./untouched.js";

/** The kind over an estate that `open` reaches; a model of one in tests. */
export const interimFixesOver = (open: OpenEstate): Kind<Identity, Settings, Aspects, Live, Kept, RolloutStep> => ({
  type: "was:InterimFixes",
  schemaVersion: 1,
  identity: identitySchema,
  settings: settingsSchema,
  aspects: aspectsSchema,
  identify: ({ cell, installDir }) => `${cell}:${installDir}`,
  home: (_identity, { deploymentManager }) => deploymentManager.connection,
  observe: (identity, settings, access) =>
    observe({ settings }, open({ identity, settings }, access), { cached: isCached(settings, access) }),
  plan,
  apply(step, context) {
    const { desired, live } = leavingUntouched(context.desired, context.live, context.kept.journal);
    return apply(step, { ...context, live, desired: remaining(desired) }, open(desired, context));
  },
  describe,
  adopt: (live) => ({
    journal: null,
    found: [...(live.installer.installed ?? [])],
    wentBack: null,
    durations: {},
    seen: filesProved(live.nodes),
  }),
  keptFromDestroy,
  release,
  undo,
});

/** Which interim fixes a Connections installation has, rolled through the nodes of a live cell. */
export const interimFixes = interimFixesOver(openEstate);

/** A preview reads files from the snapshot that all resources share, so it takes the cell's from there too. */
function isCached({ deploymentManager: { connection } }: Settings, access: Access): boolean {
  return access.files(connection) !== access.host(connection).files;
}

/** Declared fixes that are missing, absent ones that are there, and members without them, in the words of the inputs. */
function describe(declared: FixesDesired, observed: Live, kept: Kept): Description<Aspects> {
  const { desired, live } = leavingUntouched(declared, observed, kept.journal);
  const { aspects } = desired;
  const deviations: Record<string, string> = {};
  if (kept.journal) {
    const { journal } = kept;
    const stage = journal.order.map((node) => `${node} ${journal.nodes[node] ?? "not begun"}`).join(", ");
    deviations.rollout = `${journal.rollout} is unfinished (${journal.direction}): ${stage}`;
  }
  const { installed, problems } = live.installer;
  if (!kept.journal && concernsMembers(desired, live)) {
    Object.assign(deviations, behindMembers(desired, { ...live, nodes: judgedNodes(live.nodes, kept) }));
  }
  if (installed === null || problems.length > 0) return { aspects, deviations };
  const change = declaredChange(desired, installed);
  if (isNothing(change)) return { aspects, deviations };
  for (const id of change.uninstall) {
    deviations[`installed ${id}`] = aspects.exclusive
      ? `${id} is installed and not declared`
      : `${id} is installed, declared absent`;
  }
  const fixes = Object.fromEntries(Object.entries(aspects.fixes).filter(([id]) => !change.install.includes(id)));
  return { aspects: { ...aspects, fixes }, deviations };
}

/** A line for each member that does not run what the deployment manager has. */
function behindMembers(desired: FixesDesired, live: Live): Record<string, string> {
  const fixes = dueOnMembers(desired, live.installer.installed ?? []);
  const lines = live.nodes.flatMap((node) =>
    node.members.flatMap((member) => {
      const found = lagText(member, fixes);
      return found === undefined ? [] : [[memberName(node, member), found] as const];
    }),
  );
  return Object.fromEntries(lines);
}
