import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SecretReference } from "../../providers/common/secret.js";
import { resolveSecret } from "../../providers/common/secret-resolver.js";
import { problemOf } from "../support/failure.js";

const CANARY = "canary-91bc-secret";
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "secret-test-"));
});
afterAll(() => {
  delete process.env.TEST_SECRET;
  rmSync(folder, { recursive: true });
});
const file = (name: string, text: string, mode = 0o600) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};

describe("a secret reference", () => {
  test("stands for a variable, a file or a command's first line, as it is now", async () => {
    process.env.TEST_SECRET = "one";
    expect(await resolveSecret({ env: "TEST_SECRET" }, "password")).toBe("one");
    process.env.TEST_SECRET = "two";
    expect(await resolveSecret({ env: "TEST_SECRET" }, "password")).toBe("two");
    expect(await resolveSecret({ file: file("lf", " a b \n") }, "password")).toBe(" a b ");
    expect(await resolveSecret({ file: file("crlf", "a\n\r\n") }, "password")).toBe("a\n");
    expect(await resolveSecret({ command: ["printf", "a b\\nmore\\n"] }, "password")).toBe("a b");
  });

  test("promise 19: a command's arguments pass no shell", async () => {
    expect(await resolveSecret({ command: ["echo", "$HOME; `id` 'x'"] }, "password")).toBe("$HOME; `id` 'x'");
  });

  test("a file that others may read can be read on purpose", async () => {
    const path = file("open", "x\n", 0o644);
    await expect(resolveSecret({ file: path }, "password")).rejects.toThrow(`chmod 600 ${path}`);
    expect(await resolveSecret({ command: ["cat", path] }, "password")).toBe("x");
  });

  test.each<[string, () => SecretReference, RegExp]>([
    ["a variable that is not set", () => ({ env: "NO_SUCH_VARIABLE" }), /NO_SUCH_VARIABLE is not set/],
    ["a missing file", () => ({ file: join(folder, "none") }), /ENOENT/],
    ["an empty file", () => ({ file: file("empty", "\n") }), /is empty/],
    ["a file for the group", () => ({ file: file("group", CANARY, 0o640) }), /mode 0640/],
    [
      "a command that fails",
      () => ({ command: ["sh", "-c", `echo ${CANARY}; echo ${CANARY} >&2; exit 3`] }),
      /exit code 3/,
    ],
    ["a command that is not there", () => ({ command: ["no-such-program", CANARY] }), /ENOENT/],
    ["a command that says nothing", () => ({ command: ["true"] }), /printed nothing/],
  ])("promise 14: %s is said without the secret", async (_what, reference, expected) => {
    const error = await problemOf(resolveSecret(reference(), "password of web1"));
    expect(error).toMatchObject({ cause: "login", message: expect.stringMatching(expected) });
    expect(error.message).toContain("password of web1");
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain(CANARY);
  });
});
