import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { closeAllHosts, openHost } from "../../providers/targets/hosts.js";
import { problemOf } from "../support/failure.js";
import { type Changes, startSshd, type TestSshd } from "../support/sshd.js";

/** One server for the tests of a file; what is open to it is closed after each. */
export function sshBed() {
  const bed = {} as { server: TestSshd };
  beforeAll(async () => {
    bed.server = await startSshd();
  });
  afterEach(closeAllHosts);
  afterAll(() => bed.server.stop());

  const hello = (changes: Changes = {}) =>
    openHost(bed.server.connection(changes)).run(["true"], { what: "say hello", timeoutMs: 5_000 });

  return {
    bed,
    hello,
    /** What a failed hello says: its cause and its text. */
    async refusal(changes: Changes): Promise<{ cause: unknown; text: string }> {
      const error = await problemOf(hello(changes));
      expect(error.problems[0]?.where).toContain("web1");
      return { cause: error.cause, text: error.message };
    },
    /** A file of the server's folder that only its user reads. */
    file(name: string, text: string): string {
      const path = join(bed.server.folder, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    },
  };
}
