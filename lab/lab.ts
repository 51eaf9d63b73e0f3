import { spawn } from "node:child_process";
import { open, readFile, realpath, rm } from "node:fs/promises";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { ProblemError } from "../providers/common/problem.js";
import type { Connection } from "../providers/targets/connection.js";
import { buildTrees } from "./build.js";
import { type Db2Program, type Db2Server, prepareDb2 } from "./db2/server.js";
import {
  type Choices,
  type Description,
  db2Directory,
  newDescription,
  portsAreFree,
  readDescription,
  writeDescription,
  writeWhole,
} from "./description.js";
import { lockStart, prepareDirectory, refuseUnusablePath } from "./directory.js";
import type { LabFault } from "./faults.js";
import { hostCommand, placeOf } from "./host-tree.js";
import { attachedLab } from "./lab-handle.js";
import { control, endRemains, type RunningState, readState, stateFile, supervisorIsAlive, waitFor } from "./running.js";
import { projectRoot, type Toolchain, toolchain } from "./toolchain.js";
import {
  type AnyHostName,
  type Extent,
  type HostName,
  hostsOf,
  LAB_ROOT,
  type LabCluster,
  nodesOf,
} from "./topology.js";
import type { LabCell } from "./was/cell.js";

/** How long everything may take to answer after its processes were started; a Java server, which opens databases first, longer. */
const READY_TIMEOUT_MS = 20_000;
const DB2_READY_TIMEOUT_MS = 60_000;
/** Of a node whose members are Open Liberty servers, which start one after the other, and of what waits for them. */
const LIBERTY_READY_TIMEOUT_MS = 400_000;

export interface LabHost {
  readonly name: AnyHostName;
  /** Complete, as `connectionSchema` parses it: pinned host key, key file, state directory inside the host's tree. */
  readonly connection: Connection;
  /** Prepended to a path as the host sees it, to get the same file on this machine. "" when hosts have no trees of their own. */
  readonly root: string;
}

export interface LabRunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running stand-in environment. Paths are as the host sees them. */
export interface Lab {
  readonly directory: string;
  /** node3 and dmgr only where the options asked for them. */
  readonly hosts: Readonly<Record<HostName, LabHost> & Partial<Record<AnyHostName, LabHost>>>;
  readonly web: {
    /** With address and port, no slash at the end. */
    readonly url: string;
    readonly address: string;
    readonly port: number;
    /** Goes into the Host header; no name server knows it. */
    readonly publicName: string;
    readonly serverRoot: string;
    readonly httpdConf: string;
    readonly pluginFile: string;
    readonly apachectl: string;
    readonly accessLog: string;
    readonly pluginLog: string;
  };
  readonly clusters: readonly LabCluster[];
  /** For pages below `<context root>/protected`, by form login (`<context root>/j_security_check`). */
  readonly testUser: { readonly name: string; readonly passwordFile: string };
  /** Only where the options asked for one. */
  readonly cell?: LabCell;
  /** Only where the options asked for one. */
  readonly db2?: Db2Server;
  /** "user" and "root": hosts have their own mounts, name and processes; "none": paths start at a directory. */
  readonly namespaces: Toolchain["namespaces"];
  /** Processes that live exactly as long as the lab, with kernel start times. */
  readonly processes: RunningState["processes"];
  fault(name: LabFault, on: boolean): Promise<void>;
  /** Ends every process. A directory that `startLab` made goes too; one that was given stays and can be started again. */
  stop(): Promise<void>;
  readFile(host: AnyHostName, path: string): Promise<string>;
  /** As an outsider would: in place, keeping mode and owner. */
  writeFile(host: AnyHostName, path: string, text: string): Promise<void>;
  /** Runs a command on a host, past the faults. */
  run(host: AnyHostName, argv: readonly string[]): Promise<LabRunResult>;
}

