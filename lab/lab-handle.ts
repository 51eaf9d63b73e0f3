import { execFile } from "node:child_process";
import { chown, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connectionSchema } from "../providers/targets/connection.js";
import { db2Server } from "./db2/server.js";
import { type Description, db2Directory } from "./description.js";
import { setFault } from "./faults.js";
import { type HostPlace, loginUser, placeOf, quote } from "./host-tree.js";
import type { Lab, LabHost, LabRunResult } from "./lab.js";
import { control, isAlive, type RunningState, waitFor } from "./running.js";
import {
  ACCESS_LOG,
  type AnyHostName,
  APACHECTL,
  CELL,
  clustersWith,
  HTTPD_CONF,
  hostsOf,
  IHS_ROOT,
  PLUGIN_FILE,
  PLUGIN_ROOT,
  PUBLIC_NAME,
  STATE_DIRECTORY,
  TEST_USER,
} from "./topology.js";
import { labCell } from "./was/cell.js";

const STOP_TIMEOUT_MS = 10_000;
const RUN_TIMEOUT_MS = 60_000;

/** The `Lab` of a running supervisor, from what the directory says about it. */
export function attachedLab(directory: string, description: Description, state: RunningState): Lab {
  const { addresses, namespaces } = description;
  const places = Object.fromEntries(
    hostsOf(description).map((name) => [name, placeOf(directory, name, namespaces)]),
  ) as unknown as Record<AnyHostName, HostPlace>;
  const user = loginUser(namespaces);
  const host = (name: AnyHostName): LabHost => ({
    name,
    root: places[name].root,
    connection: connectionSchema.parse({
      name,
      address: addresses[name],
      port: description.sshPorts[name],
      user: user.name,
      auth: { keyFile: join(directory, "client-key") },
      hostKey: { pinned: [description.hostKeys[name]] },
      stateDirectory: `${places[name].prefix}${STATE_DIRECTORY}`,
    }),
  });
  const onWeb = (path: string) => `${places.web1.prefix}${path}`;
  return {
    directory,
    hosts: {
      web1: host("web1"),
      node1: host("node1"),
      node2: host("node2"),
      ...(description.nodes === 3 ? { node3: host("node3") } : {}),
      ...(description.cell === "none" ? {} : { dmgr: host("dmgr") }),
    },
    web: {
      url: `http://${addresses.web1}:${description.webPort}`,
      address: addresses.web1,
      port: description.webPort,
      publicName: PUBLIC_NAME,
      serverRoot: onWeb(IHS_ROOT),
      httpdConf: onWeb(HTTPD_CONF),
      pluginFile: onWeb(PLUGIN_FILE),
      apachectl: onWeb(APACHECTL),
      accessLog: onWeb(ACCESS_LOG),
      pluginLog: onWeb(`${PLUGIN_ROOT}/logs/webserver1/http_plugin.log`),
    },
    clusters: clustersWith(description.memberPorts, description.nodes),
    testUser: { name: TEST_USER, passwordFile: join(directory, "test-user-password") },
    cell: labCell(description, CELL, (name) => places[name].prefix, join(directory, "test-user-password")),
    db2: description.db2 ? db2Server(db2Directory(directory), description.db2Place, description.token) : undefined,
    namespaces,
    processes: state.processes,
    fault: (name, on) => setFault(directory, description, state, name, on),
    async stop() {
      if (state.processes.some(isAlive))
        await control(state, description.token, "POST", "/stop").catch(() => undefined);
      await waitFor(() => !state.processes.some(isAlive), STOP_TIMEOUT_MS, "the lab's processes to end");
      if (description.temporary) await rm(directory, { recursive: true, force: true });
    },
    readFile: (name, path) => readFile(`${places[name].root}${path}`, "utf8"),
    async writeFile(name, path, text) {
      const file = `${places[name].root}${path}`;
      const isNew = await writeFile(file, text, { flag: "wx" }).then(
        () => true,
        () => false,
      );
      if (!isNew) await writeFile(file, text);
      else if (user.uid !== process.getuid?.()) await chown(file, user.uid, user.gid);
    },
    run: (name, argv) =>
      runOverSsh(directory, [
        ...["-F", "none", "-i", "client-key", "-p", String(description.sshdPorts[name])],
        ...["-o", "UserKnownHostsFile=known_hosts"],
        ...["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"],
        `${user.name}@${addresses[name]}`,
        argv.map(quote).join(" "),
      ]),
  };
}

/** In the lab's directory, so that no name of it has to be quoted for ssh. */
function runOverSsh(cwd: string, args: readonly string[]): Promise<LabRunResult> {
  return new Promise((resolve, reject) => {
    execFile(
      "ssh",
      [...args],
      { cwd, timeout: RUN_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error && typeof error.code !== "number") reject(error);
        else resolve({ exitCode: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
      },
    );
  });
}
