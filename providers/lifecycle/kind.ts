import type { z } from "zod";
import type { Problem } from "../common/problem.js";
import type { Connection } from "../targets/connection.js";
import type { FileReader, Host } from "../targets/host.js";

/** What users notice while a step runs. Steps above "none" run only inside the maintenance window, if one is set. */
export const IMPACTS = ["none", "degraded capacity", "disconnects users", "outage"] as const;
export type Impact = (typeof IMPACTS)[number];

/** One action with a title that a person understands. Kinds extend it with what `apply` needs. Plain JSON. */
export interface Step {
  /** Unique in its plan and the same in every plan that contains this action, e.g. "point-directive". */
  readonly key: string;
  readonly title: string;
  readonly impact: Impact;
  /** Milliseconds that it takes however well all goes, where a target's own settings say so; default: none to speak of. */
  readonly atLeastMs?: number;
}

/** The way from live to desired. No steps and no refusals = converged. */
export interface Plan<S extends Step = Step> {
  readonly steps: readonly S[];
  /** Why nothing may be written. Shown in a preview; an error before the first write in `up`. */
  readonly refusals: readonly Problem[];
  /** What a person should know and no step changes. */
  readonly notes: readonly string[];
}

/** The checked inputs in their three groups. */
export interface Desired<Identity, Settings, Aspects> {
  readonly identity: Identity;
  readonly settings: Settings;
  readonly aspects: Aspects;
}

/** Reality in the words of the inputs; what those cannot say stands as a sentence under a path of its own. */
export interface Description<Aspects> {
  readonly aspects: Aspects;
  readonly deviations: Readonly<Record<string, string>>;
}

/** How `observe` reaches the targets. Reads may come from a snapshot shared by all resources of the process, or be fresh. */
export interface Access {
  host(connection: Connection): Host;
  files(connection: Connection): FileReader;
}

/** What `apply` may use. All access is fresh and happens under the lock. */
export interface ApplyContext<D, Live, Kept> extends Access {
  readonly desired: D;
  /** "project/stack/name" of the resource that this run is for. */
  readonly owner: string;
  /** As observed under the lock, before the first step. */
  readonly live: Live;
  /** What this resource remembers on the target. */
  readonly kept: Kept;
  /** A free line of progress: `[web1 3/9] …`. */
  progress(line: string): void;
  /** Aborted when the operator interrupted or the deadline passed: stop at the next safe point. */
  readonly signal: AbortSignal;
  /** Before each write of a step that writes more than once. @throws ProblemError `locked` when another run has taken over. */
  assertHeld(): Promise<void>;
  /**
   * Does `work` under the lock of another host than the resource's home, waiting for it as for the first one; on the home
   * host itself, at once. @throws ProblemError `locked` when it is not to be had in time
   */
  underLockOf<T>(host: Host, work: () => Promise<T>): Promise<T>;
  /** Puts bytes under their SHA-256 into the host's backups and answers that; nothing happens when they are there already. */
  backUp(host: Host, bytes: Uint8Array): Promise<string>;
  /** Bytes from the backups, checked against their name. */
  fromBackup(host: Host, sha256: string): Promise<Buffer>;
}

/** What a failed run can still be put back to: `undo` is asked when `apply` threw after the first write. */
export interface UndoContext<S extends Step, D, Live, Kept> extends ApplyContext<D, Live, Kept> {
  readonly failed: S;
  readonly done: readonly S[];
  readonly error: unknown;
  /** Adds a sentence to the story that the error tells. It is told also when `undo` itself fails later. */
  tell(sentence: string): void;
}

/**
 * One sort of managed thing. All of a kind's decisions are in `plan`, `describe` and `release`, which are pure; `observe`
 * changes nothing; `apply` is the only one that writes.
 *
 * Identity, Settings, Aspects and Live are plain JSON. Kept is what cannot be observed (the before-image above all); it is
 * stored on the target, beside the name of the resource that owns the thing.
 */
export interface Kind<
  Identity extends object = object,
  Settings extends object = object,
  Aspects extends object = object,
  Live extends object = object,
  Kept extends object = object,
  S extends Step = Step,
> {
  /** Registry key, e.g. "ihs:PluginRouting". Frozen once released. */
  readonly type: `${string}:${string}`;
  /** Version of live, kept and the inputs' shape, as stored. */
  readonly schemaVersion: number;
  readonly identity: z.ZodType<Identity> & { readonly shape: Record<string, z.ZodType> };
  readonly settings: z.ZodType<Settings> & { readonly shape: Record<string, z.ZodType> };
  readonly aspects: z.ZodType<Aspects> & { readonly shape: Record<string, z.ZodType> };

  /** Names the thing in the estate: the Pulumi id, and what two resources of one program must not share. */
  identify(identity: Identity): string;
  /**
   * A setting that no two things of one program can have alike, e.g. the address at which each of them is proved. Asked only
   * of inputs without unknown values.
   */
  unshared?(settings: Settings): { readonly property: string; readonly value: string; readonly why: string };
  /**
   * Names the thing on its home host, for its record: whatever names the configuration gives host or resource, and by
   * whatever link it is reached, the same thing must be found again. `files` are the home host's. Default: `identify`.
   */
  recordKey?(identity: Identity, files: FileReader): string | Promise<string>;
  /** The host whose state directory holds lock, record and backups. */
  home(identity: Identity, settings: Settings): Connection;
  observe(identity: Identity, settings: Settings, access: Access): Promise<Live>;
  plan(desired: Desired<Identity, Settings, Aspects>, live: Live, kept: Kept): Plan<S>;
  apply(
    step: S,
    context: ApplyContext<Desired<Identity, Settings, Aspects>, Live, Kept>,
  ): Promise<Partial<Kept> | undefined>;
  describe(desired: Desired<Identity, Settings, Aspects>, live: Live, kept: Kept): Description<Aspects>;
  /** The before-image, from the first observation ever. */
  adopt(live: Live): Kept;
  /** Bytes that `adopt` refers to by SHA-256 are put into the backups before the first write. */
  beforeImages?(
    desired: Desired<Identity, Settings, Aspects>,
    live: Live,
  ): readonly { readonly connection: Connection; readonly path: string; readonly sha256: string }[];
  /** Why the thing must not be forgotten now, whatever `onDestroy` says: something half-way that only `kept` knows of. */
  keptFromDestroy?(kept: Kept): Problem | undefined;
  /** Steps that put the before-image back (`onDestroy: restore`). */
  release(desired: Desired<Identity, Settings, Aspects>, live: Live, kept: Kept): Plan<S>;
  /**
   * After a failed step: put back what this run changed, as far as that is safe, and `tell` what was done. Answers what
   * to remember from now on. Not asked when another run has taken over.
   */
  undo?(context: UndoContext<S, Desired<Identity, Settings, Aspects>, Live, Kept>): Promise<Partial<Kept> | undefined>;
  /** `undo` touches no target, it only forgets what was noted for a step that did not happen: asked after an interruption too. */
  readonly undoWhenInterrupted?: true;
  /** Stored outputs of an older schemaVersion in today's shape. */
  upgrade?(outputs: Readonly<Record<string, unknown>>, from: number): Readonly<Record<string, unknown>>;
}
