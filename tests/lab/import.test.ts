import { execFile } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "../../lab/toolchain.js";
import { ENGINE_TEST_MS, Engine } from "../support/engine.js";

/** What a stack would do before it exists, and taking what exists into it without a step. */
let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start();
}, ENGINE_TEST_MS);
afterAll(() => engine?.stop(), ENGINE_TEST_MS);

/** `npm run plan`, without the compiler before it. */
function plan(...args: readonly string[]): Promise<{ code: number; output: string }> {
  const { workspace } = engine;
  const program = join(projectRoot(), "dist", "scripts", "plan.js");
  const place = ["--stack", workspace.stack, "--config-file", workspace.configFile];
  const options = { cwd: projectRoot(), env: workspace.environment, timeout: ENGINE_TEST_MS };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...place, ...args], options, (error, stdout, stderr) => {
      if (error && typeof error.code !== "number") reject(error);
      else resolve({ code: Number(error?.code ?? 0), output: `${stdout}${stderr}` });
    });
  });
}

test(
  "plan shows what is not in the state yet, step by step, writes nothing, and its exit code says how it ended",
  async () => {
    const before = engine.fingerprints();
    await engine.route("node2");
    const steps = await plan();
    expect(steps).toMatchObject({ code: 0 });
    expect(steps.output).toMatch(
      /not in the state yet\n {2}1\. check.*\n {2}2\. write .*\n {2}3\. point .*\n {2}4\. reload/,
    );
    const [first, second] = engine.lab.clusters;
    const probe = (clusters: object) =>
      engine.configure((values) => ({ ...values, probes: { ...(values.probes as object), clusters } }));
    await probe({ [first?.name ?? ""]: { probeUrl: first?.probePath } });
    const refused = new RegExp(`refused: verify.clusters.${second?.name}: no probe is declared`);
    expect(await plan()).toEqual({ code: 2, output: expect.stringMatching(refused) });
    await probe(Object.fromEntries(engine.lab.clusters.map(({ name, probePath }) => [name, { probeUrl: probePath }])));
    await engine.lab.fault("ssh-refuse:web1", true);
    expect(await plan()).toEqual({ code: 1, output: expect.stringMatching(/could not be looked at: .*web1/) });
    await engine.lab.fault("ssh-refuse:web1", false);
    expect(engine.fingerprints()).toEqual(before);
  },
  ENGINE_TEST_MS,
);

test(
  "what exists is imported from the file that plan writes: the preview is then empty, and up manages it",
  async () => {
    const before = engine.fingerprints();
    await engine.route("as generated");
    const file = join(engine.workspace.directory, "import.json");
    expect(await plan("--import-file", file)).toMatchObject({ code: 0 });
    await engine.expect(0, ["import", "--file", file, "--generate-code=false", "--protect=false", "--yes"]);
    expect(engine.fingerprints()).toEqual(before);
    await engine.settled();
    expect(await plan()).toEqual({ code: 0, output: expect.stringContaining("nothing to do") });
    await engine.route("node2");
    await engine.up();
    await engine.settled();
    expect(await engine.served()).toBe("node2");
  },
  ENGINE_TEST_MS,
);
