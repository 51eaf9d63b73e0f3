import { ProblemError } from "../../../providers/common/problem.js";
import type { Work } from "../../../providers/kinds/interim-fixes/apply.js";
import { connections, users } from "../../../providers/kinds/interim-fixes/count-users.js";
import { drain } from "../../../providers/kinds/interim-fixes/drain.js";
import { connectionSchema } from "../../../providers/targets/connection.js";
import type { CellTopology, ServerUsers } from "../../../providers/targets/wsadmin/cell.js";
import { declaration } from "../../model/driver.js";
import { MemoryCell } from "../../support/memory-cell.js";
import { MemoryHost } from "../../support/memory-host.js";

interface Load {
  /** Open connections after so many seconds. */
  readonly connections: (seconds: number) => number | undefined;
  readonly users?: (seconds: number) => ServerUsers | undefined;
}

/** Drains node1 of a modelled cell; answers after how many seconds, what was said last, and how often users were counted. */
async function drained(settings: Record<string, unknown>, load: Load) {
  const cell = new MemoryCell(2);
  const started = cell.now;
  const seconds = () => (cell.now - started) / 1_000;
  const said: string[] = [];
  let counted = 0;
  const estate = {
    ...cell.estate("test"),
    connections: async () => load.connections(seconds()),
    users: async () => {
      counted++;
      return load.users?.(seconds());
    },
  };
  const context = { progress: (line: string) => said.push(line), signal: new AbortController().signal };
  const desired = declaration(cell, { drain: { time: "10m", ...settings }, limits: { every: "10s" } });
  expect(await drain("node1", { estate, context, desired, watch: async () => {} } as unknown as Work)).toEqual({
    drained: "node1",
  });
  return { seconds: seconds(), said: said.at(-1), counted };
}

describe("a node is left when", () => {
  test("its connections are few enough; sessions are not counted unless that is asked", async () => {
    const load = { connections: (seconds: number) => (seconds < 60 ? 3 : 0) };
    expect(await drained({}, load)).toEqual({ seconds: 60, said: "node1 serves 0 connections", counted: 0 });
  });

  test("its sessions and requests are few too, counted only once the connections are", async () => {
    const load = {
      connections: (seconds: number) => (seconds < 60 ? 3 : 0),
      users: (seconds: number) => ({ sessions: seconds < 120 ? 500 : 20, requests: seconds < 180 ? 1 : 0 }),
    };
    expect(await drained({ sessions: 20 }, load)).toMatchObject({ seconds: 120, counted: 7 });
    expect(await drained({ sessions: 20, requests: 0 }, load)).toMatchObject({
      seconds: 180,
      said: "node1 serves 0 connections, 20 sessions, 0 requests",
    });
  });

  test.each<[string, Record<string, unknown>, Load, RegExp]>([
    ["connections", {}, { connections: () => undefined }, /an unknown number of connections after 10m/],
    ["sessions", { sessions: 20 }, { connections: () => 0, users: () => undefined }, /an unknown number of sessions/],
  ])("its time is up, where its %s cannot be counted: unknown is not none", async (_name, settings, load, message) => {
    expect(await drained(settings, load)).toMatchObject({ seconds: 600, said: expect.stringMatching(message) });
  });
});

const topology: CellTopology = {
  cell: "cell1",
  nodes: [{ name: "node1", hostName: "node1.example.org", role: "managed" }],
  servers: ["apps", "infra", "docs"].map((server, index) => ({
    node: "node1",
    server,
    type: "application",
    endpoints: {
      WC_defaulthost: { host: "*", port: 9080 + index },
      SOAP_CONNECTOR_ADDRESS: { host: index === 0 ? "*" : "10.0.0.1", port: 8880 + index },
    },
  })),
  clusters: ["apps", "infra", "docs"].map((server) => ({
    name: `${server}Cluster`,
    members: [{ node: "node1", server }],
  })),
  standAlone: [],
  webServers: [],
  applications: [],
  variables: [],
};
const { settings } = declaration(new MemoryCell(2, ["appsCluster", "infraCluster"]), { untouched: ["docsCluster"] });

test("every member of the node but untouched ones is asked on its own SOAP port, and they are summed", async () => {
  const asked: string[] = [];
  const cell = {
    users: async ({ server, host, port }: { server: string; host: string; port: number }) => {
      asked.push(`${server} ${host}:${port}`);
      return { sessions: 10, requests: 1 };
    },
  };
  expect(await users(cell, "node1", topology, settings)).toEqual({ sessions: 20, requests: 2 });
  expect(asked).toEqual(["apps node1.example.org:8880", "infra 10.0.0.1:8881"]);
});

test("one member that does not answer, or has no such port, makes the sum unknown", async () => {
  const cell = {
    users: async ({ server }: { server: string }) => {
      if (server === "infra") throw new ProblemError("unreachable", { where: server, found: "no answer" });
      return { sessions: 0, requests: 0 };
    },
  };
  expect(await users(cell, "node1", topology, settings)).toBeUndefined();
  const portless = { ...topology, servers: topology.servers.map((server) => ({ ...server, endpoints: {} })) };
  expect(
    await users({ users: async () => ({ sessions: 0, requests: 0 }) }, "node1", portless, settings),
  ).toBeUndefined();
});

test("connections are those established to every port that users come by: the probed one, HTTPS, and what plug-ins forward to", async () => {
  const tcp = (port: number, state: string) =>
    `   0: 0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} 0100007F:D431 ${state} 00000000:00000000 00:0`;
  const established = [9080, 9081, 9082, 9443, 9544, 22].map((port) => tcp(port, "01"));
  const stdout = [...established, tcp(9081, "0A")].join("\n");
  const connection = connectionSchema.parse({ name: "n", address: "n", user: "u", auth: { agent: true } });
  const answering = (exitCode: number, text: string) =>
    new MemoryHost(connection, { onRun: () => ({ exitCode, stdout: text, stderr: "" }) });
  const asked: unknown[] = [];
  const web = (ports: () => Promise<readonly number[]>) => ({
    portsOf: (...about: unknown[]) => {
      asked.push(about);
      return ports();
    },
  });
  const count = (host: MemoryHost, { its = topology, ports = async (): Promise<readonly number[]> => [9080] } = {}) =>
    connections(host, "node1", its, settings, [web(async () => []), web(ports)]);
  const seen = answering(1, `local_address\n${stdout}`);
  expect(await count(seen)).toBe(2);
  expect(asked[0]).toEqual([["node1_appsCluster", "node1_infraCluster"], ["docsCluster"]]);
  expect(await count(seen, { ports: async () => [9080, 9544] })).toBe(3);
  // An untouched cluster's, under another name in a merged file: its users stay.
  expect(await count(seen, { ports: async () => [9080, 9082] })).toBe(2);
  const secure = {
    ...topology,
    servers: topology.servers.map((server, index) => ({
      ...server,
      endpoints: { ...server.endpoints, WC_defaulthost_secure: { host: "*", port: 9443 + index } },
    })),
  };
  expect(await count(seen, { its: secure })).toBe(3);
  // What cannot be counted is not nobody.
  expect(await count(answering(1, ""))).toBeUndefined();
  const portless = { ...topology, servers: topology.servers.map((server) => ({ ...server, endpoints: {} })) };
  expect(await count(seen, { its: portless })).toBeUndefined();
  const sick = async () => Promise.reject(new ProblemError("unreachable", { where: "web1", found: "no answer" }));
  expect(await count(seen, { ports: sick })).toBeUndefined();
});
