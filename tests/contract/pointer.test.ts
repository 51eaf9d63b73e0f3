import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { withSettings } from "../../policy/settings.js";
import { pointerText, typeToken } from "../../providers/lifecycle/pointer.js";
import { UNKNOWN } from "../../providers/lifecycle/unknown.js";
import { ProviderProcess } from "../support/provider-process.js";

const ROOT = resolve(__dirname, "../..");
/** A closed port on this machine: discard. */
const CLOSED_PORT = 9;
/** Columns of /proc/net/tcp. */
const STATE = 3;
const INODE = 9;

const routing = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  webServer: "webserver1",
  host: "web1",
  httpdConf: "/opt/IBM/HTTPServer/conf/httpd.conf",
  connection: {
    name: "web1",
    address: "127.0.0.1",
    port: CLOSED_PORT,
    user: "admin",
    auth: { password: { env: "NOT_SET" } },
    hostKey: { pinned: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] },
  },
  serverRoot: "/opt/IBM/HTTPServer",
  pluginFile: "/opt/IBM/HTTPServer/Plugins/config/webserver1/plugin-cfg.xml",
  nodes: { node1: ["node1_server1"], node2: ["node2_server1"] },
  verify: {
    connectTo: { address: "127.0.0.1", port: CLOSED_PORT },
    publicHost: "connections.example.com",
    clusters: { AppsCluster: { probeUrl: "/files/app" } },
  },
  primaryNode: "node2",
  owner: "shop/prod/routing",
  __provider: pointerText("ihs:PluginRouting"),
  ...more,
});

test("promise 16: the provider text and the type token are frozen for ever", () => {
  expect(pointerText("ihs:PluginRouting")).toBe(
    'exports.handler=()=>new Proxy({},{get:(_,k)=>k==="configure"||k==="then"?undefined:(...a)=>import("pulumi-connections/providers").then(m=>m.provider("ihs:PluginRouting")[k](...a))})',
  );
  expect(typeToken("ihs:PluginRouting")).toBe("pulumi-nodejs:dynamic/ihs:PluginRouting");
});

/** Folders that these tests made, and may remove. */
const made: string[] = [];

/** A user's own program, with this package in its node_modules. */
function foreignProgram(type: "commonjs" | "module"): string {
  const folder = mkdtempSync(join(tmpdir(), "foreign-program-"));
  made.push(folder);
  mkdirSync(join(folder, "node_modules", "@pulumi"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "estate", type, private: true }));
  symlinkSync(ROOT, join(folder, "node_modules", "pulumi-connections"));
  symlinkSync(join(ROOT, "node_modules", "@pulumi", "pulumi"), join(folder, "node_modules", "@pulumi", "pulumi"));
  return folder;
}

describe.each([
  ["this project", () => ROOT],
  ["this project's compiled folder, where the engine starts it", () => join(ROOT, "dist")],
  ["a foreign CommonJS program", () => foreignProgram("commonjs")],
  ["a foreign ESM program", () => foreignProgram("module")],
])("the pointer in the SDK's real provider process, from %s", (_name, place) => {
  let provider: ProviderProcess;
  beforeAll(async () => {
    provider = await ProviderProcess.start(place());
  });
  afterAll(async () => {
    await provider.stop();
    for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
  });

  test("check, diff, create, read and delete reach our code", async () => {
    const { inputs, failures } = await provider.check(routing());
    expect(failures).toEqual([]);
    expect(withSettings(inputs)).toMatchObject({
      onDestroy: "retain",
      verify: { samples: 20 },
      connection: { operationTimeout: "60s" },
    });

    const refused = await provider.check(routing({ primaryNod: "node1" }));
    expect(refused.failures).toEqual([expect.stringContaining('did you mean "primaryNode"?')]);

    await expect(provider.create(inputs)).rejects.toThrow(/web1/);

    const stored = { ...inputs, live: {}, kept: {}, claim: "c", schemaVersion: 1 };
    const read = await provider.read("id", stored);
    expect(read.inputs.deviations).toEqual({ unobserved: expect.stringContaining("could not be looked at") });
    expect(read.outputs.__provider).toBe(inputs.__provider);
    expect((await provider.diff("id", read.outputs, inputs)).changes).toBe(true);
    expect((await provider.diff("id", stored, { ...inputs, host: "web2" })).replaces).toEqual(["host"]);

    await provider.delete("id", stored);
    await provider.hasPrinted(/retained; its record stays behind/);
  });
});

test("promise 18: unknowns at every input path survive the wire", async () => {
  const provider = await ProviderProcess.start(ROOT);
  try {
    for (const key of Object.keys(routing()).filter((name) => name !== "__provider" && name !== "owner")) {
      const { inputs, failures } = await provider.check(routing({ [key]: UNKNOWN }));
      expect(failures).toEqual([]);
      const stored = { ...routing(), live: {}, kept: {}, claim: "c", schemaVersion: 1 };
      expect((await provider.diff("id", stored, inputs)).changes).toBe(true);
    }
  } finally {
    await provider.stop();
  }
});

test("the process ends on the engine's signal", async () => {
  const provider = await ProviderProcess.start(ROOT);
  await provider.check(routing());
  const code = await provider.stop();
  expect(code === null || code === 130).toBe(true);
});

describe("promise 6: an engine that was killed", () => {
  test("takes its provider with it, also one that says nothing: standard input ends with the engine", async () => {
    const provider = await ProviderProcess.start(ROOT);
    await provider.check(routing());
    expect(await provider.withoutEngine()).toBe(130);
  });

  test("leaves one that was asked nothing, which holds no file and no connection but its own port", async () => {
    const provider = await ProviderProcess.start(ROOT);
    const held = provider.open.filter((link) => !/^(pipe|anon_inode|socket):|^\/dev\/null$/.test(link));
    expect(held).toEqual([]);
    expect(connectionsOf(provider)).toEqual(["LISTEN"]);
    await provider.stop();
  });
});

/** Their states, of TCP: LISTEN, or "other". Standard streams are sockets too where Node.js makes them. */
function connectionsOf({ open }: ProviderProcess): readonly string[] {
  const inodes = open.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
  return ["tcp", "tcp6"]
    .flatMap((table) => readFileSync(`/proc/net/${table}`, "utf8").split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => inodes.includes(columns[INODE] ?? ""))
    .map((columns) => (columns[STATE] === "0A" ? "LISTEN" : "other"));
}
