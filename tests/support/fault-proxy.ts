import { createServer, connect as dial, type Server, type Socket } from "node:net";

/** What a line does wrong. Bytes are counted per connection; "up" is from the client to the server. */
export interface Faults {
  /** Connections are closed as soon as they are accepted. */
  readonly refuse?: boolean;
  /** Nothing passes any more after so many bytes, and nothing says so. 0 = the server is never even asked. */
  readonly stallAfter?: Partial<Record<Direction, number>>;
  /** The connection is closed after so many bytes; what came later never passes. */
  readonly cutAfter?: Partial<Record<Direction, number>>;
  /** Ends with a reset instead of politely. */
  readonly reset?: boolean;
  /** Each piece waits for so long before it passes. */
  readonly delayMs?: number;
}

export type Direction = "up" | "down";

interface Line {
  readonly client: Socket;
  readonly server: Socket;
  readonly passed: Record<Direction, number>;
}

/** A TCP proxy on 127.0.0.1 in front of a server of this machine, whose faults can be changed while connections are open. */
export class FaultProxy {
  /** Take effect from the next byte on. */
  faults: Faults = {};
  readonly #lines = new Set<Line>();
  #connections = 0;

  private constructor(
    private readonly listener: Server,
    readonly port: number,
    private readonly target: number,
    private readonly host: string,
  ) {
    listener.on("connection", (client) => this.#accept(client));
  }

  static async start(target: number, host = "127.0.0.1"): Promise<FaultProxy> {
    const listener = createServer({ noDelay: true });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const address = listener.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return new FaultProxy(listener, address.port, target, host);
  }

  /** Connections accepted since the start. */
  get connections(): number {
    return this.#connections;
  }

  /** Bytes that the open connections have passed in a direction. */
  passed(direction: Direction): number {
    return [...this.#lines].reduce((sum, line) => sum + line.passed[direction], 0);
  }

  /** From now on: cut every open connection after so many more bytes. */
  cutIn(direction: Direction, bytes: number): void {
    this.faults = { ...this.faults, cutAfter: { [direction]: this.passed(direction) + bytes } };
  }

  /** From now on: let so many more bytes pass, then none. */
  stallIn(direction: Direction, bytes: number): void {
    this.faults = { ...this.faults, stallAfter: { [direction]: this.passed(direction) + bytes } };
  }

  /** Closes every open connection now. */
  drop(): void {
    for (const line of this.#lines) this.#drop(line, this.faults.reset === true);
  }

  async stop(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.listener.close(resolve));
  }

  #accept(client: Socket): void {
    this.#connections++;
    client.on("error", () => undefined);
    if (this.faults.refuse) {
      if (this.faults.reset) client.resetAndDestroy();
      else client.destroy();
      return;
    }
    const server = dial({ port: this.target, host: this.host, noDelay: true });
    server.on("error", () => undefined);
    const line: Line = { client, server, passed: { up: 0, down: 0 } };
    this.#lines.add(line);
    this.#pump(line, "up", client, server);
    this.#pump(line, "down", server, client);
    const gone = () => {
      this.#lines.delete(line);
      client.destroy();
      server.destroy();
    };
    client.once("close", gone);
    server.once("close", gone);
  }

  #pump(line: Line, direction: Direction, from: Socket, to: Socket): void {
    let order = Promise.resolve();
    from.on("data", (chunk: Buffer) => {
      order = order.then(() => this.#pass(line, direction, chunk, to));
    });
    from.once("end", () => {
      order = order.then(() => void to.end());
    });
  }

  async #pass(line: Line, direction: Direction, chunk: Buffer, to: Socket): Promise<void> {
    const { cutAfter, stallAfter, delayMs, reset } = this.faults;
    if (delayMs) await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (!this.#lines.has(line)) return;
    const stall = stallAfter?.[direction] ?? Number.POSITIVE_INFINITY;
    const cut = cutAfter?.[direction] ?? Number.POSITIVE_INFINITY;
    const room = Math.max(0, Math.min(stall, cut) - line.passed[direction]);
    const passing = chunk.subarray(0, room);
    line.passed[direction] += passing.length;
    if (passing.length > 0) await new Promise<void>((resolve) => to.write(passing, () => resolve()));
    if (line.passed[direction] >= cut) this.#drop(line, reset === true);
  }

  #drop(line: Line, reset: boolean): void {
    this.#lines.delete(line);
    for (const socket of [line.client, line.server]) {
      if (reset) socket.resetAndDestroy();
      else socket.destroy();
    }
  }
}
