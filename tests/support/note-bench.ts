import type * as dynamic from "@pulumi/pulumi/dynamic";
import type { AnyKind } from "../../providers/lifecycle/inputs.js";
import type { Access } from "../../providers/lifecycle/kind.js";
import { managedProvider } from "../../providers/lifecycle/provider.js";
import { snapshotReader } from "../../providers/lifecycle/snapshot-reader.js";
import { connectionSchema } from "../../providers/targets/connection.js";
import { plansOfCommands } from "./commands.js";
import { MemoryHost, type MemoryHostOptions } from "./memory-host.js";
import { noteKind } from "./note-kind.js";

export const connection = connectionSchema.parse({
  name: "web1",
  address: "127.0.0.1",
  user: "admin",
  auth: { agent: true },
  stateDirectory: "/state",
  operationTimeout: "5s",
});

export const noteInputs = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  place: "/notes/a",
  connection,
  text: "hello",
  owner: "shop/prod/note-a",
  __provider: "pointer",
  lockWait: "2s",
  ...more,
});

/** A provider of notes on one modelled host, with everything it said. */
export interface NoteBench {
  readonly host: MemoryHost;
  readonly said: string[];
  readonly provider: Required<dynamic.ResourceProvider>;
  /** As the engine does it: check, then create. */
  create(inputs?: Record<string, unknown>): Promise<{ id: string; outs: Record<string, unknown> }>;
  /** As one command does it: check, diff, and update when there are changes. Answers the outputs and whether it updated. */
  up(
    olds: Record<string, unknown>,
    news?: Record<string, unknown>,
  ): Promise<{ outs: Record<string, unknown>; updated: boolean }>;
  /** `pulumi up` with refresh: read first. */
  refreshAndUp(
    olds: Record<string, unknown>,
    news?: Record<string, unknown>,
  ): Promise<{ outs: Record<string, unknown>; updated: boolean }>;
}

export function noteBench(
  options: MemoryHostOptions = {},
  host = new MemoryHost(connection, withCommands(options)),
  kind: AnyKind = noteKind,
): NoteBench {
  host.mkdir("/notes/a");
  const said: string[] = [];
  const fresh: Access = { host: () => host, files: () => host.files };
  const cached: Access = { host: () => host, files: () => snapshotReader(host) };
  const shown = plansOfCommands();
  const provider = managedProvider(kind, { fresh, cached, say: (line) => said.push(line), shown });
  const checked = async (olds: object, inputs: Record<string, unknown>) => {
    const result = await provider.check(olds, inputs);
    if (result.failures?.length) throw new Error(JSON.stringify(result.failures));
    return result.inputs as Record<string, unknown>;
  };
  const bench: NoteBench = {
    host,
    said,
    provider,
    async create(inputs = noteInputs()) {
      const news = { ...(await checked({}, inputs)), __provider: "pointer" };
      const { id, outs } = await provider.create(news);
      return { id, outs: { ...outs, __provider: "pointer" } };
    },
    async up(olds, inputs = noteInputs()) {
      shown.nextCommand();
      const news = { ...(await checked(olds, inputs)), __provider: "pointer" };
      const { changes } = await provider.diff("/notes/a", olds, news);
      if (!changes) return { outs: olds, updated: false };
      const { outs } = await provider.update("/notes/a", olds, news);
      return { outs: { ...outs, __provider: "pointer" }, updated: true };
    },
    async refreshAndUp(olds, inputs = noteInputs()) {
      const { props } = await provider.read("/notes/a", olds);
      return bench.up(props as Record<string, unknown>, inputs);
    },
  };
  return bench;
}

function withCommands(options: MemoryHostOptions): MemoryHostOptions {
  return { onRun: () => ({ exitCode: 0, stdout: "", stderr: "" }), ...options };
}
