import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse as parseYaml, stringify } from "yaml";
import { policies } from "../../policy/policies.js";
import { type PulumiResult, pulumiCommand } from "../../scripts/pulumi-command.js";
import { toolchainEnvironment } from "../../scripts/toolchain.js";

const root = resolve(__dirname, "..", "..");
const TYPE = "pulumi-nodejs:dynamic/ihs:PluginRouting";
type Values = Record<string, unknown>;

interface Where {
  readonly stack?: string;
  readonly type?: string;
  /** Of the policy. */
  readonly config?: Values;
  readonly tags?: Record<string, string>;
}

/** Violations of one policy by a resource of a stack. */
function violations(
  name: string,
  props: Values,
  { stack = "prod", type = TYPE, config = {}, tags = {} }: Where,
): string[] {
  const found = policies.find((policy) => policy.name === name);
  if (typeof found?.validateResource !== "function") throw new Error(`no policy ${name}`);
  const said: string[] = [];
  const urn = `urn:pulumi:${stack}::pulumi-connections::${type}::x`;
  const args = { type, name: "x", urn, props, stackTags: new Map(Object.entries(tags)), getConfig: () => config };
  void found.validateResource(args as unknown as Parameters<typeof found.validateResource>[0], (text) =>
    said.push(text),
  );
  return said;
}

const machine = (more: Values): Values => ({ address: "a", auth: { agent: true }, ...more });
const pinned = { pinned: ["SHA256:x"] };
const anybody = { insecureAcceptAny: true };
const window = { days: ["Sat"], from: "22:00", to: "23:00", timeZone: "UTC" };

test.each<[string, Values, Where, number]>([
  ["host-keys-verified", { connection: machine({ name: "web1", hostKey: pinned }) }, {}, 0],
  ["host-keys-verified", { connection: machine({ name: "web1", hostKey: anybody }) }, { stack: "test" }, 1],
  ["host-keys-verified", { connection: machine({ hostKey: anybody, jump: machine({ hostKey: anybody }) }) }, {}, 2],
  ["host-keys-verified", { connection: machine({ jump: [machine({}), machine({ hostKey: anybody })] }) }, {}, 1],
  ["host-keys-verified", { nodes: [{ connection: machine({ hostKey: anybody }) }] }, {}, 1],
  ["host-keys-verified", { settings: JSON.stringify({ connection: machine({ hostKey: anybody }) }) }, {}, 1],
  ["production-stops-at-the-unseen", { host: "web1", settings: JSON.stringify({ onUnseenSteps: "go" }) }, {}, 1],
  ["host-keys-verified", { live: { connection: machine({ hostKey: anybody }) } }, {}, 0],
  ["host-keys-verified", { connection: machine({ hostKey: anybody }) }, { type: "pulumi:pulumi:Stack" }, 0],
  ["production-has-a-window", { connection: machine({}) }, { stack: "prod-eu" }, 1],
  ["production-has-a-window", { deploymentManager: { connection: machine({}) } }, {}, 1],
  ["production-has-a-window", { connection: machine({}) }, { stack: "acceptance" }, 0],
  ["production-has-a-window", { connection: machine({}), maintenanceWindow: window }, {}, 0],
  ["production-has-a-window", {}, {}, 0],
  ["production-stops-at-the-unseen", { onUnseenSteps: "go" }, {}, 1],
  ["production-stops-at-the-unseen", { onUnseenSteps: "go" }, { stack: "lab" }, 0],
  ["production-stops-at-the-unseen", { onUnseenSteps: "stop" }, {}, 0],
  ["production-is-supported", { acceptUnsupported: true }, {}, 1],
  ["production-is-supported", { acceptUnsupported: true, strategy: "rolling" }, { stack: "Production" }, 1],
  ["production-is-supported", { acceptUnsupported: false }, {}, 0],
  ["production-is-supported", { acceptUnsupported: true }, { stack: "acceptance" }, 0],
  ["production-is-supported", { acceptUnsupported: true }, { stack: "live-eu" }, 0],
  [
    "production-is-supported",
    { acceptUnsupported: true },
    { stack: "live-eu", config: { productionStacks: "^live" } },
    1,
  ],
  ["production-is-supported", { acceptUnsupported: true }, { config: { productionStacks: "^live" } }, 0],
  ["production-is-supported", { acceptUnsupported: true }, { stack: "a", config: { productionTag: "use=live" } }, 0],
  [
    "production-is-supported",
    { acceptUnsupported: true },
    { stack: "a", config: { productionTag: "use=live" }, tags: { use: "live" } },
    1,
  ],
  ["restore-has-a-window", { onDestroy: "restore" }, { stack: "lab" }, 1],
  ["restore-has-a-window", { onDestroy: "restore", maintenanceWindow: window }, {}, 0],
  ["restore-has-a-window", { onDestroy: "retain" }, {}, 0],
])("%s: %j in %j has %i violations", (name, props, where, count) => {
  expect(violations(name, props, where)).toHaveLength(count);
});

