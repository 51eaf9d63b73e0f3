import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { ProblemError } from "../providers/common/problem.js";
import { HOST_NAMES, type HostName, MEMBER_COUNT } from "./topology.js";

/** Each host has an address of its own; Linux lets anyone bind all of 127.0.0.0/8. */
const ADDRESSES: Readonly<Record<HostName, string>> = { web1: "127.0.0.11", node1: "127.0.0.12", node2: "127.0.0.13" };
const ONE_ADDRESS: Readonly<Record<HostName, string>> = { web1: "127.0.0.1", node1: "127.0.0.1", node2: "127.0.0.1" };

const perHost = <T extends z.ZodType>(value: T) => z.strictObject({ web1: value, node1: value, node2: value });
const port = z.number().int().min(1).max(65_535);

const descriptionSchema = z.strictObject({
  version: z.literal(1),
  /** The directory was made for this lab and goes with it. */
  temporary: z.boolean(),
  namespaces: z.enum(["user", "root", "none"]),
  mpm: z.enum(["worker", "event"]),
  backupAffinity: z.boolean(),
  killOnParseError: z.boolean(),
  addresses: perHost(z.string()),
  /** Where users of the lab connect. */
  sshPorts: perHost(port),
  /** Behind it: sshd itself. */
  sshdPorts: perHost(port),
  webPort: port,
  adminPorts: z.strictObject({ node1: port, node2: port }),
  memberPorts: z.array(port).length(MEMBER_COUNT),
  hostKeys: perHost(z.string()),
  token: z.string(),
  ltpaKey: z.string(),
  password: z.string(),
});

/** All that is fixed while a lab exists; a stopped lab that is started again keeps it. */
export type Description = z.infer<typeof descriptionSchema>;
export type Choices = Pick<Description, "mpm" | "backupAffinity" | "killOnParseError">;

const FILE = "lab.json";

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
  const addresses = (await canBind(ADDRESSES)) ? ADDRESSES : ONE_ADDRESS;
  const { web1, node1, node2 } = addresses;
  const wanted = [web1, web1, web1, node1, node1, node1, node2, node2, node2];
  for (let member = 0; member < MEMBER_COUNT; member++) wanted.push(member % 2 === 0 ? node1 : node2);
  const [webPort = 0, web1Ssh = 0, web1Sshd = 0, ...rest] = await freePorts(wanted);
  const [node1Ssh = 0, node1Sshd = 0, node1Admin = 0, node2Ssh = 0, node2Sshd = 0, node2Admin = 0, ...members] = rest;
  return {
    version: 1,
    ...fixed,
    addresses: { ...addresses },
    sshPorts: { web1: web1Ssh, node1: node1Ssh, node2: node2Ssh },
    sshdPorts: { web1: web1Sshd, node1: node1Sshd, node2: node2Sshd },
    webPort,
    adminPorts: { node1: node1Admin, node2: node2Admin },
    memberPorts: members,
    hostKeys: { web1: "", node1: "", node2: "" },
    token: randomBytes(18).toString("base64url"),
    ltpaKey: randomBytes(24).toString("base64url"),
    password: randomBytes(12).toString("base64url"),
  };
}

/** true when nobody else listens where this lab did before. */
export async function portsAreFree(description: Description): Promise<boolean> {
  const { addresses, sshPorts, sshdPorts, adminPorts, memberPorts } = description;
  const places: [string, number][] = [
    [addresses.web1, description.webPort],
    [addresses.node1, adminPorts.node1],
    [addresses.node2, adminPorts.node2],
    ...HOST_NAMES.map((name): [string, number] => [addresses[name], sshPorts[name]]),
    ...HOST_NAMES.map((name): [string, number] => [addresses[name], sshdPorts[name]]),
    ...memberPorts.map((memberPort, i): [string, number] => [addresses[i % 2 === 0 ? "node1" : "node2"], memberPort]),
  ];
  const free = await Promise.all(places.map(([address, portNumber]) => isFree(address, portNumber)));
  return free.every(Boolean);
}

async function canBind(addresses: Readonly<Record<HostName, string>>): Promise<boolean> {
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