export interface LabOptions {
  /** Default: a fresh one in the system's folder for temporary files. A lab that was stopped there is started again as it was. */
  readonly directory?: string;
  /** httpd's processing model. Default worker: its graceful restarts drop nothing (mpm_event resets some connections). */
  readonly mpm?: "worker" | "event";
  /** Unknown of the real plug-in: is a CloneID honoured that is in BackupServers only? Default true. */
  readonly backupAffinity?: boolean;
  /** Unknown of the real plug-in: does a bad plug-in file keep the web server from starting? Default false (then 404s). */
  readonly killOnParseError?: boolean;
  /** Nodes, each with a member of every cluster. Default 2. */
  readonly nodes?: Extent["nodes"];
  /**
   * A cell around the nodes: a deployment manager with host `dmgr`, node agents, WebSphere's commands, an update installer.
   * The value is the Jython of its wsadmin: "2.1" as in WebSphere 8.5.5, "2.7" as in 9.0. Default "none".
   */
  readonly cell?: Extent["cell"];
  /** A Db2 server with the databases of an estate (lab/db2/README.md), which wants Java and Derby. Default false. */
  readonly db2?: boolean;
  /** Cluster members are Open Liberty servers, which want Java and `npm run setup -- --liberty`. Default false: modelled ones. */
  readonly liberty?: boolean;
  /** Goes on when this process ends. Default false: the lab ends with the process that started it, whatever ends that. */
  readonly detached?: boolean;
}

/**
 * Starts a lab, or attaches to the one that runs in the directory.
 *
 * @throws ProblemError `missing` (programs, with their packages), `refused` (a directory with other things in it, a running
 *   lab with other options), `timeout` (something did not come up, with the last lines of its log)
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const tools = await toolchain();
  const directory = await prepareDirectory(options.directory);
  if (tools.namespaces === "none") await refuseUnusablePath(directory);
  const release = await lockStart(directory);
  try {
    const running = await attachLab(directory);
    if (running) {
      await refuseOtherOptions(directory, options);
      return running;
    }
    await endRemains(directory);
    const description = await describe(directory, options, tools);
    const [built, db2] = await Promise.all([
      buildTrees(directory, description, tools),
      description.db2 ? prepareDb2(db2Directory(directory), description.db2Place, description.token) : undefined,
    ]);
    await writeDescription(directory, built);
    await startSupervisor(directory, built, tools, options.detached === true, db2);
    const lab = await attachLab(directory);
    if (!lab) throw await notReady(directory, built, "its supervisor ended at once");
    await waitUntilReady(directory, built, lab);
    return lab;
  } catch (error) {
    if (options.directory === undefined) {
      await endRemains(directory);
      await rm(directory, { recursive: true, force: true });
    }
    throw error;
  } finally {
    await release();
  }
}

/** The lab that runs in a directory; undefined when none does. */
export async function attachLab(directory: string): Promise<Lab | undefined> {
  const [state, description] = await Promise.all([readState(resolve(directory)), readDescription(resolve(directory))]);
  if (!state || !description || !supervisorIsAlive(state)) return undefined;
  await control(state, description.token, "GET", "/");
  return attachedLab(await realpath(directory), description, state);
}

async function refuseOtherOptions(directory: string, options: LabOptions): Promise<void> {
  const description = await readDescription(directory);
  for (const key of ["mpm", "backupAffinity", "killOnParseError", "nodes", "cell", "db2", "liberty"] as const) {
    if (options[key] === undefined || options[key] === description?.[key]) continue;
    throw new ProblemError("refused", {
      where: directory,
      found: `a lab runs here with ${key} = ${description?.[key]}, asked was ${options[key]}`,
      next: "stop it first, or take another directory",
    });
  }
}

/** What a stopped lab was, if that can be had again; else everything new. */
async function describe(directory: string, options: LabOptions, tools: Toolchain): Promise<Description> {
  const before = await readDescription(directory);
  const choices: Choices = {
    mpm: options.mpm ?? before?.mpm ?? "worker",
    backupAffinity: options.backupAffinity ?? before?.backupAffinity ?? true,
    killOnParseError: options.killOnParseError ?? before?.killOnParseError ?? false,
    nodes: options.nodes ?? before?.nodes ?? 2,
    cell: options.cell ?? before?.cell ?? "none",
    db2: options.db2 ?? before?.db2 ?? false,
    liberty: options.liberty ?? before?.liberty ?? false,
  };
  const same = before !== undefined && Object.entries(choices).every(([k, v]) => before[k as keyof Choices] === v);
  if (same && before.namespaces === tools.namespaces && (await portsAreFree(before))) return before;
  for (const name of ["lab.json", "hosts", "client-key", "client-key.pub", "db2", "stack"]) {
    await rm(join(directory, name), { recursive: true, force: true });
  }
  const temporary = before?.temporary ?? options.directory === undefined;
  return newDescription({ ...choices, temporary, namespaces: tools.namespaces });
}

