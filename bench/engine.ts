import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lab, startLab } from "../lab/lab.js";
import { openWorkspace, stackValues, type Workspace } from "../lab/workspace.js";
import { type PulumiResult, pulumiCommand } from "../scripts/pulumi-command.js";
import type { Benchmark } from "./benchmark.js";

const COUNTS = [1, 100] as const;
/** Runs of each program, in turn, so that a drift in the machine's speed meets both. */
const ROUNDS = 5;

/**
 * One `pulumi preview` of N converged routing resources against N trivial dynamic resources (Pulumi's documented form, no
 * input or output at all). `ratio` is ours divided by theirs, the median of the rounds' own ratios: plain, as this project
 * runs it (with refresh: ours look at a live host over SSH), and without refresh.
 */
export const engine: Benchmark = {
  summary: "a preview of 1 and of 100 converged resources against as many trivial dynamic resources: at most 1.5 times",

  async run() {
    const directory = await mkdtemp(join(tmpdir(), "bench-engine-"));
    const lab = await startLab({ directory: join(directory, "lab") });
    try {
      const workspace = await openWorkspace(lab, join(directory, "stack"));
      await makeConfigurations(lab, Math.max(...COUNTS));
      const figures: Record<string, number> = {};
      for (const count of COUNTS) {
        const ours = await project(directory, `ours-${count}`, workspace, oursProgram(lab, count));
        const theirs = await project(directory, `theirs-${count}`, workspace, theirsProgram(count));
        for (const [name, flags] of [
          ["", ["--refresh"]],
          ["WithoutRefresh", ["--refresh=false"]],
        ] as const) {
          const pairs: { ours: number; theirs: number }[] = [];
          for (let round = 0; round < ROUNDS; round++) {
            pairs.push({ ours: await timed(ours, flags), theirs: await timed(theirs, flags) });
          }
          figures[`ratio${count}${name}`] = median(pairs.map((pair) => pair.ours / pair.theirs));
          figures[`seconds${count}${name}`] = median(pairs.map((pair) => pair.ours));
          figures[`trivialSeconds${count}${name}`] = median(pairs.map((pair) => pair.theirs));
        }
      }
      return figures;
    } finally {
      await lab.stop();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

/**
 * As many configurations and plug-in files as there are resources, so that none is answered from another's reads; as old as the
 * ones that the web server has loaded, so that they count as loaded too.
 */
async function makeConfigurations({ run, web }: Lab, count: number): Promise<void> {
  const script = `
    i=0
    while [ "$i" -lt "$3" ]; do
      cp "$2" "$2.$i"
      sed "s#$2#$2.$i#" "$1" > "$1.$i"
      touch -r "$1" "$1.$i"
      i=$((i + 1))
    done`;
  const { exitCode, stderr } = await run("web1", [
    "sh",
    "-ec",
    script,
    "sh",
    web.httpdConf,
    web.pluginFile,
    String(count),
  ]);
  if (exitCode !== 0) throw new Error(`the configurations could not be made: ${stderr}`);
}

type Run = (args: readonly string[]) => Promise<PulumiResult>;

/** A project of its own with one program, brought up once. Answers how to run pulumi in it. */
async function project(directory: string, name: string, { environment }: Workspace, program: string): Promise<Run> {
  const root = join(__dirname, "..", "..");
  const folder = join(directory, name);
  await mkdir(join(folder, "node_modules", "@pulumi"), { recursive: true });
  await symlink(root, join(folder, "node_modules", "pulumi-connections"));
  await symlink(join(root, "node_modules", "@pulumi", "pulumi"), join(folder, "node_modules", "@pulumi", "pulumi"));
  await writeFile(join(folder, "package.json"), JSON.stringify({ name, main: "index.js", private: true }));
  await writeFile(
    join(folder, "Pulumi.yaml"),
    JSON.stringify({ name, runtime: { name: "nodejs", options: { typescript: false } } }),
  );
  await writeFile(join(folder, "index.js"), program);
  const run: Run = (args) => pulumiCommand([...args, "--non-interactive"], { cwd: folder, env: environment });
  await succeed(run(["stack", "init", "bench"]));
  await succeed(run(["up", "--yes", "--skip-preview", "--stack", "bench"]));
  return run;
}

async function timed(run: Run, flags: readonly string[]): Promise<number> {
  const started = performance.now();
  await succeed(run(["preview", "--stack", "bench", "--expect-no-changes", ...flags]));
  return (performance.now() - started) / 1_000;
}

async function succeed(result: Promise<PulumiResult>): Promise<void> {
  const { code, output } = await result;
  if (code !== 0) throw new Error(`pulumi ended with exit code ${code}:\n${output}`);
}

const oursProgram = (lab: Lab, count: number): string => `
const { PluginRouting } = require("pulumi-connections");
const { hosts, topology, webServers, probes, routing } = ${JSON.stringify(stackValues(lab))};
const { host, httpdConf, pluginFile, connectTo, publicHost, ...server } = webServers.webserver1;
for (let i = 0; i < ${count}; i++) {
  new PluginRouting("routing-" + i, {
    webServer: "webserver" + i, host, httpdConf: httpdConf + "." + i, pluginFile: pluginFile + "." + i,
    takeOverFrom: "ours-1/bench", connection: { name: host, ...hosts[host] },
    ...server, ...topology, ...routing,
    // Each web server has an address of its own; nothing is due, so none of them is asked.
    verify: { connectTo: { ...connectTo, address: "127.0.1." + i }, publicHost, ...probes },
  });
}`;

const theirsProgram = (count: number): string => `
const { dynamic } = require("@pulumi/pulumi");
const provider = {
  async check(olds, news) { return { inputs: news }; },
  async diff(id, olds, news) { return { changes: olds.value !== news.value }; },
  async create(inputs) { return { id: inputs.value, outs: inputs }; },
  async read(id, props) { return { id, props }; },
};
class Trivial extends dynamic.Resource {
  constructor(name, props) { super(provider, name, props); }
}
for (let i = 0; i < ${count}; i++) new Trivial("trivial-" + i, { value: "v" + i });`;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length / 2)] ?? Number.NaN) * 100) / 100;
}
