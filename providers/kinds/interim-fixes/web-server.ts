import { milliseconds } from "../../common/duration.js";
import { ProblemError } from "../../common/problem.js";
import { type PluginConfig, readPluginConfig, routePlugin } from "../../formats/plugin-cfg.js";
import { backUp } from "../../lifecycle/backups.js";
import type { FileContent, FileReader, Host } from "../../targets/host.js";
import { type Hold, noteInHold, readHold, removeHold, writeHold } from "../../targets/plugin/hold.js";
import { prove } from "../../targets/plugin/verify.js";
import { directiveIn, isRunning, pidFileOf } from "../../targets/plugin/web-server.js";
import type { Proof, RoutedWebServer } from "./estate.js";
import type { Lists, LiveWebServer } from "./live.js";
import { sameLists } from "./routes.js";
import type { Settings } from "./schema.js";

type WebServerSettings = Settings["webServers"][number];

/** The plug-in looks at its file at the first request after the interval; this much longer is on the safe side. */
const REFRESH_MARGIN_MS = 2_000;

/**
 * Routes by editing the file that the plug-in follows, in place: the web server is not reloaded, so no request is lost on
 * any MPM, and a file that the plug-in would not take leaves the one it has in force. Safe only while nothing propagates.
 */
export class InPlaceWebServer implements RoutedWebServer {
  readonly name: string;
  /** Seconds; of the file that was followed before ours: by it the processes decide when to look again. */
  #intervalBefore: number | undefined;

  constructor(
    private readonly settings: WebServerSettings,
    private readonly host: Host,
    private readonly files: FileReader,
    private readonly pause: (ms: number) => Promise<void>,
    private readonly signal: AbortSignal,
  ) {
    this.name = settings.name;
  }

  async look(): Promise<Omit<LiveWebServer, "automatic">> {
    const [{ path, content, config }, running, hold] = await Promise.all([
      this.#followed(this.files),
      isRunning(this.files, pidFileOf(this.settings)),
      readHold(this.files, this.host.connection, this.settings.httpdConf),
    ]);
    return {
      name: this.name,
      running,
      path,
      sha256: content.sha256,
      lists: listsOf(config),
      refreshInterval: config.refreshIntervalSeconds,
      hold,
      problems: [...config.problems, ...(config.intelligentManagement ? [this.#steeredElsewhere(path)] : [])],
    };
  }

  async route(lists: Lists): Promise<void> {
    const { path, content, config } = await this.#followed(this.host.files);
    if (sameLists(listsOf(config), lists)) return;
    this.#intervalBefore = config.refreshIntervalSeconds;
    await this.#write(path, content, routePlugin(content.bytes, `${this.host.name}:${path}`, wantedIn(config, lists)));
  }

  async replace(generated: Buffer, lists: Lists): Promise<boolean> {
    const { path, content, config } = await this.#followed(this.host.files);
    const where = `${this.host.name}:${path}, as generated now`;
    const fresh = readPluginConfig(generated, where);
    if (path !== this.settings.pluginFile) await this.#putGenerated(generated, fresh);
    if (fresh.restDigest === config.restDigest) return false;
    this.#intervalBefore = config.refreshIntervalSeconds;
    await this.#write(path, content, routePlugin(generated, where, wantedIn(fresh, lists)));
    return true;
  }

  async prove(proof: Proof, { settle, restarted, progress }: Parameters<RoutedWebServer["prove"]>[1]): Promise<void> {
    const { config } = await this.#followed(this.host.files);
    const { verify } = this.settings;
    if (settle) {
      const wait = (this.#intervalBefore ?? config.refreshIntervalSeconds) * 1_000 + REFRESH_MARGIN_MS;
      progress(
        `${this.name}: waiting ${Math.round(wait / 1_000)} s, until every process has to look at its file again`,
      );
      await this.pause(wait);
    }
    const routed = proof.level === "routed";
    const clusters = Object.keys(verify.clusters).filter((name) => config.clusters.some((each) => each.name === name));
    const proving = {
      host: this.host,
      verify,
      config: routed
        ? { ...config, clusters: config.clusters.map((each) => ({ ...each, ...proof.lists[each.name] })) }
        : config,
      clusters,
      level: proof.level,
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

  note(rollout: string, step: string): Promise<void> {
    return noteInHold(this.host, this.settings.httpdConf, rollout, step);
  }

  async #followed(files: FileReader): Promise<{ path: string; content: FileContent; config: PluginConfig }> {
    const { httpdConf } = this.settings;
    const { path } = await directiveIn(files, { webServer: this.name, httpdConf }, this.settings);
    const content = await files.read(path);
    const where = `${this.host.name}:${path}`;
    if (!content)
      throw new ProblemError("missing", { where, found: "no such file, though the plug-in's directive names it" });
    return { path, content, config: readPluginConfig(content.bytes, where) };
  }

  async #write(path: string, content: FileContent, bytes: Buffer): Promise<void> {
    await backUp(this.host, content.bytes);
    await this.host.files.write(path, bytes, { expected: content.sha256 });
  }

  /** Where a copy is followed, the generated file beside it is what the copy is compared with from now on. */
  async #putGenerated(generated: Buffer, fresh: PluginConfig): Promise<void> {
    const { pluginFile } = this.settings;
    const present = await this.host.files.read(pluginFile);
    if (!present || readPluginConfig(present.bytes, pluginFile).restDigest === fresh.restDigest) return;
    await this.#write(pluginFile, present, generated);
  }

  async #requireRunning(): Promise<void> {
    if ((await isRunning(this.host.files, pidFileOf(this.settings))) !== "no") return;
    throw new ProblemError("command-failed", { where: this.name, found: "its parent process is gone" });
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
  ) + REFRESH_MARGIN_MS;

const listsOf = (config: PluginConfig): Lists =>
  Object.fromEntries(
    config.clusters.filter(({ routed }) => routed).map(({ name, primary, backup }) => [name, { primary, backup }]),
  );

/** Clusters that the file does not have, or not any more, are no reason to leave the others. */
const wantedIn = (config: PluginConfig, lists: Lists): ReadonlyMap<string, Lists[string]> =>
  new Map(Object.entries(lists).filter(([name]) => config.clusters.some((cluster) => cluster.name === name)));
