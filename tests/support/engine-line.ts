import type { Engine } from "./engine.js";
import { FaultProxy } from "./fault-proxy.js";

/** Puts a fault proxy between a stack and the lab's web server host: the stack's configuration then leads through it. */
export async function lineTo(engine: Engine): Promise<FaultProxy> {
  const { port, address } = engine.lab.hosts.web1.connection;
  const line = await FaultProxy.start(port, address);
  await engine.configure((values) => {
    const hosts = values.hosts as { web1: object };
    return { ...values, hosts: { ...hosts, web1: { ...hosts.web1, address: "127.0.0.1", port: line.port } } };
  });
  return line;
}
