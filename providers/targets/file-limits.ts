import { ProblemError } from "../common/problem.js";

/** Files are held in memory as a whole. */
export const MAX_FILE_BYTES = 256 * 1_048_576;

export function requireSize(host: string, path: string, bytes: number): void {
  if (bytes <= MAX_FILE_BYTES) return;
  throw new ProblemError("invalid-input", {
    where: `${host}:${path}`,
    found: `${bytes} bytes`,
    allowed: `${MAX_FILE_BYTES} bytes: files are held in memory as a whole`,
  });
}
