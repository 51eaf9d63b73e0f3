import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Lab, type LabOptions, startLab } from "../../lab/lab.js";
import { openWorkspace, type StackValues, type Workspace } from "../../lab/workspace.js";
import { withSettings } from "../../policy/settings.js";
import type { PulumiOptions, PulumiResult } from "../../scripts/pulumi-command.js";
import { fingerprints, hostFile } from "./engine-files.js";
import { childrenLeft, processesOf } from "./engine-processes.js";

/** A command of the engine takes seconds; on a busy machine, many. */
export const ENGINE_TEST_MS = 240_000;
const EVENT_MS = 90_000;

/** Pulumi then writes its state at the end only: quicker, and never used where the command itself is killed. */
const QUICK = { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" };

/** One property that a preview shows as different: what is there, and what is declared. */
export interface Difference {
  readonly live?: unknown;
  readonly declared?: unknown;
}

/** The real engine on a stack of a lab. */
export class Engine {
  private constructor(
    readonly lab: Lab,
    readonly workspace: Workspace,
    private readonly folder: string,
  ) {}

  static async start(options: LabOptions = {}): Promise<Engine> {
    const lab = await startLab(options);
    const folder = await mkdtemp(join(tmpdir(), "engine-"));
    const workspace = await openWorkspace(lab, join(folder, "first"));
    return new Engine(lab, workspace, folder);
  }

  /** Another stack, with a state of its own, on the same lab. */
  async other(stack: string): Promise<Workspace> {
    return openWorkspace(this.lab, join(this.folder, stack), stack);
  }

  /** Any exit code is an answer. */
  pulumi(args: readonly string[], options: PulumiOptions = {}, workspace = this.workspace): Promise<PulumiResult> {
    return workspace.pulumi(args, { ...options, env: { ...QUICK, ...options.env } });
  }

  /** @throws Error with the command's whole output when its exit code is another one */
  async expect(code: number, args: readonly string[], workspace = this.workspace): Promise<string> {
    const result = await this.pulumi(args, {}, workspace);
    if (result.code === code) return result.output;
    throw new Error(`pulumi ${args.join(" ")} ended with ${result.code}, not ${code}:\n${result.output}`);
  }

  /** Without the preview that `up` shows before it. */
  up(workspace = this.workspace): Promise<string> {
    return this.expect(0, ["up", "--yes", "--skip-preview"], workspace);
  }

  /** The preview, which looks at the live systems, proposes nothing. */
  async settled(workspace = this.workspace): Promise<void> {
    await this.expect(0, ["preview", "--expect-no-changes"], workspace);
  }

  route(primaryNode: string, workspace = this.workspace): Promise<void> {
    return workspace.configure((values) => ({ ...values, routing: { primaryNode } }));
  }

  /** Changes the settings of how runs behave. */
  behave(run: Readonly<Record<string, unknown>>, workspace = this.workspace): Promise<void> {
    return workspace.configure((values) => ({ ...values, run: { ...(values.run as object), ...run } }));
  }

  configure(change: (values: StackValues) => StackValues): Promise<void> {
    return this.workspace.configure(change);
  }

  /** What a preview shows to differ, by resource and property, and what it tells people. */
  async drift(workspace = this.workspace): Promise<Record<string, Record<string, Difference>>> {
    const { stdout, output } = await this.pulumi(["preview", "--json"], {}, workspace);
    return differencesOf(stdout, output);
  }

  /** Where new users of a cluster are served, by the node that the answer names. */
  async served(cluster = "AppsCluster"): Promise<string> {
    const { probePath, members } = this.lab.clusters.find(({ name }) => name === cluster) ?? { members: [] };
    const answer = await fetch(`${this.lab.web.url}${probePath}`, { headers: { connection: "close" } });
    const { member } = (await answer.json()) as { member?: string };
    return members.find(({ name }) => name === member)?.node ?? `nowhere: ${answer.status}`;
  }

  /** The file of one of the lab's hosts, read from outside and at once. */
  text(path: string): string | undefined {
    try {
      return readFileSync(hostFile(this.lab, "web1", path), "utf8");
    } catch {
      return undefined;
    }
  }

  /** The copy of the plug-in file for a node. */
  copyFor(node: string): string {
    return this.lab.web.pluginFile.replace("plugin-cfg.xml", `plugin-cfg-primary-${node}.xml`);
  }

  /** The file that httpd.conf names now. */
  named(): string | undefined {
    return /^[ \t]*WebSpherePluginConfig[ \t]+"?([^"\n]+?)"?\s*$/m.exec(this.text(this.lab.web.httpdConf) ?? "")?.[1];
  }

  fingerprints(): Record<string, string> {
    return fingerprints(this.lab, "web1");
  }

  /**
   * Runs a command, and `act` in the middle of it: as soon as `when` says so. Answers how the command ended.
   *
   * @throws Error when the command ended before that.
   */
  async during(
    args: readonly string[],
    when: (output: string) => boolean,
    act: (output: string) => void | Promise<void>,
    options: PulumiOptions & { readonly withinMs?: number } = {},
  ): Promise<PulumiResult> {
    const { withinMs = EVENT_MS } = options;
    let output = "";
    let ended = false;
    const running = this.pulumi(args, { ...options, onOutput: (text) => (output += text) }).finally(() => {
      ended = true;
    });
    for (const until = Date.now() + withinMs; !when(output); await pause(2)) {
      if (!ended && Date.now() < until) continue;
      const { output: all } = await running;
      throw new Error(`pulumi ${args.join(" ")} ended, and what was waited for had not happened:\n${all}`);
    }
    await act(output);
    return running;
  }

  /** Every process that a killed command left behind has ended by itself. */
  async left(): Promise<void> {
    for (const until = Date.now() + EVENT_MS; Date.now() < until; await pause(50)) {
      if (processesOf(this.workspace).length === 0) return;
    }
    const still = processesOf(this.workspace).map(({ pid, argv }) => `${pid} ${argv.join(" ")}`);
    throw new Error(`still running: ${still.join(", ")}`);
  }

  async stop(): Promise<void> {
    await this.lab.stop();
    await rm(this.folder, { recursive: true, force: true });
    const left = childrenLeft(this.folder);
    if (left.length > 0) throw new Error(`processes of a stack outlived it: ${left.join(", ")}`);
  }
}

