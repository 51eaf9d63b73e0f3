import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { projectRoot } from "../../../lab/toolchain.js";

/* The real step in a checkout of its own, with a stand-in for Maven that hands out one archive. */
const CONTENT = "an archive";
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "maven-part-"));
  await cp(join(projectRoot(), "scripts", "setup"), join(folder, "checkout", "scripts", "setup"), { recursive: true });
  await mkdir(join(folder, "bin"));
  const maven = `#!/bin/sh\nfor one; do case "$one" in -DoutputDirectory=*) to="\${one#*=}";; esac; done\necho "$*" >>'${folder}/calls'\nprintf '${CONTENT}' >"$to/thing-1.0.zip"\n`;
  await writeFile(join(folder, "bin", "mvn"), maven);
  await chmod(join(folder, "bin", "mvn"), 0o755);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Makes the part; "unpacked" takes the archive's place. */
function make(sha256: string): Promise<string> {
  const script = `
    const fs = require("node:fs");
    const { mavenPart } = require("./scripts/setup/maven.cjs");
    const unpack = async (file) => { fs.writeFileSync(file.replace(/[^/]*$/, "unpacked"), ""); fs.rmSync(file); };
    const files = [{ group: "a.group", name: "thing", version: "1.0", type: "zip", sha256: process.argv[1] }];
    mavenPart("step", "thing", { title: "a thing", files, needs: [], unpack, holds: ["unpacked"] })
      .catch((error) => console.log(error.message));
  `;
  const env = { ...process.env, PATH: `${join(folder, "bin")}${delimiter}${process.env.PATH}` };
  return new Promise((done, failed) =>
    execFile(process.execPath, ["-e", script, sha256], { cwd: join(folder, "checkout"), env }, (error, stdout) =>
      error ? failed(error) : done(stdout),
    ),
  );
}

test("an archive that is the released one is unpacked, once", async () => {
  const right = createHash("sha256").update(CONTENT).digest("hex");
  expect(await make(right)).toContain("a thing ready in");
  expect((await readdir(join(folder, "checkout", ".toolchain", "thing"))).sort()).toEqual(["origin.json", "unpacked"]);
  expect(await make(right)).toContain("step: present");
  const calls = (await readFile(join(folder, "calls"), "utf8")).trimEnd().split("\n");
  expect(calls).toEqual([expect.stringContaining("-Dartifact=a.group:thing:1.0:zip")]);
});

test("one that is not is refused before it is unpacked, and nothing of it stays", async () => {
  const said = await make("0".repeat(64));
  expect(said).toMatch(/thing-1\.0\.zip has the SHA-256 [0-9a-f]{64}, not 0{64}/);
  expect(await readdir(join(folder, "checkout", ".toolchain"))).toEqual([]);
});
