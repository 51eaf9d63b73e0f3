import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { sha256 } from "../common/json.js";
import { ProblemError } from "../common/problem.js";
import type { Host } from "../targets/host.js";
import { stackOf } from "./record.js";

/** How often a waiting run looks whether the lock is free. */
const POLL_MS = 500;
/** Who waits says so this often; what this very process does is said there anyway. */
const SAY_EVERY_MS = 5_000;
const SAY_OURS_EVERY_MS = 30_000;
/** A holder shows a sign of life this many times per lease. */
const BEATS_PER_LEASE = 3;

/**
 * Tokens of the locks that this process holds, from before the file is there until after it is gone: one of its own that is not
 * among them was left behind by a lost line.
 */
const heldHere = new Set<string>();

interface LockFile {
  readonly token: string;
  /** project/stack/resource on whose behalf it is held. */
  readonly owner: string;
  /** user@machine, for people. */
  readonly by: string;
  readonly since: string;
  readonly why: string;
  readonly leaseMs: number;
  /** Grows with every sign of life. Ages are measured by watching it, so that clocks need not agree. */
  readonly beat: number;
  /** Where the holding process runs: lets a run on the same machine see at once that it is gone. */
  readonly process: { readonly machine: string; readonly pid: number };
}

export interface LockRequest {
  readonly owner: string;
  readonly why: string;
  /** How long somebody else's lock is waited for, from when it was first seen. */
  readonly waitMs: number;
  /** How long is waited in all, other runs of this process included: those end by themselves. Default: waitMs. */
  readonly ownWaitMs?: number;
  readonly leaseMs: number;
  /** A lock that this very run holds already: where it is the same one, it is entered and not waited for. */
  readonly within?: Lock;
  /** Told once a second or so while waiting, for progress lines. */
  onWait(line: string): void;
}

/** A held lock. Everything written to the host happens between `acquire` and `release`. */
export interface Lock {
  readonly token: string;
  /** @throws ProblemError `locked` when somebody else has taken the lock over, because our signs of life stopped. */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

export const operator = (): string => `${userInfo().username}@${hostname()}`;

/**
 * Takes the one lock of a host. A live holder is waited for; a dead holder of the same stack is replaced; a dead holder of
 * another stack is a person's decision.
 *
 * @throws ProblemError `locked`, naming holder, since when, why, and how to break a dead lock.
 */
export async function acquireLock(host: Host, request: LockRequest): Promise<Lock> {
  const path = `${host.connection.stateDirectory}/lock`;
  const mine: LockFile = {
    token: randomUUID(),
    owner: request.owner,
    by: operator(),
    since: new Date().toISOString(),
    why: request.why,
    leaseMs: request.leaseMs,
    beat: 0,
    process: thisProcess(),
  };
  await host.files.makeDirectory(host.connection.stateDirectory, 0o770);
  const began = Date.now();
  let strangerSince: number | undefined;
  const watch = new BeatWatch();
  let saidAt = 0;
  for (;;) {
    /** Why a dead lock could not be replaced. */
    let kept: unknown;
    if (await taken(mine.token, () => host.files.createExclusive(path, encode(mine), 0o660)))
      return hold(host, path, mine);
    // What is read may have been given back before the answer is here.
    const heldBefore = new Set(heldHere);
    const present = await host.files.read(path);
    const holder = present && decode(present.bytes);
    const isOurs = holder !== undefined && (heldBefore.has(holder.token) || heldHere.has(holder.token));
    if (holder && holder.token === request.within?.token) return { ...request.within, release: async () => {} };
    const sameStack = holder !== undefined && stackOf(holder.owner) === stackOf(request.owner);
    if (holder) watch.look(holder);
    if (present && holder && sameStack && (processIsGone(holder, isOurs) || watch.silentMs > holder.leaseMs)) {
      try {
        await taken(mine.token, () => host.files.write(path, encode(mine), { expected: present.sha256 }));
        return hold(host, path, mine);
      } catch (error) {
        kept = error;
      }
    }
    const now = Date.now();
    strangerSince = present && !isOurs ? (strangerSince ?? now) : undefined;
    const isOver = now - began >= (request.ownWaitMs ?? request.waitMs);
    if (isOver || (strangerSince !== undefined && now - strangerSince >= request.waitMs))
      throw lockedError(host, path, describe(holder, present !== undefined), now - began, watch, kept);
    if (now - saidAt > (isOurs ? SAY_OURS_EVERY_MS : SAY_EVERY_MS)) {
      saidAt = now;
      request.onWait(`[${host.name}] waiting for the lock: ${describe(holder, present !== undefined)}`);
    }
    await delay(Math.min(POLL_MS, request.leaseMs / (2 * BEATS_PER_LEASE)));
  }
}

/** Puts our lock on the host, known as ours from before anybody can read it there; not if that fails. */
async function taken<T>(token: string, put: () => Promise<T>): Promise<T | undefined> {
  let done: T | undefined;
  heldHere.add(token);
  try {
    done = await put();
    return done;
  } finally {
    if (!done) heldHere.delete(token);
  }
}

/** Notices that a lock's beat has not grown for its whole lease. */
class BeatWatch {
  /** For how long, as far as this process was awake to see it, the beat has not grown. */
  silentMs = 0;
  private seen = "";
  private lookedAt = performance.now();

