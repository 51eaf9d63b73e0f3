import type { Problem } from "../../common/problem.js";
import { changeText, type FixesDesired } from "./goal.js";
import type { Kept } from "./journal.js";
import { progressSeen } from "./levels.js";
import type { Live } from "./live.js";
import { givenUp, remaining } from "./lost.js";
import { putRight } from "./put-right.js";
import type { RolloutStep } from "./steps.js";
import { Walk } from "./walk.js";
import { alone, awaitInstaller, offline, rolling } from "./walk-orders.js";

/**
 * All that is left to do, found by walking through the whole workflow on a copy of the facts: a step whose effect is there
 * already is left out, any other is put on the list and its effect is then taken for granted by those after it. So a plan
 * made after a crash is the tail of the plan made at the start, or a little more where something went backwards.
 */
export function workflow(
  declared: FixesDesired,
  live: Live,
  kept: Kept,
): { steps: RolloutStep[]; refusals: Problem[] } {
  const walk = new Walk(remaining(declared), live, kept);
  open(walk, declared);
  // Not the installer of this rollout, or it came after its work was accepted: nobody's users are moved for that.
  const isAnothers = walk.awaiting && (!walk.touched || walk.accepted);
  if (isAnothers) awaitInstaller(walk);
  else goOn(walk);
  return { steps: walk.steps, refusals: walk.refusals };
}

function goOn(walk: Walk): void {
  fallBack(walk);
  const treat = walk.goingBack ? walk.touched : true;
  prepare(walk);
  if (treat && walk.strategy === "offline") offline(walk);
  else if (treat && walk.order.length === 1) alone(walk);
  else if (treat) rolling(walk);
  if (walk.refusals.length === 0 && !walk.awaiting) putRight(walk);
}

function begin(walk: Walk): void {
  const { order } = walk;
  if (!walk.catchingUp) {
    const text = changeText(walk.change);
    walk.push("begin", `begin the rollout (${text}) and remember how everything was found`, { do: "begin", order });
    return;
  }
  const due = order.filter((node) => walk.state(node).progress !== "proven").join(", ");
  const text = `nothing is installed; ${due}: what the deployment manager has`;
  walk.push("begin", `begin the rollout (${text}) and remember how everything was found`, {
    do: "begin",
    order,
    catchUp: walk.standing(),
  });
}

/** The rollout is this run's, in its direction, and so is the routing. */
function open(walk: Walk, declared: FixesDesired): void {
  const { journal, live, turning, order } = walk;
  if (!journal) begin(walk);
  else if ((!live.control.here || journal.frozen) && turning === undefined)
    walk.push("take-up", `take up the rollout ${journal.rollout} where it stopped`, { do: "take up" });
  if (turning !== undefined) {
    walk.push("turn-back", `go back to how it was found: ${turning}`, { do: "turn back", order, reason: turning });
  }
  const isRouting = walk.strategy === "rolling" && !journal?.finallyChecked;
  for (const [name, because] of Object.entries(declared.settings.lost)) {
    if (!journal || name in (journal.lost ?? {})) continue;
    walk.push(`give-up ${name}`, `give up ${name}, which is lost (${because}): ${givenUp(name, declared, isRouting)}`, {
      do: "give up",
      ...{ name, because },
    });
  }
  for (const { name, hold } of live.webServers) {
    const isHeld = hold?.rollout === journal?.rollout && journal?.found.routing[name] !== undefined;
    if (!journal?.finallyChecked && !isHeld) {
      walk.push(`hold ${name}`, `hold the routing of ${name}: nothing else changes it until the rollout has ended`, {
        do: "hold",
        webServer: name,
      });
    }
  }
}

/** What every node was brought to, and one was seen to have lost since, is brought about again before the rollout ends. */
function fallBack(walk: Walk): void {
  const { journal, live, catchingUp } = walk;
  const isDone = [...walk.nodes.values()].every(({ progress }) => progress === "proven");
  if (!journal || journal.finallyChecked || !isDone || walk.installerDue || !(walk.touched || catchingUp)) return;
  const behind = live.nodes.filter((node) => progressSeen(node) !== "proven");
  if (behind.length === 0) return;
  for (const node of behind) walk.state(node.name).progress = progressSeen(node);
  walk.drained = walk.routed = null;
  walk.regenerated = false;
  const names = behind.map(({ name }) => name).join(", ");
  walk.push("note-behind", `remember that ${names} fell behind what the deployment manager has: treated once more`, {
    do: "note behind",
    standing: walk.standing(),
  });
}

/** Before anything that users could notice. */
function prepare(walk: Walk): void {
  const { journal, live } = walk;
  if (!journal?.checked && !walk.goingBack) {
    // Users are not to wait for what is lost, while it is looked whether all else answers.
    const isWithout = Object.keys(walk.desired.settings.lost).length > 0;
    if (isWithout && walk.strategy === "rolling") walk.route({ asFound: true });
    const title =
      walk.strategy === "rolling"
        ? "check, before anything is changed, that users get answers from every cluster and node"
        : "look, before anything is changed, whether users get answers from every cluster and node; offline that decides nothing";
    walk.push("check-first", title, { do: "check first" });
  }
  if (!journal?.backedUp && !walk.goingBack && !walk.catchingUp) {
    walk.push(
      "back-up",
      "back up the deployment manager's configuration, and the fixes', customization and provision folders",
      {
        do: "back up",
      },
    );
  }
  const routingAhead = !walk.isOver && !walk.regenerated && (!walk.goingBack || walk.touched);
  if (walk.strategy === "rolling" && routingAhead && live.webServers.some(({ automatic }) => automatic === "yes")) {
    walk.push(
      "automatic-off",
      "turn off the automatic generation and propagation of plug-in files: they would overwrite the routing",
      { do: "automatic off" },
    );
  }
  const isCompared = live.webServers.every(({ name }) => journal?.found.asGenerated[name] !== undefined);
  if (walk.strategy === "rolling" && !walk.catchingUp && !walk.goingBack && !walk.touched && !isCompared) {
    walk.push(
      "compare-files",
      "see which plug-in files are as the deployment manager generates them: it does so once, and its own files are kept before and put back",
      { do: "compare files" },
    );
  }
}
