import { connect as connectTcp, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Client, type ClientErrorExtensions } from "ssh2";
import { milliseconds } from "../common/duration.js";
import { ProblemError } from "../common/problem.js";
import { type Connection, type Hop, hopsTo } from "./connection.js";
import { type HostKeyCheck, hostKeyCheck } from "./host-keys.js";
import { Limiter } from "./limiter.js";
import { logInOnce, type PasswordLogin } from "./logins.js";
import { type Login, prepareLogin } from "./ssh-auth.js";
import { backOffMs, inWords, pause, within } from "./timing.js";

const KEEPALIVE_INTERVAL_MS = 10_000;
const KEEPALIVE_MISSED_MAX = 3;
/** Stock sshd drops handshakes at random from the tenth on (MaxStartups 10:30:100). */
const HANDSHAKES_AT_ONCE = 8;
const HANDSHAKE_ATTEMPTS = 6;
/** RFC 4254: the jump host may forward, and could not connect. */
const CONNECT_FAILED = 2;
const RETRY_BASE_MS = 100;

const handshakes = new Limiter(HANDSHAKES_AT_ONCE);

/** An SSH connection with those it goes through; ending the last ends all. */
export interface SshLine {
  readonly client: Client;
  /** Settles when the line is dead, whoever ended it. */
  readonly closed: Promise<void>;
  /** Closes politely, and for certain. */
  end(): Promise<void>;
}

/** The server dropped us before it said anything about keys: it is busy, and asking again is harmless. */
class HandshakeDropped extends Error {}

/**
 * Connects to a host, through its jump hosts if it has any. Each hop is verified under its own name. The limit of
 * `connectTimeout` counts for each hop from when it is its turn, retries included.
 *
 * @throws ProblemError `unreachable` | `timeout` | `host-key` | `login`.
 */
export async function connectLine(connection: Connection): Promise<SshLine> {
  const timeoutMs = milliseconds(connection.connectTimeout);
  let line: SshLine | undefined;
  const way: (readonly [string, number])[] = [];
  for (const { hop, where } of hopsTo(connection)) {
    const through = line;
    way.push([hop.address.toLowerCase(), hop.port]);
    try {
      const to = { hop, where: `${where} (${hop.address} port ${hop.port})`, account: ["ssh", [...way], hop.user] };
      line = await connectHop(to, through, timeoutMs);
    } catch (error) {
      await through?.end();
      throw error;
    }
  }
  if (!line) throw new Error("a connection has at least one hop");
  return line;
}

interface Destination {
  readonly hop: Hop;
  readonly where: string;
  readonly account: PasswordLogin["account"];
}

/** Where a password may be sent, the first login of its account goes alone, and a refused one is not tried again. */
async function connectHop(to: Destination, through: SshLine | undefined, timeoutMs: number): Promise<SshLine> {
  const { hop, where, account } = to;
  const check = await hostKeyCheck(hop, where);
  const login = await prepareLogin(hop, where);
  const connect = () => tryToConnect({ hop, where, check, login, through, timeoutMs });
  const { password } = login;
  return password === undefined ? connect() : logInOnce({ account: [...account, hop.auth], password, where }, connect);
}

function tryToConnect(handshake: Handshake): Promise<SshLine> {
  const { hop, where, through, timeoutMs } = handshake;
  return handshakes.run(async () => {
    const deadline = performance.now() + timeoutMs;
    const leftMs = () => Math.max(1, deadline - performance.now());
    let lastDrop: HandshakeDropped | undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        const socket = await openSocket(hop, where, through, leftMs(), timeoutMs);
        return await shakeHands(socket, handshake, leftMs());
      } catch (error) {
        if (error instanceof HandshakeDropped) lastDrop = error;
        else if (!lastDrop || !isTimeout(error)) throw error;
        const pauseMs = backOffMs(attempt, RETRY_BASE_MS);
        // Out of time because of the drops: they are the news.
        if (attempt === HANDSHAKE_ATTEMPTS || pauseMs >= leftMs()) throw dropped(where, attempt, lastDrop.message);
        await pause(pauseMs);
      }
    }
  });
}

function isTimeout(error: unknown): boolean {
  return error instanceof ProblemError && error.cause === "timeout";
}

/** Nothing at that address took so much as a TCP connection, as far as a hop before it, or this machine, can tell. */
export class NotReached extends ProblemError {}

async function openSocket(
  hop: Hop,
  where: string,
  through: SshLine | undefined,
  leftMs: number,
  timeoutMs: number,
): Promise<Duplex> {
  let socket: Duplex | undefined;
  const opened = through ? forward(through.client, hop, where) : dial(hop, where, (dialling) => (socket = dialling));
  try {
    return await within(opened, leftMs, () => {
      const { cause, problems } = tooSlow(where, "no connection", timeoutMs);
      return new NotReached(cause, problems);
    });
  } catch (error) {
    socket?.destroy();
    opened.then(
      (late) => late.destroy(),
      () => undefined,
    );
    throw error;
  }
}

