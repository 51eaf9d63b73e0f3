import { readPluginConfig } from "../../providers/formats/plugin-cfg.js";
import { sameRouting } from "../../providers/formats/routing.js";
import type { Estate, Proof } from "../../providers/kinds/interim-fixes/estate.js";
import { ReachedWebServer } from "../../providers/kinds/interim-fixes/web-server.js";
import type { Hold } from "../../providers/targets/plugin/hold.js";
import {
  connection,
  GENERATED,
  HTTPD_CONF,
  ROOT,
  routingBench,
  routingInputs,
  type Stored,
  WebServerModel,
} from "../kinds/plugin-routing/bench.js";
import { pluginXml } from "../kinds/plugin-routing/fixtures.js";
import type { MemoryCell } from "../support/memory-cell.js";
import { modelledWebServer } from "../support/memory-cell-web.js";
import type { MemoryHostOptions, Operation } from "../support/memory-host.js";
import { declaration } from "./driver.js";

const HOLDS = `${connection.stateDirectory}/holds/`;

/**
 * The web server of a modelled cell with its files as text on a modelled host, where two resources meet: a rollout, which
 * edits and holds them by the code that it really does that with, and the routing of the same web server, whole. Only when
 * the plug-in reads its file again is the model's.
 */
export class SharedWebServer {
  readonly web: WebServerModel;
  readonly routing: ReturnType<typeof routingBench>;

  private constructor(readonly cell: MemoryCell) {
    const { beforeOperation, afterOperation } = cell.hosts.hooksOf("web1");
    // What is only noted in the hold decides nothing, so it is no place for a fault of its own.
    const isNote = ({ name, path }: Operation) =>
      name === "write" && this.#webServer.hold !== null && (path ?? "").startsWith(HOLDS);
    const hooks: MemoryHostOptions = {
      beforeOperation: (operation) => (isNote(operation) ? cell.faults.alive() : beforeOperation(operation)),
      afterOperation: async (operation) => {
        if (isNote(operation)) return;
        if (operation.path !== `${connection.stateDirectory}/lock`) await this.#mirror();
        if (operation.name === "jobs.run") this.#webServer.followed = this.#webServer.file;
        return afterOperation(operation);
      },
    };
    this.web = new WebServerModel(hooks);
    const generated = pluginXml(cell.clusters.map((name) => clusterOf(cell, name)));
    this.web.host.put(GENERATED, generated);
    cell.host("dmgr").put("/generated/plugin-cfg.xml", generated);
    this.routing = routingBench(this.web);
    cell.hosts.add(this.web.host);
  }

  static async start(cell: MemoryCell): Promise<SharedWebServer> {
    const shared = new SharedWebServer(cell);
    await shared.web.start();
    await shared.#mirror();
    return shared;
  }

  /** The declaration of a rollout that routes it. */
  desired(settings: Record<string, unknown> = {}) {
    const { verify } = this.inputs() as { verify: object };
    const webServer = {
      name: "webserver1",
      httpdConf: HTTPD_CONF,
      connection,
      serverRoot: ROOT,
      pluginFile: GENERATED,
    };
    return declaration(this.cell, { webServers: [{ ...webServer, verify }], ...settings });
  }

  estate(id: string): Estate {
    const { cell, web } = this;
    const [settings] = this.desired().settings.webServers;
    if (!settings) throw new Error("no web server is declared");
    const modelled = modelledWebServer(cell, this.#webServer);
    class Followed extends ReachedWebServer {
      override prove(proof: Proof, options: Parameters<ReachedWebServer["prove"]>[1]): Promise<void> {
        return modelled.prove(proof, options);
      }
    }
    const pause = async (ms: number) => cell.advance(ms);
    const inPlace = new Followed(settings, web.host, web.host.files, pause, new AbortController().signal);
    return { ...cell.estate(id), webServer: () => inPlace };
  }

  /** What another program declares about the same web server, under a name of its own. */
  inputs(more: Record<string, unknown> = {}): Record<string, unknown> {
    const { verify } = routingInputs(this.web) as { verify: object };
    const nodes = Object.fromEntries(this.cell.nodes.map(({ name, members }) => [name, members.map((m) => m.server)]));
    const clusters = Object.fromEntries(this.cell.clusters.map((name) => [name, { probeUrl: `/${name}/app` }]));
    const clustersOnly = { ...verify, samples: 2, clusters };
    return routingInputs(this.web, {
      webServer: "edge",
      nodes,
      verify: clustersOnly,
      primaryNode: "as generated",
      ...more,
    });
  }

  /** Time enough for every process of the web server to look at its file. Then one `up` of the routing alone. */
  async up(olds: Stored, inputs: Record<string, unknown>): Promise<Stored> {
    await this.#settle();
    return (await this.routing.up(olds, inputs)) ?? olds;
  }

  async #settle(): Promise<void> {
    while (this.#webServer.followed !== this.#webServer.file) this.cell.advance(10_000);
    await this.web.load();
    for (const member of this.cell.nodes.flatMap(({ members }) => members)) {
      if (this.cell.serves(member)) this.web.down.delete(member.server);
      else this.web.down.add(member.server);
    }
  }

  get #webServer() {
    return this.cell.webServer("webserver1");
  }

  /** What the cell's invariants are about is what the files say. */
  async #mirror(): Promise<void> {
    const webServer = this.#webServer;
    const { path } = await this.web.directive();
    const config = readPluginConfig(Buffer.from(this.web.host.text(path) ?? ""), path);
    const file = Object.fromEntries(config.clusters.map(({ name, primary, backup }) => [name, { primary, backup }]));
    if (!sameRouting(file, webServer.file)) {
      webServer.file = file;
      webServer.changedAt = this.cell.now;
    }
    const hold = this.web.host.paths().find((name) => name.startsWith(HOLDS));
    webServer.hold = hold === undefined ? null : (JSON.parse(this.web.host.text(hold) ?? "") as Hold);
    this.cell.check();
  }
}

function clusterOf(cell: MemoryCell, name: string) {
  const servers = cell.nodes.flatMap(({ members }) => members.filter(({ cluster }) => cluster === name));
  const members = Object.fromEntries(
    servers.map(({ server }) => [server, BigInt(cell.uniqueIdOf(server)).toString(32)]),
  );
  return { name, members, primary: servers.map(({ server }) => server) };
}
