import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type PluginCluster, readPluginConfig } from "../../../providers/formats/plugin-cfg.js";
import { pluginRoutingOver } from "../../../providers/kinds/plugin-routing/kind.js";
import type { Live } from "../../../providers/kinds/plugin-routing/live.js";
import type { RunResult } from "../../../providers/targets/host.js";
import { findPluginDirective } from "../../../providers/targets/httpd.js";
import { MemoryHost, type MemoryHostOptions } from "../../support/memory-host.js";
import { modelledConnection, providerBench, reaching, type Stored } from "../../support/provider-bench.js";
import { APPS, type ClusterFixture, DMGR, INFRA, NODES, pluginXml } from "./fixtures.js";

export type { Stored };

export const ROOT = "/opt/IBM/HTTPServer";
export const HTTPD_CONF = `${ROOT}/conf/httpd.conf`;
export const PLUGIN_DIRECTORY = `${ROOT}/Plugins/config/webserver1`;
export const GENERATED = `${PLUGIN_DIRECTORY}/plugin-cfg.xml`;
export const copyOf = (node: string): string => `${PLUGIN_DIRECTORY}/plugin-cfg-primary-${node}.xml`;
const PID_FILE = `${ROOT}/logs/httpd.pid`;
const ACCESS_LOG = `${ROOT}/logs/access_log`;
const PROCESS = "/proc/4242";

export const CONF = `ServerRoot "${ROOT}"
Listen 443
LoadModule was_ap22_module Plugins/bin/64bits/mod_was_ap22_http.so
#WebSpherePluginConfig "/opt/IBM/old/plugin-cfg.xml"
WebSpherePluginConfig "${GENERATED}"
# the end
`;

export const connection = modelledConnection("web1");

const OK: RunResult = { exitCode: 0, stdout: "Syntax OK\n", stderr: "" };

/**
 * A modelled web server on a modelled host: apachectl, a pid file, a plug-in that follows the file as it was at the last
 * reload, and a real port on loopback that answers as application servers would. A stand-in: it proves our code alone.
 */
export class WebServerModel {
  readonly host: MemoryHost;
  port = 0;
  /** Every apachectl call: "-t", "graceful", "start". */
  readonly calls: string[] = [];
  /** Application servers that do not answer. */
  readonly down = new Set<string>();
  /** What the answer's session cookie is, instead of the usual one. */
  cookie: ((clone: string, cluster: PluginCluster) => string | undefined) | undefined;
  status = 200;
  /** KillWebServerStartUpOnParseErr: the parent ends at a reload with a file that it cannot read. */
  diesOnBadFile = true;
  /** So many answers after a reload still come from old processes. */
  staleAnswers = 0;
  logsRequests = true;
  /** Requests so far, and whether the connection of the one that comes is lost. */
  requests = 0;
  losesConnection = (_request: number): boolean => false;
  /** Asked at each `apachectl -t`, which is in `calls` by then. */
  failSyntaxTest = (): boolean => false;
  /** What becomes of a session whose server is no primary any more. Documented for none, so each is tried. */
  affinity: "to primaries" | "to backups too" | "with persistent sessions" = "to primaries";
  /** How long a run waited for the plug-in to look at its file again, each time. */
  readonly waited: number[] = [];
  mpm = "Worker";
  /** RefreshInterval is never over: whatever is waited, the plug-in goes by what it has. */
  neverLooks = false;
  /** What others do while a run waits for the plug-in to look again. */
  whileWaiting: () => void = () => undefined;
  #running: PluginCluster[] | undefined;
  #path = "";
  #before: PluginCluster[] = [];
  #left = 0;
  #turn = 0;
  readonly #server: Server;

