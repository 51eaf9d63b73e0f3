import { settingsSchema } from "../../../providers/kinds/interim-fixes/schema.js";
import { ReachedWebServer } from "../../../providers/kinds/interim-fixes/web-server.js";
import { connection, GENERATED, HTTPD_CONF, ROOT, type WebServerModel } from "../plugin-routing/bench.js";

export const webServerSettings = (model: WebServerModel, verify: object = {}) =>
  settingsSchema.shape.webServers.element.parse({
    name: "webserver1",
    httpdConf: HTTPD_CONF,
    connection,
    serverRoot: ROOT,
    pluginFile: GENERATED,
    verify: {
      connectTo: { address: "127.0.0.1", port: model.port },
      publicHost: "connections.example.com",
      samples: 4,
      settleTime: "0ms",
      retryEvery: "1ms",
      clusters: { AppsCluster: { probeUrl: "/AppsCluster/app" } },
      ...verify,
    },
  });

/** The web server of a rollout over a modelled one, whose plug-in looks at its file again while the rollout waits. */
export function reachedWebServer(model: WebServerModel, verify: object = {}, waited: number[] = []): ReachedWebServer {
  const settings = webServerSettings(model, verify);
  const pause = async (ms: number) => {
    waited.push(ms);
    model.lookAgain();
  };
  return new ReachedWebServer(settings, model.host, model.host.files, pause, new AbortController().signal);
}
