import { ProblemError } from "../providers/common/problem.js";
import type { Lab } from "./lab.js";
import { waitFor } from "./running.js";

const SWITCH_TIMEOUT_MS = 20_000;

/**
 * Restarts web1's httpd gracefully and waits until no process of the old configuration is left: `apachectl graceful` itself
 * only sends a signal, and old processes still take requests for a moment.
 *
 * @throws ProblemError `command-failed` | `timeout`
 */
export async function restartGracefully(lab: Lab): Promise<void> {
  const parent = (await lab.readFile("web1", `${lab.web.serverRoot}/logs/httpd.pid`)).trim();
  const children = async () =>
    (await lab.run("web1", ["ps", "--ppid", parent, "-o", "pid="])).stdout.trim().split(/\s+/);
  const old = new Set(await children());
  const { exitCode, stderr } = await lab.run("web1", [lab.web.apachectl, "graceful"]);
  if (exitCode !== 0) {
    const found = stderr.trim() || `exit code ${exitCode}`;
    throw new ProblemError("command-failed", { where: "web1: apachectl graceful", found });
  }
  const switched = async () => {
    const now = await children();
    return now.some((pid) => pid !== "") && now.every((pid) => !old.has(pid));
  };
  await waitFor(switched, SWITCH_TIMEOUT_MS, "httpd's old processes to end");
}
