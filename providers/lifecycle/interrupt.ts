import { fstatSync } from "node:fs";

/** The engine gives a provider five seconds between its SIGINT and the end. */
const GRACE_MS = 4_000;

const controller = new AbortController();
let listening = false;
let running = 0;
let whenIdle: (() => void) | undefined;
const farewells: (() => Promise<void>)[] = [];

/** Aborted when this process was told to stop: runs then end before their next step. */
export const interruption = (): AbortSignal => controller.signal;

/** Something to finish before the process ends after a signal, such as closing sessions. */
export const beforeLeaving = (farewell: () => Promise<void>): void => {
  farewells.push(farewell);
};

/** Keeps the process alive after a SIGINT or SIGTERM until `work` has come to its next safe point, within the grace time. */
export async function interruptible<T>(work: () => Promise<T>): Promise<T> {
  listen();
  running++;
  try {
    return await work();
  } finally {
    running--;
    if (running === 0) whenIdle?.();
  }
}

function listen(): void {
  if (listening) return;
  listening = true;
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
}

/**
 * Ends this process, as a signal does, with the engine that started it, also one that was killed and could not say so: the engine
 * holds our standard input open for as long as it lives. Nobody reads our output any more then, and the SDK would report each
 * line that cannot be written as an error, which cannot be written either, for ever.
 */
export function endWithTheEngine(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", stop);
  const input = fstatSync(0);
  // A terminal or /dev/null says nothing about the engine's life.
  if (input.isFIFO() || input.isSocket()) process.stdin.once("close", stop).resume();
}

function stop(): void {
  if (controller.signal.aborted) return;
  controller.abort();
  const leave = () => {
    void Promise.allSettled(farewells.map((farewell) => farewell())).then(() => process.exit(130));
  };
  if (running === 0) leave();
  whenIdle = leave;
  setTimeout(leave, GRACE_MS);
}
