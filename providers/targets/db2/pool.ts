import { milliseconds } from "../../common/duration.js";
import { ProblemError, problemsOf } from "../../common/problem.js";
import type { DatabaseConnection } from "./connection.js";
import { type LockWait, lockWaits } from "./lock-holders.js";
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
  /** As many as the server made, after it refused one more. */
  #limit = CONNECTIONS;
  #refusal: Error | undefined;
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
        const why = this.#refusal
          ? `Another one could not be made: ${problemsOf(this.#refusal, name)[0]?.found}`
          : `This process makes ${CONNECTIONS} at most, and all are in use or being made`;
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
    // One at a time. Where there is none at all, what fails for one fails for all who wait.
    if (this.#waiting.size === 0 || this.#opening || this.#size >= this.#limit) return;
    this.#opening = true;
    this.#size++;
    Session.open(this.connection)
      .then(
        (session) => {
          this.#opening = false;
          session.askWaits = () => this.#lockWaits();
          return this.#giveBack(session);
        },
        (error: Error) => {
          this.#opening = false;
          this.#less();
          if (this.#size === 0) return this.#rejectAll(error);
          // Those that were made go on to serve, and nobody is turned away while there is one.
          this.#limit = this.#size;
          this.#refusal = error;
        },
      )
      .finally(() => this.#serve());
  }

  /** Only over a connection that nobody else waits for. */
  async #lockWaits(): Promise<readonly LockWait[]> {
    const isFree = this.#idle.length > 0 || (this.#size < this.#limit && !this.#opening);
    if (!isFree || this.#waiting.size > 0) return [];
    return this.use((session) => lockWaits(session, this.connection.user));
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
    this.#less();
  }

  #less(): void {
    this.#size--;
    if (this.#size > 0) return;
    this.#limit = CONNECTIONS;
    this.#refusal = undefined;
    this.#emptied?.();
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
