import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import { parseStackConfig } from "../../components/config/parse.js";
import { ProblemError } from "../../providers/common/problem.js";

const root = resolve(__dirname, "..", "..");
const PREFIX = "pulumi-connections:";
type Values = Record<string, unknown>;

/** The example's values by key, fresh each time. */
function example(): Values {
  const { config } = parseYaml(readFileSync(join(root, "Pulumi.example.yaml"), "utf8")) as { config: Values };
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace(PREFIX, ""), value]));
}

/** The example with a value at a path replaced; undefined takes it out. */
function withValue(path: string, value: unknown, from = example()): Values {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const inner = keys.reduce<Values>((current, key) => current[key] as Values, from);
  if (value === undefined) delete inner[last];
  else inner[last] = value;
  return from;
}

/** The problems' sentences, one a line. */
function problems(values: Values): string[] {
  try {
    parseStackConfig(values, "Pulumi.prod.yaml");
  } catch (error) {
    if (error instanceof ProblemError) return error.message.split("\n");
    throw error;
  }
  return [];
}

const hostOf = (values: Values, host: string): Values => (values.hosts as Record<string, Values>)[host] as Values;

test("the example is right, and its defaults are filled in", () => {
  const config = parseStackConfig(example(), "Pulumi.example.yaml");
  expect(Object.keys(config.hosts)).toEqual(["web1", "web2", "dmgr", "node1", "node2", "node3"]);
  expect(config.hosts.web2?.operationTimeout).toBe("60s");
  const [jump] = [config.hosts.web1?.jump].flat();
  expect(jump?.hostKey).toEqual({ knownHosts: "~/.ssh/known_hosts" });
  expect(config.probes?.clusters.apps).toEqual({ probeUrl: "/files/app", expectStatus: [200], proof: "cookie" });
  expect(config.routing?.primaryNode).toBe("as generated");
  expect(config.run).toMatchObject({ onDestroy: "retain", onUnseenSteps: "stop", deadline: "30m" });
});

test.each([
  ["nothing", undefined],
  ["an empty object, as Pulumi.yaml's default", {}],
  ["a key without a value", null],
  ["an empty text", ""],
])("optional keys given as %s are not set", (_, value) => {
  const config = parseStackConfig(withValue("run", value, withValue("routing", value)), "Pulumi.prod.yaml");
  expect(config.routing).toBeUndefined();
  expect(config.run).toMatchObject({ onDestroy: "retain", lockWait: "60s" });
});

test.each(["hosts", "topology", "webServers", "probes"])("%s cannot be left out", (key) => {
  expect(problems(withValue(key, undefined))).toContainEqual(
    expect.stringContaining(`Pulumi.prod.yaml ${key}: missing`),
  );
});

describe("a stack of databases and scripts alone", () => {
  const alone = (more: Record<string, unknown> = {}) => {
    const { hosts, databases, sqlScripts } = example();
    return { hosts, databases, sqlScripts, ...more };
  };

  test.each([
    ["nothing", undefined],
    ["an empty object, as Pulumi.yaml's default", {}],
  ])("declares neither topology nor web servers nor probes (%s)", (_how, value) => {
    const config = parseStackConfig(alone({ topology: value, webServers: value, probes: value }), "Pulumi.prod.yaml");
    expect([config.topology, config.webServers, config.probes]).toEqual([undefined, undefined, undefined]);
    expect(Object.keys(config.databases ?? {})).toEqual(["homepage"]);
  });

  test.each(["topology", "webServers", "probes", "routing"])("%s alone: what belongs to it is missing", (key) => {
    const missing = ["topology", "webServers", "probes"].filter((section) => section !== key);
    expect(problems(alone({ [key]: example()[key] }))).toEqual(
      expect.arrayContaining(missing.map((section) => expect.stringContaining(`Pulumi.prod.yaml ${section}: missing`))),
    );
  });
});

test.each([
  ["hots", "hosts", {}],
  ["rout", "routing", {}],
  ["hosts.web1.adress", "address", "x"],
  ["hosts.web1.auth.keyfile", "keyFile", "x"],
  ["hosts.web1.jump.auth.agnet", "agent", true],
  ["hosts.web1.hostKey.pined", "pinned", ["x"]],
  ["hosts.web1.sudo.pasword", "password", { env: "X" }],
  ["topology.sessionreplication", "sessionReplication", "none"],
  ["webServers.webserver1.pluginfile", "pluginFile", "/x"],
  ["webServers.webserver1.connectTo.prot", "port", 1],
  ["webServers.webserver2.control.gracefull", "graceful", ["x"]],
  ["probes.sample", "samples", 1],
  ["probes.clusters.apps.expectedStatus", "expectStatus", [200]],
  ["probes.clusters.push.proof.accesslog", "accessLog", "/x"],
  ["probes.testUser.pasword", "password", { env: "X" }],
  ["routing.primarynode", "primaryNode", "cnxNode01"],
  ["run.onDestory", "onDestroy", "retain"],
  ["run.maintenanceWindow.timezone", "timeZone", "UTC"],
])("a mistyped key %s comes with the right one", (path, right, value) => {
  const found = problems(withValue(path, value));
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(`Pulumi.prod.yaml ${path}: no such setting.`);
  expect(found[0]).toContain(`Did you mean "${right}"?`);
});

