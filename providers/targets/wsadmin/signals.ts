import { ProblemError } from "../../common/problem.js";
import type { ProcessSignals } from "./node-commands.js";

const PROCESSES = ["running", "absent", "unknown"] as const;
const PORTS = ["open", "closed", "some", "unknown"] as const;

/** Takes the lines of OBSERVE_SERVERS apart. @throws ProblemError `malformed` when a server that was asked for is missing */
export function parseSignals(
  where: string,
  stdout: string,
  asked: readonly { readonly server: string }[],
): readonly ProcessSignals[] {
  const found = new Map(
    stdout
      .split("\n")
      .filter((line) => line.startsWith("@@ "))
      .map((line) => signalsOf(line.slice(3).split("\t")))
      .map((signals) => [signals.server, signals]),
  );
  return asked.map(({ server }) => {
    const signals = found.get(server);
    if (signals) return signals;
    throw new ProblemError("malformed", { where, found: `no answer about ${server}: ${stdout.slice(0, 300)}` });
  });
}

function signalsOf([server = "", process, pid = "", start = "", ports]: readonly string[]): ProcessSignals {
  return {
    server,
    process: PROCESSES.find((known) => known === process) ?? "unknown",
    ...(/^\d+$/.test(pid) && { pid: Number(pid) }),
    ...(/^\d+$/.test(start) && { startedAt: new Date(Number(start) * 1000).toISOString() }),
    ports: PORTS.find((known) => known === ports) ?? "unknown",
  };
}
