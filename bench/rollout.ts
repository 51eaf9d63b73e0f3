import { type Lab, startLab } from "../lab/lab.js";
import type { LoadReport } from "../lab/load.js";
import { FIX, levels, openRollout, underLoad } from "../lab/was/rollout.js";
import { closeAllHosts } from "../providers/targets/hosts.js";
import type { Benchmark } from "./benchmark.js";

/** httpd's processing model: routing is switched in place, so none of the figures rests on it. */
const MPM = "worker";
const ORDERS = {
  safe: { order: "safe" },
  classic: { order: "classic" },
  offline: { strategy: "offline" },
} as const;

type Figures = Pick<LoadReport, "requests" | "failed" | "lostSessions" | "longestGapMs" | "longestWaitMs"> & {
  readonly seconds: number;
};

/**
 * One interim fix brought to every member of three clusters by the real provider, each time in a lab of its own, while six
 * sticky and three new users ask: in the safe order, in the classic one, and with everything stopped. `seconds` is the
 * rollout's time. All times of the lab are short (lab/was/cell.ts), so seconds and gaps compare orders and say nothing of
 * a real cell.
 *
 * @throws Error when a rollout fails, when a member does not serve the fix after it, or when the safe order fails a request
 */
export const rollout: Benchmark = {
  summary: "an interim fix on 2 and 3 nodes under load, in three orders: the safe one fails no request",

  async run() {
    const nodes = { nodes2: 2, nodes3: 3 } as const;
    const figures: Record<string, Record<string, Figures>> = {};
    for (const [name, count] of Object.entries(nodes)) {
      const of: Record<string, Figures> = {};
      for (const [order, settings] of Object.entries(ORDERS)) of[order] = await measured(count, order, settings);
      figures[name] = of;
    }
    return { mpm: MPM, ...figures };
  },
};

async function measured(nodes: 2 | 3, order: string, settings: Readonly<Record<string, string>>): Promise<Figures> {
  const lab = await startLab({ cell: "2.1", nodes, mpm: MPM });
  try {
    const figures = await figuresOf(lab, settings);
    const wrong = Object.entries(await levels(lab)).filter(([, level]) => level !== FIX);
    if (wrong.length > 0) throw new Error(`${order}, ${nodes} nodes: not fixed: ${JSON.stringify(wrong)}`);
    process.stderr.write(`${order}, ${nodes} nodes: ${JSON.stringify(figures)}\n`);
    return figures;
  } finally {
    await closeAllHosts();
    await lab.stop();
  }
}

async function figuresOf(lab: Lab, settings: Readonly<Record<string, string>>): Promise<Figures> {
  const rolling = await openRollout(lab, settings, (line) => {
    if (process.env.SHOW_ROLLOUT) process.stderr.write(`${line}\n`);
  });
  const { report, seconds } = await underLoad(lab, () => rolling.run());
  if (settings.order === "safe" && report.failed > 0) {
    throw new Error(`the safe order failed ${report.failed} requests: ${report.examples.join("; ")}`);
  }
  const { requests, failed, lostSessions, longestGapMs, longestWaitMs } = report;
  return { requests, failed, lostSessions, longestGapMs, longestWaitMs, seconds };
}