test("a mistyped alternative is told what there is", () => {
  const found = problems(withValue("hosts.web1.hostKey", { pined: ["x"] }));
  expect(found).toEqual([
    'Pulumi.prod.yaml hosts.web1.hostKey.pined: no such setting. Allowed: knownHosts, pinned, insecureAcceptAny. Did you mean "pinned"?',
  ]);
});

test("all problems come in one message, those between keys too", () => {
  const values = example();
  withValue("hosts.web1.port", 0, values);
  withValue("hosts.web2.user", undefined, values);
  withValue("webServers.webserver1.host", "wbe1", values);
  withValue("webServers.webserver2.httpdConf", 7, values);
  withValue("probes.settleTime", "90", values);
  withValue("routing.primaryNode", "", values);
  withValue("run.onDestroy", "keep", values);
  const found = problems(values);
  expect(found).toHaveLength(7);
  expect(found.join("\n")).toMatch(/hosts\.web1\.port: 0: .*>=1/);
  expect(found).toContainEqual(expect.stringMatching(/hosts\.web2\.user: missing\. Allowed: text/));
  expect(found).toContainEqual(
    expect.stringContaining(
      'webServers.webserver1.host: no host is called "wbe1". Allowed: web1, web2, dmgr, node1, node2, node3. Did you mean "web1"?',
    ),
  );
  expect(found).toContainEqual(expect.stringContaining("webServers.webserver2.httpdConf: 7. Allowed: text"));
  expect(found).toContainEqual(expect.stringMatching(/probes\.settleTime: "90": must be a number with a unit/));
  expect(found).toContainEqual(expect.stringMatching(/routing\.primaryNode: "": too small/));
  expect(found).toContainEqual(expect.stringMatching(/run\.onDestroy: "keep": .*"retain"\|"restore"/));
});

test.each([
  [
    "cnxNode2",
    'no node is called "cnxNode2". Allowed: cnxNode01, cnxNode02, cnxNode03, as generated. Did you mean "cnxNode02"?',
  ],
  [
    "As Generated",
    'no node is called "As Generated". Allowed: cnxNode01, cnxNode02, cnxNode03, as generated. Did you mean "as generated"?',
  ],
])("a primary node that is no node, %s, is told before anything is asked", (primaryNode, text) => {
  expect(problems(withValue("routing.primaryNode", primaryNode))).toEqual([
    `Pulumi.prod.yaml routing.primaryNode: ${text}`,
  ]);
});

test("several jump hosts are a list, each of them checked", () => {
  const { jump } = hostOf(example(), "web1") as { jump: Values };
  const config = parseStackConfig(withValue("hosts.web1.jump", [jump, { ...jump, port: 2022 }]), "Pulumi.prod.yaml");
  expect([config.hosts.web1?.jump].flat().map((hop) => hop?.port)).toEqual([22, 2022]);
  expect(problems(withValue("hosts.web1.jump", [jump, { ...jump, adress: "x" }]))).toEqual([
    expect.stringMatching(/hosts\.web1\.jump\[1\]\.adress: no such setting.*Did you mean "address"\?/),
  ]);
  expect(problems(withValue("hosts.web1.jump", []))).toEqual([expect.stringMatching(/hosts\.web1\.jump/)]);
});

test.each([
  [
    "a step that is not there",
    { after: ["tell-the-helpdesk"] },
    /after\[0\]: no step beside it is called .*Did you mean/,
  ],
  ["itself", { after: ["x"] }, /manualSteps\.x\.after: it waits for itself: x → x/],
  ["each other", { after: ["y"] }, /manualSteps\.x\.after: it waits for itself: x → y → x/],
  ["a host that is not there", { host: "wbe1" }, /manualSteps\.x\.host: no host is called "wbe1"/],
  ["a part that is none", { before: ["fixes"] }, /manualSteps\.x\.before\[0\]/],
])("a step for a person that names %s is told so", (_name, change, message) => {
  const steps = (example().manualSteps ?? {}) as Values;
  const step = { host: "web1", instructions: "Do it." };
  const given = { ...steps, x: { ...step, ...change }, y: { ...step, after: ["x"] } };
  expect(problems(withValue("manualSteps", given)).join("\n")).toMatch(message);
});

