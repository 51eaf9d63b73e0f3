import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { clearInterval, setInterval } from "node:timers";
import { ENGINE_TEST_MS, Engine } from "../support/engine.js";
import { routingArgs } from "../support/engine-args.js";
import { hostFile } from "../support/engine-files.js";
import { ForeignProgram } from "../support/engine-program.js";

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start();
}, ENGINE_TEST_MS);
afterAll(() => engine?.stop(), ENGINE_TEST_MS);

/** How often the process list is looked at: often enough to see each command of a run on the hosts. */
const SAMPLE_MS = 10;

test(
  "promise 14: a key's passphrase and a test user's password are in no output, state, file, or process list",
  async () => {
    const { lab, workspace } = engine;
    const passphrase = `canary-${randomBytes(9).toString("hex")}`;
    const password = readFileSync(lab.testUser.passwordFile, "utf8").trim();
    const key = join(workspace.directory, "locked-key");
    copyFileSync(join(lab.directory, "client-key"), key);
    execFileSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", passphrase, "-f", key]);
    const root = lab.clusters[0]?.probePath.replace(/^(\/[^/]+)\/.*$/, "$1") ?? "";
    await engine.configure((values) => {
      const { web1 } = values.hosts as { web1: object };
      return {
        ...values,
        hosts: { web1: { ...web1, auth: { keyFile: key, passphrase: { env: "LAB_KEY_PASSPHRASE" } } } },
        probes: {
          ...(values.probes as object),
          testUser: {
            user: lab.testUser.name,
            password: { env: "LAB_USER_PASSWORD" },
            loginPath: `${root}/j_security_check`,
          },
          clusters: Object.fromEntries(
            lab.clusters.map(({ name, probePath }) => [
              name,
              { probeUrl: probePath.replace(/^(\/[^/]+)\/.*$/, "$1/protected"), expectText: lab.testUser.name },
            ]),
          ),
        },
      };
    });
    await engine.route("node2");

    const commandLines = new Set<string>();
    const sampling = setInterval(() => {
      for (const name of readdirSync("/proc")) {
        if (/^\d+$/.test(name)) commandLines.add(commandLineOf(name));
      }
    }, SAMPLE_MS);
    const told: string[] = [];
    const run = async (args: readonly string[], given = { passphrase, password }) => {
      const env = { LAB_KEY_PASSPHRASE: given.passphrase, LAB_USER_PASSWORD: given.password };
      const { code, output } = await engine.pulumi(args, { env });
      told.push(output);
      return { code, output };
    };
    try {
      expect(await run(["up", "--yes", "--skip-preview", "--show-config", "-v=9", "--logtostderr"])).toMatchObject({
        code: 0,
      });
      expect(await engine.served()).toBe("node2");
      expect(await run(["preview", "--diff", "--expect-no-changes"])).toMatchObject({ code: 0 });
      await engine.route("node1");
      const refused = await run(["up", "--yes", "--skip-preview"], { passphrase, password: `${password}-wrong` });
      expect(refused.code).not.toBe(0);
      const locked = await run(["up", "--yes", "--skip-preview"], { passphrase: `${passphrase}-wrong`, password });
      expect(locked.code).not.toBe(0);
      expect((await run(["stack", "export", "--show-secrets"])).code).toBe(0);
    } finally {
      clearInterval(sampling);
    }

    const places: Record<string, string> = { output: told.join("\n"), "process lists": [...commandLines].join("\n") };
    for (const folder of [workspace.directory, hostFile(lab, "web1", lab.web.serverRoot), stateFolder()]) {
      for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (file.isFile())
          places[join(file.parentPath, file.name)] = readFileSync(join(file.parentPath, file.name), "latin1");
      }
    }
    const leaks = Object.entries(places).filter(([, text]) =>
      [passphrase, password].some((secret) => text.includes(secret)),
    );
    expect(leaks.map(([place]) => place)).toEqual([]);
    expect(commandLines.size).toBeGreaterThan(10);
    expect(places.output).toContain("LAB_KEY_PASSPHRASE");
  },
  2 * ENGINE_TEST_MS,
);

test(
  "promise 14: one secret among a program's settings makes a secret of them all, in the state's inputs and outputs too",
  async () => {
    const program = await ForeignProgram.open("commonjs");
    const canary = `canary-${randomBytes(9).toString("hex")}`;
    const declare = (value: string) =>
      program.declare({
        name: "hidden",
        args: { ...routingArgs(engine.lab, "node2"), takeOverFrom: "pulumi-connections/lab" },
        secrets: { variables: { CANARY: value } },
      });
    const stored = async () => {
      const { deployment } = JSON.parse(await program.expect(0, ["stack", "export"])) as {
        deployment: { resources: { type: string; inputs: Hidden; outputs: Hidden }[] };
      };
      return deployment.resources.find(({ type }) => type.endsWith("ihs:PluginRouting"));
    };
    const hidden = { settings: { ciphertext: expect.any(String) } };
    try {
      await declare(canary);
      const told = [await program.up()];
      expect(await stored()).toMatchObject({ inputs: hidden, outputs: hidden });
      told.push(await program.expect(0, ["refresh", "--yes"]));
      expect(await stored()).toMatchObject({ inputs: hidden, outputs: hidden });
      told.push(await program.expect(0, ["preview", "--diff", "--expect-no-changes"]));

      await declare(`${canary}-other`);
      const changed = await program.expect(0, ["preview", "--diff"]);
      expect(changed).toMatch(/note: changed: variables\.CANARY\./);
      told.push(changed, await program.up(), await program.expect(0, ["stack", "export"]));
      expect(await stored()).toMatchObject({ inputs: hidden, outputs: hidden });
      expect(told.join("\n")).not.toContain(canary);
      const state = readdirSync(join(program.folder, "state"), { recursive: true, withFileTypes: true });
      const files = state.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
      expect(files.filter((file) => readFileSync(file, "latin1").includes(canary))).toEqual([]);
      expect(files.length).toBeGreaterThan(0);
    } finally {
      await program.close();
    }
  },
  2 * ENGINE_TEST_MS,
);

interface Hidden {
  readonly settings: unknown;
}

const stateFolder = (): string => hostFile(engine.lab, "web1", engine.lab.hosts.web1.connection.stateDirectory);

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
