/*
 * startNode, stopNode, syncNode, serverStatus, startServer, stopServer, startManager, stopManager of the lab, with the
 * documented messages and exit codes.
 *
 * usage: node commands.mts COMMAND [ARGUMENT...]     (COMMAND without .sh)
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { launch } from "./launch.mts";
import { ask, isAdministrator, isOn, type Login, readSettings, sleep } from "./settings.mts";
import { expand, synchronize, toExpand } from "./synchronize.mts";

const settings = readSettings();
/** Exit codes as the shell sees them: -1, -2, -10, -11. */
const EXIT = { failed: 255, startTimeout: 254, stopFailed: 246, stopTimeout: 245 } as const;
const WITH_VALUE = new Set([
  "username",
  "user",
  "password",
  "timeout",
  "logfile",
  "conntype",
  "port",
  "host",
  "profileName",
]);
const POLL_MS = 50;

const options = new Map<string, string>();
const words: string[] = [];
const [command = "", ...args] = process.argv.slice(2);
for (let i = 0; i < args.length; i++) {
  const arg = args[i] ?? "";
  const name = arg.slice(1);
  if (!arg.startsWith("-")) words.push(arg);
  else if (WITH_VALUE.has(name)) options.set(name, args[++i] ?? "");
  else options.set(name, "true");
}
const timeoutMs = Number(options.get("timeout") ?? 600) * 1_000;

const isManager = settings.node === "dmgr";
const OWN_AGENT = isManager ? "dmgr" : "nodeagent";
let toolLog: string | undefined;

function say(text: string): void {
  console.log(text);
  if (toolLog) appendFileSync(toolLog, `${text}\n`);
}

function begin(server: string): void {
  const folder = `${settings.profile}/logs/${server}`;
  mkdirSync(folder, { recursive: true });
  toolLog = options.get("logfile") ?? `${folder}/${command}.log`;
  say(`ADMU0116I: Tool information is being logged in file ${toolLog}`);
  say(`ADMU0128I: Starting tool with the ${settings.profile.split("/").at(-1)} profile`);
}

/**
 * Of the command line, else of the file that the profile's environment names: syncNode logs in by SOAP, the others by IPC
 * (IBM "stopNode command").
 */
function login(): Login {
  const user = options.get("username") ?? options.get("user");
  if (user !== undefined) return { user, password: options.get("password") ?? "" };
  const kind = command === "syncNode" || options.get("conntype") === "SOAP" ? "SOAP" : "IPC";
  const file = /ConfigURL=file:(.*)$/.exec(process.env[`CLIENT${kind}`] ?? "")?.[1] ?? "";
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const value = (key: string) => {
    const found = [...text.matchAll(new RegExp(`^com\\.ibm\\.${kind}\\.${key}=(.*)$`, "gm"))].at(-1)?.[1] ?? "";
    return found.replace(/\\(.)/g, "$1");
  };
  return { user: value("loginUserid"), password: value("loginPassword") };
}

const toAgent = (method: string, path: string) =>
  ask(settings, settings.address, settings.agentPort, method, path, { login: login(), timeoutMs });

/** Whether these credentials are the administrator's, as the servers' own connectors would say. */
function credentialsHold(): boolean {
  return isAdministrator(settings, login());
}

interface About {
  state: string;
  pid: number | null;
}

async function localServers(): Promise<Record<string, About>> {
  const { text } = await ask(settings, settings.address, settings.serversPort, "GET", "/servers");
  return JSON.parse(text) as Record<string, About>;
}

async function agentRuns(): Promise<boolean> {
  return ask(settings, settings.address, settings.agentPort, "GET", "/state").then(
    (answer) => answer.status === 200,
    () => false,
  );
}

async function managerRuns(): Promise<boolean> {
  const { address, repositoryPort } = settings.dmgr;
  return ask(settings, address, repositoryPort, "GET", "/epoch/dmgr").then(
    (answer) => answer.status === 200,
    () => false,
  );
}

const DENIED =
  "ADMN0022E: Access is denied for the getState operation on Server MBean because of insufficient or empty credentials.";

const KINDS: Record<string, string> = { nodeagent: "Node Agent", dmgr: "Deployment Manager" };
const titleOf = (server: string) => `The ${KINDS[server] ?? "Application Server"} "${server}"`;

function cannotBeReached(server: string): void {
  say(`ADMU0509I: ${titleOf(server)} cannot be reached. It appears to be stopped.`);
}

