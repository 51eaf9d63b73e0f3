import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import type { Host } from "../host.js";
import { type ProbeTarget, probe } from "../http-probe.js";
import type { Verify } from "./schema.js";

/** A web server writes its log line after the answer. */
const LINE_WAIT_MS = 1_000;
const LOOK_EVERY_MS = 100;
/** One lost connection, or one line that comes late, is no reason to doubt an address. */
const OWN_ADDRESS_TRIES = 3;
/** Others write too between two looks; more than this of a busy log is not read. */
const MOST_BYTES = 4 * 1024 * 1024;
const SLACK_BYTES = 64 * 1024;

/** Makes one request findable in an access log. */
export const newMark = (): string => `pulumi-connections-probe=${randomBytes(9).toString("hex")}`;

export const withQuery = (path: string, query: string): string => `${path}${path.includes("?") ? "&" : "?"}${query}`;

/** An access log from now on. */
export interface WatchedLog {
  /** The marks' lines; those that are not there in time are missing. */
  linesOf(marks: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** @throws ProblemError `missing` when the log cannot be read */
export async function watchLog(host: Host, path: string): Promise<WatchedLog> {
  const begin = (await host.files.stat(path))?.size ?? 0;
  return {
    async linesOf(marks) {
      const until = Date.now() + LINE_WAIT_MS;
      for (;;) {
        const lines = (await readSince(host, path, begin)).split("\n");
        const found = new Map<string, string>();
        for (const mark of marks) {
          const line = lines.find((each) => each.includes(mark));
          if (line !== undefined) found.set(mark, line);
        }
        if (found.size === marks.length || Date.now() >= until) return found;
        await pause(LOOK_EVERY_MS);
      }
    },
  };
}

/** A log that is shorter than before was begun anew. */
async function readSince(host: Host, path: string, begin: number): Promise<string> {
  const size = (await host.files.stat(path))?.size ?? 0;
  const bytes = Math.min((size < begin ? size : size - begin) + SLACK_BYTES, MOST_BYTES);
  const what = "read the end of the access log";
  const timeoutMs = milliseconds(host.connection.operationTimeout);
  const result = await host.run(["tail", "-c", String(bytes), path], { what, timeoutMs });
  if (result.exitCode === 0) return result.stdout;
  throw new ProblemError("missing", {
    where: `${host.name}:${path}`,
    found: `cannot be read: ${result.stderr.trim()}`,
    next: "Correct the path, or let the login user read the log",
  });
}

/**
 * A request to `connectTo` has to appear in the access log on the web server's host; of a few, one. Nothing is asked when no
 * log is declared.
 *
 * @throws ProblemError `refused` when it does not: the address is then another web server's
 */
export async function requireOwnAddress(
  host: Host,
  verify: Verify,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<void> {
  const [page] = Object.values(verify.clusters);
  if (verify.accessLog === undefined || !page) return;
  const log = await watchLog(host, verify.accessLog);
  const { address, port } = verify.connectTo;
  const timeoutMs = milliseconds(verify.requestTimeout);
  let found = "";
  for (let tried = 0; tried < OWN_ADDRESS_TRIES; tried++) {
    signal.throwIfAborted();
    const mark = newMark();
    const outcome = await probe(target, { path: withQuery(page.probeUrl, mark), timeoutMs, signal });
    if (outcome.kind === "answered" && (await log.linesOf([mark])).has(mark)) return;
    found =
      outcome.kind === "answered"
        ? `was answered, but is not in ${verify.accessLog} on ${host.name}`
        : `was not answered: ${outcome.detail}`;
  }
  throw new ProblemError("refused", {
    where: "verify.connectTo",
    found: `a request to ${address}:${port} ${found}`,
    allowed: "the web server's own address",
    why: "Requests that another web server answers prove nothing about this one",
    next: "Correct connectTo; or accessLog, if this web server writes its requests elsewhere",
  });
}