/** The steps of `pulumi preview --json`: what was observed stands in the old inputs. */
function differencesOf(json: string, output: string): Record<string, Record<string, Difference>> {
  type Inputs = Record<string, unknown>;
  interface Step {
    readonly op: string;
    readonly urn: string;
    readonly oldState?: { readonly inputs?: Inputs };
    readonly newState?: { readonly inputs?: Inputs };
  }
  let steps: readonly Step[];
  try {
    steps = (JSON.parse(json) as { steps: readonly Step[] }).steps;
  } catch {
    throw new Error(`not the JSON of a preview:\n${output}`);
  }
  const all: Record<string, Record<string, Difference>> = {};
  for (const { op, urn, oldState, newState } of steps) {
    if (op === "refresh" || op === "same") continue;
    const [live, declared] = [flat(withSettings(oldState?.inputs ?? {})), flat(withSettings(newState?.inputs ?? {}))];
    const differences: Record<string, Difference> = {};
    for (const path of new Set([...Object.keys(live), ...Object.keys(declared)])) {
      if (live[path] === declared[path]) continue;
      differences[path] = {
        ...(path in live ? { live: live[path] } : {}),
        ...(path in declared ? { declared: declared[path] } : {}),
      };
    }
    all[`${op} ${urn.split("::").at(-1)}`] = differences;
  }
  return all;
}

function flat(value: unknown, path: readonly string[] = []): Record<string, unknown> {
  if (value === undefined) return {};
  if (value === null || typeof value !== "object") return { [path.join(" › ")]: value };
  return Object.assign({}, ...Object.entries(value).map(([key, inner]) => flat(inner, [...path, key])));
}