/** The documented trap: a refused login looks like a stopped server, with exit code 0. */
async function sayStatus(server: string): Promise<void> {
  const local = isManager ? {} : await localServers();
  const starting = ["STARTING", "STOPPING"].includes(local[server]?.state ?? "");
  const runs =
    server === "dmgr"
      ? await managerRuns()
      : server === "nodeagent"
        ? await agentRuns()
        : local[server]?.state === "STARTED" || starting;
  if (runs && !credentialsHold()) {
    say(DENIED);
    cannotBeReached(server);
  } else if (starting) say(`ADMU0508I: ${titleOf(server)} is ${local[server]?.state}`);
  else if (runs) say(`ADMU0508I: ${titleOf(server)} is STARTED`);
  else cannotBeReached(server);
}

async function serverStatus(): Promise<number> {
  const known = [OWN_AGENT, ...settings.servers.map((server) => server.name)];
  if (!options.has("all")) {
    const [server = ""] = words;
    if (!known.includes(server)) return unknownServer(server);
    begin(server);
    say(`ADMU0500I: Retrieving server status for ${server}`);
    await sayStatus(server);
    return 0;
  }
  begin(OWN_AGENT);
  say("ADMU0503I: Retrieving server status for all servers");
  say("ADMU0505I: Servers found in configuration:");
  for (const server of known) say(`ADMU0506I: Server name: ${server}`);
  for (const server of known) await sayStatus(server);
  return 0;
}

function unknownServer(server: string): number {
  say(
    `ADMU0111E: Program exiting with error: com.ibm.websphere.management.exception.AdminException: ADMU0522E: Server cannot be found in the configuration: ${server}`,
  );
  return EXIT.failed;
}

function alreadyRuns(server: string): number {
  say(`ADMU3027E: An instance of the server may already be running: ${server}`);
  say("ADMU0111E: Program exiting with error: com.ibm.websphere.management.exception.AdminException: ADMU3027E");
  say(`ADMU1211I: To obtain a full trace of the failure, use the -trace option.`);
  return EXIT.failed;
}

async function startServer(): Promise<number> {
  const [server = ""] = words;
  if (server === OWN_AGENT) return startAgent();
  if (!settings.servers.some((one) => one.name === server)) return unknownServer(server);
  begin(server);
  say(`ADMU3100I: Reading configuration for server: ${server}`);
  const path = `/servers/${encodeURIComponent(server)}/start`;
  const started = ask(settings, settings.address, settings.serversPort, "POST", path).then(({ text }) =>
    JSON.parse(text),
  );
  if ((await localServers())[server]?.state === "STARTED") return alreadyRuns(server);
  say("ADMU3200I: Server launched. Waiting for initialization status.");
  const outcome = options.has("nowait") ? "started" : await inTime(started);
  if (outcome === "running") return alreadyRuns(server);
  if (outcome === "timeout") {
    say(`ADMU3040E: Timed out waiting for server initialization: ${timeoutMs / 1_000} seconds`);
    return EXIT.startTimeout;
  }
  if (outcome === "failed") {
    say(
      "ADMU3011E: Server launched but failed initialization. startServer.log, SystemOut.log(or job log in zOS) and other log files should contain failure information.",
    );
    return EXIT.failed;
  }
  say(`ADMU3000I: Server ${server} open for e-business; process id is ${(await localServers())[server]?.pid}`);
  return 0;
}

async function inTime(work: Promise<unknown>): Promise<unknown> {
  return Promise.race([work, sleep(timeoutMs).then(() => "timeout")]);
}

async function stopServer(): Promise<number> {
  const [server = ""] = words;
  if (server === OWN_AGENT) return stopAgent();
  if (!settings.servers.some((one) => one.name === server)) return unknownServer(server);
  begin(server);
  say(`ADMU3100I: Reading configuration for server: ${server}`);
  if ((await localServers())[server]?.state === "STOPPED") {
    cannotBeReached(server);
    return EXIT.stopFailed;
  }
  if (!credentialsHold()) {
    say(DENIED);
    cannotBeReached(server);
    return EXIT.stopFailed;
  }
  say("ADMU3201I: Server stop request issued. Waiting for stop status.");
  const path = `/servers/${encodeURIComponent(server)}/stop`;
  const stopped = ask(settings, settings.address, settings.serversPort, "POST", path).then(({ text }) =>
    JSON.parse(text),
  );
  if (!options.has("nowait") && (await inTime(stopped)) === "timeout") {
    say("ADMU3060E: Timed out waiting for server shutdown.");
    return EXIT.stopTimeout;
  }
  say(`ADMU4000I: Server ${server} stop completed.`);
  return 0;
}

