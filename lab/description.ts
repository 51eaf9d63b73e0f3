import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { ProblemError } from "../providers/common/problem.js";
import type { Db2Place } from "./db2/server.js";
import { type AnyHostName, HOST_NAMES, hostsOf, memberCount, NODE_NAMES, nodesOf } from "./topology.js";

/**
 * Each host has an address of its own; Linux lets anyone bind all of 127.0.0.0/8. So has the Db2 server: on 127.0.0.1, where all
 * clients connect from, a closed connection may hold its port for a minute, and a server that starts again would not get it.
 */
const ADDRESSES = { ...everyHost((i) => `127.0.0.${11 + i}`), db2: "127.0.0.16" };
const ONE_ADDRESS = { ...everyHost(() => "127.0.0.1"), db2: "127.0.0.1" };

/** One value for every host that a lab may have, whether it has it or not. */
function everyHost<T>(value: (index: number) => T): Record<AnyHostName, T> {
  return Object.fromEntries(HOST_NAMES.map((name, i) => [name, value(i)])) as Record<AnyHostName, T>;
}

const perHost = <T extends z.ZodType>(value: T) => z.record(z.enum(HOST_NAMES), value);
const port = z.number().int().min(1).max(65_535);

const descriptionSchema = z.strictObject({
  version: z.literal(4),
  /** The directory was made for this lab and goes with it. */
  temporary: z.boolean(),
  namespaces: z.enum(["user", "root", "none"]),
  mpm: z.enum(["worker", "event"]),
  backupAffinity: z.boolean(),
  killOnParseError: z.boolean(),
  nodes: z.union([z.literal(2), z.literal(3)]),
  cell: z.enum(["none", "2.1", "2.7"]),
  db2: z.boolean(),
  /** Cluster members are Open Liberty servers. */
  liberty: z.boolean(),
  addresses: perHost(z.string()),
  /** Where users of the lab connect. */
  sshPorts: perHost(port),
  /** Behind it: sshd itself. */
  sshdPorts: perHost(port),
  webPort: port,
  /** Of the application servers' switches, per node. */
  adminPorts: z.record(z.enum(NODE_NAMES), port),
  /** SOAP connectors of the node agents. */
  agentPorts: z.record(z.enum(NODE_NAMES), port),
  /** SOAP connector of the deployment manager; where its answers come from; its configuration repository. */
  dmgrPorts: z.strictObject({ soap: port, remote: port, repository: port }),
  /** IBM HTTP Server's administration server, which takes propagated plug-in files. */
  ihsAdminPort: port,
  memberPorts: z.array(port),
  /** Of the Db2 server: where the driver connects, and the lab itself. */
  db2Place: z.strictObject({ address: z.string(), drda: port, control: port }) satisfies z.ZodType<Db2Place>,
  hostKeys: perHost(z.string()),
  token: z.string(),
  ltpaKey: z.string(),
  password: z.string(),
});

/** All that is fixed while a lab exists; a stopped lab that is started again keeps it. */
export type Description = z.infer<typeof descriptionSchema>;
export type Choices = Pick<
  Description,
  "mpm" | "backupAffinity" | "killOnParseError" | "nodes" | "cell" | "db2" | "liberty"
>;

const FILE = "lab.json";

/** Where the Db2 server's databases, password and log are. */
export const db2Directory = (directory: string): string => join(directory, "db2");

export async function readDescription(directory: string): Promise<Description | undefined> {
  const text = await readFile(join(directory, FILE), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return descriptionSchema.parse(JSON.parse(text));
  } catch {
    return undefined; // half-written by a start that was killed, or by another version: the lab is built anew
  }
}

export async function writeDescription(directory: string, description: Description): Promise<void> {
  await writeWhole(join(directory, FILE), `${JSON.stringify(description, undefined, 2)}\n`);
}

/** Old or new, never half. */
export async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

export async function newDescription(
  fixed: Choices & Pick<Description, "temporary" | "namespaces">,
): Promise<Description> {
  const { db2, ...addresses } = (await canBind(ADDRESSES)) ? ADDRESSES : ONE_ADDRESS;
  const memberNodes = Array.from({ length: memberCount(fixed) }, (_, i) => NODE_NAMES[i % fixed.nodes] ?? "node1");
  const ports = await freePorts([
    ...[...HOST_NAMES, ...HOST_NAMES, ...NODE_NAMES, ...NODE_NAMES, ...memberNodes].map((host) => addresses[host]),
    ...[addresses.dmgr, addresses.dmgr, addresses.dmgr, addresses.web1, addresses.web1],
    ...[db2, db2],
  ]);
  const next = () => ports.shift() ?? 0;
  const everyNode = () => Object.fromEntries(NODE_NAMES.map((name) => [name, next()])) as Description["adminPorts"];
  return {
    version: 4,
    ...fixed,
    addresses,
    sshPorts: everyHost(next),
    sshdPorts: everyHost(next),
    adminPorts: everyNode(),
    agentPorts: everyNode(),
    memberPorts: memberNodes.map(next),
    dmgrPorts: { soap: next(), remote: next(), repository: next() },
    webPort: next(),
    ihsAdminPort: next(),
    db2Place: { address: db2, drda: next(), control: next() },
    hostKeys: everyHost(() => ""),
    token: randomBytes(18).toString("base64url"),
    ltpaKey: randomBytes(24).toString("base64url"),
    // Hexadecimal: one that begins with a hyphen would be an option to the update installer.
    password: randomBytes(12).toString("hex"),
  };
}

/** true when nobody else listens where this lab did before. */
export async function portsAreFree(description: Description): Promise<boolean> {
  const { addresses, sshPorts, sshdPorts, adminPorts, agentPorts, dmgrPorts, memberPorts } = description;
  const hosts = hostsOf(description);
  const nodes = nodesOf(description);
  const places: [string, number][] = [
    [addresses.web1, description.webPort],
    ...nodes.map((name): [string, number] => [addresses[name], adminPorts[name]]),
    ...hosts.map((name): [string, number] => [addresses[name], sshPorts[name]]),
    ...hosts.map((name): [string, number] => [addresses[name], sshdPorts[name]]),
    ...memberPorts.map((memberPort, i): [string, number] => [
      addresses[nodes[i % nodes.length] ?? "node1"],
      memberPort,
    ]),
  ];
  if (description.cell !== "none") {
    places.push([addresses.web1, description.ihsAdminPort]);
    places.push(...nodes.map((name): [string, number] => [addresses[name], agentPorts[name]]));
    places.push(...Object.values(dmgrPorts).map((one): [string, number] => [addresses.dmgr, one]));
  }
  if (description.db2) {
    const { address, drda, control } = description.db2Place;
    places.push([address, drda], [address, control]);
  }
  const free = await Promise.all(places.map(([address, portNumber]) => isFree(address, portNumber)));
  return free.every(Boolean);
}

async function canBind(addresses: Readonly<Record<string, string>>): Promise<boolean> {
  return (await Promise.all(Object.values(addresses).map((address) => isFree(address, 0)))).every(Boolean);
}

async function isFree(address: string, portNumber: number): Promise<boolean> {
  try {
    await release(await listen(address, portNumber));
    return true;
  } catch {
    return false;
  }
}

/** All at once, so that no two are the same. */
async function freePorts(addresses: readonly string[]): Promise<number[]> {
  const servers = await Promise.all(addresses.map((address) => listen(address, 0)));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(release));
  return ports;
}

function listen(address: string, portNumber: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(new ProblemError("unreachable", { where: `${address}:${portNumber}`, found: error.message })),
    );
    server.listen(portNumber, address, () => resolve(server));
  });
}

function release(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
