import { connectionSchema } from "../../providers/targets/connection.js";
import type { MemoryCell } from "./memory-cell.js";
import { MemoryHost, type MemoryHostOptions, type Operation } from "./memory-host.js";

/** Operations on a host that change something; a directory that is made again and again is the same one. */
const CHANGES: ReadonlySet<Operation["name"]> = new Set(["write", "createExclusive", "remove", "jobs.run"]);

/** The machines of a modelled cell. What burnt down answers nothing. What changes something meets the cell's faults, and is written down. */
export class MemoryHosts {
  readonly #byName = new Map<string, MemoryHost>();

  constructor(private readonly cell: Pick<MemoryCell, "faults" | "written" | "requireThere">) {}

  get(name: string): MemoryHost {
    const known = this.#byName.get(name);
    if (known) return known;
    const connection = connectionSchema.parse({ name, address: "127.0.0.1", user: "admin", auth: { agent: true } });
    const host = new MemoryHost(connection, this.hooksOf(name));
    this.add(host);
    return host;
  }

  /** A machine that a test made itself. */
  add(host: MemoryHost): void {
    this.#byName.set(host.name, host);
  }

  /** What a machine has to tell of each operation on it. */
  hooksOf(name: string): Required<Pick<MemoryHostOptions, "beforeOperation" | "afterOperation">> {
    return {
      beforeOperation: (operation) => {
        this.cell.requireThere(name);
        if (!CHANGES.has(operation.name)) return this.cell.faults.alive();
        const change = `${name} ${operation.name} ${operation.path ?? operation.job ?? ""}`;
        this.cell.faults.before(change);
        this.cell.written.push(change);
      },
      afterOperation: (operation) => {
        if (CHANGES.has(operation.name)) this.cell.faults.after(`${name} ${operation.name}`);
      },
    };
  }
}