/** startNode and startManager: the process goes on when this command has ended. */
async function startAgent(): Promise<number> {
  begin(OWN_AGENT);
  say(`ADMU3100I: Reading configuration for server: ${OWN_AGENT}`);
  const runs = isManager ? managerRuns : agentRuns;
  if (await runs()) return alreadyRuns(OWN_AGENT);
  const child = launch(settings);
  let ended = false;
  child.once("exit", () => {
    ended = true;
  });
  say("ADMU3200I: Server launched. Waiting for initialization status.");
  const end = Date.now() + timeoutMs;
  while (!(await runs())) {
    if (ended || Date.now() > end) {
      say("ADMU3011E: Server launched but failed initialization.");
      return EXIT.failed;
    }
    await sleep(POLL_MS);
  }
  say(`ADMU3000I: Server ${OWN_AGENT} open for e-business; process id is ${child.pid}`);
  return 0;
}

async function stopAgent(): Promise<number> {
  begin(OWN_AGENT);
  say(`ADMU3100I: Reading configuration for server: ${OWN_AGENT}`);
  const runs = isManager ? managerRuns : agentRuns;
  if (!(await runs())) {
    cannotBeReached(OWN_AGENT);
    return EXIT.stopFailed;
  }
  if (!credentialsHold()) {
    say(DENIED);
    cannotBeReached(OWN_AGENT);
    return EXIT.stopFailed;
  }
  if (options.has("stopservers")) {
    for (const { name } of settings.servers) {
      await ask(settings, settings.address, settings.serversPort, "POST", `/servers/${encodeURIComponent(name)}/stop`);
    }
  }
  say("ADMU3201I: Server stop request issued. Waiting for stop status.");
  const { address, repositoryPort } = settings.dmgr;
  if (!isOn(settings, "agent-stays")) {
    await (isManager ? ask(settings, address, repositoryPort, "POST", "/end") : toAgent("POST", "/end"));
  }
  const end = Date.now() + timeoutMs;
  while (await runs()) {
    if (Date.now() > end) {
      say("ADMU3060E: Timed out waiting for server shutdown.");
      return EXIT.stopTimeout;
    }
    await sleep(POLL_MS);
  }
  say(`ADMU4000I: Server ${OWN_AGENT} stop completed.`);
  return 0;
}

async function syncNode(): Promise<number> {
  const [host = "", port = "8879"] = words;
  begin("nodeagent");
  say(`ADMU0401I: Begin syncNode operation for node ${settings.node} with Deployment Manager ${host}: ${port}`);
  if (await agentRuns()) {
    say(
      "ADMU0111E: Program exiting with error: ADMU0027E: the node agent is running; stop it first, or use -stopservers with -restart",
    );
    return EXIT.failed;
  }
  const { address, soapPort } = settings.dmgr;
  if (![address, "dmgr"].includes(host) || Number(port) !== soapPort || !(await managerRuns())) {
    say(
      `ADMU0111E: Program exiting with error: ADMU0006E: Exception creating Deployment Manager connection: ${host}:${port}`,
    );
    return EXIT.failed;
  }
  if (!credentialsHold()) {
    say(
      "ADMU0111E: Program exiting with error: ADMN0022E: Access is denied for the syncNode operation because of insufficient or empty credentials.",
    );
    return EXIT.failed;
  }
  say("ADMU0016I: Synchronizing configuration between node and cell.");
  try {
    await synchronize(settings, true);
  } catch (error) {
    say(`ADMU0111E: Program exiting with error: ${String(error)}`);
    return EXIT.failed;
  }
  for (const application of toExpand(settings)) await expand(settings, application);
  say(
    `ADMU0402I: The configuration for node ${settings.node} has been synchronized with Deployment Manager ${host}: ${port}`,
  );
  return 0;
}

const COMMANDS: Record<string, () => Promise<number>> = {
  serverStatus,
  startServer,
  stopServer,
  startNode: startAgent,
  stopNode: stopAgent,
  startManager: startAgent,
  stopManager: stopAgent,
  syncNode,
};

process.exit((await COMMANDS[command]?.()) ?? EXIT.failed);
