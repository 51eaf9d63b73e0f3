import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { sha256 } from "../providers/common/json.js";
import { ProblemError } from "../providers/common/problem.js";
import { writeWhole } from "./description.js";
import { restartGracefully } from "./graceful.js";
import type { Lab } from "./lab.js";
import { clustersWith, type HostName } from "./topology.js";

/** Things that happen to an environment behind the tool's back, done as an outsider does them: to files and processes. */
export interface Break {
  /** As typed: `routing AppsCluster`. Words in capitals stand for what `choices` lists. */
  readonly usage: string;
  readonly effect: string;
  readonly choices: readonly (readonly string[])[];
  break(lab: Lab, args: readonly string[]): Promise<string>;
  mend(lab: Lab, args: readonly string[]): Promise<string>;
}

const CLUSTERS = clustersWith([], 2).map((cluster) => cluster.name);
const ONE_BY_HAND = "<!-- changed by hand -->";

/** The file in force: the one of the last WebSpherePluginConfig line that is not commented out. */
async function pluginFileInForce(lab: Lab): Promise<string> {
  const conf = await lab.readFile("web1", lab.web.httpdConf);
  const match = [...conf.matchAll(/^[ \t]*WebSpherePluginConfig[ \t]+"?([^"\n]+)"?/gm)].at(-1);
  const value = match?.[1]?.trim() ?? lab.web.pluginFile;
  return value.startsWith("/") ? value : `${lab.web.serverRoot}/${value}`;
}

/** What a break needs to be undone: the text before, and proof that nobody changed it since. */
const recordSchema = z.object({ path: z.string(), before: z.string(), after: z.string() });

const recordFile = (lab: Lab, thing: string): string => join(lab.directory, `broken-${thing}.json`);

/** Where a break edits; a path is what its record calls the thing. */
interface Place {
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
}

const filesOf = (lab: Lab): Place => ({
  read: (path) => lab.readFile("web1", path),
  write: (path, text) => lab.writeFile("web1", path, text),
});

const LEVEL = "HOMEPAGE.HOMEPAGE_SCHEMA";

/** The level of HOMEPAGE in its database. */
function levelOf({ db2, directory }: Lab): Place {
  if (!db2) {
    throw new ProblemError("missing", {
      where: directory,
      found: "this lab has no Db2 server",
      next: "npm run lab -- stop, then npm run lab -- start --db2 yes, which makes hosts and stack anew",
    });
  }
  return {
    read: async (path) => (await db2.sql(`SELECT DBSCHEMAVER FROM ${path}`))[0]?.DBSCHEMAVER ?? "",
    write: async (path, level) => void (await db2.sql(`UPDATE ${path} SET DBSCHEMAVER = ${Number(level)}`)),
  };
}

/** Edits a file of web1, or what else the place has, and remembers how to undo it. Answers whether the text changed. */
async function edit(
  lab: Lab,
  thing: string,
  path: string,
  change: (text: string) => string,
  place = filesOf(lab),
): Promise<boolean> {
  const before = await place.read(path);
  const after = change(before);
  if (after === before) return false;
  await writeWhole(recordFile(lab, thing), JSON.stringify({ path, before, after: sha256(after) }));
  await place.write(path, after);
  return true;
}

async function takeBack(lab: Lab, thing: string, place = filesOf(lab)): Promise<string> {
  const text = await readFile(recordFile(lab, thing), "utf8").catch(() => undefined);
  if (text === undefined) return "nothing to mend: it is not broken";
  const { path, before, after } = recordSchema.parse(JSON.parse(text));
  const now = await place.read(path).catch(() => "");
  await rm(recordFile(lab, thing));
  if (sha256(now) !== after) return `${path} was changed again since; it is left as it is`;
  await place.write(path, before);
  return `${path} is as it was before`;
}

/** Exchanges what the two lists of one cluster name; a cluster without backups gets node1's member as one. */
function swapCluster(text: string, cluster: string): string {
  const start = text.indexOf(`Name="${cluster}"`);
  const end = text.indexOf("</ServerCluster>", start);
  if (start < 0 || end < 0)
    throw new ProblemError("missing", { where: "plug-in file", found: `no cluster ${cluster}` });
  const body = text.slice(start, end);
  const list = (name: string) => new RegExp(`(<${name}>)([\\s\\S]*?)(</${name}>)`).exec(body);
  const primary = list("PrimaryServers");
  const backup = list("BackupServers");
  if (!primary) throw new ProblemError("missing", { where: "plug-in file", found: `${cluster} has no PrimaryServers` });
  let swapped: string;
  if (backup) {
    const inner = [primary[2] ?? "", backup[2] ?? ""];
    swapped = body
      .replace(/(<PrimaryServers>)[\s\S]*?(<\/PrimaryServers>)/, (_all, open, close) => `${open}${inner[1]}${close}`)
      .replace(/(<BackupServers>)[\s\S]*?(<\/BackupServers>)/, (_all, open, close) => `${open}${inner[0]}${close}`);
  } else {
    const [first = "", ...rest] = (primary[2] ?? "").split(/(?<=\/>)(?=\s*<)/);
    const all = `<PrimaryServers>${rest.join("")}</PrimaryServers>\n      <BackupServers>${first}\n      </BackupServers>`;
    swapped = body.replace(primary[0], all);
  }
  return text.slice(0, start) + swapped + text.slice(end);
}

