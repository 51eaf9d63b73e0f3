import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";

/** Takes connections and says nothing. */
export async function silentServer(): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** TLS in front of a port, with a self-signed certificate for "localhost". */
export async function tlsFront(target: number) {
  const folder = mkdtempSync(join(tmpdir(), "db2-tls-"));
  const make = (name: string) => {
    const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`, "-out", `${name}.pem`];
    const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    execFileSync("openssl", ["req", "-x509", ...key, "-days", "2", ...names], { cwd: folder, stdio: "pipe" });
    return join(folder, name);
  };
  const [used, other] = [make("used"), make("other")];
  const sockets = new Set<Socket>();
  const server = createTlsServer({ key: readFileSync(`${used}.key`), cert: readFileSync(`${used}.pem`) }, (socket) => {
    const line = connect(target, "127.0.0.1");
    for (const each of [socket, line]) {
      sockets.add(each);
      each.on("error", () => undefined);
    }
    socket.on("close", () => line.destroy()).pipe(line);
    line.on("close", () => socket.destroy()).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    certificate: `${used}.pem`,
    otherCertificate: `${other}.pem`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
