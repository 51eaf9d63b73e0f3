import { canonicalJson } from "../../common/json.js";
import type { Desired } from "../../lifecycle/kind.js";
import type { Journal } from "./journal.js";
import type { Live } from "./live.js";
import type { Aspects, Identity, Settings } from "./schema.js";
import type { Change } from "./steps.js";

export type FixesDesired = Desired<Identity, Settings, Aspects>;

const NOTHING: Change = { install: [], uninstall: [] };

/**
 * What the declaration asks of the installed fixes; nothing while they are not known. An id that is in no list is not managed,
 * unless `exclusive`.
 */
export function declaredChange({ aspects }: FixesDesired, installed: readonly string[] | null): Change {
  if (installed === null) return NOTHING;
  const wanted = Object.keys(aspects.fixes);
  const unwanted = aspects.exclusive ? installed.filter((id) => !wanted.includes(id)) : aspects.absent;
  return {
    install: wanted.filter((id) => !installed.includes(id)),
    uninstall: unwanted.filter((id) => installed.includes(id)),
  };
}

/** What is still to be done about the fixes in this direction; going back = as the rollout found it. */
export function changeOf(desired: FixesDesired, live: Live, journal: Journal | null): Change {
  const { installed } = live.installer;
  if (installed === null || journal?.direction !== "roll back") return declaredChange(desired, installed);
  const { found } = journal;
  const ours = [...Object.keys(desired.aspects.fixes), ...desired.aspects.absent];
  const mine = (id: string): boolean => desired.aspects.exclusive || ours.includes(id);
  return {
    install: found.installed.filter((id) => mine(id) && !installed.includes(id)),
    uninstall: installed.filter((id) => mine(id) && !found.installed.includes(id)),
  };
}

/** All that a rollout does to the fixes in its direction, from its begin on. */
export function wholeChange(desired: FixesDesired, { direction, found }: Journal): Change {
  const { install, uninstall } = declaredChange(desired, found.installed);
  return direction === "forward" ? { install, uninstall } : { install: uninstall, uninstall: install };
}

export const isNothing = (change: Change): boolean => change.install.length === 0 && change.uninstall.length === 0;

/** Tells one declaration of fixes from another: what went back is not tried again until it is another. */
export const wantedKey = ({ aspects }: FixesDesired): string =>
  canonicalJson({
    fixes: Object.keys(aspects.fixes).sort(),
    absent: [...aspects.absent].sort(),
    exclusive: aspects.exclusive,
  });

/** Extra fixes are reported and left alone. */
export function extraFixes({ aspects }: FixesDesired, installed: readonly string[]): readonly string[] {
  const named = [...Object.keys(aspects.fixes), ...aspects.absent];
  return aspects.exclusive ? [] : installed.filter((id) => !named.includes(id));
}

/** `LO66666, LO66667` or `LO66666; uninstall LO1` */
export function changeText({ install, uninstall }: Change): string {
  const parts = [
    ...(install.length > 0 ? [`install ${install.join(", ")}`] : []),
    ...(uninstall.length > 0 ? [`uninstall ${uninstall.join(", ")}`] : []),
  ];
  return parts.join("; ") || "nothing";
}
