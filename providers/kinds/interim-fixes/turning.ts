import type { Problem } from "../../common/problem.js";
import type { FixesDesired } from "./goal.js";
import type { Journal } from "./journal.js";
import type { Live } from "./live.js";

/** Installs or uninstalls, and was not checked for the last time: its routing is all its own, so it can go back. */
export const mayTurn = (journal: Journal | null): boolean =>
  journal?.direction === "forward" && !journal.finallyChecked && !journal.catchingUp;

/** Who wants an open rollout back, and why; undefined where nobody does. */
export function askedBack({ settings }: FixesDesired, { control }: Live, journal: Journal | null): string | undefined {
  if (control.request === "roll back") return control.reason;
  if (control.request === "resume" || journal?.frozen) return undefined;
  if (!control.here && settings.onInterrupted === "roll back") return "it was interrupted (onInterrupted)";
  return undefined;
}

/** Why a rollout that is asked back is brought to its end instead; undefined where it can go back, or is on its way. */
export function pastTurning(journal: Journal | null): Problem | undefined {
  if (journal?.direction !== "forward" || mayTurn(journal)) return undefined;
  const { rollout, catchingUp } = journal;
  if (catchingUp) {
    return {
      where: "interim fixes",
      found: `rollout ${rollout} installs nothing: it brings nodes to what the deployment manager has`,
      why: "There is nothing that it could take back",
      next: "Stop it, or let it finish; to be rid of a fix, declare it absent after that",
    };
  }
  return {
    where: "interim fixes",
    found: `rollout ${rollout} was checked for the last time: it is closed, and not taken back`,
    why: "Every node is done, and the routing of web servers may be free already, for others to change",
    next: "Run pulumi up to close it; then declare the fixes as they were before, and another rollout brings that about",
  };
}
