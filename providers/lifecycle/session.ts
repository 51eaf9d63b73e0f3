import { milliseconds } from "../common/duration.js";
import { ProblemError } from "../common/problem.js";
import type { Host } from "../targets/host.js";
import { hostKeyWarnings } from "../targets/host-keys.js";
import type { AnyKind, ParsedInputs } from "./inputs.js";
import { interruption } from "./interrupt.js";
import { titleOf } from "./judge.js";
import type { Access } from "./kind.js";
import { acquireLock, type Lock } from "./lock.js";
import { loadRecord, recordKeyOf, removeRecord, type StoredRecord, saveRecord, type TargetRecord } from "./record.js";
import type { Say } from "./report.js";

export interface SessionRequest {
  readonly kind: AnyKind;
  readonly inputs: ParsedInputs;
  /** A new claim for `create`; the stored one for `update` and `delete`. */
  readonly claim: string;
  readonly access: Access;
  readonly say: Say;
  /** Where plans go: the same lines as in the preview before, so a caller may leave out what was said already. */
  readonly sayPlan: Say;
}

/** One resource's turn on its home host: the lock is held, the record was read. */
export class Session {
  /** SHA-256 of records that this run wrote without hearing whether it did. */
  private readonly unheard = new Set<string>();

  private constructor(
    readonly request: SessionRequest,
    readonly home: Host,
    private readonly lock: Lock,
    /** What the record calls the thing. */
    private readonly key: string,
    private stored: StoredRecord | undefined,
    /** Aborted when the operator interrupted: stop at the next safe point. */
    readonly interrupted: AbortSignal,
    /** Aborted when the time of this run is up. It starts when the lock is held. */
    readonly deadline: AbortSignal,
  ) {}

  /** Waits for its turn in this process and for the host's lock, then does the work. */
  static async run<T>(request: SessionRequest, why: string, work: (session: Session) => Promise<T>): Promise<T> {
    const { kind, inputs, access, sayPlan } = request;
    const connection = kind.home(inputs.desired.identity, inputs.desired.settings);
    const home = access.host(connection);
    for (const warning of hostKeyWarnings(connection)) sayPlan(warning);
    return exclusively(home, request, () =>
      underLock(home, request, { why }, async (lock) => {
        const key = await recordKeyOf(kind, inputs.desired.identity, home.files);
        const stored = await loadRecord(home.files, home, kind.type, key);
        const deadline = AbortSignal.timeout(milliseconds(inputs.run.deadline));
        return work(new Session(request, home, lock, key, stored, interruption(), deadline));
      }),
    );
  }

  get title(): string {
    return titleOf(this.request.kind, this.request.inputs);
  }

  get record(): TargetRecord | undefined {
    return this.stored?.record;
  }

  observe(): Promise<object> {
    const { kind, inputs, access } = this.request;
    return kind.observe(inputs.desired.identity, inputs.desired.settings, access);
  }

  /** @throws ProblemError `locked` when another run has taken this one for dead. */
  assertHeld(): Promise<void> {
    return this.lock.assertHeld();
  }

  /** Work on another host, under its lock too: whatever else changes things there has ended, and waits. */
  underLockOf<T>(host: Host, work: () => Promise<T>): Promise<T> {
    return underLock(host, this.request, { why: "part of", within: this.lock }, work);
  }

  /** Stores what is known about the thing, under this owner and claim. What the change leaves out stays as it was. */
  async save(change: { readonly kept: object } & Partial<Pick<TargetRecord, "run" | "lastRun">>): Promise<void> {
    const { kind, inputs, claim } = this.request;
    const record: TargetRecord = {
      ...this.record,
      version: 1,
      type: kind.type,
      id: this.key,
      owner: inputs.owner,
      claim,
      adoptedAt: this.record?.adoptedAt ?? new Date().toISOString(),
      ...change,
    };
    try {
      this.stored = await saveRecord(this.home, record, this.stored, this.unheard);
    } catch (error) {
      if (!(error instanceof ProblemError) || error.cause !== "changed-meanwhile") throw error;
      throw new ProblemError("locked", error.problems);
    }
  }

  async forget(): Promise<void> {
    if (this.stored) await removeRecord(this.home, this.stored);
    this.stored = undefined;
  }
}

async function underLock<T>(
  host: Host,
  { kind, inputs, say }: SessionRequest,
  { why, within }: { readonly why: string; readonly within?: Lock },
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  const lock = await acquireLock(host, {
    owner: inputs.owner,
    why: `${why} ${titleOf(kind, inputs)}`,
    waitMs: milliseconds(inputs.run.lockWait),
    ownWaitMs: Math.max(milliseconds(inputs.run.lockWait), milliseconds(inputs.run.deadline)),
    leaseMs: milliseconds(inputs.run.lockLease),
    ...(within ? { within } : {}),
    onWait: say,
  });
  try {
    return await work(lock);
  } finally {
    // The work's own outcome matters more than a lock that could not be removed: its lease ends by itself.
    await lock.release().catch((error) => say(`[${host.name}] the lock stays behind: ${error}`));
  }
}

/** Who waits for its turn says so this often. */
const SAY_EVERY_MS = 30_000;

interface Queue {
  /** What has its turn now, or had the last one. */
  atWork: string;
  last: Promise<unknown>;
}

/** Runs of this process on one host, one after the other: they share one connection and one lock file. */
const queues = new WeakMap<Host, Queue>();

/** No limit but those of the runs before it: each ends at its own deadline. */
function exclusively<T>(host: Host, { kind, inputs, say }: SessionRequest, work: () => Promise<T>): Promise<T> {
  const queue = queues.get(host) ?? { atWork: "nothing", last: Promise.resolve() };
  queues.set(host, queue);
  const title = titleOf(kind, inputs);
  const waiting = setInterval(
    () => say(`[${host.name}] ${title} waits for its turn; at work there: ${queue.atWork}`),
    SAY_EVERY_MS,
  );
  const turn = async () => {
    clearInterval(waiting);
    queue.atWork = title;
    return work();
  };
  const mine = queue.last.then(turn, turn);
  queue.last = mine.catch(() => undefined);
  return mine;
}
