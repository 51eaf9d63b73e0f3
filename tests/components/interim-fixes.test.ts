import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse as parseYaml } from "yaml";
import { parseStackConfig } from "../../components/config/parse.js";
import { Environment } from "../../components/environment.js";
import { withSettings } from "../../policy/settings.js";
import { interimFixes } from "../../providers/kinds/interim-fixes/kind.js";
import { settingsSchema } from "../../providers/kinds/interim-fixes/schema.js";
import { pluginRouting } from "../../providers/kinds/plugin-routing/kind.js";
import { checkInputs, type Properties } from "../../providers/lifecycle/inputs.js";

const root = resolve(__dirname, "..", "..");
type Values = Record<string, unknown>;

/** The example of the runbook, on the hosts and web servers of the example stack. */
function values(): Values {
  const stack = parseYaml(readFileSync(join(root, "Pulumi.example.yaml"), "utf8")) as { config: Values };
  const page = readFileSync(join(root, "docs", "rolling-fixes.md"), "utf8");
  const example = parseYaml(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "") as Values;
  const all: Values = { ...stack.config, ...example };
  const given = Object.fromEntries(
    Object.entries(all).map(([key, value]) => [key.replace("pulumi-connections:", ""), value]),
  );
  return given;
}

/** What an environment of this configuration registers, in its order. */
async function registered(config: Values) {
  const made: { type: string; name: string; inputs: Properties }[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs }) {
        made.push({ type, name, inputs: withSettings(inputs) });
        return { id: name, state: inputs };
      },
      call: () => ({}),
    },
    "pulumi-connections",
    "prod",
    true,
  );
  new Environment("environment", parseStackConfig(config, "Pulumi.prod.yaml"));
  await pulumi.runtime.disconnect();
  return { made };
}

test("the runbook's example becomes one resource, whose inputs the kind takes as they are", async () => {
  const { made } = await registered(values());
  const inputs = made.find(({ type }) => type.endsWith("/was:InterimFixes"))?.inputs ?? {};
  expect(checkInputs(interimFixes, inputs).problems).toEqual([]);
  expect(inputs).toMatchObject({ cell: "ConnectionsCell", deadline: "12h", order: "safe", strategy: "rolling" });
});

test("which web server of the cell one is, is told to the rollout, and means nothing to routing", async () => {
  const given = values();
  const webServers = Object.fromEntries(
    Object.entries(given.webServers as Values).map(([name, each]) => [
      name,
      { ...(each as Values), server: "webserver1", node: `${name}-node` },
    ]),
  );
  const { made } = await registered({ ...given, webServers });
  const inputsOf = (type: string) => made.filter((each) => each.type.endsWith(type)).map(({ inputs }) => inputs);
  const [fixes = {}] = inputsOf("/was:InterimFixes");
  expect(checkInputs(interimFixes, fixes).problems).toEqual([]);
  expect(fixes.webServers).toMatchObject([
    { name: "webserver1", server: "webserver1", node: "webserver1-node" },
    { name: "webserver2", server: "webserver1", node: "webserver2-node" },
  ]);
  const routing = inputsOf("/ihs:PluginRouting");
  expect(routing).toHaveLength(2);
  for (const inputs of routing) expect(checkInputs(pluginRouting, inputs).problems).toEqual([]);
});

test("hosts that are not declared are named with their path", () => {
  const given = values();
  const fixes = given.interimFixes as { nodes: Values[]; deploymentManager: Values };
  const wrong = {
    ...fixes,
    deploymentManager: { ...fixes.deploymentManager, host: "dmgrr" },
    nodes: fixes.nodes.map((node, index) => (index === 1 ? { ...node, host: "node22" } : node)),
  };
  expect(() => parseStackConfig({ ...given, interimFixes: wrong }, "Pulumi.prod.yaml")).toThrow(
    /interimFixes\.deploymentManager\.host: no host is called "dmgrr"[\s\S]*interimFixes\.nodes\[?\.?1\]?\.host: no host is called "node22"/,
  );
});

const LIMITS = Object.keys(settingsSchema.shape.limits.parse({}));

describe("a wait that the rollout's own deadline would cut off is named with its path", () => {
  const parsed = (more: Values) => {
    const given = values();
    return () =>
      parseStackConfig({ ...given, interimFixes: { ...(given.interimFixes as Values), ...more } }, "Pulumi.prod.yaml");
  };

  test.each([...LIMITS.map((limit) => ["limits", limit] as const), ["drain", "time"] as const])(
    "%s.%s",
    (group, key) => {
      const at = `interimFixes\\.${group}\\.${key}`;
      expect(parsed({ [group]: { [key]: "12h" } })).toThrow(
        new RegExp(`${at}: "12h".*Allowed: less than interimFixes\\.deadline, which is 12h`),
      );
      expect(parsed({ [group]: { [key]: "11h" } })).not.toThrow();
      expect(parsed({ deadline: "13h", [group]: { [key]: "12h" } })).not.toThrow();
      expect(parsed({ deadline: "10m", [group]: { [key]: "10m" } })).toThrow(new RegExp(`${at}: "10m".*which is 10m`));
    },
  );

  test("limits that nobody wrote down are no reason to refuse a shorter deadline", () => {
    expect(parsed({ deadline: "10m" })).not.toThrow();
  });
});

test("what a fix's notes ask of a person comes before or after it, on the deployment manager's host by default", async () => {
  const given = values();
  const steps = {
    drain: { when: "before", instructions: "Close the queue." },
    tell: { instructions: "Tell users.", after: ["check"], host: "node1" },
    check: { instructions: "Look at the page.", after: ["drain"] },
  };
  const fixes = { LO66666: { readme: "reviewed", manualSteps: steps } };
  const config = { ...given, interimFixes: { ...(given.interimFixes as Values), fixes } };
  const { made } = await registered(config);
  const names = made.flatMap(({ type, name }) => (/dynamic\/(manual|was)/.test(type) ? [name] : []));
  expect(names).toEqual([
    "environment-manual-tell-the-help-desk",
    "environment-connections-before-LO66666-drain",
    "environment-connections-fixes",
    "environment-connections-after-LO66666-check",
    "environment-connections-after-LO66666-tell",
  ]);
  const at = (end: string) => made.find(({ name }) => name.endsWith(end))?.inputs;
  expect(at("-drain")).toMatchObject({ host: "dmgr", step: "LO66666 drain", connection: { name: "dmgr" } });
  expect(at("-tell")).toMatchObject({ host: "node1", step: "LO66666 tell" });
  expect(at("connections-fixes")?.fixes).toEqual({ LO66666: { readme: "reviewed", needs: [], changes: [] } });

  const wrong = { ...steps, drain: { ...steps.drain, after: ["tell"] } };
  const refused = { ...(given.interimFixes as Values), fixes: { LO66666: { manualSteps: wrong } } };
  expect(() => parseStackConfig({ ...given, interimFixes: refused }, "Pulumi.prod.yaml")).toThrow(
    /LO66666\.manualSteps\.drain\.after\[0\]: tell comes after the fix, and drain before it/,
  );
});
