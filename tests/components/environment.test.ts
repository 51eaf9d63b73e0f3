import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse as parseYaml } from "yaml";
import { parseStackConfig } from "../../components/config/parse.js";
import { readStackConfig } from "../../components/config/read.js";
import type { StackConfig } from "../../components/config/schema.js";
import { Environment } from "../../components/environment.js";
import { withSettings } from "../../policy/settings.js";

const PROJECT = "pulumi-connections";
const STACK = "prod";
type Values = Record<string, unknown>;

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Values;
}

/** Runs a program against a model of the engine that remembers what is registered. */
async function registeredBy(program: () => pulumi.Resource): Promise<{ made: Registered[]; root: pulumi.Resource }> {
  const made: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs, id }) {
        made.push({ type, name, inputs: withSettings(inputs) });
        return { id: id ?? `${name}-id`, state: inputs };
      },
      call: () => ({}),
    },
    PROJECT,
    STACK,
    true,
  );
  const root = program();
  await pulumi.runtime.disconnect();
  return { made, root };
}

const text = readFileSync(join(resolve(__dirname, "..", ".."), "Pulumi.example.yaml"), "utf8");
const stackFile = parseYaml(text) as { config: Values };
const withoutPrefix = (config: Values): Values =>
  Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace(`${PROJECT}:`, ""), value]));
const config = (change: Values = {}): StackConfig =>
  parseStackConfig({ ...withoutPrefix(stackFile.config), ...change }, "Pulumi.prod.yaml");

const urnOf = (resource: pulumi.Resource): Promise<string> =>
  new Promise((resolveUrn) => resource.urn.apply((urn) => resolveUrn(urn)));

test("one routing resource per web server, under its parents, with everything that was configured", async () => {
  const { made, root } = await registeredBy(() => new Environment("environment", config()));
  expect(made.map(({ type, name }) => `${type} ${name}`).sort()).toEqual([
    "pulumi-connections:index:ConnectionsFixes environment-connections",
    "pulumi-connections:index:Databases environment-databases",
    "pulumi-connections:index:Environment environment",
    "pulumi-connections:index:ManualSteps environment-connections-after",
    "pulumi-connections:index:ManualSteps environment-manual",
    "pulumi-connections:index:WebServers environment-web",
    "pulumi-nodejs:dynamic/connections:SchemaVersion environment-databases-homepage-HOMEPAGE",
    "pulumi-nodejs:dynamic/connections:SqlScriptVersion environment-databases-homepage-createDb-level",
    "pulumi-nodejs:dynamic/ihs:PluginRouting environment-web-webserver1-routing",
    "pulumi-nodejs:dynamic/ihs:PluginRouting environment-web-webserver2-routing",
    "pulumi-nodejs:dynamic/manual:Step environment-connections-after-LO66666-clear-browser-caches",
    "pulumi-nodejs:dynamic/manual:Step environment-manual-tell-the-help-desk",
    "pulumi-nodejs:dynamic/was:InterimFixes environment-connections-fixes",
  ]);

  const { webServers: web } = root as Environment;
  if (!web) throw new Error("there are no web servers");
  const { routing } = web;
  expect(Object.keys(routing)).toEqual(["webserver1", "webserver2"]);
  // The model's URNs name a parent's own type only.
  expect(await urnOf(web)).toContain("::pulumi-connections:index:Environment$pulumi-connections:index:WebServers::");
  for (const resource of Object.values(routing)) {
    expect(await urnOf(resource)).toContain(
      "::pulumi-connections:index:WebServers$pulumi-nodejs:dynamic/ihs:PluginRouting::",
    );
  }

  const { inputs } = made.find(({ name }) => name === "environment-web-webserver1-routing") as Registered;
  const { hosts, topology, webServers, probes, routing: declared, run } = config();
  const webserver1 = webServers?.webserver1;
  expect(inputs).toMatchObject({
    owner: "pulumi-connections/prod/environment-web-webserver1-routing",
    webServer: "webserver1",
    host: "web1",
    httpdConf: webserver1?.httpdConf,
    connection: { name: "web1", ...hosts.web1 },
    serverRoot: webserver1?.serverRoot,
    pluginFile: webserver1?.pluginFile,
    control: { timeout: "2m" },
    ...topology,
    verify: { connectTo: webserver1?.connectTo, publicHost: webserver1?.publicHost, ...probes },
    ...declared,
    ...run,
  });
  expect(inputs.__provider).toContain('m.provider("ihs:PluginRouting")');
});

