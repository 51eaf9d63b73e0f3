import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attachLab, startLab } from "../../lab/lab.js";
import { openWorkspace } from "../../lab/workspace.js";

jest.setTimeout(120_000);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "lab-workspace-"));
});
afterAll(async () => {
  await (await attachLab(directory))?.stop();
  await rm(directory, { recursive: true, force: true });
});

test("a workspace whose making was killed half-way is made anew; a finished one is left alone; one of another lab goes", async () => {
  const lab = await startLab({ directory });
  const folder = join(directory, "stack");
  const made = await openWorkspace(lab, folder);
  const declared = await readFile(made.configFile, "utf8");
  // As far as a killed maker may have come: the stack is there, its configuration is not.
  await rm(join(folder, "workspace-made"));
  await writeFile(made.configFile, "");
  await openWorkspace(lab, folder);
  expect((await readFile(made.configFile, "utf8")).replace(/^encryptionsalt:.*\n/m, "")).toBe(
    declared.replace(/^encryptionsalt:.*\n/m, ""),
  );

  await made.configure((values) => ({ ...values, routing: { primaryNode: "node2" } }));
  await lab.stop();
  const same = await startLab({ directory });
  await openWorkspace(same, folder);
  expect(await readFile(made.configFile, "utf8")).toContain("primaryNode: node2");

  await same.stop();
  await startLab({ directory, nodes: 3 });
  expect(existsSync(folder)).toBe(false);
});
