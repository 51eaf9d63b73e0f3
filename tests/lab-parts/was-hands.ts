import { readFile } from "node:fs/promises";
import type { Lab, LabRunResult } from "../../lab/lab.js";
import { waitFor } from "../../lab/running.js";
import type { NodeName } from "../../lab/topology.js";
import { ask } from "./asking.js";

/** What an administrator types on the hosts of a lab's cell. */
export interface Hands {
  /** A command of the node's profile: `command("node1", "startServer", "server1")`. */
  command(node: NodeName, name: string, ...args: readonly string[]): Promise<LabRunResult>;
  /** A script with wsadmin's objects; the result is what it printed. */
  wsadmin(script: string, ...options: readonly string[]): Promise<LabRunResult>;
  /** updateSilent.sh -fix -installDir … and what is given. */
  installer(...args: readonly string[]): Promise<LabRunResult>;
  install(...ids: readonly string[]): Promise<LabRunResult>;
  serversOf(node: NodeName): readonly string[];
  /** Edits the live plug-in file in place, with a short RefreshInterval, and waits until new users of all clusters go there. */
  routeTo(node: NodeName | "all"): Promise<void>;
  /** What a new user's page of an application says of its fixes, by the member that answered. */
  levelAt(node: NodeName, path: string): Promise<string>;
}

/** Long enough for a loaded machine, short enough for a test that fails. */
const ROUTED_MS = 20_000;

export async function handsOf(lab: Lab): Promise<Hands> {
  const { cell } = lab;
  if (!cell) throw new Error("the lab has no cell");
  const password = (await readFile(cell.administrator.passwordFile, "utf8")).trim();
  const generated = (await lab.readFile("web1", lab.web.pluginFile)).replace(
    /RefreshInterval="\d+"/,
    'RefreshInterval="1"',
  );
  const members = lab.clusters.flatMap((cluster) => cluster.members);
  const profileOf = (node: NodeName) => cell.nodes.find((one) => one.name === node)?.profile ?? "";
  const inInstaller = (words: readonly string[]) =>
    lab.run("dmgr", ["sh", "-c", `cd ${cell.updateInstaller} && exec ./updateSilent.sh "$@"`, "sh", ...words]);
  const hands: Hands = {
    command: (node, name, ...args) => lab.run(node, [`${profileOf(node)}/bin/${name}.sh`, ...args]),
    async wsadmin(script, ...options) {
      const file = `${cell.dmgr.profile}/temp/hand.py`;
      await lab.writeFile("dmgr", file, script);
      return lab.run("dmgr", [`${cell.dmgr.profile}/bin/wsadmin.sh`, "-lang", "jython", ...options, "-f", file]);
    },
    installer: (...args) => inInstaller(["-fix", "-installDir", cell.connectionsRoot, ...args]),
    install: (...ids) =>
      hands.installer(
        ...["-fixDir", cell.fixDirectory, "-install", "-fixes", ...ids],
        ...["-wasUserId", cell.administrator.name, "-wasPassword", password, "-featureCustomizationBackedUp", "yes"],
      ),
    serversOf: (node) => members.filter((member) => member.node === node).map((member) => member.server),
    async routeTo(node) {
      await lab.writeFile("web1", lab.web.pluginFile, node === "all" ? generated : pointedTo(generated, node));
      const there = async () => {
        for (const cluster of lab.clusters) {
          const { member } = (await ask(lab, cluster.probePath)).json;
          if (node !== "all" && !String(member).startsWith(`${node}_`)) return false;
        }
        return true;
      };
      // Each of the web server's processes reads the file by itself: several answers in a row have to agree.
      for (let agreed = 0; agreed < 8; agreed++) {
        await waitFor(
          async () => {
            const now = await there();
            if (!now) agreed = 0;
            return now;
          },
          ROUTED_MS,
          `users on ${node}`,
        );
      }
    },
    async levelAt(node, path) {
      const cluster = lab.clusters.find((one) => one.uris.some((uri) => path.startsWith(uri.replace("*", ""))));
      const member = cluster?.members.find((one) => one.node === node);
      const { address } = lab.hosts[node]?.connection ?? {};
      const answer = await fetch(`http://${address}:${member?.port}${path}`, { headers: { connection: "close" } });
      return answer.ok ? String(((await answer.json()) as { level?: string }).level) : `status ${answer.status}`;
    },
  };
  return hands;
}

/** Primaries of every cluster = its member on the node, the others backups. */
function pointedTo(text: string, node: NodeName): string {
  return text.replace(
    /<PrimaryServers>([\s\S]*?)<\/PrimaryServers>(?:\s*<BackupServers>([\s\S]*?)<\/BackupServers>)?/g,
    (_all, primaries: string, backups = "") => {
      const servers = `${primaries}${backups}`.match(/<Server Name="[^"]*"\/>/g) ?? [];
      const here = servers.filter((one) => one.includes(`"${node}_`));
      const others = servers.filter((one) => !here.includes(one));
      return `<PrimaryServers>${here.join("")}</PrimaryServers><BackupServers>${others.join("")}</BackupServers>`;
    },
  );
}