test("one resource per schema level and per script, with everything that was configured", async () => {
  const through = { ...config().databases?.homepage, through: "web2", tls: { hostNameValidation: false } };
  const given = config({ databases: { homepage: through } });
  const { made, root } = await registeredBy(() => new Environment("environment", given));
  const { databases } = root as Environment;
  expect(Object.keys(databases?.levels ?? {})).toEqual(["homepage/HOMEPAGE"]);
  expect(Object.keys(databases?.scripts ?? {})).toEqual(["homepage-createDb"]);

  const level = made.find(({ type }) => type.endsWith("SchemaVersion"))?.inputs;
  const { hosts, run } = config();
  const { levels, home, through: _through, ...connection } = through as unknown as Values;
  expect(level).toMatchObject({
    owner: "pulumi-connections/prod/environment-databases-homepage-HOMEPAGE",
    database: "homepage",
    component: "HOMEPAGE",
    connection: { name: "homepage", ...connection, through: { name: "web2", ...hosts.web2 } },
    home: { name: "web1", ...hosts.web1 },
    ...(levels as { HOMEPAGE: Values }).HOMEPAGE,
    lockWait: run.lockWait,
  });
  const script = made.find(({ type }) => type.endsWith("SqlScriptVersion"))?.inputs;
  expect(script).toMatchObject({
    host: "web1",
    path: "/opt/wizards/connections.sql/homepage/db2/createDb.sql",
    component: "HOMEPAGE",
    connection: { name: "web1", ...hosts.web1 },
    version: "705",
    from: ["704"],
  });
});

test("a level is never lowered: restore, said of the whole stack, is not said of levels", async () => {
  const { made } = await registeredBy(() => new Environment("environment", config({ run: { onDestroy: "restore" } })));
  const said = made.filter(({ inputs }) => inputs.onDestroy).map(({ type, inputs }) => `${type} ${inputs.onDestroy}`);
  expect([...new Set(said)].sort()).toEqual([
    "pulumi-nodejs:dynamic/connections:SchemaVersion retain",
    "pulumi-nodejs:dynamic/connections:SqlScriptVersion restore",
    "pulumi-nodejs:dynamic/ihs:PluginRouting restore",
    "pulumi-nodejs:dynamic/manual:Step restore",
    "pulumi-nodejs:dynamic/was:InterimFixes restore",
  ]);
});

test("a step for a person comes after those that it names, and before the parts that wait for it", async () => {
  const step = (more: Values): Values => ({ host: "web2", instructions: "Do it.", ...more });
  const manualSteps = {
    last: step({ after: ["second"], before: ["databases"] }),
    second: step({ after: ["first"] }),
    first: step({ done: { by: "Jane", on: "2026-05-02" }, verify: { file: { path: "/done" } }, before: ["routing"] }),
  };
  const { made } = await registeredBy(() => new Environment("environment", config({ manualSteps })));
  const at = (name: string) => made.findIndex((one) => one.name === `environment-${name}`);
  const order = ["manual-first", "manual-second", "manual-last", "databases-homepage-HOMEPAGE"].map(at);
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(order[0]).toBeGreaterThan(0);
  expect(at("web-webserver1-routing")).toBeGreaterThan(at("manual-first"));
  expect(made[at("manual-first")]?.inputs).toMatchObject({
    owner: "pulumi-connections/prod/environment-manual-first",
    host: "web2",
    step: "first",
    connection: { name: "web2" },
    ...{ instructions: "Do it.", done: { by: "Jane", on: "2026-05-02" }, verify: { file: { path: "/done" } } },
    lockWait: config().run.lockWait,
  });
  expect(made[at("manual-first")]?.inputs).not.toHaveProperty("before");
});

test("no secret is among what is registered, only where it is", async () => {
  const { made } = await registeredBy(() => new Environment("environment", config()));
  const level = made.find(({ type }) => type.endsWith("SchemaVersion"))?.inputs;
  expect(level).toMatchObject({ connection: { password: { env: "DB2_PASSWORD" } } });
  const { inputs } = made.find(({ name }) => name === "environment-web-webserver1-routing") as Registered;
  expect(inputs).toMatchObject({
    connection: { sudo: { password: { env: "WEB1_SUDO_PASSWORD" } } },
    verify: { testUser: { password: { command: ["pass", "show", "connections/probe"] } } },
  });
});

test.each([undefined, {}])(
  "nothing is registered for what is left alone: routing, fixes, databases, scripts, steps %p",
  async (none) => {
    const parts = ["routing", "interimFixes", "databases", "sqlScripts", "manualSteps"];
    const left = config(Object.fromEntries(parts.map((part) => [part, none])));
    const { made } = await registeredBy(() => new Environment("environment", left));
    expect(made.map(({ name }) => name)).toEqual(["environment", "environment-web"]);
  },
);

describe("the running stack's configuration", () => {
  const asEngineGives = (values: Values): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]));
  beforeEach(() =>
    pulumi.runtime.setMocks(
      { newResource: ({ inputs }) => ({ id: "", state: inputs }), call: () => ({}) },
      PROJECT,
      STACK,
    ),
  );

  test("is read as the engine hands it over, other namespaces left out", () => {
    pulumi.runtime.setAllConfig({ ...asEngineGives(stackFile.config), "aws:region": "eu-west-1" });
    expect(readStackConfig()).toEqual(config());
  });

  test("with problems ends the program with all of them, and no stack trace", () => {
    pulumi.runtime.setAllConfig({
      ...asEngineGives(stackFile.config),
      "pulumi-connections:runn": "{}",
      "pulumi-connections:routing": '{"primarynode": "x"}',
    });
    expect(readStackConfig).toThrow(pulumi.RunError);
    expect(readStackConfig).toThrow(
      /^The stack's configuration has 3 problems:\n {2}- Pulumi\.prod\.yaml routing\.primaryNode: missing.*\n.*routing\.primarynode: no such setting.*\n.*runn: no such setting.*Did you mean "run"\?$/,
    );
  });
});
