/*
 * The lab's node agent: synchronizes (the first time after its start always fully), expands what came, restarts the changed
 * applications on the node's running servers, and starts and stops servers for the deployment manager.
 *
 * usage: node agent.mts … CONFIG CELL NODE nodeagent      (arguments as a WebSphere JVM has them; only /opt/lab/cell.json counts)
 */
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { launch } from "./launch.mts";
import { ask, isAdministrator, logLine, readSettings, sleep } from "./settings.mts";
import { epochOf, expand, expandedDigest, masterEpoch, synchronize, toExpand } from "./synchronize.mts";

const settings = readSettings();
const logs = `${settings.profile}/logs/nodeagent`;
const pidFile = `${logs}/nodeagent.pid`;
const POLL_MS = 50;

let autoSync = true;
/** It forgot what it has: the next synchronization compares every file. */
let forgotten = true;
/** Synchronizations one after the other, and so expansions; neither waits for the other. */
let synchronizing: Promise<unknown> = Promise.resolve();
let expanding: Promise<unknown> = Promise.resolve();

const log = (text: string) => appendFileSync(`${logs}/SystemOut.log`, logLine(text));

async function servers(method: string, path: string): Promise<unknown> {
  const { text } = await ask(settings, settings.address, settings.serversPort, method, path);
  return JSON.parse(text);
}

/** @returns whether the configuration is that of the cell now; expanding goes on after the answer */
function sync(): Promise<boolean> {
  const done = synchronizing
    .then(() => synchronize(settings, forgotten))
    .then(
      () => {
        forgotten = false;
        log("ADMS0003I: The configuration synchronization completed successfully.");
        return true;
      },
      (error: unknown) => {
        log(`ADMS0005E: The system is unable to generate synchronization request: ${String(error)}`);
        return false;
      },
    );
  synchronizing = done.then(() => {
    expanding = expanding.then(restartChanged).catch((error: unknown) => log(String(error)));
  });
  return done;
}

/** The hole in the classic order: servers that run answer 404, then 500, for the time of the restart. */
async function restartChanged(): Promise<void> {
  for (const application of toExpand(settings)) {
    await servers("POST", `/servers/*/stop/${application}`);
    await sleep(settings.times.stopApplication);
    await expand(settings, application);
    log(`ADMA7021I: Distribution of application ${application} completed successfully.`);
    await servers("POST", `/servers/*/begin/${application}`);
    await sleep(settings.times.startApplication);
    await servers("POST", `/servers/*/ready/${application}`);
  }
}

async function synchronizeByItself(): Promise<void> {
  await sync();
  for (;;) {
    await sleep(settings.times.autoSync);
    if (autoSync) await sync();
  }
}

interface About {
  state: string;
  pid: number | null;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

/** As Java properties. */
async function state(): Promise<string> {
  const about = (await servers("GET", "/servers")) as Record<string, About>;
  const master = await masterEpoch(settings).catch(() => "unknown");
  const applications = [...new Set(settings.servers.flatMap((server) => server.applications))];
  return [
    `pid=${process.pid}`,
    `synchronized=${master === epochOf(settings)}`,
    `autoSync=${autoSync}`,
    ...Object.entries(about).map(
      ([name, { state: now, pid, startedAt }]) => `server.${name}=${now} ${pid ?? ""} ${startedAt}`,
    ),
    ...applications.map((name) => `application.${name}=${expandedDigest(settings, name)}`),
    "",
  ].join("\n");
}

async function answer(method: string, path: string): Promise<string> {
  const url = new URL(path, "http://agent");
  const [, verb, name = ""] = url.pathname.split("/").map(decodeURIComponent);
  if (method === "GET") return state();
  if (verb === "sync") return String(await sync());
  if (verb === "request-sync") {
    void sync();
    return "true";
  }
  if (verb === "refresh") {
    forgotten = true;
    return "";
  }
  if (verb === "auto-sync") {
    autoSync = name === "true";
    return String(autoSync);
  }
  if (verb === "start" || verb === "stop" || verb === "terminate") {
    return String(await servers("POST", `/servers/${encodeURIComponent(name)}/${verb}`));
  }
  if (verb === "die") process.kill(process.pid, "SIGKILL");
  if (verb === "end" || verb === "restart") {
    setImmediate(() => end(verb === "restart"));
    return "stopping";
  }
  return "unknown request";
}

function end(again: boolean): void {
  log("ADML0064I: The node agent has stopped.");
  rmSync(pidFile, { force: true });
  if (again) launch(settings);
  process.exit(0);
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const login = {
    user: decodeURIComponent(String(request.headers["x-user"] ?? "")),
    password: decodeURIComponent(String(request.headers["x-password"] ?? "")),
  };
  const ours = request.headers["x-lab-token"] === settings.token;
  const needsLogin = request.headers["x-user"] !== undefined;
  const allowed = ours && (!needsLogin || isAdministrator(settings, login));
  const text = allowed ? await answer(request.method ?? "GET", request.url ?? "/") : "SECJ0305I: access denied";
  response.writeHead(allowed ? 200 : 401, { "content-type": "text/plain", connection: "close" });
  response.end(text);
}

mkdirSync(logs, { recursive: true });
await sleep(settings.times.startAgent);
createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    response.writeHead(500);
    response.end(String(error));
  });
})
  .on("error", (error) => {
    log(String(error));
    process.exit(1);
  })
  .listen(settings.agentPort, settings.address, () => {
    writeFileSync(pidFile, `${process.pid}\n`);
    log("WSVR0001I: Server nodeagent open for e-business");
    process.on("SIGTERM", () => end(false));
    void waitForServers().then(synchronizeByItself);
  });

async function waitForServers(): Promise<void> {
  while (!(await servers("GET", "/servers").then(Boolean, () => false))) await sleep(POLL_MS);
}
