import { milliseconds } from "../../common/duration.js";
import type { Work } from "./apply.js";
import type { Journal } from "./journal.js";

/** Who is on a node that gets no new users; undefined = cannot be told, which is never "nobody". */
interface Count {
  readonly what: "connections" | "sessions" | "requests";
  readonly now: number | undefined;
  readonly atMost: number;
}

/** Nothing is cut short while somebody is still being served, up to the limit of time. */
export async function drain(node: string, work: Work): Promise<Partial<Journal>> {
  const { estate, desired, context } = work;
  const { time } = desired.settings.drain;
  const started = estate.now();
  for (;;) {
    context.signal.throwIfAborted();
    await work.watch();
    const counts = await countsOf(node, work);
    const passed = estate.now() - started;
    if (counts.every(({ now, atMost }) => now !== undefined && now <= atMost)) {
      context.progress(`${node} serves ${inWords(counts)}`);
      break;
    }
    if (passed >= milliseconds(time)) {
      context.progress(`${node} still serves ${inWords(counts)} after ${time}: going on`);
      break;
    }
    context.progress(
      `waiting for users of ${node} to finish: ${inWords(counts)}, ${Math.round(passed / 1_000)} s of at most ${time}`,
    );
    await estate.pause(Math.min(milliseconds(desired.settings.limits.every), milliseconds(time) - passed));
  }
  return { drained: node };
}

/** What starts JVMs is asked last: not before the connections are few, for until then it decides nothing. */
async function countsOf(node: string, { estate, desired }: Work): Promise<readonly Count[]> {
  const { connections, sessions, requests } = desired.settings.drain;
  const open: Count = { what: "connections", now: await estate.connections(node), atMost: connections };
  const isFew = open.now !== undefined && open.now <= connections;
  if (!isFew || (sessions === undefined && requests === undefined)) return [open];
  const users = await estate.users(node);
  return [
    open,
    ...(sessions === undefined ? [] : [{ what: "sessions", now: users?.sessions, atMost: sessions } as const]),
    ...(requests === undefined ? [] : [{ what: "requests", now: users?.requests, atMost: requests } as const]),
  ];
}

const inWords = (counts: readonly Count[]): string =>
  counts.map(({ what, now }) => `${now ?? "an unknown number of"} ${what}`).join(", ");
