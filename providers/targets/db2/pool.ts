import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import type { DatabaseConnection } from "./connection.js";
import { type LockHolder, lockHolders } from "./lock-holders.js";
import { Session } from "./session.js";

/** Of one database and process: each is a process with the driver in it. */
const CONNECTIONS = 3;
/** A connection that lay idle for longer is asked whether it still answers; firewalls forget such lines without a word. */
const TRUSTED_IDLE_MS = 10_000;
const IDLE_LIMIT_MS = 60_000;

interface Waiter {
  readonly resolve: (session: Session) => void;
  readonly reject: (error: Error) => void;
}

/** The few connections to one database, shared by all of this process in the order they ask. */
export class Pool {
  readonly #idle: Session[] = [];
  readonly #waiting = new Set<Waiter>();
  #size = 0;
  #opening = false;
  #closed = false;
  #emptied: (() => void) | undefined;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(private readonly connection: DatabaseConnection) {}

  /** Lends a connection. One that is no longer usable afterwards is replaced when somebody needs it. */
  async use<T>(act: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#fresh();
    try {
      return await act(session);
    } finally {
      await this.#giveBack(session);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#sweeper);
    this.#rejectAll(closed(this.connection.name));
    await Promise.all(this.#idle.splice(0).map((session) => this.#drop(session)));
    if (this.#size > 0 || this.#opening) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    }
  }

  async #fresh(): Promise<Session> {
    for (;;) {
      const session = await this.#acquire();
      const isTrusted = performance.now() - session.idleSince < TRUSTED_IDLE_MS;
      if (session.usable && (isTrusted || (await session.answers()))) return session;
      await this.#drop(session);
    }
  }

  #acquire(): Promise<Session> {
    if (this.#closed) return Promise.reject(closed(this.connection.name));
    return new Promise((resolve, reject) => {
      const { name, queueTimeout } = this.connection;
      const timer = setTimeout(() => {
        this.#waiting.delete(waiter);
        const found = `no connection became free within ${queueTimeout}`;
        const why = `This process makes ${CONNECTIONS} at most, and all are in use or being made`;
        reject(new ProblemError("timeout", { where: name, found, why, next: "queueTimeout sets the limit" }));
      }, milliseconds(queueTimeout));
      const waiter: Waiter = {
        resolve: (session) => {
          clearTimeout(timer);
          resolve(session);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#waiting.add(waiter);
      this.#serve();
    });
  }

  #serve(): void {
    for (const waiter of this.#waiting) {
      const session = this.#idle.pop();
      if (!session) break;
      this.#waiting.delete(waiter);
      waiter.resolve(session);
    }
    // One at a time, and what fails for one fails for all who wait: a wrong password is tried once, not once for each of them.
    if (this.#waiting.size === 0 || this.#opening || this.#size >= CONNECTIONS) return;
    this.#opening = true;
    this.#size++;
    Session.open(this.connection)
      .then(
        (session) => {
          this.#opening = false;
          session.askHolders = () => this.#lockHolders();
          return this.#giveBack(session);
        },
        (error: Error) => {
          this.#opening = false;
          this.#size--;
          this.#rejectAll(error);
          if (this.#size === 0) this.#emptied?.();
        },
      )
      .finally(() => this.#serve());
  }

  /** Only over a connection that nobody else waits for. */
  async #lockHolders(): Promise<readonly LockHolder[]> {
    const isFree = this.#idle.length > 0 || (this.#size < CONNECTIONS && !this.#opening);
    if (!isFree || this.#waiting.size > 0) return [];
    return this.use((session) => lockHolders(session, this.connection.user));
  }

  async #giveBack(session: Session): Promise<void> {
    if (this.#closed || !session.usable) await this.#drop(session);
    else {
      session.idleSince = performance.now();
      this.#idle.push(session);
      this.#sweepLater();
    }
    this.#serve();
  }

  async #drop(session: Session): Promise<void> {
    await session.close();
    this.#size--;
    if (this.#size === 0) this.#emptied?.();
  }

  #rejectAll(error: Error): void {
    for (const waiter of this.#waiting) waiter.reject(error);
    this.#waiting.clear();
  }

  #sweepLater(): void {
    clearTimeout(this.#sweeper);
    this.#sweeper = setTimeout(() => {
      for (const session of this.#idle.splice(0)) void this.#drop(session);
    }, IDLE_LIMIT_MS);
    this.#sweeper.unref();
  }
}

function closed(where: string): ProblemError {
  return new ProblemError("interrupted", { where, found: "this database was closed by this process" });
}
