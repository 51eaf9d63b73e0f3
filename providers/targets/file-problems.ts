import { ProblemError } from "../common/problem.js";

/** What can be wrong with a path or its content, worded once for every way of reaching files. */

/** Throws `invalid-input` unless the path is absolute (POSIX, or a Windows drive) and can be said to a file system at all. */
export function requireAbsolute(host: string, path: string): void {
  const absolute = /^(\/|[A-Za-z]:[\\/])/.test(path);
  if (absolute && !path.includes("\0")) return;
  throw new ProblemError("invalid-input", {
    where: `${host}:${JSON.stringify(path)}`,
    found: absolute ? "a path with a NUL character" : "a relative path",
    allowed: "an absolute path in the host's own notation",
  });
}

export function changedMeanwhile(host: string, path: string, expected: string, found: string): ProblemError {
  const words = (hash: string) => (hash === "absent" ? "no file" : `content with SHA-256 ${hash}`);
  return new ProblemError("changed-meanwhile", {
    where: `${host}:${path}`,
    found: words(found),
    allowed: `what was read before: ${words(expected)}`,
    why: "Somebody else changed it between reading and writing; nothing was written",
    next: "Run the preview again and look at the difference",
  });
}

/** A file, or what it says, is not what a step was planned for. */
export const changedSincePlanned = (where: string, found: string): ProblemError =>
  new ProblemError("changed-meanwhile", {
    where,
    found,
    why: "What was planned may no longer be right for it",
    next: "Run up again: it looks anew",
  });

export function missingDirectory(host: string, path: string): ProblemError {
  return new ProblemError("missing", {
    where: `${host}:${path}`,
    found: "the directory of this file does not exist",
    next: "Check the path; if it is right, create the directory",
  });
}

export function wrongKind(host: string, path: string, found: string, allowed: "file" | "directory"): ProblemError {
  return new ProblemError("invalid-input", { where: `${host}:${path}`, found: `a ${found}`, allowed: `a ${allowed}` });
}
