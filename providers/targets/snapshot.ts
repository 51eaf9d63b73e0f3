/** How long an answer may serve previews before the host is asked again. */
const SNAPSHOT_MAX_AGE_MS = 30_000;

/**
 * Answers that several resources share during one preview. Bounded in age; `drop` forgets all of them, also the ones that
 * are still being loaded: their askers get them, nobody after.
 */
export class Snapshot {
  readonly #entries = new Map<string, { readonly since: number; readonly value: Promise<unknown> }>();

  constructor(private readonly now: () => number = Date.now) {}

  get<T>(key: string, load: () => Promise<T>): Promise<T> {
    const known = this.#entries.get(key);
    if (known && this.now() - known.since < SNAPSHOT_MAX_AGE_MS) return known.value as Promise<T>;
    const entry = { since: this.now(), value: load() };
    this.#entries.set(key, entry);
    // A failure is an answer for those who asked meanwhile, not for the next one.
    entry.value.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    return entry.value;
  }

  drop(): void {
    this.#entries.clear();
  }
}