/** Where the lab's cell has Files on a node, and who runs it there. */
function distributed({ cell, clusters, directory }: Lab, name: string | undefined) {
  const node = cell?.nodes.find((one) => one.name === name);
  const application = cell?.applications.find((one) => one.name === "Files");
  if (!cell || !node || !application) {
    throw new ProblemError("missing", {
      where: directory,
      found: "this lab has no cell",
      next: "npm run lab -- stop, then npm run lab -- start --cell 2.1, which makes hosts and stack anew",
    });
  }
  const members = clusters.find((one) => one.name === application.cluster)?.members ?? [];
  return {
    host: node.name,
    profile: node.profile,
    file: `${node.profile}/installedApps/${cell.name}/Files.ear/META-INF/level.properties`,
    members: members.filter((member) => member.node === node.name),
  };
}

const memberOf = (lab: Lab, node: string | undefined, cluster: string | undefined): string =>
  lab.clusters.find((one) => one.name === cluster)?.members.find((one) => one.node === node)?.name ?? "";

export const BREAKS: Readonly<Record<string, Break>> = {
  directive: {
    usage: "directive",
    effect: "somebody points httpd.conf back to the generated plug-in file and restarts gracefully",
    choices: [],
    async break(lab) {
      const changed = await edit(lab, "directive", lab.web.httpdConf, (text) =>
        text.replace(/^([ \t]*WebSpherePluginConfig[ \t]+).*$/gm, `$1"${lab.web.pluginFile}"`),
      );
      await restartGracefully(lab);
      return changed ? "httpd.conf names the generated file" : "httpd.conf named the generated file already";
    },
    async mend(lab) {
      const done = await takeBack(lab, "directive");
      await restartGracefully(lab);
      return done;
    },
  },
  routing: {
    usage: "routing CLUSTER",
    effect: "somebody exchanges the primary and backup servers of one cluster in the live plug-in file",
    choices: [CLUSTERS],
    async break(lab, [cluster = ""]) {
      const path = await pluginFileInForce(lab);
      await edit(lab, `routing-${cluster}`, path, (text) => swapCluster(text, cluster));
      await restartGracefully(lab);
      return `${cluster} is exchanged in ${path}`;
    },
    async mend(lab, [cluster = ""]) {
      const done = await takeBack(lab, `routing-${cluster}`);
      await restartGracefully(lab);
      return done;
    },
  },
  copy: {
    usage: "copy",
    effect: "somebody edits the live plug-in file by hand, outside the routing (a comment and a time-out)",
    choices: [],
    async break(lab) {
      const path = await pluginFileInForce(lab);
      await edit(lab, "copy", path, (text) =>
        text
          .replace(/ServerIOTimeout="\d+"/, 'ServerIOTimeout="61"')
          .replace(/\n {3}<Log /, `\n   ${ONE_BY_HAND}\n   <Log `),
      );
      return `${path} is edited`;
    },
    mend: (lab) => takeBack(lab, "copy"),
  },
  stale: {
    usage: "stale",
    effect: "the cell generates the plug-in file again, with a changed attribute (ConnectTimeout)",
    choices: [],
    async break(lab) {
      await edit(lab, "stale", lab.web.pluginFile, (text) =>
        text
          .replace(/generated on [^>]*-->/, "generated on 2026.11.20 at 04:41:52 PM UTC-->")
          .replaceAll('ConnectTimeout="5"', 'ConnectTimeout="10"'),
      );
      return `${lab.web.pluginFile} is generated again`;
    },
    mend: (lab) => takeBack(lab, "stale"),
  },
  malformed: {
    usage: "malformed",
    effect: "the live plug-in file is cut off in the middle (not yet read again by the web server)",
    choices: [],
    async break(lab) {
      const path = await pluginFileInForce(lab);
      await edit(lab, "malformed", path, (text) => text.slice(0, Math.floor(text.length / 2)));
      return `${path} ends in the middle`;
    },
    mend: (lab) => takeBack(lab, "malformed"),
  },
  "schema-level": {
    usage: "schema-level LEVEL",
    effect: "somebody sets the schema level of HOMEPAGE in its database",
    choices: [["701", "704", "706"]],
    async break(lab, [level = ""]) {
      const changed = await edit(lab, "schema-level", LEVEL, () => level, levelOf(lab));
      return changed ? `${LEVEL} says ${level}` : `${LEVEL} said ${level} already`;
    },
    mend: (lab) => takeBack(lab, "schema-level", levelOf(lab)),
  },
  distribution: {
    usage: "distribution NODE",
    effect: "the Files application is written anew on a node, and its members go on without a restart",
    choices: [["node1", "node2"]],
    async break(lab, [node]) {
      const { file, host } = distributed(lab, node);
      await lab.writeFile(host, file, await lab.readFile(host, file));
      return `${file} of ${host} is newer than the members that run`;
    },
    async mend(lab, [node]) {
      const { profile, host, members } = distributed(lab, node);
      for (const { server } of members) {
        for (const command of ["stopServer", "startServer"])
          await lab.run(host, [`${profile}/bin/${command}.sh`, server]);
      }
      return `${members.map(({ server }) => server).join(", ")} of ${host} were started again`;
    },
  },
  member: {
    usage: "member NODE CLUSTER",
    effect: "one cluster member is down; its sessions are lost",
    choices: [["node1", "node2"], CLUSTERS],
    async break(lab, [node, cluster]) {
      await lab.fault(`member-down:${memberOf(lab, node, cluster)}`, true);
      return `${memberOf(lab, node, cluster)} is down`;
    },
    async mend(lab, [node, cluster]) {
      await lab.fault(`member-down:${memberOf(lab, node, cluster)}`, false);
      return `${memberOf(lab, node, cluster)} is up; the web server tries it again after its RetryInterval`;
    },
  },
  cookie: {
    usage: "cookie NODE CLUSTER",
    effect: "the pages of one cluster member create no session, so that no answer carries a cookie",
    choices: [["node1", "node2"], CLUSTERS],
    async break(lab, [node, cluster]) {
      await lab.fault(`member-no-cookie:${memberOf(lab, node, cluster)}`, true);
      return `${memberOf(lab, node, cluster)} sets no cookie`;
    },
    async mend(lab, [node, cluster]) {
      await lab.fault(`member-no-cookie:${memberOf(lab, node, cluster)}`, false);
      return `${memberOf(lab, node, cluster)} sets cookies`;
    },
  },
  ssh: {
    usage: "ssh HOST",
    effect: "the host refuses SSH connections; those that are open are cut",
    choices: [["web1", "node1", "node2"]],
    async break(lab, [host]) {
      await lab.fault(`ssh-refuse:${host as HostName}`, true);
      return `${host} refuses`;
    },
    async mend(lab, [host]) {
      await lab.fault(`ssh-refuse:${host as HostName}`, false);
      return `${host} answers`;
    },
  },
  httpd: {
    usage: "httpd",
    effect: "the web server is stopped",
    choices: [],
    async break(lab) {
      const { stderr } = await lab.run("web1", [lab.web.apachectl, "stop"]);
      return stderr.trim() || "the web server is told to stop";
    },
    async mend(lab) {
      const { stderr } = await lab.run("web1", [lab.web.apachectl, "start"]);
      return stderr.trim() || "the web server is started";
    },
  },
};

/** Checks what was typed. @throws ProblemError `invalid-input` that names what is allowed */
export function breakNamed(words: readonly string[]): { readonly thing: Break; readonly args: readonly string[] } {
  const [name = "", ...args] = words;
  const thing = Object.hasOwn(BREAKS, name) ? BREAKS[name] : undefined;
  if (!thing) {
    throw new ProblemError("invalid-input", {
      where: "lab break",
      found: name ? `there is no thing "${name}"` : "no thing was named",
      allowed: Object.values(BREAKS)
        .map((one) => one.usage)
        .join(", "),
    });
  }
  const wrong = args.length !== thing.choices.length || args.some((arg, i) => !thing.choices[i]?.includes(arg));
  if (wrong) {
    throw new ProblemError("invalid-input", {
      where: `lab break ${name}`,
      found: args.length > 0 ? args.join(" ") : "nothing more was named",
      allowed: [thing.usage, ...thing.choices.map((choice) => choice.join("|"))].join("; "),
    });
  }
  return { thing, args };
}