  look(holder: LockFile): void {
    const at = performance.now();
    // What keeps us from looking (a machine asleep or overloaded) may keep the holder from beating: it counts as one beat missed.
    const watched = Math.min(at - this.lookedAt, holder.leaseMs / BEATS_PER_LEASE);
    this.lookedAt = at;
    const now = `${holder.token} ${holder.beat}`;
    this.silentMs = now === this.seen ? this.silentMs + watched : 0;
    this.seen = now;
  }
}

function hold(host: Host, path: string, first: LockFile): Lock {
  let current = first;
  let released = false;
  let beating: Promise<void> = Promise.resolve();

  const isMine = async () => {
    const present = await host.files.read(path);
    return present && decode(present.bytes)?.token === first.token ? present : undefined;
  };
  const beat = async () => {
    const present = await isMine();
    if (!present || released) return;
    current = { ...current, beat: current.beat + 1 };
    await host.files.write(path, encode(current), { expected: present.sha256 });
  };
  const timer = setInterval(() => {
    // A missed beat is no error by itself: the next one may get through, and assertHeld is what decides.
    beating = beating.then(beat).catch(() => undefined);
  }, first.leaseMs / BEATS_PER_LEASE);
  timer.unref();

  return {
    token: first.token,
    async assertHeld() {
      await beating;
      if (await isMine()) return;
      throw new ProblemError("locked", {
        where: `${host.name}:${path}`,
        found: "the lock now belongs to another run",
        why: "This run gave no sign of life for its whole lease and was taken for dead; going on would interleave two runs",
        next: "Run up again when the other run has ended",
      });
    },
    async release() {
      released = true;
      clearInterval(timer);
      try {
        await beating;
        const present = await isMine();
        if (present) await host.files.remove(path, { expected: present.sha256 });
      } finally {
        heldHere.delete(first.token);
      }
    },
  };
}

function lockedError(
  host: Host,
  path: string,
  held: string,
  waitedMs: number,
  watch: BeatWatch,
  kept: unknown,
): ProblemError {
  const untaken =
    kept === undefined
      ? ""
      : `; it is dead, and could not be taken over: ${kept instanceof Error ? kept.message : kept}`;
  return new ProblemError("locked", {
    where: host.name,
    found: `${held}; waited ${Math.round(waitedMs / 1_000)} s, its last sign of life was at least ${Math.round(watch.silentMs / 1_000)} s ago${untaken}`,
    why: "Two runs on one host could undo each other's work",
    next: `Wait for that run and try again; if you are sure that it is dead, delete ${path} on ${host.name}`,
  });
}

function describe(holder: LockFile | undefined, isThere: boolean): string {
  if (holder) return `held by ${holder.by} since ${holder.since} for ${holder.owner} (${holder.why})`;
  return isThere ? "held by an unreadable lock file" : "given back just now, or a link to nowhere in its place";
}

const encode = (lock: LockFile): Buffer => Buffer.from(`${JSON.stringify(lock)}\n`);

function decode(bytes: Buffer): LockFile | undefined {
  try {
    const lock = JSON.parse(bytes.toString("utf8")) as LockFile;
    return typeof lock.token === "string" && typeof lock.leaseMs === "number" ? lock : undefined;
  } catch {
    return undefined;
  }
}

function thisProcess(): LockFile["process"] {
  return { machine: machineId(), pid: process.pid };
}

/** Boot, pid namespace and host name: equal only where a pid means the same process. "" where that cannot be told. */
function machineId(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return sha256(`${boot} ${readlinkSync("/proc/self/ns/pid")} ${hostname()}`);
  } catch {
    return "";
  }
}

function processIsGone(holder: LockFile, isOurs: boolean): boolean {
  if (machineId() === "" || holder.process?.machine !== machineId()) return false;
  if (holder.process.pid === process.pid) return !isOurs;
  try {
    process.kill(holder.process.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
