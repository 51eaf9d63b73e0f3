import { connect } from "node:net";
import { ProblemError } from "../../common/problem.js";
import type { Access } from "../../lifecycle/kind.js";
import type { Connection } from "../../targets/connection.js";
import { NotReached } from "../../targets/ssh-connect.js";
import type { CellObservation } from "../../targets/wsadmin/cell.js";
import type { Settings } from "./schema.js";

/** Limit of one look at a port of something that is said to be gone. */
const LOOK_MS = 10_000;

interface Reached {
  readonly settings: Settings;
  readonly access: Access;
}

/** Whatever of a node or web server takes a connection. That it refuses a login, or hangs after one, is an answer too. */
export async function answersOf(
  name: string,
  topology: () => Promise<CellObservation["topology"]>,
  { settings, access }: Reached,
): Promise<readonly string[]> {
  const node = settings.nodes.find((each) => each.name === name);
  const webServer = settings.webServers.find((each) => each.name === name);
  const bySsh = await Promise.all(
    [node, webServer].flatMap((each) => (each ? [sshAnswer(each.connection, access)] : [])),
  );
  const ports = [
    ...(webServer ? [{ what: name, ...webServer.verify.connectTo }] : []),
    ...(node ? await memberPorts(name, node.probeAddress ?? node.connection.address, topology) : []),
  ];
  const byPort = await Promise.all(
    ports.map(async ({ what, address, port }) =>
      (await takesConnection({ host: address, port })) ? [`${what} at ${address} port ${port}`] : [],
    ),
  );
  return [...bySsh, ...byPort].flat();
}

async function sshAnswer(connection: Connection, access: Access): Promise<readonly string[]> {
  try {
    await access.host(connection).files.stat("/");
    return [`${connection.name} by SSH`];
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    // A jump host that cannot be reached says nothing about the host behind it.
    const isItself = error.problems.every(({ where }) => where.startsWith(`${connection.name} (`));
    return error instanceof NotReached && isItself ? [] : [`${connection.name} by SSH (${error.message})`];
  }
}

function takesConnection(at: { readonly host: string; readonly port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(at);
    const said = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(LOOK_MS, () => said(false));
    socket.once("connect", () => said(true)).once("error", () => said(false));
  });
}

/** Of every server on the node, by the cell's own configuration; none where that cannot be read. */
async function memberPorts(node: string, address: string, topology: () => Promise<CellObservation["topology"]>) {
  const { servers } = await topology().catch((error: unknown) => {
    if (error instanceof ProblemError) return { servers: [] };
    throw error;
  });
  return servers
    .filter((server) => server.node === node)
    .flatMap(({ server, endpoints }) =>
      Object.values(endpoints).map(({ port }) => ({ what: `${server} of ${node}`, address, port })),
    );
}