async function startSupervisor(
  directory: string,
  description: Description,
  tools: Toolchain,
  detached: boolean,
  db2: Db2Program | undefined,
): Promise<void> {
  const specification = {
    lifeline: !detached,
    namespaces: tools.namespaces !== "none",
    token: description.token,
    stateFile: stateFile(directory),
    hosts: hostsOf(description).map((name) => ({
      name,
      command: hostCommand(placeOf(directory, name, tools.namespaces), tools.namespaces),
      log: join(directory, `${name}.log`),
    })),
    servers: db2 ? [{ name: "db2", ...db2 }] : [],
    fronts: hostsOf(description).map((name) => ({
      name,
      address: description.addresses[name],
      port: description.sshPorts[name],
      targetPort: description.sshdPorts[name],
    })),
  };
  const file = join(directory, "supervisor.json");
  await writeWhole(file, JSON.stringify(specification, undefined, 2));
  const program = join(projectRoot(), "lab", "supervisor.mts");
  const logFile = join(directory, "supervisor.log");
  const log = await open(logFile, "w");
  const child = spawn(tools.node, [program, file], {
    // The pipe to its standard input is the lifeline: it closes when this process ends, for whatever reason.
    stdio: [detached ? "ignore" : "pipe", "pipe", log.fd],
    detached: true,
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LANG: "C.UTF-8" },
  });
  await log.close();
  try {
    await new Promise<void>((started, failed) => {
      child.stdout?.once("data", () => started());
      child.once("error", failed);
      child.once("exit", () => failed(new Error("it ended at once")));
    });
  } catch (error) {
    const found = (await readFile(logFile, "utf8")).trim() || String(error);
    throw new ProblemError("command-failed", { where: "lab supervisor", found });
  }
  child.removeAllListeners("exit");
  child.stdout?.destroy();
  child.unref();
  // The owner may end whenever it wants to: the lifeline must not keep its event loop going.
  (child.stdin as unknown as { unref?(): void } | null)?.unref?.();
}

async function waitUntilReady(directory: string, description: Description, lab: Lab): Promise<void> {
  const { addresses, adminPorts } = description;
  const timeoutMs = description.liberty ? LIBERTY_READY_TIMEOUT_MS : READY_TIMEOUT_MS;
  const urls = [
    `${lab.web.url}/`,
    ...nodesOf(description).map((node) => `http://${addresses[node]}:${adminPorts[node]}/`),
  ];
  if (description.cell !== "none") {
    urls.push(`http://${addresses.dmgr}:${description.dmgrPorts.repository}/epoch/dmgr`);
    urls.push(...nodesOf(description).map((node) => `http://${addresses[node]}:${description.agentPorts[node]}/state`));
  }
  const headers = { connection: "close", "x-lab-token": description.token };
  const answers = async (url: string): Promise<boolean> =>
    (await fetch(url, { headers }).catch(() => undefined))?.ok === true;
  try {
    await Promise.all([
      ...urls.map((url) => waitFor(() => answers(url), timeoutMs, url)),
      ...hostsOf(description).map((name) =>
        waitFor(() => greets(addresses[name], description.sshPorts[name]), READY_TIMEOUT_MS, `sshd of ${name}`),
      ),
      ...(lab.db2 ? [waitFor(opens(lab.db2), DB2_READY_TIMEOUT_MS, "the Db2 server")] : []),
    ]);
  } catch (error) {
    await lab.stop();
    throw await notReady(directory, description, error instanceof Error ? error.message : String(error));
  }
}

/** A question that is true when one of the server's databases answers. */
function opens(db2: Db2Server): () => Promise<boolean> {
  return () =>
    db2.sql("SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA").then(
      () => true,
      () => false,
    );
}

/** true when an SSH server answers. */
function greets(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const answer = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(1_000, () => answer(false));
    socket.once("data", (bytes) => answer(bytes.toString("latin1").startsWith("SSH-")));
    socket.once("error", () => answer(false));
    socket.once("close", () => answer(false));
  });
}

async function notReady(directory: string, extent: Extent, found: string): Promise<ProblemError> {
  const files = ["db2/db2.log"];
  for (const name of hostsOf(extent)) {
    const own = `hosts/${name}${LAB_ROOT}`;
    files.push(`${name}.log`, `${own}/sshd.log`, `${own}/app-server.log`, `${own}/boot.log`);
  }
  const logs: string[] = [];
  for (const log of files) {
    const text = (await readFile(join(directory, log), "utf8").catch(() => "")).trim();
    if (text) logs.push(`${log}: ${text.split("\n").slice(-3).join(" | ")}`);
  }
  return new ProblemError("timeout", {
    where: directory,
    found: `the lab did not come up: ${found}`,
    why: logs.join("; "),
  });
}
