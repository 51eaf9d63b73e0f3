import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Lab } from "../../lab/lab.js";
import { startTime } from "../../lab/running.js";

/** Every process below the lab's own, by pid and start time: sshd, httpd and node of all hosts. */
export async function familyOf(lab: Lab): Promise<Lab["processes"]> {
  const { stdout } = await promisify(execFile)("ps", ["-e", "-o", "pid=,ppid="]);
  const pairs = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const family = new Set(lab.processes.map((one) => one.pid));
  for (let grown = true; grown; ) {
    grown = false;
    for (const [pid = 0, parent = 0] of pairs) {
      if (family.has(pid) || !family.has(parent)) continue;
      family.add(pid);
      grown = true;
    }
  }
  return [...family].flatMap((pid) => {
    const start = startTime(pid);
    return start === undefined ? [] : [{ pid, startTime: start }];
  });
}
