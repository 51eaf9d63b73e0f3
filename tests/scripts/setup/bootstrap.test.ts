import { execFile } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "../../../lab/toolchain.js";

function bootstrap(...args: readonly string[]): Promise<{ code: number; output: string }> {
  const program = join(projectRoot(), "scripts", "bootstrap.mjs");
  return new Promise((done) =>
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
      done({ code: Number(error?.code ?? 0), output: `${stdout}${stderr}` }),
    ),
  );
}

test.each([
  [["setup", "--libert"], /"--libert" after setup\. Allowed: --liberty/],
  [["set-up"], /"set-up" given\. Allowed: start, test, setup/],
])("what it does not know is refused before anything is set up: %j", async (args, said) => {
  expect(await bootstrap(...args)).toEqual({ code: 2, output: expect.stringMatching(said) });
});
