import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256 } from "../../providers/common/json.js";
import type { Description } from "../description.js";
import { type HostPlace, quote } from "../host-tree.js";
import { pluginFile } from "../plugin-file.js";
import { projectRoot, type Toolchain } from "../toolchain.js";
import { CELL, clustersWith, LAB_ROOT, type NodeName, nodesOf, SWITCHES } from "../topology.js";
import {
  ADMINISTRATOR,
  applicationsIn,
  applicationsOf,
  CONNECTIONS_ROOT,
  DMGR_PROFILE,
  FIX_DIRECTORY,
  NODE_PROFILE,
  TIMES,
  UPDATE_INSTALLER,
  WAS_ROOT,
  WEB_SERVER,
} from "./cell.js";
import { cellConfiguration } from "./configuration.js";
import { fixFiles } from "./fixes.js";
import type { CellPrograms } from "./programs.js";

const NODE_COMMANDS = ["startNode", "stopNode", "syncNode", "serverStatus", "startServer", "stopServer"];
const MANAGER_COMMANDS = ["startManager", "stopManager", "serverStatus"];

/** Everything that a host of the cell has besides; answers the lines of its boot script. */
export async function buildManager(
  place: HostPlace,
  description: Description,
  tools: Toolchain,
  programs: CellPrograms,
): Promise<string[]> {
  const at = (path: string) => join(place.directory, path);
  const seen = (path: string) => `${place.prefix}${path}`;
  await buildHost(place, "dmgr", seen(DMGR_PROFILE), description);
  await cp(programs.classes, at(`${LAB_ROOT}/java`), { recursive: true });
  await cp(programs.jython, at(`${LAB_ROOT}/jython.jar`));
  await mkdir(at(`${LAB_ROOT}/jython-cache`), { recursive: true });
  await writeFile(at(`${LAB_ROOT}/dmgr.properties`), managerProperties(place, description), { mode: 0o600 });
  await buildProfile(place, DMGR_PROFILE, MANAGER_COMMANDS, description, tools);
  await script(at(`${DMGR_PROFILE}/bin/wsadmin.sh`), wsadmin(place, description));
  await buildMasterConfiguration(place, description);
  await buildConnections(place, tools);
  return [command(place, tools, "startManager")];
}

export async function buildCellNode(
  place: HostPlace,
  node: NodeName,
  description: Description,
  tools: Toolchain,
): Promise<string[]> {
  await buildHost(place, node, `${place.prefix}${NODE_PROFILE}`, description);
  await buildProfile(place, NODE_PROFILE, NODE_COMMANDS, description, tools);
  await buildNodeConfiguration(place, description);
  return [command(place, tools, "startNode")];
}

/** The administration server on the web server's host. */
export async function buildWebServerAdministration(
  place: HostPlace,
  description: Description,
  tools: Toolchain,
  pluginFileSeen: string,
): Promise<string[]> {
  const own = `${place.prefix}${LAB_ROOT}`;
  await copyPrograms(place);
  await writeFile(join(place.directory, LAB_ROOT, "token"), description.token, { mode: 0o600 });
  const program = `${own}/was/host/ihs-admin.mts`;
  const args = [description.addresses.web1, String(description.ihsAdminPort), pluginFileSeen, `${own}/token`];
  return [
    `${[nodeProgram(place, tools), program, ...args].map(quote).join(" ")} >>${quote(`${own}/ihs-admin.log`)} 2>&1 &`,
  ];
}

/** Of the administrator, on each host; the fault wrong-password writes it anew. */
export const CREDENTIALS = `${LAB_ROOT}/etc/cell-credentials.json`;

export const credentialsText = (password: string): string => JSON.stringify({ user: ADMINISTRATOR, password });

const nodeProgram = (place: HostPlace, tools: Toolchain) =>
  tools.namespaces === "none" ? tools.node : `${place.prefix}${LAB_ROOT}/node`;

/** In the background, so that sshd does not wait for it. */
function command(place: HostPlace, tools: Toolchain, name: string): string {
  const own = `${place.prefix}${LAB_ROOT}`;
  const program = `${own}/was/host/commands.mts`;
  return `${[nodeProgram(place, tools), program, name].map(quote).join(" ")} >>${quote(`${own}/boot.log`)} 2>&1 &`;
}

async function copyPrograms(place: HostPlace): Promise<void> {
  const from = join(projectRoot(), "lab", "was", "host");
  const to = join(place.directory, LAB_ROOT, "was", "host");
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) await cp(join(from, name), join(to, name));
}

