/*
 * What the programs of a lab host know of their cell, and the few things they all do. On a host these files lie in
 * /opt/lab/was/host; they import nothing of the project but each other, so that Node runs them as they are.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";

export interface Settings {
  cell: string;
  node: string;
  /** As the host sees it, like every path here. */
  profile: string;
  connectionsRoot: string;
  switches: string;
  /** JSON: user and password of the administrator. Changed while the lab runs, so it is read at every question. */
  credentials: string;
  /** Opens what only the lab's own programs may ask of each other. */
  token: string;
  dmgr: { address: string; soapPort: number; repositoryPort: number };
  /** The node agent's, and of the process that holds the node's servers. */
  address: string;
  agentPort: number;
  serversPort: number;
  servers: { name: string; member: string; port: number; applications: string[] }[];
  /** Milliseconds: real ones are minutes, the lab's are scaled down. */
  times: {
    startServer: number;
    quiesce: number;
    slowStop: number;
    stopApplication: number;
    startApplication: number;
    expand: number;
    startAgent: number;
    autoSync: number;
    installApplication: number;
  };
}

export const LAB_FOLDER = resolve(import.meta.dirname, "../..");

export function readSettings(file = `${LAB_FOLDER}/cell.json`): Settings {
  return JSON.parse(readFileSync(file, "utf8")) as Settings;
}

export const sleep = (ms: number): Promise<void> => new Promise((passed) => setTimeout(passed, ms));

/** true while the lab's user has this fault on. */
export const isOn = (settings: Settings, fault: string): boolean => existsSync(`${settings.switches}/${fault}`);

export async function whileOn(settings: Settings, fault: string): Promise<void> {
  while (isOn(settings, fault)) await sleep(50);
}

export const digestOf = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export interface Login {
  user: string;
  password: string;
}

export function isAdministrator(settings: Settings, login: Login): boolean {
  const known = JSON.parse(readFileSync(settings.credentials, "utf8")) as Login;
  return login.user === known.user && login.password === known.password;
}

export interface Answer {
  status: number;
  text: string;
}

/** One request to another program of the lab. Rejects with ECONNREFUSED when nothing listens there. */
export function ask(
  settings: Settings,
  address: string,
  port: number,
  method: string,
  path: string,
  options: { login?: Login; body?: string; timeoutMs?: number } = {},
): Promise<Answer> {
  const { login, body, timeoutMs = 120_000 } = options;
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{ host: address, port, method, path, agent: false },
        headers: {
          "x-lab-token": settings.token,
          ...(login
            ? { "x-user": encodeURIComponent(login.user), "x-password": encodeURIComponent(login.password) }
            : {}),
        },
      },
      (response) =>
        void text(response).then((answer) => resolve({ status: response.statusCode ?? 0, text: answer }), reject),
    );
    asked.setTimeout(timeoutMs, () => asked.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    asked.on("error", reject);
    asked.end(body);
  });
}

/** A line as a server's SystemOut.log has it. */
export function logLine(text: string): string {
  return `[${new Date().toISOString().replace("T", " ").slice(0, 23)} UTC] 00000001 ${text}\n`;
}
