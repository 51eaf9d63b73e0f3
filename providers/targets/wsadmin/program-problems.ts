import { ProblemError } from "../../common/problem.js";
import type { Host } from "../host.js";
import { isLoginRefused, isNotReached, lastLines } from "./messages.js";

const LOGIN_NEXT = "Correct administrator.user and what administrator.password refers to, then try again";

/**
 * The word and rest of our scripts' own line "@@ word rest"; undefined when the output has none.
 */
export function ownLine(output: string): { readonly word: string; readonly rest: string } | undefined {
  const match = [...output.matchAll(/^@@ (\S+) ?(.*)$/gm)].at(-1);
  return match && { word: match[1] ?? "", rest: match[2] ?? "" };
}

/** Command texts for Windows exist (windows-commands.ts); a way to such a host does not. */
export function requireReachable(host: Host, profile: string): void {
  if (profile.startsWith("/")) return;
  throw new ProblemError("refused", {
    where: `${host.name}:${profile}`,
    found: "a profile on a Windows machine",
    allowed: "hosts with a POSIX shell",
    why: "Commands for Windows hosts are prepared, but nothing carries them there yet",
  });
}

/** What our scripts found before the product's program was started at all. */
export function requireStarted(host: Host, profile: string, output: string): void {
  const line = ownLine(output);
  const where = `${host.name}:${profile}`;
  if (line?.word === "no-profile") {
    throw new ProblemError("missing", { where, found: "no such profile folder", next: "Check the setting profile" });
  }
  if (line?.word === "not-owner") {
    throw new ProblemError("permission", {
      where,
      found: `the profile belongs to ${line.rest}, and ${host.connection.user} cannot become that user`,
      why: "What the product's programs wrote as somebody else its owner could not change any more",
      next: `Log in as ${line.rest}, or set sudo in the connection`,
    });
  }
  if (line?.word === "no-program") {
    throw new ProblemError("missing", {
      where: `${host.name}:${line.rest}`,
      found: "no such program that may be run",
      next: "Check the settings profile and installDir",
    });
  }
  if (line?.word === "no-folder") {
    throw new ProblemError("permission", {
      where,
      found: `no place for a private file: neither /dev/shm nor ${host.connection.stateDirectory}/run can be written`,
      why: "Credentials are handed over in a file that only the profile's owner can read, never as arguments",
      next: `Let the owner of the profile create ${host.connection.stateDirectory}/run`,
    });
  }
}

/** A login that was refused says nothing about what runs, whatever else the program printed. */
export function requireLogin(where: string, output: string): void {
  if (!isLoginRefused(output)) return;
  throw new ProblemError("login", {
    where,
    found: `the credentials were refused: ${lastLines(output, 3)}`,
    why: "It says nothing about what is started or stopped; repeated attempts may lock the account",
    next: LOGIN_NEXT,
  });
}

/** Why a wsadmin run brought no answer. */
export function wsadminProblem(where: string, output: string, seconds: number): ProblemError {
  const ended = ownLine(output);
  if (isLoginRefused(output)) {
    return new ProblemError("login", {
      where,
      found: `the login was refused: ${lastLines(output, 4)}`,
      next: LOGIN_NEXT,
    });
  }
  if (isNotReached(output)) {
    return new ProblemError("unreachable", {
      where,
      found: `the deployment manager was not reached, or refused the login (WASX7246E means either): ${lastLines(output, 4)}`,
      why: "It says nothing about what is started or stopped",
      next: "Check soapHost and soapPort, that the deployment manager runs, and the credentials",
    });
  }
  if (ended?.word === "ended" && (ended.rest === "124" || ended.rest === "137")) {
    return new ProblemError("timeout", {
      where,
      found: `wsadmin did not end within ${seconds} s`,
      next: "Raise timeout; observe again to see what was done",
    });
  }
  return new ProblemError("command-failed", { where, found: `wsadmin gave no answer: ${lastLines(output)}` });
}