  constructor(options: MemoryHostOptions = {}) {
    this.host = new MemoryHost(connection, { ...options, onRun: (argv) => this.#command(argv) });
    this.host.put(HTTPD_CONF, CONF);
    this.host.put(GENERATED, pluginXml([APPS, INFRA, DMGR]));
    this.host.put(ACCESS_LOG, "");
    this.host.mkdir("/proc/1");
    this.#server = createServer((request, response) => {
      if (this.losesConnection(++this.requests)) return void request.socket.destroy();
      const cluster = (this.#left-- > 0 ? this.#before : this.#running)?.find((candidate) =>
        request.url?.startsWith(`/${candidate.name}/`),
      );
      const [id, ...clones] = /JSESSIONID=0000([^;]*)/.exec(request.headers.cookie ?? "")?.[1]?.split(":") ?? [];
      const home = cluster?.members.find((member) => member.cloneId === clones[0] && !this.down.has(member.name));
      const honoured =
        home && (this.affinity === "to backups too" || cluster?.primary.includes(home.name)) ? home : undefined;
      const server = honoured ?? (cluster && this.#pick(cluster));
      if (!this.#running) return void request.socket.destroy();
      if (!cluster || !server) return void response.writeHead(cluster ? 503 : 404).end();
      if (this.logsRequests) {
        this.host.put(ACCESS_LOG, `${this.host.text(ACCESS_LOG)}"GET ${request.url} HTTP/1.1" 200 ${server.name}\n`);
      }
      const clone = server.cloneId ?? "";
      const persistent =
        id && this.affinity === "with persistent sessions"
          ? `JSESSIONID=0000${[id, ...clones, clone].join(":")}`
          : undefined;
      if (honoured) return void response.writeHead(this.status).end(`a page of ${cluster.name}`);
      const cookie = persistent
        ? persistent
        : this.cookie
          ? this.cookie(clone, cluster)
          : `JSESSIONID=0000${randomBytes(12).toString("hex")}:${clone}`;
      if (cookie) response.setHeader("Set-Cookie", `${cookie}; Path=/; HttpOnly`);
      response.writeHead(this.status).end(`a page of ${cluster.name}`);
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    this.port = (this.#server.address() as AddressInfo).port;
    await this.load();
    this.calls.length = 0;
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  /** Which servers new users of a cluster reach by the configuration that is running. */
  primaries(cluster: string): readonly string[] | undefined {
    return this.#running?.find((candidate) => candidate.name === cluster)?.primary;
  }

  /** Somebody reloads it by hand. */
  async load(): Promise<void> {
    this.#before = this.#running ?? [];
    this.#left = this.staleAnswers;
    try {
      const { path } = await this.directive();
      const config = readPluginConfig(Buffer.from(this.host.text(path) ?? ""), path);
      if (config.problems.length > 0) throw new Error("the plug-in rejects the file");
      this.#running = config.clusters;
      this.#path = path;
      this.host.put(PID_FILE, "4242\n");
      this.host.mkdir(PROCESS);
    } catch {
      if (this.diesOnBadFile) this.die();
      else this.#running = [];
    }
  }

  /** RefreshInterval is over: the file of the last reload is read again. One that cannot be read leaves the old one in force. */
  lookAgain(): void {
    const text = this.host.text(this.#path);
    if (!this.#running || text === undefined || this.neverLooks) return;
    try {
      const config = readPluginConfig(Buffer.from(text), this.#path);
      if (config.problems.length === 0) this.#running = config.clusters;
    } catch {
      // Logged by the plug-in, and nothing else.
    }
  }

  die(): void {
    this.#running = undefined;
    this.host.delete(PROCESS);
  }

  /** Read around the host's hooks, as httpd itself reads. */
  directive() {
    const quiet = new MemoryHost(connection);
    for (const path of this.host.paths()) quiet.put(path, this.host.text(path) ?? "");
    return findPluginDirective(quiet.files, { host: "web1", serverRoot: ROOT, httpdConf: HTTPD_CONF });
  }

  #pick(cluster: PluginCluster) {
    const up = (names: readonly string[]) => names.filter((name) => !this.down.has(name));
    const primaries = up(cluster.primary);
    const name = primaries.length > 0 ? primaries[this.#turn++ % primaries.length] : up(cluster.backup)[0];
    return cluster.members.find((member) => member.name === name);
  }

  async #command(argv: readonly string[]): Promise<RunResult> {
    if (argv[0] === "tail") return { exitCode: 0, stdout: this.host.text(argv.at(-1) ?? "") ?? "", stderr: "" };
    if (argv[0] !== `${ROOT}/bin/apachectl`)
      return { exitCode: 127, stdout: "", stderr: `no such command: ${argv[0]}\n` };
    const call = argv.slice(1).join(" ");
    if (call === "-V")
      return { exitCode: 0, stdout: `Server version: Apache/2.4\nServer MPM:     ${this.mpm}\n`, stderr: "" };
    this.calls.push(call);
    if (call === "-t" && this.failSyntaxTest())
      return { exitCode: 1, stdout: "", stderr: "Syntax error on line 7 of vhosts.conf\n" };
    if (call !== "-t") await this.load();
    return OK;
  }
}

/** The inputs that a component would give. */
export function routingInputs(web: WebServerModel, more: Stored = {}): Stored {
  return {
    webServer: "webserver1",
    host: "web1",
    httpdConf: HTTPD_CONF,
    connection,
    serverRoot: ROOT,
    pluginFile: GENERATED,
    nodes: NODES,
    verify: {
      connectTo: { address: "127.0.0.1", port: web.port },
      publicHost: "connections.example.com",
      samples: 4,
      requestTimeout: "5s",
      settleTime: "0ms",
      retryEvery: "1ms",
      clusters: { AppsCluster: { probeUrl: "/AppsCluster/app" }, InfraCluster: { probeUrl: "/InfraCluster/app" } },
    },
    primaryNode: "node10",
    owner: "shop/prod/routing",
    __provider: "pointer",
    lockLease: "5s",
    lockWait: "2s",
    ...more,
  };
}

export const SECOND_CONF = HTTPD_CONF.replace("httpd.conf", "second.conf");

/** Of a second web server on the same host. Both run from one model: only what is on disk counts here. */
export function secondInputs(web: WebServerModel, more: Stored = {}): Stored {
  const { verify } = routingInputs(web) as { verify: object };
  const elsewhere = { ...verify, connectTo: { address: "localhost", port: web.port } };
  const named = { webServer: "second", httpdConf: SECOND_CONF, owner: "shop/prod/second", verify: elsewhere };
  return routingInputs(web, { ...named, ...more });
}

/** The provider of plug-in routing for one modelled web server. */
export function routingBench(web: WebServerModel) {
  const kind = pluginRoutingOver(async (ms) => {
    web.waited.push(ms);
    web.whileWaiting();
    web.lookAgain();
  });
  const bench = providerBench(kind, reaching(web.host), () => routingInputs(web));
  return {
    ...bench,
    /** What a refreshed preview shows: aspects as observed, and deviations. */
    async drift(olds: Stored): Promise<{ primaryNode: unknown; deviations: Record<string, string>; live: Live }> {
      const { inputs, props } = await bench.refresh(olds);
      const { primaryNode, deviations = {} } = inputs as { primaryNode: unknown; deviations?: Record<string, string> };
      return { primaryNode, deviations, live: JSON.parse(String(props.live)) as Live };
    },
  };
}

/** Clusters as the model's generated file has them, with one replaced. */
export const withCluster = (changed: ClusterFixture): string =>
  pluginXml([APPS, INFRA, DMGR].map((cluster) => (cluster.name === changed.name ? changed : cluster)));
