import type { MemoryCell } from "./memory-cell.js";
import { LINGER_MS, type Member } from "./memory-cell-parts.js";

/** Users of a modelled cell: wherever its web servers send them, at every instant. */
export class MemoryUsers {
  /** Server → when users were last sent to it. */
  readonly #sentAt = new Map<string, number>();

  constructor(private readonly cell: MemoryCell) {}

  ask(): void {
    const { now } = this.cell;
    for (const server of [...this.cell.routedServers(), ...this.#backupsInUse()]) this.#sentAt.set(server, now);
  }

  /** Those who are still connected to a member that runs. */
  connectionsTo({ server, state }: Member): number {
    const sentAt = this.#sentAt.get(server);
    return state === "started" && sentAt !== undefined && this.cell.now < sentAt + LINGER_MS ? 1 : 0;
  }

  /** Backups of clusters of which no primary serves. */
  #backupsInUse(): string[] {
    const { cell } = this;
    const there = cell.webServers.filter(({ name }) => !cell.gone.has(name));
    const lists = there.flatMap(({ followed }) => Object.values(followed));
    const serving = (servers: readonly string[]) =>
      cell.membersOf(servers).filter((server) => cell.serves(cell.member(server)));
    return lists.flatMap(({ primary, backup }) => (serving(primary).length > 0 ? [] : serving(backup)));
  }
}
