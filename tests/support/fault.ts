import { lineCut, type Operation } from "./memory-host.js";
import type { Stored } from "./provider-bench.js";

/** Operations on a host that change something: only around them can a crash leave a half-done state. */
const CHANGES = new Set(["write", "createExclusive", "makeDirectory", "remove", "run", "jobs.run"]);

type Side = "before" | "after";

/** How an operation fails: the words for it, on which side of its effect, and whether everything fails from then on. */
export const FAULTS = [
  ["the process dies before an operation", "before", true],
  ["the process dies after an operation", "after", true],
  ["an operation fails once", "before", false],
  ["promise 20: an operation's answer is lost", "after", false],
] as const;

/** Makes one operation of a run fail: before it happened, or after it with its answer lost; for once, or for good. */
export class Fault {
  #active = false;
  #seen = -1;
  #dead = false;

  constructor(
    private readonly index: number,
    private readonly side: Side,
    private readonly lasting: boolean,
  ) {}

  get reached(): boolean {
    return this.#seen >= this.index;
  }

  /** Counts what changes something. */
  readonly host = {
    beforeOperation: ({ name }: Operation) => this.#strike("before", CHANGES.has(name)),
    afterOperation: ({ name }: Operation) => this.#strike("after", CHANGES.has(name)),
  };
  /** Counts every operation. */
  readonly database = {
    beforeOperation: () => this.#strike("before"),
    afterOperation: () => this.#strike("after"),
  };

  /** What the state holds after a run with the fault in it; nothing where the run came to nothing. */
  strike(run: () => Promise<Stored | undefined>): Promise<Stored | undefined> {
    return stateOf(this.during(run));
  }

  async during<T>(run: () => Promise<T>): Promise<T> {
    this.#active = true;
    try {
      return await run();
    } finally {
      this.#active = false;
    }
  }

  #strike(side: Side, counts = true): void {
    if (!this.#active) return;
    if (this.#dead) throw lineCut("the target");
    if (!counts) return;
    if (side === "before") this.#seen++;
    if (this.#seen !== this.index || side !== this.side) return;
    this.#dead = this.lasting;
    throw lineCut("the target");
  }
}

/** What the engine stores of a create or an update, also of one that failed half-way. */
export const stateOf = (work: Promise<Stored | undefined>): Promise<Stored | undefined> =>
  work.catch((error: { id?: string; properties?: Stored }) => (error.id ? error.properties : undefined));

/** Tries a fault at every index until one is out of reach; answers how many there were. */
export async function everywhere(
  side: Side,
  lasting: boolean,
  attempt: (fault: Fault) => Promise<void>,
): Promise<number> {
  for (let index = 0; index < 100; index++) {
    const fault = new Fault(index, side, lasting);
    await attempt(fault);
    if (!fault.reached) return index;
  }
  throw new Error("a run without an end");
}

export const isDone = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );
