import type { StatusMessage } from "./node-commands.js";

/**
 * What a refused login leaves in the output, whatever else is printed. serverStatus says "cannot be reached, appears to be
 * stopped" (ADMU0509I) with exit code 0 in that case too.
 */
const LOGIN_REFUSED =
  /SECJ0305I|SECJ0369E|SECJ0118E|SECJ0314W|ADMN0022E|CWWIM45\d\dE|LoginException|WSSecurityException|Access is denied|\bHTTP\b.{0,20}\b401\b|Authorization failed/;

/** The deployment manager was not reached; a refused login can look the same (WASX7246E). */
const NOT_REACHED =
  /WASX7246E|WASX7023E|ADMC0016E|ADMC0009E|ConnectorNotAvailableException|ConnectException|Connection refused|UnknownHostException|NoRouteToHostException/;

/** The decisive codes, each with what it claims. Any other says nothing about the state. */
const CLAIMS: Readonly<Record<string, StatusMessage>> = {
  ADMU0508I: "started",
  ADMU0509I: "stopped",
  ADMU3000I: "started",
  ADMU3200I: "starting",
  ADMU3201I: "stopping",
  ADMU4000I: "stopped",
  // "may already be running", timed out, ended with an error: none of these proves a state.
  ADMU3027E: "unknown",
  ADMU3060E: "unknown",
  ADMU0111E: "unknown",
};

export function isLoginRefused(output: string): boolean {
  return LOGIN_REFUSED.test(output);
}

export function isNotReached(output: string): boolean {
  return NOT_REACHED.test(output);
}

/** Message codes such as ADMU3000I, in order. */
export function messageCodes(output: string): string[] {
  return [...output.matchAll(/\b[A-Z]{4,5}\d{4}[EIW]\b/g)].map(([code]) => code);
}

/** What the messages of startServer, stopServer, serverStatus and their like claim. */
export function statusMessage(output: string): StatusMessage {
  if (isLoginRefused(output)) return "login-refused";
  let claim: StatusMessage = "unknown";
  for (const line of output.split(/\r?\n/)) {
    const code = messageCodes(line).find((found) => found in CLAIMS);
    if (code) claim = claimOf(code, line);
  }
  return claim;
}

/** serverStatus names the state in its sentence: "… is STARTED". */
function claimOf(code: string, line: string): StatusMessage {
  const named = code === "ADMU0508I" ? /\b(STARTED|STARTING|STOPPING|STOPPED)\b/.exec(line)?.[1] : undefined;
  return (named?.toLowerCase() as StatusMessage | undefined) ?? CLAIMS[code] ?? "unknown";
}

/** Takes credentials out of what a program printed. */
export function blot(text: string, secrets: readonly string[]): string {
  return secrets.filter(Boolean).reduce((left, secret) => left.replaceAll(secret, "********"), text);
}

/** The last lines of an output, for an error message. */
export function lastLines(output: string, count = 6): string {
  const lines = output
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
  return lines.slice(-count).join(" | ").slice(0, 1200) || "no output";
}
