import { isBefore } from "./journal.js";
import type { Walk } from "./walk.js";
import { keepAgentsDown, renew, startMembers, synchronize } from "./walk-node.js";

/**
 * Another node died while this rollout has one out: too few serve, or nobody. What the rollout has out is brought back before
 * anything else is done, and no proof of routing stands in its way: the members that would have to answer are down, and a plug-in
 * takes a backup where no primary answers. What has the new applications comes back with them; what has not, comes back as it is, to
 * be treated later.
 *
 * @returns whether there was something to bring back. What comes after it, a new look has to tell
 */
export function bringBack(walk: Walk): boolean {
  const node = walk.inTurn;
  if (node === undefined) return false;
  const state = walk.state(node);
  const down = [...walk.nodes].filter(([name, { members }]) => name !== node && members !== "started");
  if (down.length === 0 || (state.members !== "stopped" && state.members !== "mixed")) return false;
  const because = ` at once, for those of ${down.map(([name]) => name).join(", ")} do not serve`;
  keepAgentsDown(walk);
  // What a running agent is about to distribute is not to be met half-way by a start.
  if (state.agent === "running" && state.members === "stopped" && !walk.installerDue) synchronize(walk, node);
  const isReady = state.members === "stopped" ? !isBefore(state.progress, "fresh") : state.progress === "cleared";
  if (isReady && !walk.installerDue) renew(walk, node);
  else {
    walk.push(`note-back ${node}`, `remember that users may come to ${node} again: they are let finish anew`, {
      do: "note rerouted",
    });
    startMembers(walk, node, because);
    walk.push(`probe-back ${node}`, `warm up and probe each member of ${node} on its own port`, {
      do: "probe members",
      node,
    });
  }
  walk.push("look-again", `look again, for ${node} serves, and go on from there`, { do: "look again", node });
  return true;
}
