/** Answers like `promise`, or rejects with `late()` after `ms`. What the promise does later is nobody's business any more. */
export async function within<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Length of the pause after attempt `attempt` (from 1): doubling, half of it random so that many do not return together. */
export function backOffMs(attempt: number, baseMs: number): number {
  const full = baseMs * 2 ** (attempt - 1);
  return full / 2 + (Math.random() * full) / 2;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whole seconds with their unit when they are whole, else milliseconds. */
export function inWords(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}
