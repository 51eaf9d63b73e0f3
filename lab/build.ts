import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Description } from "./description.js";
import { giveTo, type HostPlace, linkOnce, loginUser, makeKey, placeOf, quote, writeHost } from "./host-tree.js";
import { buildLibertyNode, type LibertyPrograms, libertyMounts, libertyPrograms } from "./liberty/build.js";
import { pluginFile } from "./plugin-file.js";
import { projectRoot, type Toolchain } from "./toolchain.js";
import {
  type AnyHostName,
  APACHECTL,
  clustersWith,
  DROP_IN,
  HTTPD_CONF,
  hostsOf,
  IHS_ROOT,
  LAB_ROOT,
  type NodeName,
  PLUGIN_FILE,
  PLUGIN_ROOT,
  SWITCHES,
  TEST_USER,
} from "./topology.js";
import { buildCellNode, buildManager, buildWebServerAdministration } from "./was/build.js";
import { applicationsOf } from "./was/cell.js";
import { type CellPrograms, cellPrograms } from "./was/programs.js";
import { apachectlScript, dropIn, httpdConf } from "./web-server.js";

/**
 * Writes keys and trees below the lab's directory. What the administrators of an environment own (httpd.conf, plug-in files)
 * is written only where it is missing, so that a lab which is started again finds everything as it was left.
 */
export async function buildTrees(directory: string, description: Description, tools: Toolchain): Promise<Description> {
  const clientKeyFile = join(directory, "client-key");
  await makeKey(tools.sshKeygen, clientKeyFile, "lab-client");
  const clientKey = await readFile(`${clientKeyFile}.pub`, "utf8");
  const hostKeys = { ...description.hostKeys };
  const programs: Programs = {
    cell: description.cell === "none" ? undefined : await cellPrograms(description.cell),
    liberty: description.liberty ? await libertyPrograms() : undefined,
  };
  await Promise.all(
    hostsOf(description).map(async (name) => {
      const place = placeOf(directory, name, tools.namespaces);
      const services = await buildServices(name, place, description, tools, programs);
      hostKeys[name] = await writeHost({
        place,
        tools,
        address: description.addresses[name],
        sshdPort: description.sshdPorts[name],
        clientKey,
        services,
        mounts: programs.liberty && isNode(name) ? libertyMounts(programs.liberty) : [],
      });
      const user = loginUser(tools.namespaces);
      if (user.uid !== process.getuid?.()) await giveTo(user, place.directory);
    }),
  );
  await writeFile(
    join(directory, "known_hosts"),
    hostsOf(description)
      .map((n) => `[${description.addresses[n]}]:${description.sshdPorts[n]} ${hostKeys[n]}\n`)
      .join(""),
  );
  await writeFile(join(directory, "test-user-password"), `${description.password}\n`, { mode: 0o600 });
  return { ...description, hostKeys };
}

/** What only some labs are made of. */
interface Programs {
  readonly cell: CellPrograms | undefined;
  readonly liberty: LibertyPrograms | undefined;
}

const isNode = (name: AnyHostName): name is NodeName => name !== "web1" && name !== "dmgr";

/** The lines of a host's boot script that start what the host is there for. */
async function buildServices(
  name: AnyHostName,
  place: HostPlace,
  description: Description,
  tools: Toolchain,
  programs: Programs,
): Promise<string[]> {
  await rm(join(place.directory, SWITCHES), { recursive: true, force: true });
  if (name === "dmgr") return programs.cell ? buildManager(place, description, tools, programs.cell) : [];
  if (isNode(name)) {
    const services = await buildNode(place, name, description, tools, programs);
    return programs.cell ? [...services, ...(await buildCellNode(place, name, description, tools))] : services;
  }
  const services = await buildWebServer(place, description, tools);
  const pluginFileSeen = `${place.prefix}${PLUGIN_FILE}`;
  if (!programs.cell) return services;
  return [...services, ...(await buildWebServerAdministration(place, description, tools, pluginFileSeen))];
}

