import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

type Properties = Record<string, unknown>;
const START_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 30_000;

/** The SDK's real provider process, as the engine starts it, spoken to over gRPC without an engine. */
export class ProviderProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly client: ResourceProviderClient,
    /** What the process printed: the engine shows these lines to people. */
    readonly printed: string[],
  ) {}

  /** @param cwd the program's folder, from where the provider text resolves what it imports */
  static async start(cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<ProviderProcess> {
    const main = require.resolve("@pulumi/pulumi/cmd/dynamic-provider", { paths: [cwd] });
    const child = spawn(process.execPath, [main, "127.0.0.1:0"], { cwd, env, stdio: "pipe" });
    const printed: string[] = [];
    const lines = createInterface({ input: child.stdout });
    createInterface({ input: child.stderr }).on("line", (line) => printed.push(line));
    const [port] = (await once(lines, "line", { signal: AbortSignal.timeout(START_TIMEOUT_MS) }).catch((error) => {
      child.kill("SIGKILL");
      throw error;
    })) as [string];
    lines.on("line", (line) => printed.push(line));
    const client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    return new ProviderProcess(child, client, printed);
  }

  /** Waits until the process has printed a line that matches: lines travel beside the answers. */
  async hasPrinted(pattern: RegExp): Promise<string> {
    for (const until = Date.now() + START_TIMEOUT_MS; Date.now() < until; await setTimeout(20)) {
      const line = this.printed.find((candidate) => pattern.test(candidate));
      if (line !== undefined) return line;
    }
    throw new Error(`the provider process printed no line like ${pattern}, but:\n${this.printed.join("\n")}`);
  }

  async check(news: Properties, olds: Properties = {}): Promise<{ inputs: Properties; failures: string[] }> {
    const request = new messages.CheckRequest();
    request.setNews(Struct.fromJavaScript(news as never));
    request.setOlds(Struct.fromJavaScript(olds as never));
    const response = await this.call<messages.CheckResponse>((done) => this.client.check(request, done));
    return {
      inputs: response.getInputs()?.toJavaScript() as Properties,
      failures: response.getFailuresList().map((failure) => `${failure.getProperty()}: ${failure.getReason()}`),
    };
  }

  async diff(id: string, olds: Properties, news: Properties): Promise<{ changes: boolean; replaces: string[] }> {
    const request = new messages.DiffRequest();
    request.setId(id);
    request.setOlds(Struct.fromJavaScript(olds as never));
    request.setNews(Struct.fromJavaScript(news as never));
    const response = await this.call<messages.DiffResponse>((done) => this.client.diff(request, done));
    return {
      changes: response.getChanges() === messages.DiffResponse.DiffChanges.DIFF_SOME,
      replaces: response.getReplacesList(),
    };
  }

  async create(inputs: Properties): Promise<{ id: string; outputs: Properties }> {
    const request = new messages.CreateRequest();
    request.setProperties(Struct.fromJavaScript(inputs as never));
    const response = await this.call<messages.CreateResponse>((done) => this.client.create(request, done));
    return { id: response.getId(), outputs: response.getProperties()?.toJavaScript() as Properties };
  }

  async read(id: string, outputs: Properties): Promise<{ id: string; inputs: Properties; outputs: Properties }> {
    const request = new messages.ReadRequest();
    request.setId(id);
    request.setProperties(Struct.fromJavaScript(outputs as never));
    const response = await this.call<messages.ReadResponse>((done) => this.client.read(request, done));
    return {
      id: response.getId(),
      inputs: response.getInputs()?.toJavaScript() as Properties,
      outputs: response.getProperties()?.toJavaScript() as Properties,
    };
  }

  async delete(id: string, outputs: Properties): Promise<void> {
    const request = new messages.DeleteRequest();
    request.setId(id);
    request.setProperties(Struct.fromJavaScript(outputs as never));
    await this.call((done) => this.client.delete(request, done));
  }

  /** Ends the process as the engine does, and answers its exit code. */
  stop(): Promise<number | null> {
    return this.ended(() => this.child.kill("SIGINT"));
  }

  /** What a process is left with whose engine was killed: nobody holds its standard input. Answers its exit code. */
  withoutEngine(): Promise<number | null> {
    return this.ended(() => this.child.stdin?.end());
  }

  /** Links to what its file descriptors are: "socket:[123]", "/dev/null", "pipe:[4]". */
  get open(): readonly string[] {
    const folder = `/proc/${this.child.pid}/fd`;
    return readdirSync(folder).map((name) => readlinkSync(`${folder}/${name}`));
  }

  private async ended(by: () => void): Promise<number | null> {
    this.client.close();
    if (this.child.exitCode !== null) return this.child.exitCode;
    const ended = once(this.child, "exit", { signal: AbortSignal.timeout(END_TIMEOUT_MS) }) as Promise<[number | null]>;
    by();
    const [code] = await ended.catch((error) => {
      this.child.kill("SIGKILL");
      throw error;
    });
    return code;
  }

  private call<T>(start: (done: (error: grpc.ServiceError | null, response: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      start((error, response) => (error ? reject(error) : resolve(response)));
    });
  }
}
