import { milliseconds } from "../../common/duration.js";
import { type Problem, ProblemError } from "../../common/problem.js";
import { type PluginConfig, routePlugin } from "../../formats/plugin-cfg.js";
import { sameRouting, shapeRefusals } from "../../formats/routing.js";
import { backUp } from "../../lifecycle/backups.js";
import type { FileContent, FileReader, Host } from "../../targets/host.js";
import { requireOwnAddress } from "../../targets/plugin/access-log.js";
import { type Mpm, mpmOf } from "../../targets/plugin/control.js";
import { type Hold, noteInHold, readHold, removeHold, writeHold } from "../../targets/plugin/hold.js";
import { waitForRefresh } from "../../targets/plugin/refresh.js";
import type { WebServerIdentity } from "../../targets/plugin/schema.js";
import { prove, targetOf } from "../../targets/plugin/verify.js";
import { directiveIn, isEditedAfterLoad, isRunning, pidFileOf } from "../../targets/plugin/web-server.js";
import {
  isRoutedByDirective,
  listsOf,
  type PluginFile,
  readPlugin,
  removeCopies,
  routeByDirective,
  type WebServerSettings,
  wantedIn,
} from "./directive-routing.js";
import type { Proof, RoutedWebServer, RoutesOfFile } from "./estate.js";
import {
  type Alteration,
  alterations,
  isAsGenerated,
  type LossOptions,
  lacks,
  losses,
  type PutAside,
  putAside,
  putBack,
  replace,
  type SeenFiles,
} from "./generated-file.js";
import type { Lists } from "./live.js";
import type { Settings } from "./schema.js";
import { serversOf } from "./servers.js";
import type { Switching, Way } from "./switching.js";

/** A process tries a member again at the first request after the interval; this much longer is on the safe side. */
const RETRY_MARGIN_MS = 2_000;
/** A lost connection leaves no node half stopped: what got no answer is asked again for so long, whatever is proved. */
const PATIENCE_MS = 5_000;

/** @property gone servers that burnt down, by the plug-in file's names */
type ReachedSettings = WebServerSettings &
  Pick<Settings["topology"], "sessionReplication"> & { readonly gone?: readonly string[] };

/**
 * A web server over SSH. In place, the file that the plug-in follows is edited: the web server is not reloaded, so no request
 * is lost on any MPM, and a file that the plug-in would not take leaves the one it has in force. Safe only while nothing
 * propagates. By directive, a copy is followed instead, with a graceful reload.
 */
export class ReachedWebServer implements RoutedWebServer {
  readonly name: string;

  constructor(
    private readonly settings: ReachedSettings,
    private readonly host: Host,
    private readonly files: FileReader,
    private readonly pause: (ms: number) => Promise<void>,
    private readonly signal: AbortSignal,
  ) {
    this.name = settings.name;
  }

