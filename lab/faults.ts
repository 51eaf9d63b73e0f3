import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ProblemError } from "../providers/common/problem.js";
import type { Description } from "./description.js";
import { placeOf } from "./host-tree.js";
import { control, type RunningState } from "./running.js";
import { type AnyHostName, clustersWith, hostsOf, SWITCHES } from "./topology.js";
import { type CellFault, cellFaultNames, setCellFault } from "./was/faults.js";

/** A real server may have to start first. */
const MEMBER_TIMEOUT_MS = 120_000;
const SSH_FAULTS = ["refuse", "hang", "cut"] as const;
const APACHECTL_FAULTS = ["hang", "slow", "lies", "fails"] as const;
const MEMBER_FAULTS = {
  down: { on: { down: true }, off: { down: false } },
  hang: { on: { hang: true }, off: { hang: false } },
  slow: { on: { slow: 2_000 }, off: { slow: 0 } },
  error: { on: { error: 500 }, off: { error: 0 } },
  "no-cookie": { on: { noCookie: true }, off: { noCookie: false } },
} as const;

/**
 * - `ssh-refuse:HOST` the port is closed and connections are cut; `ssh-hang:HOST` connections are accepted, nothing is
 *   answered, open ones fall silent; `ssh-cut:HOST` the connections that are open now are cut, once
 * - `apachectl-hang` never ends; `-slow` takes three seconds longer; `-lies` does nothing and says it did; `-fails` does
 *   nothing and exits with 1
 * - `member-down:MEMBER` its port is closed, its sessions are lost; `-hang` never answers; `-slow` answers after two seconds;
 *   `-error` answers 500; `-no-cookie` sets no session cookie
 * - those of a cell: see `CellFault`
 */
export type LabFault =
  | `ssh-${(typeof SSH_FAULTS)[number]}:${AnyHostName}`
  | `apachectl-${(typeof APACHECTL_FAULTS)[number]}`
  | `member-${keyof typeof MEMBER_FAULTS}:${string}`
  | CellFault;

export async function setFault(
  directory: string,
  description: Description,
  state: RunningState,
  name: LabFault,
  on: boolean,
): Promise<void> {
  if (await setCellFault(directory, description, name, on)) return;
  const [kind = "", target = ""] = name.split(":", 2);
  const [subject = ""] = kind.split("-", 1);
  const mode = kind.slice(subject.length + 1);
  const host = hostsOf(description).find((one) => one === target);
  if (subject === "ssh" && host && SSH_FAULTS.some((one) => one === mode)) {
    await control(state, description.token, "POST", `/front/${host}/${on ? mode : "forward"}`);
  } else if (subject === "apachectl" && APACHECTL_FAULTS.some((one) => one === mode) && target === "") {
    const switches = join(placeOf(directory, "web1", description.namespaces).directory, SWITCHES);
    await mkdir(switches, { recursive: true });
    if (on) await writeFile(join(switches, kind), "");
    else await rm(join(switches, kind), { force: true });
  } else if (subject === "member" && mode in MEMBER_FAULTS) {
    const settings = MEMBER_FAULTS[mode as keyof typeof MEMBER_FAULTS];
    await setMember(description, target, on ? settings.on : settings.off);
  } else {
    throw unknownFault(name, description);
  }
}

async function setMember(description: Description, name: string, settings: Readonly<Record<string, unknown>>) {
  const member = clustersWith(description.memberPorts, description.nodes)
    .flatMap((cluster) => cluster.members)
    .find((one) => one.name === name);
  if (!member) throw unknownFault(`member-…:${name}`, description);
  const url = `http://${description.addresses[member.node]}:${description.adminPorts[member.node]}/${name}`;
  const answer = await fetch(url, {
    method: "PUT",
    body: JSON.stringify(settings),
    headers: { connection: "close" },
    signal: AbortSignal.timeout(MEMBER_TIMEOUT_MS),
  });
  if (!answer.ok) throw new ProblemError("refused", { where: `lab member ${name}`, found: await answer.text() });
}

function unknownFault(name: string, description: Description): ProblemError {
  const members = clustersWith(description.memberPorts, description.nodes).flatMap((cluster) =>
    cluster.members.map((one) => one.name),
  );
  return new ProblemError("invalid-input", {
    where: "lab fault",
    found: name,
    allowed: [
      ...SSH_FAULTS.map((mode) => `ssh-${mode}:${hostsOf(description).join("|")}`),
      ...APACHECTL_FAULTS.map((mode) => `apachectl-${mode}`),
      `member-${Object.keys(MEMBER_FAULTS).join("|")}:${members.join("|")}`,
      ...cellFaultNames(description),
    ].join(", "),
  });
}
