import type { Impact } from "../../lifecycle/kind.js";
import type { FixesDesired } from "./goal.js";
import { isBefore } from "./journal.js";
import type { Users } from "./steps.js";
import type { Walk } from "./walk.js";

/** What is due on one node: each of these leaves out what is so already. */

export function stopAgent(walk: Walk, node: string): void {
  const state = walk.state(node);
  if (state.agent === "stopped") return;
  walk.push(
    `stop-agent ${node}`,
    `stop the node agent of ${node}${service(walk, node)}, so that nothing reaches its members before their turn`,
    { do: "stop agent", node },
  );
  state.agent = "stopped";
}

/** Of nodes behind, until their turn comes. */
export function keepAgentsDown(walk: Walk): void {
  const [lead, ...others] = walk.order;
  for (const node of others) {
    const { progress, members } = walk.state(node);
    const isInTurn = walk.inTurn !== lead && node === walk.inTurn && (walk.classic || members === "stopped");
    if (progress === "behind" && !isInTurn) stopAgent(walk, node);
  }
}

export function startAgent(walk: Walk, node: string, impact: Impact = "none"): void {
  const state = walk.state(node);
  if (state.agent === "running") return;
  const found = walk.isFoundStopped(node) ? ", which was found stopped and is stopped again at the end" : "";
  walk.push(
    `start-agent ${node}`,
    `start the node agent of ${node}${service(walk, node)}${found}; its first synchronization is a full one`,
    { do: "start agent", node },
    impact,
  );
  state.agent = "running";
}

/** Said where it is not the script that people know. */
function service(walk: Walk, node: string): string {
  const unit = walk.live.nodes.find(({ name }) => name === node)?.agentService;
  return unit ? ` (the service ${unit})` : "";
}

function limitsOf({ time, connections, sessions, requests }: FixesDesired["settings"]["drain"]): string {
  const counted = [
    `${connections || "no"} connections`,
    ...(sessions === undefined ? [] : [`${sessions || "no"} sessions`]),
    ...(requests === undefined ? [] : [`${requests || "no"} requests`]),
  ];
  return `wait until it has ${counted.join(" and ")} left, ${time} at most`;
}

/** No new users for this node, then time for those it has. */
export function takeOut(walk: Walk, node: string): void {
  if (!requireServing(walk, node)) return;
  walk.route({ without: node });
  const { members, progress } = walk.state(node);
  if (walk.drained === node || members === "stopped" || !isBefore(progress, "cleared")) return;
  walk.push(`drain ${node}`, `let the users of ${node} finish: ${limitsOf(walk.desired.settings.drain)}`, {
    do: "drain",
    node,
  });
  walk.drained = node;
}

/** Only one node may be out. */
export function requireServing(walk: Walk, node: string): boolean {
  const out = [...walk.nodes].filter(([name, state]) => name !== node && state.members !== "started");
  for (const [name, state] of out) {
    walk.refusals.push({
      where: name,
      found: `its members are ${state.members === "mixed" ? "partly stopped" : state.members}, while ${node} is to be taken out of service`,
      allowed: "every member of every other node running",
      why: "All but one node have to serve users at every moment",
      next: `Start the members of ${name} and see that they answer, then run up again`,
    });
  }
  return out.length === 0;
}

export function synchronize(walk: Walk, node: string): void {
  const state = walk.state(node);
  if (state.progress !== "behind") return;
  walk.push(
    `synchronize ${node}`,
    `synchronize ${node} in full and see every changed application distributed there`,
    { do: "synchronize", node },
    walk.classic && walk.strategy === "rolling" && node !== walk.order[0] ? "degraded capacity" : "none",
  );
  state.progress = "fresh";
}

const CONDITIONS: Readonly<Record<Users, string>> = {
  elsewhere: ", once every web server is seen to send users elsewhere",
  everywhere: ", while users are on them, each once the members of every other node are seen to answer",
  nowhere: "",
};

export function stopMembers(
  walk: Walk,
  node: string,
  users: Users = "elsewhere",
  impact: Impact = "degraded capacity",
): void {
  const state = walk.state(node);
  if (state.members === "stopped" || !isBefore(state.progress, "cleared")) return;
  walk.push(
    `stop-members ${node}`,
    `stop the members of ${node}${CONDITIONS[users]}`,
    { do: "stop members", node, users },
    impact,
  );
  state.members = "stopped";
}

/** Stopped, cleared, started, warm and proved. */
export function renew(walk: Walk, node: string, users: Users = "elsewhere"): void {
  stopMembers(walk, node, users);
  clearTemp(walk, node);
  startMembers(walk, node);
  probeMembers(walk, node);
}

export function clearTemp(walk: Walk, node: string): void {
  const state = walk.state(node);
  if (!isBefore(state.progress, "cleared")) return;
  walk.push(`clear-temp ${node}`, `remove temporary files of the members of ${node} (never tranlog)`, {
    do: "clear temp",
    node,
  });
  state.progress = "cleared";
}

export function startMembers(walk: Walk, node: string, because = ""): void {
  const state = walk.state(node);
  if (state.members === "started") return;
  walk.push(`start-members ${node}`, `start the members of ${node}${because}`, { do: "start members", node });
  state.members = "started";
}

export function probeMembers(walk: Walk, node: string): void {
  const state = walk.state(node);
  if (state.progress === "proven") return;
  walk.push(`probe-members ${node}`, `warm up and probe each member of ${node} on its own port`, {
    do: "probe members",
    node,
  });
  state.progress = "proven";
}