async function buildHost(place: HostPlace, node: string, profile: string, description: Description): Promise<void> {
  const seen = (path: string) => `${place.prefix}${path}`;
  await copyPrograms(place);
  const clusters = clustersWith(description.memberPorts, description.nodes);
  const isManager = node === "dmgr";
  const settings = {
    cell: CELL,
    node,
    profile,
    connectionsRoot: seen(CONNECTIONS_ROOT),
    switches: seen(SWITCHES),
    credentials: seen(CREDENTIALS),
    token: description.token,
    dmgr: {
      address: description.addresses.dmgr,
      soapPort: description.dmgrPorts.soap,
      repositoryPort: description.dmgrPorts.repository,
    },
    address: isManager ? description.addresses.dmgr : description.addresses[node as NodeName],
    agentPort: isManager ? 0 : description.agentPorts[node as NodeName],
    serversPort: isManager ? 0 : description.adminPorts[node as NodeName],
    servers: clusters.flatMap((cluster) =>
      cluster.members
        .filter((member) => member.node === node)
        .map(({ server, name, port }) => ({
          ...{ name: server, member: name, port },
          applications: Object.values(applicationsOf(cluster)),
        })),
    ),
    // A real server takes its own time to start.
    times: description.liberty ? { ...TIMES, startServer: 0 } : TIMES,
  };
  const file = join(place.directory, LAB_ROOT, "cell.json");
  await writeFile(file, JSON.stringify(settings, undefined, 2), { mode: 0o600 });
  await mkdir(join(place.directory, LAB_ROOT, "etc"), { recursive: true });
  const credentials = join(place.directory, CREDENTIALS);
  await writeFile(credentials, credentialsText(description.password), { mode: 0o600 });
}

function managerProperties(place: HostPlace, description: Description): string {
  const { addresses, dmgrPorts } = description;
  const agents = nodesOf(description).map((node) => `${node}=${addresses[node]}:${description.agentPorts[node]}`);
  const values = {
    cell: CELL,
    profile: `${place.prefix}${DMGR_PROFILE}`,
    token: description.token,
    credentials: `${place.prefix}${CREDENTIALS}`,
    switches: `${place.prefix}${SWITCHES}`,
    address: addresses.dmgr,
    soapPort: dmgrPorts.soap,
    remotePort: dmgrPorts.remote,
    repositoryPort: dmgrPorts.repository,
    agents: agents.join(","),
    ihsAdministration: `${addresses.web1}:${description.ihsAdminPort}`,
  };
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}

async function buildProfile(
  place: HostPlace,
  profile: string,
  commands: readonly string[],
  description: Description,
  tools: Toolchain,
): Promise<void> {
  const at = (path: string) => join(place.directory, profile, path);
  for (const folder of ["bin", "config", "logs", "temp", "wstemp", "tranlog", "properties", "installedApps"]) {
    await mkdir(at(folder), { recursive: true });
  }
  const own = `${place.prefix}${LAB_ROOT}`;
  const program = [nodeProgram(place, tools), `${own}/was/host/commands.mts`].map(quote).join(" ");
  const wasBin = join(place.directory, WAS_ROOT, "bin");
  const environment = `${place.prefix}${profile}/bin/setupCmdLine.sh`;
  for (const name of commands) {
    // As in the product: a profile's command names its environment and calls the installation's command of the same name.
    const own = `WAS_USER_SCRIPT='${environment}'\nexport WAS_USER_SCRIPT\nexec '${place.prefix}${WAS_ROOT}/bin/${name}.sh' "$@"`;
    await script(at(`bin/${name}.sh`), `#!/bin/sh\n${own}\n`);
    const load = `. "\${WAS_USER_SCRIPT:-${environment}}"`;
    await script(join(wasBin, `${name}.sh`), `#!/bin/sh\n${load}\nexec ${program} ${name} "$@"\n`);
  }
  await script(at("bin/setupCmdLine.sh"), setupCmdLine(`${place.prefix}${WAS_ROOT}`, `${place.prefix}${profile}`));
  await script(at("bin/backupConfig.sh"), backupConfig(`${place.prefix}${profile}`));
  for (const kind of ["SOAP", "IPC"]) {
    const file = at(`properties/${kind.toLowerCase()}.client.props`);
    await missing(file, clientProperties(kind, description.password), 0o600);
  }
}

function setupCmdLine(root: string, profile: string): string {
  return `#!/bin/sh
WAS_HOME=${root}
USER_INSTALL_ROOT=${profile}
CLIENTSOAP="-Dcom.ibm.SOAP.ConfigURL=file:${profile}/properties/soap.client.props"
CLIENTIPC="-Dcom.ibm.IPC.ConfigURL=file:${profile}/properties/ipc.client.props"
export WAS_HOME USER_INSTALL_ROOT CLIENTSOAP CLIENTIPC
`;
}

function clientProperties(kind: string, password: string): string {
  const values = {
    securityEnabled: "true",
    loginUserid: ADMINISTRATOR,
    loginPassword: password,
    loginSource: kind === "SOAP" ? "none" : "prompt",
    requestTimeout: "6000",
  };
  return Object.entries(values)
    .map(([key, value]) => `com.ibm.${kind}.${key}=${value}\n`)
    .join("");
}

