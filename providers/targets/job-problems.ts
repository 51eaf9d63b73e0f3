import { ProblemError } from "../common/problem.js";

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

export function jobLost(host: string, name: string, what: string): ProblemError {
  return new ProblemError("unknown-outcome", {
    where: `${host}: job ${name} (${what})`,
    found: "its process is gone and left no exit status",
    why: "The host was restarted, or the process was killed: how far it came is unknown, so it is not started again by itself",
    next: "The state has to be observed before the job is forgotten and started again",
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
