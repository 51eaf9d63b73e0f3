import { generatingImpact } from "./switching.js";
import type { Walk } from "./walk.js";
import { probeMembers, startAgent, startMembers } from "./walk-node.js";

/** Everything that is not a fix, as it was found. */
export function putRight(walk: Walk): void {
  const { journal } = walk;
  if (walk.goingBack && !walk.touched) for (const node of walk.order) restoreUntouched(walk, node);
  if (walk.strategy === "rolling" && !walk.isOver) {
    if (requireAllServing(walk)) walk.route({ asFound: true });
    if (walk.touched || !walk.goingBack) startLeftAgents(walk);
    if (walk.touched && !walk.regenerated) {
      walk.push(
        "regenerate",
        "generate the plug-in files again under control, and put them in place where they differ",
        { do: "regenerate" },
        generatingImpact(walk.desired, walk.live, journal),
      );
    }
    if (automaticWasOn(walk)) {
      walk.push("automatic-on", "turn the automatic generation and propagation of plug-in files on again", {
        do: "automatic on",
      });
    }
  }
  if (walk.touched && walk.desired.settings.versionStamp && !walk.stamped) {
    // Written beside the configuration repository, which tells agents of its own changes only: nothing less brings it to nodes for certain.
    walk.push(
      "stamp",
      "renew the version stamp, so that browsers fetch what was changed, and synchronize every node in full while it serves",
      { do: "stamp" },
      "degraded capacity",
    );
  }
  if (!journal?.finallyChecked) {
    const level = walk.touched || walk.catchingUp ? ", and that every member runs what was distributed" : "";
    walk.push("final-check", `check once more that every web server, cluster and node answers${level}`, {
      do: "final check",
    });
  }
  for (const node of walk.order.filter((name) => walk.isFoundStopped(name))) {
    if (walk.state(node).agent !== "running") continue;
    const title = `stop the node agent of ${node} again, as it was found`;
    walk.push(`stop-agent ${node} again`, title, { do: "stop agent", node });
  }
  for (const { name, hold } of walk.live.webServers) {
    if (journal?.finallyChecked && hold?.rollout !== journal.rollout) continue;
    walk.push(`release ${name}`, `give the routing of ${name} free again`, { do: "release", webServer: name });
  }
  walk.push("end", walk.goingBack ? "close the rollout, which went back" : "close the rollout", { do: "end" });
}

/** Of nodes whose host restarted, say: every node has by now what is distributed, so their first synchronization brings nothing new. */
function startLeftAgents(walk: Walk): void {
  for (const node of walk.order) {
    if (walk.state(node).agent === "stopped" && !walk.isFoundStopped(node)) startAgent(walk, node);
  }
}

/** A node that is down must not be given users. */
function requireAllServing(walk: Walk): boolean {
  for (const [name, { members }] of walk.nodes) {
    if (members === "started") continue;
    walk.refusals.push({
      where: name,
      found: `its members are ${members === "mixed" ? "partly stopped" : members}, while users are to be sent to it again`,
      next: `Start the members of ${name} and see that they answer, then run up again`,
    });
  }
  return walk.refusals.length === 0;
}

function automaticWasOn({ steps, live, journal }: Walk): boolean {
  if (steps.some((step) => step.do === "automatic off")) return true;
  const isOn = (name: string) => live.webServers.some((each) => each.name === name && each.automatic === "yes");
  const isLeft = (name: string) => live.webServers.some((each) => each.name === name);
  return Object.keys(journal?.found.automatic ?? {}).some((name) => isLeft(name) && !isOn(name));
}

/** Nothing was installed, so its agent brings nothing new and its members are as good as they were. */
function restoreUntouched(walk: Walk, node: string): void {
  if (walk.state(node).members !== "started") {
    startMembers(walk, node);
    probeMembers(walk, node);
  }
  if (!walk.journal?.found.agentsStopped.includes(node)) startAgent(walk, node);
}
