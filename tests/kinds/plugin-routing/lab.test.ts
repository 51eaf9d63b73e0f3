import { type Lab, startLab } from "../../../lab/lab.js";
import { closeAllHosts } from "../../../providers/targets/hosts.js";
import { labBench } from "./lab-bench.js";

/** The real thing but for IBM's module: OpenSSH, Apache httpd, the plug-in stand-in, application servers of the lab. */
let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ killOnParseError: true });
}, 90_000);
afterAll(async () => {
  await closeAllHosts();
  await lab?.stop();
}, 30_000);

test("on real servers: move, find drift, heal, fail safely, restore", async () => {
  const { said, provider, inputs, up } = labBench(lab);
  const confBefore = await lab.readFile("web1", lab.web.httpdConf);
  const outs = await up(undefined);
  expect(said.filter((line) => / on node2 /.test(line))).toHaveLength(lab.clusters.length);
  expect(await up(outs)).toBeUndefined();

  // Somebody points the directive back by hand and reloads.
  await lab.writeFile("web1", lab.web.httpdConf, confBefore);
  await lab.run("web1", [lab.web.apachectl, "graceful"]);
  const { inputs: seen } = await provider.read("id", outs);
  expect(seen).toMatchObject({
    primaryNode: "as generated",
    deviations: { directive: expect.stringContaining(" names ") },
  });
  const healed = await up(outs);
  expect(healed).toBeDefined();
  expect(await up(healed)).toBeUndefined();

  // The access log proves it where cookies cannot.
  const proof = { accessLog: lab.web.accessLog };
  const { verify } = inputs() as { verify: { clusters: Record<string, object> } };
  const byLog = Object.fromEntries(Object.entries(verify.clusters).map(([name, probe]) => [name, { ...probe, proof }]));
  const moved = await up(healed, { primaryNode: "node1", verify: { ...verify, clusters: byLog } });
  expect(said.filter((line) => / on node1 /.test(line))).toHaveLength(lab.clusters.length);

  // A control command that claims success and does nothing: nothing is proved, so everything goes back.
  await lab.fault("apachectl-lies", true);
  const conf = await lab.readFile("web1", lab.web.httpdConf);
  const settle = { verify: { ...verify, settleTime: "500ms" } };
  await expect(up(moved, settle)).rejects.toThrow(/× answered by .*\n.*WebSpherePluginConfig names .*again/);
  expect(await lab.readFile("web1", lab.web.httpdConf)).toBe(conf);
  await lab.fault("apachectl-lies", false);
  const again = await up(moved, { ...settle, verify: { ...verify, settleTime: "20s" } });
  expect(again).toBeDefined();

  // What became of sessions was measured, and differs from what the stand-in's switch says in nothing.
  expect(
    said.filter((line) => /session begun on node\d.* stays there until it ends/.test(line)).length,
  ).toBeGreaterThan(0);

  // Pages behind a login, as the test user.
  const shown = (path: string) => path.replace(/^(\/[^/]+)\/.*$/, "$1/protected");
  const behind = lab.clusters.map(({ name, probePath }) => [
    name,
    { probeUrl: shown(probePath), expectText: lab.testUser.name },
  ]);
  const root = shown(lab.clusters[0]?.probePath ?? "").replace("/protected", "");
  const testUser = {
    user: lab.testUser.name,
    password: { file: lab.testUser.passwordFile },
    loginPath: `${root}/j_security_check`,
  };
  const loggedIn = { primaryNode: "node1", verify: { ...verify, clusters: Object.fromEntries(behind), testUser } };
  expect(await up(again, loggedIn)).toBeDefined();
  expect(said.at(-1)).toMatch(/done in/);

  const restoring = await up(again, { onDestroy: "restore" });
  await provider.delete("id", restoring ?? {});
  expect(await lab.readFile("web1", lab.web.httpdConf)).toBe(confBefore);
}, 120_000);
