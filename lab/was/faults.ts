import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Description } from "../description.js";
import { placeOf } from "../host-tree.js";
import { type AnyHostName, clustersWith, hostsOf, type NodeName, nodesOf, SWITCHES } from "../topology.js";
import { CREDENTIALS, credentialsText } from "./build.js";

const MANAGER_FAULTS = ["install-hang", "install-lies", "distributed-early", "tells-expansion"] as const;
const NODE_FAULTS = ["sync-fails", "slow-expansion", "agent-stays", "agent-returns", "agent-dies"] as const;
const MEMBER_FAULTS = ["member-no-start", "member-slow-stop"] as const;
const DIE_TIMEOUT_MS = 5_000;

/**
 * Of a lab with a cell.
 *
 * - `install-hang` the update installer stands still in the middle of an EAR while it is on, then goes on; `install-lies` it
 *   does nothing and says that it succeeded
 * - `distributed-early` AdminApp.getDeployStatus says distribution=true of a synchronized node, expansion=skipped as ever, before
 *   its agent has expanded anything; `tells-expansion` the same, with expansion=false until then and expansion=true after it
 * - `sync-fails:NODE` synchronizations fail, by the agent and by syncNode; `slow-expansion:NODE` the node is synchronized but
 *   expands no EAR while it is on
 * - `agent-stays:NODE` stopNode asks the agent and it goes on; `agent-dies:NODE` it is killed, once; `agent-returns:NODE`
 *   while it is on, an agent that ended is started again, as by a service manager
 * - `member-no-start:MEMBER` its process starts and it never serves; `member-slow-stop:MEMBER` it takes four seconds longer
 *   to stop
 * - `wrong-password` the administrator's password is another one now: what clients know is refused
 */
export type CellFault =
  | (typeof MANAGER_FAULTS)[number]
  | "wrong-password"
  | `${(typeof NODE_FAULTS)[number]}:${NodeName}`
  | `${(typeof MEMBER_FAULTS)[number]}:${string}`;

/** Answers false when there is no such fault in this lab. */
export async function setCellFault(
  directory: string,
  description: Description,
  name: string,
  on: boolean,
): Promise<boolean> {
  if (description.cell === "none") return false;
  const [kind = "", target = ""] = name.split(":", 2);
  const flag = async (host: AnyHostName, file: string) => {
    const path = join(placeOf(directory, host, description.namespaces).directory, SWITCHES, file);
    if (on) await writeFile(path, "");
    else await rm(path, { force: true });
    return true;
  };
  if (name === "wrong-password") return setPassword(directory, description, on);
  if (MANAGER_FAULTS.some((one) => one === name)) return flag("dmgr", name);
  const node = nodesOf(description).find((one) => one === target);
  if (kind === "agent-dies" && node) return on ? kill(description, node) : true;
  if (NODE_FAULTS.some((one) => one === kind) && node) return flag(node, kind);
  const member = clustersWith(description.memberPorts, description.nodes)
    .flatMap((cluster) => cluster.members)
    .find((one) => one.name === target);
  if (MEMBER_FAULTS.some((one) => one === kind) && member) return flag(member.node, `${kind}_${member.name}`);
  return false;
}

export const cellFaultNames = (description: Description): string[] =>
  description.cell === "none"
    ? []
    : [
        ...MANAGER_FAULTS,
        "wrong-password",
        ...NODE_FAULTS.map((one) => `${one}:${nodesOf(description).join("|")}`),
        ...MEMBER_FAULTS.map((one) => `${one}:MEMBER`),
      ];

async function setPassword(directory: string, description: Description, wrong: boolean): Promise<boolean> {
  const password = wrong ? `${description.password}-changed` : description.password;
  for (const host of hostsOf(description)) {
    if (host === "web1") continue;
    const file = join(placeOf(directory, host, description.namespaces).directory, CREDENTIALS);
    await writeFile(file, credentialsText(password));
  }
  return true;
}

async function kill(description: Description, node: NodeName): Promise<boolean> {
  await fetch(`http://${description.addresses[node]}:${description.agentPorts[node]}/die`, {
    method: "POST",
    headers: { "x-lab-token": description.token, connection: "close" },
    signal: AbortSignal.timeout(DIE_TIMEOUT_MS),
  }).catch(() => undefined); // it was down already, or died before it could answer
  return true;
}