function dial(hop: Hop, where: string, started: (socket: Socket) => void): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    // Without noDelay every request waits ~40 ms for a delayed acknowledgement (measured).
    const socket = connectTcp({ host: hop.address, port: hop.port, noDelay: true });
    started(socket);
    socket.once("error", (error: Error & { code?: unknown }) => {
      const problem = cannotConnect(where, error);
      // A name service that is silent says nothing about the host.
      reject(error.code === "EAI_AGAIN" ? problem : new NotReached(problem.cause, problem.problems));
    });
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}

function forward(client: Client, hop: Hop, where: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    client.forwardOut("127.0.0.1", 0, hop.address, hop.port, (error, channel) => {
      if (!error) return resolve(channel);
      const problem = cannotConnect(where, error, "through the host before it");
      const isRefusedThere = (error as { reason?: unknown }).reason === CONNECT_FAILED;
      reject(isRefusedThere ? new NotReached(problem.cause, problem.problems) : problem);
    });
  });
}

interface Handshake {
  readonly hop: Hop;
  readonly where: string;
  readonly check: HostKeyCheck;
  readonly login: Login;
  readonly through: SshLine | undefined;
  readonly timeoutMs: number;
}

async function shakeHands(socket: Duplex, handshake: Handshake, leftMs: number): Promise<SshLine> {
  const { where, check, login, timeoutMs } = handshake;
  const client = new Client();
  const closed = new Promise<void>((resolve) => client.once("close", resolve));
  let phase: "handshake" | "key seen" | "login" = "handshake";
  let rejectedKey: ProblemError | undefined;
  const ready = new Promise<void>((resolve, reject) => {
    client.once("ready", resolve);
    // Stays for the life of the client: an error without a listener would end the process. Later ones show as `close`.
    client.on("error", (error: Error & ClientErrorExtensions) => {
      // ssh2 goes on with the next way to log in.
      if (error.level === "agent") login.failed(`the agent: ${error.message}`);
      else reject(explain(error));
    });
    client.on("close", () => reject(explain(new Error("the server closed the connection"))));
    function explain(error: Error & ClientErrorExtensions): Error {
      if (rejectedKey) return rejectedKey;
      if (phase === "login" && (error.level === "client-authentication" || /authentication/i.test(error.message))) {
        return login.refused(error.level === "client-authentication" ? "" : error.message);
      }
      // Before any key was seen nothing has happened yet; afterwards a retry could count as a failed login.
      if (phase === "handshake" && error.level !== "handshake") return new HandshakeDropped(error.message);
      return cannotConnect(where, error, phase === "login" ? "while logging in" : "while agreeing on encryption");
    }
  });
  try {
    client.connect({
      sock: socket,
      username: handshake.hop.user,
      keepaliveInterval: KEEPALIVE_INTERVAL_MS,
      keepaliveCountMax: KEEPALIVE_MISSED_MAX,
      // Our own limit covers the handshake and its retries.
      readyTimeout: 0,
      algorithms: { serverHostKey: [...check.algorithms] },
      hostVerifier: (key: Buffer) => {
        phase = "key seen";
        rejectedKey = check.judge(key);
        return rejectedKey === undefined;
      },
      authHandler: (allowed, _partial, next) => {
        phase = "login";
        // ssh2 takes `false` for "nothing left"; its types do not say so.
        next((login.next(allowed ?? undefined) || false) as Parameters<typeof next>[0]);
      },
    });
    await within(ready, leftMs, () => tooSlow(where, "no answer to the handshake", timeoutMs));
  } catch (error) {
    client.destroy();
    socket.destroy();
    throw error;
  }
  return {
    client,
    closed,
    end: async () => {
      client.end();
      await within(closed, 500, () => new Error("late")).catch(() => client.destroy());
      socket.destroy();
      await handshake.through?.end();
    },
  };
}

function cannotConnect(where: string, error: Error & { code?: unknown }, how = ""): ProblemError {
  const code = typeof error.code === "string" ? error.code : "";
  const causes: Readonly<Record<string, readonly [string, string]>> = {
    ECONNREFUSED: ["nothing listens there", "Is sshd running, and is the port right?"],
    ENOTFOUND: ["there is no host of this name", "Check the address, and the name service of this machine"],
    EAI_AGAIN: ["the name service does not answer", "Check the network of this machine"],
    EHOSTUNREACH: ["there is no way to this host", "Check the network, a firewall or a VPN"],
    ENETUNREACH: ["there is no way to this network", "Check the network, a firewall or a VPN"],
    ETIMEDOUT: ["it does not answer", "Is the host up, and does a firewall let us through?"],
  };
  const [found, next] = causes[code] ?? [error.message, "Try by hand with ssh -v"];
  return new ProblemError("unreachable", {
    where,
    found: ["cannot connect", how && ` ${how}`, `: ${found}`].join(""),
    next,
  });
}

function tooSlow(where: string, found: string, timeoutMs: number): ProblemError {
  return new ProblemError("timeout", {
    where,
    found: `${found} within ${inWords(timeoutMs)}`,
    next: "Check the network and the host's load; connectTimeout sets the limit",
  });
}

function dropped(where: string, attempts: number, detail: string): ProblemError {
  return new ProblemError("unreachable", {
    where,
    found: `the connection was dropped before the handshake, ${attempts} times (${detail})`,
    why: "The server is overloaded (MaxStartups), bars this address, or is no SSH server",
    next: "Look into the server's log; try by hand with ssh -v",
  });
}
