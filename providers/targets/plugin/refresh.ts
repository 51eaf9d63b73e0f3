import { milliseconds } from "../../common/duration.js";
import type { Problem } from "../../common/problem.js";

/** The plug-in looks at its file at the first request after the interval; this much longer is on the safe side. */
const REFRESH_MARGIN_MS = 2_000;

export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

/**
 * Why an edit of the file that the plug-in follows would not come into force in time; undefined = it would. By IBM's
 * "plugin-cfg.xml file", RefreshInterval is the time in seconds after which a process looks at the file again, at its next
 * request; with -1 it never does.
 */
export function refreshProblem(where: string, intervalSeconds: number, limit: string): Problem | undefined {
  if (intervalSeconds >= 0 && intervalSeconds * 1_000 <= milliseconds(limit)) return undefined;
  return {
    where,
    found: `RefreshInterval is ${intervalSeconds}${intervalSeconds < 0 ? ": the plug-in never reads its file again" : " s"}`,
    allowed: `0 s to ${limit}`,
    why: "In place, users are routed anew when each process of the web server has read the file again",
    next: "Set a refresh interval in the web server's plug-in properties and generate the file; or switchRouting: directive",
  };
}

/** Time after which every process has to look at its file again. */
export const refreshWaitMs = (intervalSeconds: number): number => intervalSeconds * 1_000 + REFRESH_MARGIN_MS;

export interface RefreshWait {
  readonly webServer: string;
  /** Of the file that was followed before the edit: by it the processes decide when to look again. */
  readonly intervalSeconds: number;
  readonly pause: Pause;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Waits until every process has to look at its file again before it answers another request. */
export async function waitForRefresh({
  webServer,
  intervalSeconds,
  pause,
  progress,
  signal,
}: RefreshWait): Promise<void> {
  const wait = refreshWaitMs(intervalSeconds);
  progress(`${webServer}: waiting ${Math.round(wait / 1_000)} s, until every process has to look at its file again`);
  await pause(wait, signal);
}
