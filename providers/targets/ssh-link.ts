import { constants } from "node:os";
import type { Duplex } from "node:stream";
import type { ClientChannel, SFTPWrapper } from "ssh2";
import { ProblemError } from "../common/problem.js";
import type { Connection } from "./connection.js";
import { Limiter } from "./limiter.js";
import { connectLine, type SshLine } from "./ssh-connect.js";
import { backOffMs, inWords, pause, within } from "./timing.js";

/** Stock sshd allows 10 sessions a connection (MaxSessions); the cached SFTP session is one, and closing ones still count. */
const CHANNELS_AT_ONCE = 6;
const CHANNEL_ATTEMPTS = 8;
const CHANNEL_RETRY_BASE_MS = 20;

/** SSH's reasons for a refused channel that pass by themselves: connect failed (what sshd says at MaxSessions), resource shortage. */
const PASSING_REASONS: readonly unknown[] = [2, 4];

export interface ExecRequest {
  readonly command: string;
  /** For errors: "web1: test the web server's configuration". */
  readonly where: string;
  readonly timeoutMs: number;
  readonly stdin?: string | Uint8Array;
  readonly maxOutputBytes: number;
  /** Talks to the program before it gets its standard input, and sees standard error first. */
  readonly dialogue?: Dialogue;
}

/** What runs between us and a program until it has started (sudo asking for a password). */
export interface Dialogue {
  /** Takes what came on standard error; answers what to send, and whether the program itself has started. */
  heard(chunk: Buffer): { readonly say?: string; readonly started: boolean };
  /** Standard error without what belonged to the dialogue; throws what went wrong in it. */
  ended(exitCode: number, stderr: Buffer): Buffer;
}

/** ssh2 leaves a request without an answer when it was sent to a dying session: whoever waits has to watch `closed` too. */
export interface SftpChannel {
  readonly session: SFTPWrapper;
  readonly closed: Promise<void>;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/**
 * The one SSH connection to a host: made when first needed, made again when it died. Operations that were under way when it
 * died fail; they are never repeated here, because only their caller knows whether that is safe.
 */
export class SshLink {
  #line: Promise<SshLine> | undefined;
  #sftp: { readonly line: SshLine; readonly channel: Promise<SftpChannel> } | undefined;
  readonly #channels = new Limiter(CHANNELS_AT_ONCE);
  #closed = false;
  /** Commands under way on each line that is up. */
  readonly #busy = new Map<SshLine, number>();
  readonly #retired = new Set<SshLine>();

  constructor(private readonly connection: Connection) {}

  /** Runs a command line without a terminal and waits for its end. */
  async exec(request: ExecRequest): Promise<ExecResult> {
    const line = await this.#connected();
    return this.#using(line, () => this.#channels.run(() => this.#execOn(line, request)));
  }

