import { ProblemError } from "../common/problem.js";
import type { LostJob } from "./host.js";

const JOB_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Throws `invalid-input` unless the name can be a folder's name on every host. */
export function requireJobName(host: string, name: string): void {
  if (JOB_NAME.test(name)) return;
  throw new ProblemError("invalid-input", {
    where: `${host}: job ${JSON.stringify(name)}`,
    found: "a name that cannot be a folder's name",
    allowed: "1 to 100 letters, digits, dots, dashes and underscores, beginning with a letter or digit",
  });
}

export function jobStillRunning(host: string, name: string): ProblemError {
  return new ProblemError("locked", {
    where: `${host}: job ${name}`,
    found: "still running",
    allowed: "forgetting a job that has ended",
    why: "Its name would be free to be started a second time",
  });
}

/** How a job ended that left no exit status. */
export function lostInWords({ restartedAt, left }: LostJob): string {
  if (restartedAt !== null) return `ended with its host's restart at ${restartedAt}, its outcome is unknown`;
  if (left.length === 0)
    return "its processes are gone and left no exit status, its outcome is unknown (were they killed?)";
  return `its runner is gone, and process ${left.join(", ")} of it goes on: nobody will know its exit status`;
}

export function jobLost(host: string, name: string, what: string, lost: LostJob): ProblemError {
  return new ProblemError("unknown-outcome", {
    where: `${host}: job ${name} (${what})`,
    found: lostInWords(lost),
    why: "How far it came is to be seen before anything is repeated",
    ...(lost.left.length > 0 ? { next: "Wait until those processes have ended, then run the same command again" } : {}),
  });
}

/** Its folder is gone while somebody waits for its end. */
export function jobForgotten(host: string, name: string, what: string): ProblemError {
  return new ProblemError("unknown-outcome", {
    where: `${host}: job ${name} (${what})`,
    found: "somebody removed its folder, its outcome is unknown",
    why: "How far it came is to be seen before anything is repeated",
  });
}

export function jobTimeout(host: string, name: string, what: string, timeoutMs: number): ProblemError {
  return new ProblemError("timeout", {
    where: `${host}: job ${name} (${what})`,
    found: `no end after ${Math.round(timeoutMs / 1000)} s`,
    why: "It goes on running on the host",
    next: "Run the same command again: it attaches to this job instead of starting it twice",
  });
}
