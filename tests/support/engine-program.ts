import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../../lab/toolchain.js";
import { type PulumiResult, pulumiCommand } from "../../scripts/pulumi-command.js";
import { toolchainEnvironment } from "../../scripts/toolchain.js";

/** What such a program declares: one `PluginRouting` each. */
export interface Declared {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** More arguments, each a secret of Pulumi's. */
  readonly secrets?: Readonly<Record<string, unknown>>;
  /** A component that it stands in. */
  readonly component?: string;
  /** Earlier names. */
  readonly aliases?: readonly { readonly name: string }[];
}

const DECLARE = `
for (const { name, args, secrets = {}, component, aliases } of JSON.parse(readFileSync("estate.json", "utf8"))) {
  const parent = component && new pulumi.ComponentResource("estate:index:Site", component);
  const hidden = Object.fromEntries(Object.entries(secrets).map(([key, value]) => [key, pulumi.secret(value)]));
  new PluginRouting(name, { ...args, ...hidden }, { ...(parent ? { parent } : {}), ...(aliases ? { aliases } : {}) });
}
`;
const SOURCE = {
  commonjs: `const { readFileSync } = require("node:fs");
const pulumi = require("@pulumi/pulumi");
const { PluginRouting } = require("pulumi-connections");
${DECLARE}`,
  module: `import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { PluginRouting } from "pulumi-connections";
${DECLARE}`,
};

/** A user's own Pulumi program in a folder of its own, with this package among its packages, and its own stack. */
export class ForeignProgram {
  private constructor(
    readonly folder: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  static async open(type: "commonjs" | "module"): Promise<ForeignProgram> {
    const folder = await mkdtemp(join(tmpdir(), "estate-"));
    const packages = join(folder, "node_modules");
    await mkdir(join(packages, "@pulumi"), { recursive: true });
    await mkdir(join(folder, "state"));
    await symlink(projectRoot(), join(packages, "pulumi-connections"));
    await symlink(join(projectRoot(), "node_modules", "@pulumi", "pulumi"), join(packages, "@pulumi", "pulumi"));
    const options = "runtime:\n  name: nodejs\n  options: {typescript: false}\noptions: {refresh: always}\n";
    await writeFile(join(folder, "Pulumi.yaml"), `name: estate\nmain: index.js\n${options}`);
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "estate", type, private: true }));
    await writeFile(join(folder, "index.js"), SOURCE[type]);
    const program = new ForeignProgram(folder, {
      ...toolchainEnvironment(),
      PULUMI_HOME: join(folder, "pulumi-home"),
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "of a test",
      PULUMI_EXPERIMENTAL: "true",
      PULUMI_SKIP_CHECKPOINTS: "true",
    });
    await program.expect(0, ["stack", "init", "test"]);
    return program;
  }

  declare(...resources: readonly Declared[]): Promise<void> {
    return writeFile(join(this.folder, "estate.json"), JSON.stringify(resources));
  }

  pulumi(args: readonly string[]): Promise<PulumiResult> {
    return pulumiCommand([...args, "--stack", "test", "--non-interactive"], {
      cwd: this.folder,
      env: this.environment,
    });
  }

  /** @throws Error with the command's whole output when its exit code is another one */
  async expect(code: number, args: readonly string[]): Promise<string> {
    const stack = args[0] === "stack" && args[1] === "init";
    const result = stack
      ? await pulumiCommand([...args, "--non-interactive"], { cwd: this.folder, env: this.environment })
      : await this.pulumi(args);
    if (result.code === code) return result.output;
    throw new Error(`pulumi ${args.join(" ")} ended with ${result.code}, not ${code}:\n${result.output}`);
  }

  up(): Promise<string> {
    return this.expect(0, ["up", "--yes", "--skip-preview"]);
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