describe("in the engine", () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "policy-"));
    await mkdir(join(folder, "state"));
    env = {
      ...toolchainEnvironment(),
      PULUMI_HOME: join(folder, "home"),
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
    };
    await writeFile(join(folder, "Pulumi.yaml"), await readFile(join(root, "Pulumi.yaml")));
    const made = await pulumiCommand(["stack", "init", "prod", "--non-interactive"], { cwd: folder, env });
    expect(made).toMatchObject({ code: 0 });
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A preview of the example, changed, that looks at no host. */
  async function preview(change: (config: Values) => void, policyConfig?: Values): Promise<PulumiResult> {
    const file = join(folder, "Pulumi.prod.yaml");
    const { encryptionsalt } = parseYaml(await readFile(file, "utf8")) as Values;
    const { config } = parseYaml(await readFile(join(root, "Pulumi.example.yaml"), "utf8")) as { config: Values };
    change(config);
    // The engine reads YAML 1.1, in which a date without quotes is no text.
    await writeFile(file, stringify({ encryptionsalt, config }, { version: "1.1" }));
    const args = ["preview", "--stack", "prod", "--config-file", file, "--refresh=false", "--policy-pack", "policy"];
    if (policyConfig) {
      await writeFile(join(folder, "policy-config.json"), JSON.stringify(policyConfig));
      args.push("--policy-pack-config", join(folder, "policy-config.json"));
    }
    return pulumiCommand([...args, "--non-interactive", "--color", "never"], { cwd: root, env });
  }

  test("what a mandatory policy forbids stops the preview and is named; what is advised does not", async () => {
    const { code, output } = await preview((config) => {
      const hosts = config["pulumi-connections:hosts"] as Record<string, Values>;
      (hosts.web1 as Values).hostKey = { insecureAcceptAny: true };
      config["pulumi-connections:run"] = { onDestroy: "restore", onUnseenSteps: "go" };
    });
    expect(code).not.toBe(0);
    expect(output).toMatch(/\[mandatory\]\s+host-keys-verified .*webserver1-routing/);
    expect(output).toContain("web1: hostKey.insecureAcceptAny accepts whoever answers");
    expect(output).toMatch(/\[mandatory\]\s+production-has-a-window/);
    expect(output).toMatch(/\[mandatory\]\s+production-stops-at-the-unseen/);
    expect(output).toMatch(/\[mandatory\]\s+production-is-supported .*connections-fixes/);
    expect(output).toMatch(/\[advisory\]\s+restore-has-a-window/);
    expect(output).not.toMatch(/host-keys-verified .*webserver2-routing/);

    // Which stacks are production is the policy's own configuration.
    const elsewhere = { productionStacks: "^live" };
    const { output: other } = await preview(
      (config) => {
        config["pulumi-connections:run"] = { onUnseenSteps: "go" };
      },
      {
        "production-has-a-window": elsewhere,
        "production-stops-at-the-unseen": elsewhere,
        "production-is-supported": elsewhere,
      },
    );
    expect(other).not.toMatch(/\[mandatory\]/);

    const fine = await preview((config) => {
      Object.assign(config["pulumi-connections:interimFixes"] as Values, { acceptUnsupported: false });
    });
    expect(fine.output).not.toMatch(/\[mandatory\]|\[advisory\]/);
    expect(fine.output).toContain("pulumi-connections@v0.1.0");
    expect(fine.code).toBe(0);
  }, 120_000);
});