  async look(): ReturnType<RoutedWebServer["look"]> {
    const { file, path, value, content, config } = await this.#followed(this.files);
    const [edited, running, hold] = await Promise.all([
      isEditedAfterLoad(this.files, this.settings, [file, path]),
      isRunning(this.files, pidFileOf(this.settings)),
      readHold(this.files, this.host.connection, this.settings.httpdConf),
    ]);
    return {
      name: this.name,
      running,
      path,
      value,
      sha256: content.sha256,
      loaded: !edited,
      lists: listsOf(config),
      servers: serversOf(config.clusters),
      shapes: this.#shapes(path, config),
      refreshInterval: config.refreshIntervalSeconds,
      hold,
      problems: [...config.problems, ...(config.intelligentManagement ? [this.#steeredElsewhere(path)] : [])],
    };
  }

  async routes(path?: string): Promise<RoutesOfFile> {
    const { files } = this.host;
    const { config } =
      path === undefined ? await this.#followed(files) : await readPlugin(path, { name: this.host.name, files });
    return { lists: listsOf(config), servers: serversOf(config.clusters) };
  }

  mpm(): Promise<Mpm> {
    return mpmOf(this.host, this.#identity, this.settings);
  }

  async portsOf(servers: readonly string[], untouched: readonly string[]): Promise<readonly number[]> {
    const { config } = await this.#followed(this.host.files);
    return config.clusters
      .filter(({ name }) => !untouched.includes(name))
      .flatMap(({ members }) => members.filter(({ name }) => servers.includes(name)))
      .flatMap(({ transports }) => transports.map(({ port }) => port));
  }

  async route(lists: Lists, way: Way): Promise<void> {
    if (way.by === "directive") return routeByDirective(lists, way, this.settings, this.host);
    const due = await this.#dueInPlace(lists);
    if (due) await this.#write(due.path, due.content, due.bytes);
  }

  async isRouted(lists: Lists, way: Way): Promise<boolean> {
    if (way.by === "directive") return isRoutedByDirective(lists, way, this.settings, this.host);
    return (await this.#dueInPlace(lists)) === undefined;
  }

  removeCopies(): Promise<void> {
    return removeCopies(this.settings, this.host);
  }

  isAsGenerated(generated: Buffer): Promise<boolean> {
    return isAsGenerated(generated, this.settings, this.host);
  }

  alterations(seen: SeenFiles, source: string): Promise<readonly Alteration[]> {
    return alterations(seen, source, this.settings, this.host);
  }

  losses(generated: Buffer, options: LossOptions = {}): Promise<readonly string[]> {
    return losses(generated, options, this.settings, this.host);
  }

  lacks(generated: Buffer): Promise<readonly string[]> {
    return lacks(generated, this.settings, this.host);
  }

  putAside(): Promise<PutAside> {
    return putAside(this.settings, this.host);
  }

  replace(generated: Buffer, lists: Lists, by: Switching["by"]): Promise<boolean> {
    return replace(generated, lists, by, this.settings, this.host);
  }

  putBack(before: PutAside, lists: Lists, by: Switching["by"]): Promise<boolean> {
    return putBack(before, lists, by, this.settings, this.host);
  }

  async prove(proof: Proof, { settle, restarted, progress }: Parameters<RoutedWebServer["prove"]>[1]): Promise<void> {
    const { path, config } = await this.#followed(this.host.files);
    this.#requireAll(proof.level === "routed" ? Object.keys(proof.lists) : proof.clusters, path, config);
    const { verify } = this.settings;
    await requireOwnAddress(this.host, verify, await targetOf(verify), this.signal);
    if (settle === "in-place") {
      const { pause, signal } = this;
      const intervalSeconds = config.refreshIntervalSeconds;
      await waitForRefresh({ webServer: this.name, intervalSeconds, pause, progress, signal });
    }
    const routed = proof.level === "routed";
    const clusters = Object.keys(verify.clusters).filter((name) => this.#mayAnswer(name, config));
    if (clusters.length === 0) throw this.#nothingProbed();
    const proving = {
      host: this.host,
      verify,
      config: routed
        ? { ...config, clusters: config.clusters.map((each) => ({ ...each, ...proof.lists[each.name] })) }
        : config,
      clusters,
      level: proof.level,
      patienceMs: PATIENCE_MS,
      inWords: routed ? "by the servers that are meant" : "answered",
      signal: this.signal,
      alive: () => this.#requireRunning(),
      progress: (line: string) => progress(`${this.name}: ${line}`),
    };
    if (restarted) {
      const waitingFor = "the plug-in to try members again that were down (RetryInterval)";
      return prove({ ...proving, waitingFor }, retryMs(config, clusters));
    }
    await prove(proving, settle ? milliseconds(verify.settleTime) : 0);
  }

  hold(hold: Hold): Promise<void> {
    return writeHold(this.host, this.settings.httpdConf, hold);
  }

  release(rollout: string): Promise<void> {
    return removeHold(this.host, this.settings.httpdConf, rollout);
  }

  note(note: Parameters<typeof noteInHold>[2]): Promise<void> {
    return noteInHold(this.host, this.settings.httpdConf, note);
  }

  async #followed(files: FileReader): Promise<PluginFile & { readonly file: string; readonly value: string }> {
    const { file, path, value } = await directiveIn(files, this.#identity, this.settings);
    return { file, value, ...(await readPlugin(path, { name: this.host.name, files })) };
  }

  /** The file that is followed with these lists, or undefined when it has them. */
  async #dueInPlace(lists: Lists) {
    const { path, content, config } = await this.#followed(this.host.files);
    if (sameRouting(listsOf(config), lists)) return undefined;
    const bytes = routePlugin(content.bytes, `${this.host.name}:${path}`, wantedIn(config, lists));
    return bytes.equals(content.bytes) ? undefined : { path, content, bytes };
  }

  get #identity(): WebServerIdentity {
    return { webServer: this.name, httpdConf: this.settings.httpdConf };
  }

  async #write(path: string, content: FileContent, bytes: Buffer): Promise<void> {
    await backUp(this.host, content.bytes);
    await this.host.files.write(path, bytes, { expected: content.sha256 });
  }

  async #requireRunning(): Promise<void> {
    if ((await isRunning(this.host.files, pidFileOf(this.settings))) !== "no") return;
    throw new ProblemError("command-failed", { where: this.name, found: "its parent process is gone" });
  }

  /** A cluster that is no more in the file is answered by nobody, and asking the others says nothing of it. */
  #requireAll(clusters: readonly string[], path: string, config: PluginConfig): void {
    const lists = listsOf(config);
    const gone = clusters.filter((name) => !(name in lists));
    if (gone.length === 0) return;
    throw new ProblemError("not-converged", {
      where: `${this.name}: ${this.host.name}:${path}`,
      found: `no Route leads to ${gone.join(", ")}, as one did when the rollout began`,
      why: "Their users get an error from the web server",
      next: "Map the modules of their applications to this web server, and generate and propagate its plug-in file; or put back the file that was there (backups are in the state directory)",
    });
  }

  /** One that had servers on a lost node alone has nobody left to answer: it is given up with its node. */
  #mayAnswer(cluster: string, { clusters }: PluginConfig): boolean {
    const { gone = [] } = this.settings;
    const members = clusters.find(({ name }) => name === cluster)?.members;
    return members !== undefined && (members.length === 0 || members.some(({ name }) => !gone.includes(name)));
  }

