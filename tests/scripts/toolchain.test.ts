import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ProblemError } from "../../providers/common/problem.js";
import { toolchainEnvironment } from "../../scripts/toolchain.js";

let root: string;
let bin: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "toolchain-"));
  bin = join(root, ".toolchain", "bin");
  await mkdir(bin, { recursive: true });
});
afterEach(() => rm(root, { recursive: true, force: true }));

test("our tools come first on PATH, and the CLI is kept from the network", async () => {
  for (const name of ["pulumi", "node"]) await writeFile(join(bin, name), "");
  expect(toolchainEnvironment({ PATH: "/usr/bin", LANG: "C" }, root)).toEqual({
    PATH: [bin, join(root, "node_modules", ".bin"), "/usr/bin"].join(delimiter),
    LANG: "C",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  });
});

test("without set-up the error names what is missing and the command that makes it", () => {
  const call = () => toolchainEnvironment({}, root);
  expect(call).toThrow(ProblemError);
  expect(call).toThrow(/no pulumi and no node.*npm run setup/);
});

test("a CLI that was uninstalled since set-up is noticed", async () => {
  await writeFile(join(bin, "node"), "");
  await symlink(join(root, "gone"), join(bin, "pulumi"));
  expect(() => toolchainEnvironment({}, root)).toThrow(/no pulumi\./);
});