  async #execOn(line: SshLine, request: ExecRequest): Promise<ExecResult> {
    const deadline = performance.now() + request.timeoutMs;
    const late = () => timedOut(request);
    const left = () => Math.max(1, deadline - performance.now());
    let sent = false;
    const opening = this.#open<ClientChannel>(request.where, (opened) => {
      line.client.exec(request.command, opened);
      sent = true;
    });
    opening.catch(() => undefined);
    let channel: ClientChannel;
    try {
      channel = await within(Promise.race([opening, died(line, request.where, () => sent)]), left(), late);
    } catch (error) {
      opening.then(
        (unwanted) => unwanted.close(),
        () => undefined,
      );
      throw error;
    }
    try {
      return await within(converse(channel, request), left(), late);
    } finally {
      channel.close();
    }
  }

  /** A TCP connection from the host; the line under it stays until it has ended. */
  async forward(address: string, port: number, timeoutMs: number): Promise<Duplex> {
    const line = await this.#connected();
    const where = `${this.connection.name}: forward to ${address} port ${port}`;
    const opening = new Promise<ClientChannel>((resolve, reject) => {
      line.client.forwardOut("127.0.0.1", 0, address, port, (error, channel) => {
        if (!error) return resolve(channel);
        const found = `the host makes no connection: ${error.message}`;
        const next = "Does the address listen, and does sshd there allow it (AllowTcpForwarding)?";
        reject(new ProblemError("unreachable", { where, found, next }));
      });
    });
    opening.catch(() => undefined);
    const lost = died(line, where, () => false);
    lost.catch(() => undefined);
    try {
      const channel = await within(Promise.race([opening, lost]), timeoutMs, () => timedOut({ where, timeoutMs }));
      void this.#using(line, () => new Promise<void>((closed) => channel.once("close", () => closed())));
      return channel;
    } catch (error) {
      opening.then(
        (unwanted) => unwanted.close(),
        () => undefined,
      );
      throw error;
    }
  }

  /** The SFTP session, shared by all file operations of this host: opening one each would exhaust the server. */
  async sftp(timeoutMs: number): Promise<SftpChannel> {
    const line = await this.#connected();
    if (this.#sftp?.line !== line) this.#sftp = { line, channel: this.#openSftp(line, timeoutMs) };
    return this.#sftp.channel;
  }

  /**
   * After a file operation that got no answer: its SFTP session ends now, so that nothing of it happens later. Commands
   * under way may finish on the old connection; everything later takes a new one.
   */
  retire(): void {
    this.#sftp?.channel.then(({ session }) => session.end()).catch(() => undefined);
    this.#sftp = undefined;
    const line = this.#line;
    this.#line = undefined;
    line
      ?.then((old) => {
        this.#retired.add(old);
        this.#endIfIdle(old);
      })
      .catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sftp = undefined;
    // One that is being made would otherwise stay open behind our back.
    await this.#line?.catch(() => undefined);
    await Promise.all([...this.#busy.keys()].map((line) => line.end()));
  }

  #endIfIdle(line: SshLine): void {
    if (this.#retired.has(line) && this.#busy.get(line) === 0) void line.end();
  }

  async #using<T>(line: SshLine, act: () => Promise<T>): Promise<T> {
    this.#busy.set(line, (this.#busy.get(line) ?? 0) + 1);
    try {
      return await act();
    } finally {
      const left = this.#busy.get(line);
      if (left !== undefined) this.#busy.set(line, left - 1);
      this.#endIfIdle(line);
    }
  }

  #connected(): Promise<SshLine> {
    if (this.#closed) {
      const problem = { where: this.connection.name, found: "this connection was closed by this process" };
      return Promise.reject(new ProblemError("interrupted", problem));
    }
    if (this.#line) return this.#line;
    const connecting = connectLine(this.connection);
    this.#line = connecting;
    const forget = () => {
      if (this.#line === connecting) this.#line = undefined;
    };
    connecting.then((line) => {
      this.#busy.set(line, 0);
      line.closed.then(() => {
        forget();
        this.#busy.delete(line);
        this.#retired.delete(line);
      });
    }, forget);
    return connecting;
  }

  async #openSftp(line: SshLine, timeoutMs: number): Promise<SftpChannel> {
    const where = `${this.connection.name}: open an SFTP session`;
    try {
      const opening = this.#open<SFTPWrapper>(where, (opened) => line.client.sftp(opened));
      opening.catch(() => undefined);
      const session = await within(Promise.race([opening, died(line, where, () => false)]), timeoutMs, () =>
        timedOut({ where, timeoutMs }),
      );
      const forget = () => {
        if (this.#sftp?.line === line) this.#sftp = undefined;
      };
      // An SFTP session is an event emitter: without a listener its errors would end the process.
      session.on("error", forget);
      const closed = new Promise<void>((resolve) => session.once("close", resolve));
      closed.then(forget);
      return { session, closed: Promise.race([closed, line.closed]) };
    } catch (error) {
      this.#sftp = undefined;
      throw error;
    }
  }

  /** Opens a channel; one that the server refuses for want of room is asked for again, on the same healthy connection. */
  async #open<T>(where: string, open: (opened: (error: Error | undefined, channel: T) => void) => void): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await new Promise<T>((resolve, reject) => {
          open((error, channel) => (error ? reject(error) : resolve(channel)));
        });
      } catch (error) {
        const refused = error as Error & { reason?: unknown };
        if (!PASSING_REASONS.includes(refused.reason) || attempt === CHANNEL_ATTEMPTS) {
          const lost = /No response from server/.test(refused.message);
          if (lost) throw connectionLost(where, true);
          throw new ProblemError("unreachable", {
            where,
            found: `the server opened no channel: ${refused.message}`,
            next: "Look into the server's log; MaxSessions in sshd_config limits them",
          });
        }
        await pause(backOffMs(attempt, CHANNEL_RETRY_BASE_MS));
      }
    }
  }
}

