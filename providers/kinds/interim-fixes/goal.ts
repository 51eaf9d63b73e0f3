import { canonicalJson } from "../../common/json.js";
import type { Desired } from "../../lifecycle/kind.js";
import type { Journal } from "./journal.js";
import type { Live } from "./live.js";
import type { Aspects, Identity, Settings } from "./schema.js";
import type { Change } from "./steps.js";

export type FixesDesired = Desired<Identity, Settings, Aspects>;

export const NOTHING: Change = { install: [], uninstall: [] };

/** What a declaration says of fixes, and nothing else: an open rollout keeps it, whatever is declared meanwhile. */
interface Wanted {
  readonly fixes: readonly string[];
  readonly absent: readonly string[];
  readonly exclusive: boolean;
}

const wantedIn = ({ aspects }: FixesDesired): Wanted => ({
  fixes: Object.keys(aspects.fixes).sort(),
  absent: [...aspects.absent].sort(),
  exclusive: aspects.exclusive,
});

/** Tells one declaration of fixes from another: what went back is not tried again until it is another. */
export const wantedKey = (desired: FixesDesired): string => canonicalJson(wantedIn(desired));

/** What `wantedKey` was made of. */
const wantedOf = ({ wanted }: Journal): Wanted => JSON.parse(wanted) as Wanted;

function changeTo({ fixes, absent, exclusive }: Wanted, installed: readonly string[]): Change {
  const unwanted = exclusive ? installed.filter((id) => !fixes.includes(id)) : absent;
  return {
    install: fixes.filter((id) => !installed.includes(id)),
    uninstall: unwanted.filter((id) => installed.includes(id)),
  };
}

/**
 * What the declaration asks of the installed fixes; nothing while they are not known. An id that is in no list is not managed,
 * unless `exclusive`.
 */
export const declaredChange = (desired: FixesDesired, installed: readonly string[] | null): Change =>
  installed === null ? NOTHING : changeTo(wantedIn(desired), installed);

/**
 * What is still to be done about the fixes in this direction. Going back = as the rollout found what it was to change: what
 * is declared today says nothing of that, for the fix that is to go may be in no list any more. After the final check it is
 * nothing: the routing is given free by then, so what somebody undoes from there on is for the next rollout.
 */
export function changeOf(desired: FixesDesired, installed: readonly string[] | null, journal: Journal | null): Change {
  if (journal?.finallyChecked) return NOTHING;
  if (installed === null || journal?.direction !== "roll back") return declaredChange(desired, installed);
  const { fixes, absent, exclusive } = wantedOf(journal);
  const { found } = journal;
  const mine = (id: string): boolean => exclusive || fixes.includes(id) || absent.includes(id);
  return {
    install: found.installed.filter((id) => mine(id) && !installed.includes(id)),
    uninstall: installed.filter((id) => mine(id) && !found.installed.includes(id)),
  };
}

/** All that a rollout does to the fixes in its direction, from its begin on. */
export function wholeChange(journal: Journal): Change {
  const { install, uninstall } = changeTo(wantedOf(journal), journal.found.installed);
  return journal.direction === "forward" ? { install, uninstall } : { install: uninstall, uninstall: install };
}

export const isNothing = (change: Change): boolean => change.install.length === 0 && change.uninstall.length === 0;

/** Declared fixes that the installer lists: what members have to run. */
export const dueOnMembers = ({ aspects }: FixesDesired, installed: readonly string[]): string[] =>
  Object.keys(aspects.fixes).filter((id) => installed.includes(id));

/** Whether the declaration says anything that members could lack; what nobody manages is nobody's to roll out. */
export function concernsMembers(desired: FixesDesired, { installer: { installed } }: Pick<Live, "installer">): boolean {
  const { absent, exclusive } = desired.aspects;
  return installed !== null && (exclusive || absent.length > 0 || dueOnMembers(desired, installed).length > 0);
}

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
