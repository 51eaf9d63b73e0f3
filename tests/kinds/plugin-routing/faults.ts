import { lineCut, type Operation } from "../../support/memory-host.js";
import { routingInputs, type Stored, WebServerModel } from "./bench.js";

/** Operations that change something: only around them can a crash leave a half-done state. */
const CHANGES = new Set(["write", "createExclusive", "makeDirectory", "remove", "jobs.run"]);

/** Makes one changing operation fail: before it happened, or after it with its answer lost; for once, or for good. */
export class Fault {
  active = false;
  #seen = -1;
  #dead = false;

  constructor(
    private readonly index: number,
    private readonly side: "before" | "after",
    private readonly lasting: boolean,
  ) {}

  get reached(): boolean {
    return this.#seen >= this.index;
  }

  readonly hooks = {
    beforeOperation: (operation: Operation) => this.#strike(operation, "before"),
    afterOperation: (operation: Operation) => this.#strike(operation, "after"),
  };

  #strike(operation: Operation, side: "before" | "after"): void {
    if (!this.active) return;
    if (this.#dead) throw lineCut("web1");
    if (!CHANGES.has(operation.name)) return;
    if (side === "before") this.#seen++;
    if (this.#seen !== this.index || side !== this.side) return;
    this.#dead = this.lasting;
    throw lineCut("web1");
  }
}

/** Old locks of a dead process are taken over as soon as their lease has ended. */
export function inputsFor(web: WebServerModel, more: Record<string, unknown> = {}) {
  const { verify } = routingInputs(web) as { verify: object };
  return routingInputs(web, { verify: { ...verify, samples: 2 }, ...more });
}

export const stateOf = (work: Promise<Stored>): Promise<Stored | undefined> =>
  work.catch((error: { id?: string; properties?: Stored }) => (error.id ? error.properties : undefined));

export const FAULTS = [
  ["the process dies before an operation", "before", true],
  ["the process dies after an operation", "after", true],
  ["an operation fails once", "before", false],
  ["promise 20: an operation's answer is lost", "after", false],
] as const;

/** Runs `attempt` with a fault at every index until one is out of reach; answers how many there were. */
export async function everywhere(
  side: "before" | "after",
  lasting: boolean,
  attempt: (web: WebServerModel, fault: Fault) => Promise<void>,
): Promise<number> {
  for (let index = 0; index < 100; index++) {
    const fault = new Fault(index, side, lasting);
    const web = await new WebServerModel(fault.hooks).start();
    try {
      await attempt(web, fault);
    } finally {
      await web.stop();
    }
    if (!fault.reached) return index;
  }
  throw new Error("a run without an end");
}
