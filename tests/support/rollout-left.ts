import type { Lab } from "../../lab/lab.js";

/** What a rollout leaves besides its record, as "host folder name": nothing, when it has ended. */
export async function leftOf(lab: Lab): Promise<readonly string[]> {
  const left: string[] = [];
  for (const [folder, host] of [
    ["holds", "web1"],
    ["jobs", "node1"],
    ["jobs", "node2"],
    ["jobs", "dmgr"],
    ["rollouts", "dmgr"],
  ] as const) {
    const { stdout } = await lab.run(host, ["ls", `${lab.hosts[host]?.connection.stateDirectory}/${folder}`]);
    left.push(...stdout.split("\n").flatMap((name) => (name === "" ? [] : [`${host} ${folder} ${name}`])));
  }
  return left;
}
