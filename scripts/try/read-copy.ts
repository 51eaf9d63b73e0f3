import { readFile } from "node:fs/promises";
import { ProblemError } from "../../providers/common/problem.js";

/**
 * The bytes of the file that an administrator wants to try something on.
 *
 * @param what it is a copy of, for the error: "a web server's plugin-cfg.xml"
 * @throws ProblemError `missing` when it cannot be read
 */
export async function readCopy(file: string, what: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new ProblemError("missing", {
      where: file,
      found: error instanceof Error ? error.message : String(error),
      allowed: `a copy of ${what} that can be read`,
    });
  }
}
