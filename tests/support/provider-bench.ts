import type { AnyKind } from "../../providers/lifecycle/inputs.js";
import { managedProvider, type ProviderEnvironment } from "../../providers/lifecycle/provider.js";
import { plansOfThisProcess } from "../../providers/lifecycle/shown.js";
import { snapshotReader } from "../../providers/lifecycle/snapshot-reader.js";
import { connectionSchema } from "../../providers/targets/connection.js";
import type { MemoryHost } from "./memory-host.js";

/** Inputs or outputs of a resource, as the engine stores them. */
export type Stored = Record<string, unknown>;

/** Of a modelled host: what is asked by this name is asked in memory. */
export const modelledConnection = (name: string) =>
  connectionSchema.parse({
    name,
    address: "127.0.0.1",
    user: "admin",
    auth: { agent: true },
    stateDirectory: "/state",
    operationTimeout: "5s",
  });

type Reach = Pick<ProviderEnvironment, "fresh" | "cached">;

/** One host, whatever is asked for. */
export const reaching = (host: MemoryHost): Reach => ({
  fresh: { host: () => host, files: () => host.files },
  cached: { host: () => host, files: () => snapshotReader(host) },
});

/** The engine's word for a resource; ours are known by their inputs. */
const ID = "id";
const asStored = (values: object): Stored => ({ ...values, __provider: "pointer" });

/**
 * The provider of one kind, called as the engine calls it. Each preview and each `up` is a pulumi command of its own.
 *
 * @param declared what the program declares where a call does not say otherwise
 */
export function providerBench(kind: AnyKind, reach: Reach, declared: () => Stored) {
  const said: string[] = [];
  let shown = plansOfThisProcess();
  const provider = managedProvider(kind, {
    ...reach,
    say: (line) => said.push(line),
    shown: {
      remember: (id, inputs, plan) => shown.remember(id, inputs, plan),
      recall: (id, inputs) => shown.recall(id, inputs),
    },
  });
  const check = async (news: Stored, olds: Stored = {}): Promise<Stored> => {
    const { inputs, failures } = await provider.check(olds, news);
    if (failures?.length) throw new Error(JSON.stringify(failures));
    return asStored(inputs ?? {});
  };
  const refresh = async (olds: Stored) => (await provider.read(ID, olds)) as { inputs: Stored; props: Stored };
  const upWithoutRefresh = async (olds: Stored, news = declared()): Promise<Stored | undefined> => {
    shown = plansOfThisProcess();
    const checked = await check(news, olds);
    const { changes } = await provider.diff(ID, olds, checked);
    return changes ? asStored((await provider.update(ID, olds, checked)).outs ?? {}) : undefined;
  };
  return {
    said,
    provider,
    /** @throws Error with the failures as JSON */
    check,
    create: async (news = declared()): Promise<Stored> =>
      asStored((await provider.create(await check(news))).outs ?? {}),
    refresh,
    /** `pulumi preview` with refresh: the lines it prints, and what it finds. */
    async preview(olds: Stored, news = declared()) {
      shown = plansOfThisProcess();
      const before = said.length;
      const { inputs: found, props } = await refresh(olds);
      const { changes } = await provider.diff(ID, props, await check(news, props));
      return { changes, found, props, lines: said.slice(before) };
    },
    /** `pulumi up` with refresh; undefined = nothing to do. */
    up: async (olds: Stored, news = declared()) => upWithoutRefresh((await refresh(olds)).props, news),
    upWithoutRefresh,
    destroy: (olds: Stored) => provider.delete(ID, olds),
  };
}
