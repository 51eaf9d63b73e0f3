import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { withSettings } from "../../policy/settings.js";
import { pulumiCommand } from "../../scripts/pulumi-command.js";
import { toolchainEnvironment } from "../../scripts/toolchain.js";

const root = resolve(__dirname, "..", "..");

interface Preview {
  readonly steps: readonly {
    readonly op: string;
    readonly newState: {
      readonly type: string;
      readonly inputs?: Record<string, unknown>;
      readonly dependencies?: string[];
    };
  }[];
}

test("a program of one's own, with this package in its node_modules, previews as it says", async () => {
  const folder = await mkdtemp(join(tmpdir(), "own-program-"));
  try {
    await cp(join(root, "examples", "own-program"), folder, { recursive: true });
    await mkdir(join(folder, "node_modules", "@pulumi"), { recursive: true });
    await mkdir(join(folder, "state"));
    await symlink(root, join(folder, "node_modules", "pulumi-connections"));
    await symlink(join(root, "node_modules", "@pulumi", "pulumi"), join(folder, "node_modules", "@pulumi", "pulumi"));
    const env = {
      ...toolchainEnvironment(),
      PULUMI_HOME: join(folder, "home"),
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
    };
    const run = (...args: string[]) => pulumiCommand([...args, "--non-interactive"], { cwd: folder, env });
    expect(await run("stack", "init", "prod")).toMatchObject({ code: 0 });
    const { code, stdout, output } = await run("preview", "--stack", "prod", "--refresh=false", "--json");
    if (code !== 0) throw new Error(output);

    const { steps } = JSON.parse(stdout) as Preview;
    const routings = steps.filter(({ newState }) => newState.type === "pulumi-nodejs:dynamic/ihs:PluginRouting");
    expect(routings.map(({ op, newState }) => [op, withSettings(newState.inputs ?? {}).webServer])).toEqual([
      ["create", "webserver1"],
      ["create", "webserver2"],
    ]);
    const [, second] = routings;
    expect(second?.newState.dependencies).toEqual([expect.stringMatching(/::web1-routing$/)]);
    // Checked by the provider: defaults are there, and the owner.
    expect(withSettings(second?.newState.inputs ?? {})).toMatchObject({
      primaryNode: "as generated",
      onDestroy: "retain",
      owner: "connections-estate/prod/web2-routing",
      verify: { samples: 20 },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 90_000);
