import { isNothing } from "./goal.js";
import type { Walk } from "./walk.js";
import { keepAgentsDown, renew, requireServing, startAgent, stopMembers, synchronize, takeOut } from "./walk-node.js";

/** Node by node, the others serving. */
export function rolling(walk: Walk): void {
  const [lead, ...others] = walk.order;
  if (lead === undefined) return;
  keepAgentsDown(walk);
  if (walk.inTurn === lead) {
    takeOut(walk, lead);
    // A running agent brings the installer's work to its node while the installer is still at it, and restarts applications.
    // Where sessions stick to a backup, some users are still there: a stopped member passes them on, a restarting one fails.
    if (!walk.classic) stopMembers(walk, lead);
    startAgent(walk, lead);
    if (walk.awaiting) {
      awaitInstaller(walk);
      return;
    }
    runInstaller(walk);
    if (walk.routed === null) walk.proveAgain(lead);
    synchronize(walk, lead);
    renew(walk, lead);
  }
  for (const node of others) {
    if (walk.refusals.length > 0) return;
    if (walk.state(node).progress === "proven") continue;
    if (walk.classic) treatClassic(walk, node);
    else treatSafe(walk, node);
  }
}

/** Its users are elsewhere and its members stopped before its agent can restart anything under their feet. */
function treatSafe(walk: Walk, node: string): void {
  takeOut(walk, node);
  stopMembers(walk, node);
  startAgent(walk, node);
  synchronize(walk, node);
  renew(walk, node);
}

/** As done by hand: the agent's first synchronization restarts applications that users are working in. */
function treatClassic(walk: Walk, node: string): void {
  if (!requireServing(walk, node)) return;
  if (walk.state(node).progress === "behind") walk.route({ asFound: true });
  startAgent(walk, node, "degraded capacity");
  synchronize(walk, node);
  renew(walk, node, "everywhere");
}

/**
 * All others are lost, so nobody can serve while this one is restarted: what is up already has to go down once more, which the
 * plan calls an outage. Its members are stopped before its agent can restart anything under their users' feet.
 */
export function alone(walk: Walk): void {
  const [node] = walk.order;
  if (node === undefined || (walk.state(node).progress === "proven" && !walk.installerDue)) return;
  stopMembers(walk, node, "nowhere", "outage");
  startAgent(walk, node);
  if (walk.awaiting) {
    awaitInstaller(walk);
    return;
  }
  runInstaller(walk);
  synchronize(walk, node);
  renew(walk, node, "nowhere");
}

/** HCL's documented order: everything stopped, agents running. */
export function offline(walk: Walk): void {
  const due = walk.order.filter((node) => walk.state(node).progress !== "proven");
  if (due.length === 0 && !walk.installerDue) return;
  const toStop = walk.installerDue ? walk.order : due;
  // An agent brings its node nothing new before the installer ran; to a node that is behind it does.
  if (!walk.catchingUp) for (const node of walk.order) startAgent(walk, node);
  for (const node of toStop) stopMembers(walk, node, "nowhere", "outage");
  if (walk.catchingUp) for (const node of due) startAgent(walk, node);
  if (walk.awaiting) {
    awaitInstaller(walk);
    return;
  }
  runInstaller(walk);
  for (const node of due) synchronize(walk, node);
  for (const node of due) renew(walk, node, "nowhere");
}

/** Nothing after it can be told yet: what it did is looked at when it has ended. */
export function awaitInstaller(walk: Walk): void {
  walk.push(
    "await-installer",
    "wait for the end of the update installer that is running (it is never killed), then look again and go on from there",
    { do: "await installer" },
  );
}

function runInstaller(walk: Walk): void {
  if (isNothing(walk.change) && walk.accepted) return;
  if (!walk.touched || walk.startingOver) {
    walk.push("note-installer", "remember that the update installer is about to change the configuration", {
      do: "note installer",
    });
    walk.touched = true;
  }
  const { install, uninstall } = walk.change;
  if (uninstall.length > 0) installer(walk, "uninstall", uninstall);
  if (install.length > 0) installer(walk, "install", install);
  if (!walk.accepted) {
    walk.push("accept-changes", "see which applications the installer changed, and that no other cluster runs them", {
      do: "accept changes",
    });
    walk.accepted = true;
  }
}

function installer(walk: Walk, action: "install" | "uninstall", ids: readonly string[]): void {
  const where =
    walk.strategy === "offline" ? "" : "; its result stays on the deployment manager until a node is synchronized";
  walk.push(action, `${action} ${ids.join(", ")} with the update installer (it is never killed)${where}`, {
    do: "installer",
    action,
    ids,
  });
  walk.routed = null;
}
