import type { ServerState } from "./cell.js";
import type { Claims, ProcessSignals, Verdict } from "./node-commands.js";

/**
 * One state from several signals. "started" and "stopped" need the process and nothing against them: a message alone proves
 * neither, since a refused login, a dead agent and a hung server look like a stopped one.
 */
export function judge(signals: ProcessSignals, claims: Claims = {}): Verdict {
  return { state: stateOf(signals, claims), because: reasons(signals, claims) };
}

function stateOf({ process, ports }: ProcessSignals, { message, cell }: Claims): ServerState {
  const says = [message, cell].filter(
    (claim) => claim !== undefined && claim !== "unknown" && claim !== "login-refused",
  );
  if (process === "absent") {
    const contradicted = ports === "open" || ports === "some" || says.some((claim) => claim !== "stopped");
    return contradicted ? "unknown" : "stopped";
  }
  if (process !== "running" || says.includes("stopped")) return "unknown";
  if (says.includes("stopping")) return "stopping";
  if (says.includes("starting") || ports === "some") return "starting";
  if (ports === "closed") return says.includes("started") ? "unknown" : "starting";
  // Without ports to look at, a process alone may be anything between starting and stopping.
  return ports === "open" || says.includes("started") ? "started" : "unknown";
}

function reasons({ process, pid, startedAt, ports }: ProcessSignals, { message, cell }: Claims): string {
  const parts = [
    process === "running" ? `process ${pid}${startedAt ? ` since ${startedAt}` : ""}` : `process ${process}`,
    `ports ${ports}`,
  ];
  if (message !== undefined) parts.push(`message: ${message}`);
  if (cell !== undefined) parts.push(`deployment manager: ${cell}`);
  return parts.join(", ");
}
