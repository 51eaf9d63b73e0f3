import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { LanguageRuntimeClient } from "@pulumi/pulumi/proto/language_grpc_pb";
import language from "@pulumi/pulumi/proto/language_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

/*
 * Our Node.js language host, started and asked the way the engine does it. Programs run with a stand-in for the SDK's
 * executor that notes how it was started; the real executor is run by the tests that have a whole engine.
 */
const root = resolve(__dirname, "..", "..");
const main = join(root, "tools", "node-langhost", "main.cjs");
const ENGINE = "127.0.0.1:9";

let folder: string;
let host: ChildProcess | undefined;
let client: LanguageRuntimeClient | undefined;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "langhost-")));
});
afterEach(async () => {
  client?.close();
  if (host && host.exitCode === null && host.signalCode === null) {
    // SIGTERM, so that it takes a running program along.
    host.kill("SIGTERM");
    await once(host, "exit");
  }
  host = undefined;
  client = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** Starts the host in the checkout and connects to the port that it prints. */
async function connect(): Promise<LanguageRuntimeClient> {
  host = spawn("node", [main, ENGINE], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await once(host.stdout ?? host, "data");
  expect(String(line)).toMatch(/^\d+\n$/);
  client = new LanguageRuntimeClient(`127.0.0.1:${String(line).trim()}`, credentials.createInsecure());
  return client;
}

/** The host's exit code and signal. */
async function hostEnded(): Promise<unknown[]> {
  if (!host) throw new Error("no host was started");
  return once(host, "exit");
}

type Reply<T> = (error: Error | null, reply: T) => void;

/** One call with one answer. */
function ask<T>(call: (reply: Reply<T>) => unknown): Promise<T> {
  return new Promise((done, failed) => call((error, reply) => (error ? failed(error) : done(reply))));
}

/** A program folder whose SDK consists of the executors given here. */
async function project(executors: Readonly<Record<string, string>>): Promise<string> {
  const sdk = join(folder, "node_modules", "@pulumi", "pulumi");
  for (const [name, text] of Object.entries(executors)) {
    await mkdir(join(sdk, "cmd", name), { recursive: true });
    await writeFile(join(sdk, "cmd", name, "index.js"), text);
  }
  await writeFile(join(sdk, "package.json"), JSON.stringify({ name: "@pulumi/pulumi", version: "0.0.0" }));
  return folder;
}

const programInfo = (options: Record<string, boolean | string> = {}) => {
  const info = new language.ProgramInfo();
  info.setRootDirectory(folder);
  info.setProgramDirectory(folder);
  info.setEntryPoint(".");
  info.setOptions(Struct.fromJavaScript(options));
  return info;
};

const NOTE_AND_EXIT = (code: number) => `require("node:fs").writeFileSync("noted.json", JSON.stringify({
  args: process.argv.slice(2), cwd: process.cwd(), flags: process.execArgv,
  config: process.env.PULUMI_CONFIG, secrets: process.env.PULUMI_CONFIG_SECRET_KEYS,
  typescript: process.env.PULUMI_NODEJS_TYPESCRIPT, tsconfig: process.env.PULUMI_NODEJS_TSCONFIG_PATH }));
process.exit(${code});`;
const noted = async () => JSON.parse(await readFile(join(folder, "noted.json"), "utf8"));

function runRequest(options: Record<string, boolean | string> = {}) {
  const request = new language.RunRequest();
  request.setProject("estate");
  request.setStack("test");
  request.setPwd(folder);
  request.setMonitorAddress("127.0.0.1:8");
  request.setParallel(4);
  request.setOrganization("organization");
  request.setInfo(programInfo(options));
  return request;
}

test("answers the engine's handshake, and is of the SDK's version", async () => {
  const runtime = await connect();
  const request = new language.LanguageHandshakeRequest();
  request.setEngineAddress(ENGINE);
  await expect(ask((reply) => runtime.handshake(request, reply))).resolves.toBeDefined();
  const info = await ask<{ getVersion(): string }>((reply) => runtime.getPluginInfo(new Empty(), reply));
  const sdk = JSON.parse(await readFile(join(root, "node_modules/@pulumi/pulumi/package.json"), "utf8"));
  expect(info.getVersion()).toBe(sdk.version);
});

test("ends, and ends the running program, when the engine's end of its input closes", async () => {
  const pidFile = join(folder, "pid");
  await project({
    run: `const fs = require("node:fs"); fs.writeFileSync("${pidFile}.part", String(process.pid));
      fs.renameSync("${pidFile}.part", "${pidFile}"); setInterval(() => {}, 1000);`,
  });
  const runtime = await connect();
  const running = ask((reply) => runtime.run(runRequest(), reply)).catch((error: Error) => error);
  const pid = Number(await appeared(pidFile));
  const ended = hostEnded();
  host?.stdin?.end();
  expect(await ended).toEqual([0, null]);
  await gone(pid);
  expect(await running).toBeInstanceOf(Error);
});

test("without an SDK it says where none is and ends", async () => {
  host = spawn("node", [main, ENGINE], { cwd: folder, stdio: ["pipe", "pipe", "pipe"] });
  let errors = "";
  host.stderr?.on("data", (data) => {
    errors += data;
  });
  expect(await once(host, "close")).toEqual([1, null]);
  expect(errors).toBe(`@pulumi/pulumi is not installed in ${folder} or above: run npm install there\n`);
});

test("a program gets the engine's addresses, its configuration and the runtime options", async () => {
  await project({ run: NOTE_AND_EXIT(0) });
  const request = runRequest({ typescript: false, nodeargs: "--no-warnings --stack-size=900" });
  request.setDryrun(true);
  request.getConfigMap().set("estate:key", "value");
  request.setConfigsecretkeysList(["estate:hidden"]);
  request.setArgsList(["extra"]);
  const runtime = await connect();
  const response = await ask<InstanceType<typeof language.RunResponse>>((reply) => runtime.run(request, reply));
  expect([response.getError(), response.getBail()]).toEqual(["", false]);
  expect(await noted()).toEqual({
    args: [
      ...["--monitor", "127.0.0.1:8", "--engine", ENGINE, "--organization", "organization", "--project", "estate"],
      ...["--stack", "test", "--pwd", folder, "--query-mode", "false", "--parallel", "4", "--dry-run", ".", "extra"],
    ],
    cwd: folder,
    flags: ["--no-warnings", "--stack-size=900"],
    config: '{"estate:key":"value"}',
    secrets: '["estate:hidden"]',
  });
});

test("TypeScript is on unless the options say otherwise", async () => {
  await project({ run: NOTE_AND_EXIT(0) });
  const runtime = await connect();
  await ask((reply) => runtime.run(runRequest({ tsconfig: "other.json" }), reply));
  expect(await noted()).toMatchObject({ typescript: "true", tsconfig: "other.json" });
});

test.each([
  ["32: the person has seen the cause", "process.exit(32)", "", true],
  ["1", "process.exit(1)", "the program ended with exit code 1", false],
  ["a signal", "process.kill(process.pid, 'SIGKILL')", "the program ended with signal SIGKILL", false],
])("the end of a program by %s", async (_, text, error, bail) => {
  await project({ run: text });
  const runtime = await connect();
  const response = await ask<InstanceType<typeof language.RunResponse>>((reply) => runtime.run(runRequest(), reply));
  expect([response.getError(), response.getBail()]).toEqual([error, bail]);
});

test("a program folder without SDK is an answer, and the host lives on", async () => {
  const runtime = await connect();
  await expect(ask((reply) => runtime.run(runRequest(), reply))).rejects.toThrow(`is not installed in ${folder}`);
  await expect(ask((reply) => runtime.getPluginInfo(new Empty(), reply))).resolves.toBeDefined();
});

test("a policy pack runs in its own folder; what it prints and its exit code come through", async () => {
  await project({
    "run-policy-pack": `process.stdout.write("port"); console.error(process.env.A); ${NOTE_AND_EXIT(7)}`,
  });
  const request = new language.RunPluginRequest();
  request.setPwd(root);
  request.setKind("analyzer");
  request.setArgsList([ENGINE]);
  request.setEnvList(["A=x=y", "EMPTY="]);
  request.setInfo(programInfo());
  const runtime = await connect();
  const seen = { stdout: "", stderr: "", code: -1 };
  const stream = runtime.runPlugin(request);
  stream.on("data", (part: InstanceType<typeof language.RunPluginResponse>) => {
    seen.stdout += Buffer.from(part.getStdout_asU8()).toString();
    seen.stderr += Buffer.from(part.getStderr_asU8()).toString();
    if (part.hasExitcode()) seen.code = part.getExitcode();
  });
  await once(stream, "end");
  expect(seen).toEqual({ stdout: "port", stderr: "x=y\n", code: 7 });
  expect(await noted()).toMatchObject({ args: [ENGINE, folder], cwd: folder });
});

test("providers that the program's packages ask for are listed, scoped ones and renamed ones too", async () => {
  const packages = {
    "@pulumi/random": { name: "@pulumi/random", version: "4.0.0", pulumi: { resource: true } },
    other: { name: "other", version: "v1.2.3", pulumi: { resource: true, name: "named", server: "https://localhost" } },
    plain: { name: "plain", version: "1.0.0" },
  };
  for (const [name, manifest] of Object.entries(packages)) {
    await mkdir(join(folder, "node_modules", name), { recursive: true });
    await writeFile(join(folder, "node_modules", name, "package.json"), JSON.stringify(manifest));
  }
  await mkdir(join(folder, "node_modules", ".bin"));
  const request = new language.GetRequiredPackagesRequest();
  request.setInfo(programInfo());
  const runtime = await connect();
  const response = await ask<InstanceType<typeof language.GetRequiredPackagesResponse>>((reply) =>
    runtime.getRequiredPackages(request, reply),
  );
  const listed = response.getPackagesList().map((item) => item.toObject());
  expect(listed).toMatchObject([
    { kind: "resource", name: "random", version: "v4.0.0", server: "" },
    { kind: "resource", name: "named", version: "v1.2.3", server: "https://localhost" },
  ]);
});

/** How often and for how long to look for something that another process does. */
const LOOK_EVERY = 10;
const LOOKS = 2000;

async function appeared(file: string): Promise<string> {
  for (let look = 0; look < LOOKS; look++) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text !== undefined) return text;
    await new Promise((next) => setTimeout(next, LOOK_EVERY));
  }
  throw new Error(`${file} did not appear`);
}

async function gone(pid: number): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
    // An orphan's new parent may be slow to collect it: a zombie has ended all the same.
    if (state === undefined || / Z /.test(state)) return;
    await new Promise((next) => setTimeout(next, LOOK_EVERY));
  }
  throw new Error(`process ${pid} is still there`);
}
