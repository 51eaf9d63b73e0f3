import type { Lab } from "../../../lab/lab.js";
import { FIX, levels, openRollout, underLoad } from "../../../lab/was/rollout.js";
import { leftOf } from "../../support/rollout-left.js";
import { labOfEachTest, say } from "./lab-of-each-test.js";

const startLab = labOfEachTest();

/** What the installer's updates may do: the file that the deployment manager generates has one path more. */
const PATH_OF_FIX = `<Uri AffinityCookie="JSESSIONID" AffinityURLIdentifier="jsessionid" Name="/files/fixed/*"/>`;
async function generateAnotherPath(lab: Lab): Promise<void> {
  const { cell } = lab;
  if (!cell) throw new Error("the lab has no cell");
  const { node, server } = cell.webServer;
  const file = `${cell.dmgr.profile}/config/cells/${cell.name}/nodes/${node}/servers/${server}/plugin-cfg.xml`;
  const text = await lab.readFile("dmgr", file);
  await lab.writeFile("dmgr", file, text.replace(/(?=<Uri [^>]*Name="\/files\/\*")/, PATH_OF_FIX));
}

test("promise 10: a fix is rolled through three nodes with three clusters under load, in the safe order, without one failed request", async () => {
  const lab = await startLab({ nodes: 3 });
  let brought: Promise<void> | undefined;
  const rollout = await openRollout(lab, {}, (line) => {
    say(line);
    if (/changed: .*Files/.test(line)) brought ??= generateAnotherPath(lab);
  });
  const { report } = await underLoad(lab, () => rollout.run());
  await brought;
  expect(report.failures).toEqual({});
  expect(report.failed).toBe(0);
  expect(await levels(lab)).toEqual({ node1: FIX, node2: FIX, node3: FIX });
  expect(await lab.readFile("web1", lab.web.pluginFile)).toContain(PATH_OF_FIX);

  // promise 1: after it nothing is left to do, and nothing of it is left behind but records and backups.
  expect(await rollout.look()).toEqual({ deviations: undefined, changes: false });
  const left = await lab.run("web1", ["ls", `${lab.hosts.web1.connection.stateDirectory}/holds`]);
  expect(left.stdout.trim()).toBe("");
});

test("promise 10: a node dies for good in the middle of a rollout, is declared lost, and the others come to the end without one failed request", async () => {
  const lab = await startLab({ nodes: 3 });
  // One cluster is enough, and quicker.
  const settings = { untouched: ["InfraCluster", "PushCluster"], drain: { time: "1s" } };
  let death: Promise<void> | undefined;
  const rollout = await openRollout(lab, settings, (line) => {
    say(line);
    if (/warm up and probe each member of node1/.test(line)) death ??= dies(lab, "node3");
  });
  await expect(rollout.run()).rejects.toThrow(/node3[\s\S]*is frozen at/);
  await death;

  const { report } = await underLoad(lab, async () => {
    await expect(rollout.run()).rejects.toThrow(/node3/);
    await (await openRollout(lab, { ...settings, lost: { node3: "burnt down" } }, say)).run();
  });
  expect(report.failures).toEqual({});
  expect(await levels(lab)).toEqual({ node1: FIX, node2: FIX, node3: "no answer" });
  expect(await leftOf(lab)).toEqual([]);
});

/** Nothing of it answers any more. */
async function dies(lab: Lab, name: "node3"): Promise<void> {
  await lab.fault(`ssh-refuse:${name}`, true);
  await lab.fault(`agent-dies:${name}`, true);
  const members = lab.clusters.flatMap((cluster) => cluster.members).filter(({ node }) => node === name);
  for (const member of members) await lab.fault(`member-down:${member.name}`, true);
}

test("the classic order ends with the fix on both nodes, and fails requests of the fixed application alone", async () => {
  const lab = await startLab();
  const rollout = await openRollout(lab, { order: "classic" }, say);
  const { report } = await underLoad(lab, () => rollout.run());
  expect(report.failed).toBeGreaterThan(0);
  expect(Object.keys(report.failures).filter((one) => !/^AppsCluster: status (404|500)$/.test(one))).toEqual([]);
  expect(await levels(lab)).toEqual({ node1: FIX, node2: FIX });
});

test("offline, as the product documents it, ends with the fix on both nodes and users served again by every cluster", async () => {
  const lab = await startLab();
  const rollout = await openRollout(lab, { strategy: "offline" }, say);
  const { report } = await underLoad(lab, () => rollout.run());
  expect(report.failed).toBeGreaterThan(0);
  expect(report.lostSessions).toBeGreaterThan(0);
  expect(await levels(lab)).toEqual({ node1: FIX, node2: FIX });
});
