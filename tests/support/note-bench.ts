import type { AnyKind } from "../../providers/lifecycle/inputs.js";
import { MemoryHost, type MemoryHostOptions } from "./memory-host.js";
import { noteKind } from "./note-kind.js";
import { modelledConnection, providerBench, reaching, type Stored } from "./provider-bench.js";

export const connection = modelledConnection("web1");

export const noteInputs = (more: Stored = {}): Stored => ({
  place: "/notes/a",
  connection,
  text: "hello",
  owner: "shop/prod/note-a",
  __provider: "pointer",
  lockWait: "2s",
  ...more,
});

/** The note as it was last observed. */
export const liveNote = (outs: Stored | undefined) => JSON.parse(String(outs?.live)) as { text: string; title: string };

/** A modelled host on which every command succeeds. */
export const noteHost = (options: MemoryHostOptions = {}): MemoryHost =>
  new MemoryHost(connection, { onRun: () => ({ exitCode: 0, stdout: "", stderr: "" }), ...options });

/** The provider of notes on one modelled host. */
export function noteBench(options: MemoryHostOptions = {}, host = noteHost(options), kind: AnyKind = noteKind) {
  host.mkdir("/notes/a");
  return { host, ...providerBench(kind, reaching(host), noteInputs) };
}