function wsadmin(place: HostPlace, description: Description): string {
  const own = `${place.prefix}${LAB_ROOT}`;
  const options = [
    ...["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx160m"],
    `-Dlab.dmgr.address=${description.addresses.dmgr}`,
    `-Dlab.dmgr.port=${description.dmgrPorts.soap}`,
    ...[`-Dpython.home=${own}`, `-Dpython.cachedir=${own}/jython-cache`, "-Dpython.import.site=false"],
    ...["-cp", `${own}/java:${own}/jython.jar`],
  ];
  const words = ["java", ...options, "lab.Wsadmin", `${place.prefix}${DMGR_PROFILE}`].map(quote).join(" ");
  return `#!/bin/sh\n# Stands in for wsadmin: Jython ${description.cell} and what lab/was/java gives it.\nexec ${words} "$@"\n`;
}

function backupConfig(profile: string): string {
  return `#!/bin/sh
# Stands in for backupConfig.sh FILE -nostop: the archive is a tar.
case "$1" in ""|-*) echo "ADMU5008E: usage: backupConfig backup_file [-nostop]"; exit 255 ;; esac
echo "ADMU0116I: Tool information is being logged in file ${profile}/logs/backupConfig.log"
echo "ADMU5001I: Backing up config directory ${profile}/config to file $1"
tar -czf "$1" -C '${profile}' config || exit 255
echo "ADMU5002I: $(find '${profile}/config' -type f | wc -l) files successfully backed up"
`;
}

const earText = (application: string, fixes = "") => `application=${application}\nfixes=${fixes}\n`;

const versionStamp = `<?xml version="1.0" encoding="UTF-8"?>
<config xmlns="http://www.ibm.com/LotusConnections-config">
  <versionStamp value="20261102.091407"/>
</config>
`;

async function buildMasterConfiguration(place: HostPlace, description: Description): Promise<void> {
  const cell = join(place.directory, DMGR_PROFILE, "config", "cells", CELL);
  await missing(join(cell, "..", "..", "lab-configuration.txt"), cellConfiguration(description, place.prefix));
  await missing(join(cell, "LotusConnections-config", "LotusConnections-config.xml"), versionStamp);
  for (const { name } of applicationsIn(description)) {
    await missing(join(cell, "applications", `${name}.ear`, `${name}.ear`), earText(name));
  }
  for (const node of nodesOf(description)) {
    const server =
      '<process:Server xmlns:process="http://www.ibm.com/websphere/appserver/schemas/5.0/process.xmi" name="nodeagent">\n  <services autoSynchEnabled="true" synchInterval="1" synchOnServerStartup="false"/>\n</process:Server>\n';
    await missing(join(cell, "nodes", node, "servers", "nodeagent", "server.xml"), server);
  }
  const { node, server } = WEB_SERVER;
  await missing(
    join(cell, "nodes", node, "servers", server, "plugin-cfg.xml"),
    pluginFile({
      clusters: clustersWith(description.memberPorts, description.nodes),
      addresses: description.addresses,
      webPort: description.webPort,
      prefix: place.prefix.replace(/dmgr$/, "web1"),
      killOnParseError: description.killOnParseError,
      cell: true,
      generatedOn: "2026.11.02 at 09:14:07 AM UTC",
    }),
  );
}

/** As it is after the last synchronization: the same as the master's. */
async function buildNodeConfiguration(place: HostPlace, description: Description): Promise<void> {
  const profile = join(place.directory, NODE_PROFILE);
  const cell = join(profile, "config", "cells", CELL);
  await missing(join(cell, "LotusConnections-config", "LotusConnections-config.xml"), versionStamp);
  for (const { name } of applicationsIn(description)) {
    await missing(join(cell, "applications", `${name}.ear`, `${name}.ear`), earText(name));
    const expanded = join(profile, "installedApps", CELL, `${name}.ear`);
    await missing(join(expanded, "META-INF", "level.properties"), earText(name));
    // As an agent writes it when it expands that archive.
    const text = `<web-app><!-- ${sha256(earText(name))} --></web-app>\n`;
    await missing(join(expanded, `${name.toLowerCase()}.war`, "WEB-INF", "web.xml"), text);
  }
}

async function buildConnections(place: HostPlace, tools: Toolchain): Promise<void> {
  const at = (path: string) => join(place.directory, path);
  const shared = `${CONNECTIONS_ROOT}/data/shared/provision`;
  await mkdir(at(`${CONNECTIONS_ROOT}/version/log`), { recursive: true });
  await missing(at(`${shared}/webresources/common.js`), "// common parts\n");
  await missing(at(`${CONNECTIONS_ROOT}/data/shared/customization/strings.properties`), "title=Connections\n");
  for (const [name, text] of Object.entries(fixFiles())) await missing(at(`${FIX_DIRECTORY}/${name}`), text);
  const own = `${place.prefix}${LAB_ROOT}`;
  const words = [
    nodeProgram(place, tools),
    `${own}/was/host/update-installer.mts`,
    `${place.prefix}${UPDATE_INSTALLER}`,
  ];
  await script(at(`${UPDATE_INSTALLER}/updateSilent.sh`), `#!/bin/sh\n${words.map(quote).join(" ")} "$@"\n`);
}

async function script(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  await chmod(file, 0o755);
}

/** What administrators own is written only where it is missing. */
async function missing(file: string, text: string, mode = 0o644): Promise<void> {
  if (existsSync(file)) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { mode });
}
