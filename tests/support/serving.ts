import { setTimeout as pause } from "node:timers/promises";
import type { Lab } from "../../lab/lab.js";

const EVERY_MS = 500;
const ANSWER_MS = 10_000;

/** Looks again and again, past the web server, on how many nodes every member answers on its own port. */
export class Serving {
  private fewest = Number.POSITIVE_INFINITY;
  private stopped = false;
  private readonly looking: Promise<void>;

  constructor(private readonly lab: Lab) {
    this.looking = this.look();
  }

  /** The fewest of all looks; Infinity without any. */
  async stop(): Promise<number> {
    this.stopped = true;
    await this.looking;
    return this.fewest;
  }

  private async look(): Promise<void> {
    for (; !this.stopped; await pause(EVERY_MS)) {
      const up = await Promise.all(
        this.lab.clusters.flatMap(({ probePath, members }) =>
          members.map(async ({ node, port }) => [node, await this.answers(node, port, probePath)] as const),
        ),
      );
      const nodes = [...new Set(up.map(([node]) => node))];
      const whole = nodes.filter((node) => up.every(([other, answers]) => other !== node || answers));
      this.fewest = Math.min(this.fewest, whole.length);
    }
  }

  private async answers(node: keyof Lab["hosts"], port: number, path: string): Promise<boolean> {
    const address = this.lab.hosts[node]?.connection.address;
    return fetch(`http://${address}:${port}${path}`, {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(ANSWER_MS),
    }).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}
