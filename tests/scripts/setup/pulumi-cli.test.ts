import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { installedOrigin, officialOnPath } from "../../../scripts/setup/pulumi-cli.cjs";
import { installOfficial } from "../../../scripts/setup/pulumi-installer.cjs";

const root = resolve(__dirname, "..", "..", "..");
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "setup-cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function program(file: string, text: string): Promise<string> {
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, text);
  await chmod(file, 0o755);
  return file;
}

/** A stand-in CLI that answers `pulumi version`. */
const answering = (version: string) => `#!/bin/sh\necho ${version}\n`;

describe("a CLI on PATH is taken when it fits", () => {
  const bin = () => join(folder, "bin");

  test("right release and its language host beside it", async () => {
    const cli = await program(join(bin(), "pulumi"), answering("v3.259.4"));
    await program(join(bin(), "pulumi-language-nodejs"), "#!/bin/sh\n");
    expect(await officialOnPath(bin())).toEqual({ program: cli });
  });

  test("reached through a link, the language host is looked for beside the real program", async () => {
    await program(join(folder, "real", "pulumi"), answering("v3.259.0"));
    await program(join(folder, "real", "pulumi-language-nodejs"), "#!/bin/sh\n");
    await mkdir(bin());
    await symlink("../real/pulumi", join(bin(), "pulumi"));
    expect(await officialOnPath(bin())).toEqual({ program: join(bin(), "pulumi") });
  });

  test.each([
    ["another release", answering("v3.258.0"), true, "is v3.258.0"],
    ["no answer", "#!/bin/sh\nexit 1\n", true, "of unknown version"],
    [
      "a launcher without language host, which must not even be started",
      "#!/bin/sh\ntouch started\n",
      false,
      "beside it",
    ],
  ])("not taken: %s", async (_, text, withHost, reason) => {
    await program(join(bin(), "pulumi"), text);
    if (withHost) await program(join(bin(), "pulumi-language-nodejs"), "#!/bin/sh\n");
    expect((await officialOnPath(bin())).reason).toContain(reason);
    expect(await readdir(folder)).toEqual(["bin"]);
  });

  test("asking it for its version leaves no log in the person's own Pulumi home", async () => {
    await program(join(bin(), "pulumi"), `#!/bin/sh\necho "$PULUMI_HOME" >'${folder}/home'\necho v3.259.0\n`);
    await program(join(bin(), "pulumi-language-nodejs"), "#!/bin/sh\n");
    await officialOnPath(bin());
    expect(await readFile(join(folder, "home"), "utf8")).toBe(`${join(root, ".toolchain", "pulumi-home")}\n`);
  });

  test("none there", async () => {
    expect(await officialOnPath(folder)).toEqual({ reason: "there is none on PATH" });
  });
});

describe("a CLI folder of ours is trusted only when it is complete and made from today's sources", () => {
  const text = answering("v3.259.0");

  async function complete(): Promise<string> {
    const installed = join(folder, "pulumi");
    await program(join(installed, "pulumi"), text);
    await program(join(installed, "pulumi-language-nodejs"), "#!/bin/sh\n");
    const sources = createHash("sha256");
    for (const name of ["go.mod", "go.sum"]) sources.update(await readFile(join(root, "tools", "pulumi", name)));
    const origin = { version: "3.259.0", how: "built from source", sources: sources.digest("hex"), size: text.length };
    await writeFile(join(installed, "origin.json"), JSON.stringify(origin));
    return installed;
  }

  test("complete", async () => {
    expect(installedOrigin(await complete())?.how).toBe("built from source");
  });

  test.each<[string, (installed: string) => Promise<unknown>]>([
    ["no record: a crash before the end", (installed) => rm(join(installed, "origin.json"))],
    ["a torn record", (installed) => writeFile(join(installed, "origin.json"), '{"version":"3.2')],
    ["no program", (installed) => rm(join(installed, "pulumi"))],
    ["a cut program", (installed) => writeFile(join(installed, "pulumi"), text.slice(0, 5))],
    ["a program that may not be run", (installed) => chmod(join(installed, "pulumi"), 0o644)],
    ["no language host", (installed) => rm(join(installed, "pulumi-language-nodejs"))],
    ["other sources", (installed) => edit(join(installed, "origin.json"), /"sources":"../, '"sources":"xx')],
    ["another version", (installed) => edit(join(installed, "origin.json"), "3.259.0", "3.258.0")],
    ["nothing at all", (installed) => rm(installed, { recursive: true })],
  ])("not trusted: %s", async (_, damage) => {
    const installed = await complete();
    await damage(installed);
    expect(installedOrigin(installed)).toBeUndefined();
  });

  async function edit(file: string, found: RegExp | string, put: string): Promise<void> {
    await writeFile(file, (await readFile(file, "utf8")).replace(found, put));
  }
});

describe("the official installer", () => {
  const { PATH } = process.env;
  afterEach(() => {
    process.env.PATH = PATH;
  });

  /** Puts a stand-in for curl first on PATH: it "downloads" the given text, or fails like a closed network. */
  async function curl(download: string | undefined): Promise<string> {
    const staging = join(folder, "staging");
    await mkdir(staging);
    await writeFile(join(folder, "download"), download ?? "");
    const body =
      download === undefined ? "exit 6" : `while [ "$1" != -o ]; do shift; done; cp '${folder}/download' "$2"`;
    await program(join(folder, "curl-bin", "curl"), `#!/bin/sh\n${body}\n`);
    process.env.PATH = `${join(folder, "curl-bin")}${delimiter}${PATH}`;
    return staging;
  }

  const INSTALLER = `#!/bin/sh
test "$1 $2 $3 $5" = "--version 3.259.0 --install-root --no-edit-path" || exit 9
case "$HOME" in */setup-cli-*/staging) ;; *) exit 8;; esac
mkdir -p "$4/bin" && echo cli >"$4/bin/pulumi" && echo host >"$4/bin/pulumi-language-nodejs"
echo profile >"$HOME/.profile"
`;

  test("puts the programs into the staging folder, and its HOME is in there too", async () => {
    const staging = await curl(INSTALLER);
    expect(await installOfficial(staging, "3.259.0")).toBeUndefined();
    expect((await readdir(staging)).sort()).toEqual([".profile", "pulumi", "pulumi-language-nodejs"]);
  });

  test.each([
    ["a closed network", undefined, "cannot be reached"],
    ["a script that came in only half", INSTALLER.replace(/&& echo host[\s\S]*/, "&& echo 'ho"), "not a complete"],
    ["a log-in page of the network", "<html>please log in</html>", "not a complete"],
    ["a script that fails", "#!/bin/sh\nexit 3\n", "ended with exit code 3"],
    ["a script that installs elsewhere", "#!/bin/sh\n:\n", "no program"],
  ])("%s is said, and nothing is run or left that would be taken for a CLI", async (_, download, reason) => {
    const staging = await curl(download);
    expect(await installOfficial(staging, "3.259.0")).toContain(reason);
    expect(await readdir(staging)).not.toContain("pulumi");
  });
});
