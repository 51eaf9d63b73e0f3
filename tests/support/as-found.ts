import { readDescription } from "../../lab/description.js";
import type { Lab } from "../../lab/lab.js";
import { levels } from "../../lab/was/rollout.js";

const ANSWER_MS = 10_000;

/** What a generation of the plug-in file changes where nothing else did. */
const WHEN_GENERATED = /generated on [^>]*/;

/**
 * All that a rollout may change in the lab's cell, read past the product: two of these are equal where everything is as it was found. Times and
 * process numbers are left out.
 */
export async function everything(lab: Lab): Promise<Readonly<Record<string, unknown>>> {
  const { cell, web } = lab;
  const description = await readDescription(lab.directory);
  if (!cell || !description) throw new RangeError("the lab has no cell");
  const configuration = `${cell.dmgr.profile}/config`;
  const archive = (name: string) => `${configuration}/cells/${cell.name}/applications/${name}.ear/${name}.ear`;
  const names = async (host: "web1" | "dmgr", ...paths: readonly string[]) =>
    (await lab.run(host, ["ls", ...paths])).stdout.split("\n");
  return {
    httpdConf: await lab.readFile("web1", web.httpdConf),
    plugin: (await lab.readFile("web1", web.pluginFile)).replace(WHEN_GENERATED, ""),
    besidePlugin: await names("web1", web.pluginFile.replace(/\/[^/]*$/, "")),
    configuration: (await lab.readFile("dmgr", `${configuration}/lab-configuration.txt`)).split("\n").sort(),
    fixes: await names("dmgr", "-I", "log", `${cell.connectionsRoot}/version`),
    archives: await Promise.all(cell.applications.map(({ name }) => lab.readFile("dmgr", archive(name)))),
    agents: await Promise.all(cell.nodes.map((node) => agent(lab, node, description.token))),
    levels: await levels(lab),
  };
}

/** Whether it runs, synchronizes by itself, which servers run and which applications lie on the node. */
async function agent(lab: Lab, { name, agentPort }: { name: keyof Lab["hosts"]; agentPort: number }, token: string) {
  const address = lab.hosts[name]?.connection.address;
  const answer = await fetch(`http://${address}:${agentPort}/`, {
    headers: { "x-lab-token": token, connection: "close" },
    signal: AbortSignal.timeout(ANSWER_MS),
  }).catch(() => undefined);
  if (!answer?.ok) return [name, "stopped"];
  const lines = (await answer.text()).split("\n").filter((line) => !/^(pid|synchronized)=/.test(line));
  return [name, ...lines.map((line) => line.replace(/^(server\.\S+=\S+) .*/, "$1")).sort()];
}