async function buildWebServer(place: HostPlace, description: Description, tools: Toolchain): Promise<string[]> {
  const at = (path: string) => join(place.directory, path);
  const { prefix } = place;
  const options = { ...description, address: description.addresses.web1, port: description.webPort, prefix };
  const directories = ["bin", "conf", "logs", "htdocs", "Plugins/logs/webserver1", "Plugins/bin/64bits"];
  await Promise.all(directories.map((name) => mkdir(at(`${IHS_ROOT}/${name}`), { recursive: true })));
  // A web server that root started serves as another user, who writes on in the plug-in's log.
  await writeMissing(at(`${PLUGIN_ROOT}/logs/webserver1/http_plugin.log`), "");
  await chmod(at(`${PLUGIN_ROOT}/logs/webserver1/http_plugin.log`), 0o666);
  await linkOnce(tools.httpdModules, at(`${IHS_ROOT}/modules`));
  await copyFile(tools.pluginModule, at(`${PLUGIN_ROOT}/bin/64bits/mod_was_ap24_http.so`));
  await writeMissing(at(`${IHS_ROOT}/htdocs/index.html`), "<html><body>IBM HTTP Server (laboratory)</body></html>\n");
  await writeMissing(at(`${IHS_ROOT}/conf/mime.types`), "text/html html\ntext/css css\n");
  await writeMissing(at(HTTPD_CONF), httpdConf(options));
  await writeMissing(at(DROP_IN), dropIn(options));
  await writeMissing(
    at(PLUGIN_FILE),
    pluginFile({
      clusters: clustersWith(description.memberPorts, description.nodes),
      addresses: description.addresses,
      webPort: description.webPort,
      prefix,
      killOnParseError: description.killOnParseError,
      cell: description.cell !== "none",
      generatedOn: "2026.11.02 at 09:14:07 AM UTC",
    }),
  );
  await writeFile(at(APACHECTL), apachectlScript(prefix, tools.httpd), { mode: 0o755 });
  // After a crash the pid of the dead server may belong to another process of the new boot.
  return [`rm -f ${quote(`${prefix}${IHS_ROOT}/logs/httpd.pid`)}`, `${quote(`${prefix}${APACHECTL}`)} start`];
}

async function buildNode(
  place: HostPlace,
  node: NodeName,
  description: Description,
  tools: Toolchain,
  programs: Programs,
): Promise<string[]> {
  const own = join(place.directory, LAB_ROOT);
  const seen = `${place.prefix}${LAB_ROOT}`;
  await mkdir(join(own, "app-server"), { recursive: true });
  await copyFile(join(projectRoot(), "lab", "app-server", "server.mts"), join(own, "app-server", "server.mts"));
  const members = clustersWith(description.memberPorts, description.nodes).flatMap((cluster) =>
    cluster.members
      .filter((member) => member.node === node)
      .map(({ name, cloneId, port }) => ({
        ...{ name, cluster: cluster.name, cloneId, port },
        ...(programs.cell ? { applications: applicationsOf(cluster) } : {}),
      })),
  );
  const config = {
    address: description.addresses[node],
    adminPort: description.adminPorts[node],
    members,
    ltpaKey: description.ltpaKey,
    user: TEST_USER,
    password: description.password,
    ...(programs.cell ? { cellSettings: `${seen}/cell.json` } : {}),
    ...(programs.liberty ? { liberty: await buildLibertyNode(place, node, description, tools, programs.liberty) } : {}),
  };
  await writeFile(join(own, "app-server.json"), JSON.stringify(config), { mode: 0o600 });
  const program = tools.namespaces === "none" ? tools.node : `${seen}/node`;
  return [
    `${quote(program)} ${quote(`${seen}/app-server/server.mts`)} ${quote(`${seen}/app-server.json`)} >>${quote(`${seen}/app-server.log`)} 2>&1 &`,
  ];
}

async function writeMissing(file: string, text: string): Promise<void> {
  if (existsSync(file)) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { mode: 0o644 });
}
