import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Connection } from "../connection.js";
import { openHost } from "../hosts.js";
import type { Endpoint } from "./connection-string.js";

/** This end of a way to the database through SSH: a port of 127.0.0.1 for as long as it is open. */
export interface Forward extends Endpoint {
  close(): Promise<void>;
}

/**
 * Listens on a free port of 127.0.0.1 and passes each connection on from the host to `target`. The driver can only connect to
 * an address, not use a connection that is there already.
 *
 * @throws ProblemError when the host is not reachable or does not let us through
 */
export async function openForward(through: Connection, target: Endpoint): Promise<Forward> {
  const host = openHost(through);
  const sockets = new Set<Socket>();
  // Tried before the driver comes: a refusal would reach it as a line that just ends.
  const first = await host.forward(target.host, target.port);
  let spare: typeof first | undefined = first;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    const channel = spare ? Promise.resolve(spare) : host.forward(target.host, target.port);
    spare = undefined;
    channel.then(
      (line) => {
        line.on("error", () => socket.destroy());
        line.on("close", () => socket.destroy());
        socket.on("close", () => line.destroy());
        socket.pipe(line).pipe(socket);
      },
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  server.unref();
  return {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    async close() {
      spare?.destroy();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