  #nothingProbed(): ProblemError {
    return new ProblemError("refused", {
      where: `${this.name}: verify.clusters`,
      found: "no cluster of its plug-in file has a probe",
      why: "Without a request nothing is proved",
      next: "Declare a probeUrl for each cluster",
    });
  }

  #shapes(path: string, { clusters }: PluginConfig): Record<string, Problem[]> {
    const { sessionReplication } = this.settings;
    const options = sessionReplication ? { sessionReplication } : {};
    return Object.fromEntries(
      clusters.flatMap((cluster) => {
        const where = `${this.host.name}:${path}:${cluster.line}`;
        const problems = cluster.routed ? shapeRefusals(cluster, options, where) : [];
        return problems.length > 0 ? [[cluster.name, problems]] : [];
      }),
    );
  }

  #steeredElsewhere(path: string) {
    return {
      where: `${this.host.name}:${path}`,
      found: "IntelligentManagement is configured",
      why: "On-demand routers then steer requests, so the lists of servers do not decide where users go",
    };
  }
}

/** A process tries a member that it found down again at the first request after the interval. */
const retryMs = ({ clusters }: PluginConfig, proved: readonly string[]): number =>
  Math.max(
    0,
    ...clusters.filter(({ name }) => proved.includes(name)).map((cluster) => cluster.retryIntervalSeconds * 1_000),
  ) + RETRY_MARGIN_MS;
