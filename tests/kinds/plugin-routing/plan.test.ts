import type { RoutingDesired } from "../../../providers/kinds/plugin-routing/goal.js";
import { pluginRouting } from "../../../providers/kinds/plugin-routing/kind.js";
import { type Kept, type Live, observe } from "../../../providers/kinds/plugin-routing/live.js";
import { plan } from "../../../providers/kinds/plugin-routing/plan.js";
import { CONF, copyOf, GENERATED, HTTPD_CONF, routingInputs, WebServerModel } from "./bench.js";
import { APPS, pluginXml } from "./fixtures.js";

const web = new WebServerModel();
const found = (() => {
  const inputs = routingInputs(web);
  const settings = pluginRouting.settings.parse(
    Object.fromEntries(
      Object.entries({
        ...inputs,
        verify: {
          connectTo: { address: "127.0.0.1", port: 80 },
          publicHost: "connections.example.com",
          clusters: { AppsCluster: { probeUrl: "/AppsCluster/app" } },
        },
      }).filter(([key]) => key in pluginRouting.settings.shape),
    ),
  );
  return { identity: { host: "web1", httpdConf: HTTPD_CONF }, settings };
})();

const desired = (primaryNode: string): RoutingDesired => ({ ...found, aspects: { primaryNode } });

/** What observe makes of a directive and of files beside the generated one. */
async function liveOf(names: string, files: Record<string, string> = {}): Promise<Live> {
  const model = new WebServerModel();
  model.host.put(GENERATED, pluginXml([APPS]));
  model.host.put(HTTPD_CONF, CONF.replace(`Config "${GENERATED}"`, `Config "${names}"`));
  for (const [path, text] of Object.entries(files)) model.host.put(path, text);
  model.host.put("/opt/IBM/HTTPServer/logs/httpd.pid", "4242\n");
  model.host.mkdir("/proc/4242");
  return observe(found.identity, found.settings, { host: () => model.host, files: () => model.host.files });
}

const RIGHT = pluginXml([{ ...APPS, primary: APPS.backup, backup: APPS.primary }]);
const STALE = RIGHT.replace("<Log ", "<Log Extra='1' ");
const copy = copyOf("node10");
const provenAt = (path: string | undefined): Partial<Kept> => ({ proven: path ? { path, how: "by probes" } : null });
const CHECKED = (...keys: string[]) => ["check-first", ...keys, "reload", "prove"];

test.each([
  ["generated file in force", "node10", GENERATED, {}, {}, CHECKED("write-copy", "point-directive")],
  ["copy there, not in force", "node10", GENERATED, { [copy]: RIGHT }, {}, CHECKED("point-directive")],
  ["copy in force and proven", "node10", copy, { [copy]: RIGHT }, {}, []],
  ["copy in force, not proven", "node10", copy, { [copy]: RIGHT }, provenAt(undefined), CHECKED()],
  ["copy in force, another file proven", "node10", copy, { [copy]: RIGHT }, provenAt(GENERATED), CHECKED()],
  ["copy in force, stale", "node10", copy, { [copy]: STALE }, {}, CHECKED("write-copy")],
  ["copy in force, missing", "node10", copy, {}, {}, CHECKED("write-copy")],
  ["copy in force, malformed", "node10", copy, { [copy]: "<Config>" }, {}, CHECKED("write-copy")],
  [
    "stale copy, generated file in force",
    "node10",
    GENERATED,
    { [copy]: STALE },
    {},
    CHECKED("write-copy", "point-directive"),
  ],
  ["somebody's own file, right at adoption", "node10", "/opt/own.xml", { "/opt/own.xml": RIGHT }, {}, []],
  [
    "somebody's own file, wrong",
    "node10",
    "/opt/own.xml",
    { "/opt/own.xml": STALE },
    {},
    CHECKED("write-copy", "point-directive"),
  ],
  ["generated file right at adoption", "node1", GENERATED, {}, {}, []],
  [
    "generated file right, but a copy was proven",
    "node1",
    GENERATED,
    {},
    provenAt(copyOf("node1")),
    CHECKED("write-copy", "point-directive"),
  ],
  ["as generated, is", "as generated", GENERATED, {}, {}, []],
  ["as generated, a copy in force", "as generated", copy, { [copy]: RIGHT }, {}, CHECKED("point-directive")],
] as [string, string, string, Record<string, string>, Partial<Kept>, string[]][])(
  "facts to steps: %s",
  async (_name, node, names, files, kept, keys) => {
    const live = await liveOf(names, files);
    const result = plan(desired(node), live, { ...pluginRouting.adopt(live), ...kept });
    expect(result.refusals).toEqual([]);
    expect(result.steps.map((step) => step.key)).toEqual(keys);
    // The plug-in reads a file that is in force again by itself, so rewriting one is noticed like a reload.
    const inForce = names === copy ? ["write-copy", "reload"] : ["reload"];
    expect(result.steps.filter((step) => step.impact !== "none").map((step) => [step.key, step.impact])).toEqual(
      keys.filter((key) => inForce.includes(key)).map((key) => [key, "degraded capacity"]),
    );
  },
);