test("no alternatives are left to guess: what is allowed stands there in words", () => {
  expect(problems(withValue("hosts.web1.hostKey", "yes"))[0]).toContain(
    'hosts.web1.hostKey: "yes". Allowed: {knownHosts: …}, {pinned: […]} or {insecureAcceptAny: true}',
  );
  expect(problems(withValue("hosts.web1.hostKey", { pinned: ["nonsense"] }))[0]).toContain(
    "hosts.web1.hostKey.pinned[0]: ",
  );
  expect(problems(withValue("hosts.web1.sudo", 3))[0]).toContain("Allowed: true or {password: …}");
  expect(problems(withValue("probes.clusters.push.proof", "log"))[0]).toContain('Allowed: "cookie" or {accessLog: …}');
  expect(problems(withValue("hosts.web1.auth", {}))[0]).toContain("needs at least one of agent, keyFile, password");
  expect(problems({ ...example(), hosts: { "web 1": hostOf(example(), "web2") }, webServers: {} })[0]).toContain(
    "must be a name of letters",
  );
  expect(problems(example()).join("\n") + problems(withValue("hosts.web1.sudo", 3)).join("\n")).not.toMatch(
    /invalid input/i,
  );
});

test.each([
  ["a password itself", "probes.testUser.password", "canary-7f3a"],
  ["a passphrase itself", "hosts.web2.auth.passphrase", "canary-7f3a"],
  ["a reference of the wrong type", "probes.testUser.password", { env: ["canary-7f3a"] }],
  ["a command as one text", "hosts.web1.sudo", { password: { command: "echo canary-7f3a" } }],
  ["a password under a mistyped key", "hosts.web1.auth", { pasword: "canary-7f3a" }],
])("promise 14: %s in place of a reference is refused and not shown", (_, path, value) => {
  const found = problems(withValue(path, value)).join("\n");
  expect(found).toContain(`Pulumi.prod.yaml ${path}`);
  expect(found).not.toContain("canary");
});

test("a credential given as text is told how to refer to one", () => {
  expect(problems(withValue("probes.testUser.password", "secret"))[0]).toContain(
    "Allowed: {env: …}, {file: …} or {command: […]}",
  );
});

test("promise 19: what is no object, or names itself like an object's own parts, is refused as such", () => {
  expect(problems({ hosts: [], topology: 1, webServers: "x", probes: null }).length).toBeGreaterThanOrEqual(4);
  expect(problems(JSON.parse('{"__proto__": {}, "constructor": {}}'))).toContainEqual(
    expect.stringContaining("constructor: no such setting"),
  );
  expect(problems(withValue("webServers.webserver1.host", "constructor"))[0]).toContain(
    'no host is called "constructor"',
  );
});

test.each([
  ["databases.homepage.home", "wbe1", /databases\.homepage\.home: no host is called "wbe1"\..*Did you mean "web1"\?/],
  ["databases.homepage.through", "bastion", /databases\.homepage\.through: no host is called "bastion"/],
  ["sqlScripts.homepage-createDb.host", "web3", /sqlScripts\.homepage-createDb\.host: no host is called "web3"/],
  ["databases.homepage.levels.HOMPAGE", { version: 1, from: [0] }, /databases\.homepage\.levels\.HOMPAGE/],
  ["databases.homepage.levels.HOMEPAGE.version", 710.1, /HOMEPAGE\.version: 710\.1.*in quotes/],
  ["databases.homepage.levels.HOMEPAGE.form", [704], /HOMEPAGE\.form: no such setting.*Did you mean "from"\?/],
  ["databases.homepage.password", "geheim", /databases\.homepage\.password: (?!.*geheim)/],
])("databases and scripts: %s as %j", (path, value, message) => {
  expect(problems(withValue(path, value)).join("\n")).toMatch(message);
});

test.each([
  [{ refreshLimit: "30m" }, {}, /routing\.refreshLimit: "30m".*Allowed: less than run\.deadline, which is 30m/],
  [{ refreshLimit: "29m" }, {}, undefined],
  [{ refreshLimit: "29m" }, { deadline: "10m" }, /less than run\.deadline, which is 10m/],
  [{}, { deadline: "5m" }, undefined],
])("promise 7: in place with %j, a run with %j", (routing, run, message) => {
  const values = example();
  const given = {
    ...values,
    routing: { ...(values.routing as Values), switchRouting: "in-place", ...routing },
    run: { ...(values.run as Values), deadline: "30m", ...run },
  };
  expect(problems(given)).toEqual(message ? [expect.stringMatching(message)] : []);
});

test("promise 13: two web servers at one address are refused: one would be proved by the other", () => {
  const { connectTo } = (example().webServers as Record<string, Values>).webserver1 as { connectTo: Values };
  const values = withValue("webServers.webserver2.connectTo", { ...connectTo });
  expect(problems(values)).toEqual([
    expect.stringMatching(/webServers\.webserver2\.connectTo: \S+:\d+, which is that of webserver1 too/),
  ]);
});