/** Sends the input, collects the output and waits for the exit status. */
function converse(channel: ClientChannel, request: ExecRequest): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const stdout = new Collected(request.maxOutputBytes);
    const stderr = new Collected(request.maxOutputBytes);
    let inputSent = false;
    const sendInput = () => {
      if (inputSent) return;
      inputSent = true;
      channel.end(request.stdin ?? "");
    };
    // A program that does not read its input closes the pipe: its exit status tells the story.
    channel.on("error", () => undefined);
    channel.on("data", (chunk: Buffer) => stdout.add(chunk));
    channel.stderr.on("data", (chunk: Buffer) => {
      stderr.add(chunk);
      if (!request.dialogue || inputSent) return;
      const { say, started } = request.dialogue.heard(chunk);
      if (say !== undefined) channel.write(say);
      if (started) sendInput();
    });
    channel.on("close", (code: number | null | undefined, signal: string | undefined) => {
      try {
        const exitCode = exitCodeOf(code, signal);
        if (exitCode === undefined) throw connectionLost(request.where, true);
        const said = stderr.bytes();
        const errors = request.dialogue?.ended(exitCode, said) ?? said;
        if (stdout.overflown || stderr.overflown) throw tooMuchOutput(request, exitCode);
        resolve({ exitCode, stdout: stdout.bytes(), stderr: errors });
      } catch (error) {
        reject(error);
      }
    });
    if (!request.dialogue) sendInput();
  });
}

class Collected {
  #chunks: Buffer[] = [];
  #size = 0;
  overflown = false;

  constructor(private readonly max: number) {}

  add(chunk: Buffer): void {
    this.#size += chunk.length;
    this.overflown ||= this.#size > this.max;
    if (this.overflown) this.#chunks = [];
    else this.#chunks.push(chunk);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** As a shell counts: killed by signal N = 128 + N. undefined = neither code nor signal: the line died first. */
function exitCodeOf(code: number | null | undefined, signal: string | undefined): number | undefined {
  if (typeof code === "number") return code;
  if (!signal) return undefined;
  return 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
}

async function died(line: SshLine, where: string, sent: () => boolean): Promise<never> {
  await line.closed;
  throw connectionLost(where, sent());
}

export function connectionLost(where: string, sent: boolean): ProblemError {
  return sent
    ? new ProblemError("unknown-outcome", {
        where,
        found: "the connection was lost before the answer came",
        why: "It may have happened or not",
        next: "Run the same command again: it looks at the live state first",
      })
    : new ProblemError("unreachable", {
        where,
        found: "the connection was lost before it was started",
        next: "Run the same command again; look at the network and at sshd's log",
      });
}

export function timedOut({ where, timeoutMs }: { readonly where: string; readonly timeoutMs: number }): ProblemError {
  return new ProblemError("timeout", {
    where,
    found: `no answer within ${inWords(timeoutMs)}`,
    why: "It may still be going on, so its outcome is unknown",
    next: "Look at the host's load and the network",
  });
}

function tooMuchOutput(request: ExecRequest, exitCode: number): ProblemError {
  return new ProblemError("command-failed", {
    where: request.where,
    found: `more output than can be held, exit code ${exitCode}`,
    allowed: `${request.maxOutputBytes} bytes`,
  });
}
