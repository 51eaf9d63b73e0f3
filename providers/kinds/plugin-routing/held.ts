import { ProblemError } from "../../common/problem.js";
import type { Access, Kind, Plan } from "../../lifecycle/kind.js";
import { endOfHold, holderOf, readHold, type SeenHold } from "../../targets/plugin/hold.js";
import type { Kept, Live } from "./live.js";
import type { Aspects, Identity, Settings } from "./schema.js";
import type { RoutingStep } from "./steps.js";

type RoutingKind = Kind<Identity, Settings, Aspects, Live, Kept, RoutingStep>;

const sentence = (hold: SeenHold): string =>
  `held by an unfinished rollout, step "${hold.step}" (${holderOf(hold)}): nothing is routed here until it has ended`;

/** In a note, which every preview beside a rollout shows, in brief. */
const note = (hold: SeenHold): string =>
  `${sentence(hold)} (does nobody know it any more: docs/rolling-fixes.md, "A hold that is left over"; its file is ${hold.file ?? "below holds/ in the state directory"})`;

/**
 * The same kind, which leaves the routing alone while a rollout of fixes holds it: no step is planned and nothing is
 * waited for. To route as declared would send users to members that the rollout has stopped.
 */
export function leavingHeldAlone(kind: RoutingKind): RoutingKind {
  const holdOf = ({ httpdConf }: Identity, { connection }: Settings, access: Access) =>
    readHold(access.files(connection), connection, httpdConf);
  return {
    ...kind,
    async observe(identity, settings, access) {
      const [live, hold] = await Promise.all([
        kind.observe(identity, settings, access),
        holdOf(identity, settings, access),
      ]);
      return hold ? { ...live, hold } : live;
    },
    plan: (desired, live, kept) => (live.hold ? nothing(live.hold) : kind.plan(desired, live, kept)),
    describe: (desired, live, kept) =>
      live.hold ? { aspects: desired.aspects, deviations: {} } : kind.describe(desired, live, kept),
    /** What was found at adoption can only be put back later, so it must not be forgotten now. */
    release(desired, live, kept) {
      if (!live.hold) return kind.release(desired, live, kept);
      const next = `onDestroy: retain needs no waiting. ${endOfHold(live.hold)}; then destroy`;
      return {
        ...nothing(live.hold),
        refusals: [{ where: desired.settings.webServer, found: sentence(live.hold), next }],
      };
    },
    /** A hold is taken under this run's lock, so there is none unless this run was taken for dead. */
    async apply(step, context) {
      const { identity, settings } = context.desired;
      const hold = await holdOf(identity, settings, context);
      if (hold)
        throw new ProblemError("locked", { where: settings.webServer, found: sentence(hold), next: endOfHold(hold) });
      return kind.apply(step, context);
    },
    async undo(context) {
      const { identity, settings } = context.desired;
      const hold = await holdOf(identity, settings, context);
      if (!hold) return kind.undo?.(context);
      context.tell(`the routing stays as it is: ${sentence(hold)}`);
      return undefined;
    },
  };
}

const nothing = (hold: SeenHold): Plan<RoutingStep> => ({ steps: [], refusals: [], notes: [note(hold)] });
