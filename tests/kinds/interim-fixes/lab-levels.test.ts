import { breakNamed } from "../../../lab/breaks.js";
import type { Lab } from "../../../lab/lab.js";
import { waitFor } from "../../../lab/running.js";
import { FIX, openRollout, underLoad } from "../../../lab/was/rollout.js";
import { type Hands, handsOf } from "../../lab-parts/was-hands.js";
import { labOfEachTest, say } from "./lab-of-each-test.js";

const startLab = labOfEachTest();

const SYNC_MS = 30_000;
/** Needs the other one, and changes another application. */
const SECOND = "LO100079";

let lab: Lab;
let hands: Hands;

async function restart(node: "node1" | "node2"): Promise<void> {
  for (const command of ["stopServer", "startServer"]) {
    for (const server of hands.serversOf(node)) await hands.command(node, command, server);
  }
}

async function breakIt(...words: string[]) {
  const { thing, args } = breakNamed(words);
  await thing.break(lab, args);
  return () => thing.mend(lab, args);
}

const installed = (node: "node1" | "node2", path: string, fix: string) =>
  waitFor(async () => (await hands.levelAt(node, path)).includes(fix), SYNC_MS, `${fix} on ${node}`);

test("promises 1, 3 and 10: members that somebody left without a fix show by name, and are brought to it under load without the installer", async () => {
  lab = await startLab();
  hands = await handsOf(lab);
  // By hand, as it ought to be done, and adopted as found.
  await hands.install(FIX);
  for (const node of ["node1", "node2"] as const) {
    await installed(node, "/files/app", FIX);
    await restart(node);
  }
  const fixes = { [FIX]: { readme: "reviewed" }, [SECOND]: { readme: "reviewed" } };
  const first = await openRollout(lab, { acceptUnsupported: false }, say);
  await first.run();
  expect(await first.look()).toEqual({ deviations: undefined, changes: false });

  // As a backup program does that puts access times back, every night.
  const expanded = `${lab.cell?.nodes.find(({ name }) => name === "node1")?.profile}/installedApps`;
  expect(await lab.run("node1", ["find", expanded, "-exec", "touch", "-a", "{}", "+"])).toMatchObject({ exitCode: 0 });
  expect(await first.look()).toEqual({ deviations: undefined, changes: false });

  const mend = await breakIt("distribution", "node1");
  const apps = lab.clusters.find(({ name }) => name === "AppsCluster")?.members ?? [];
  const lineOf = (node: string) => `${node} ${apps.find((member) => member.node === node)?.server}`;
  const runsOn = /^runs since .* UTC, before Files was distributed there \(.* UTC\): it may lack LO66666$/;
  expect(await first.look()).toEqual({
    deviations: { [lineOf("node1")]: expect.stringMatching(runsOn) },
    changes: true,
  });
  await mend();
  expect(await first.look()).toEqual({ deviations: undefined, changes: false });

  // The second one by hand too, with the agent of node2 down: node1 alone gets it, and is restarted.
  await hands.command("node2", "stopNode");
  await hands.install(SECOND);
  await installed("node1", "/wikis/app", SECOND);
  await restart("node1");
  const lacks = /^its node does not have Wikis as the deployment manager has it \(.* UTC\): it may lack LO66666$/;
  const wikis = await first.look();
  expect(wikis).toEqual({ deviations: { [lineOf("node2")]: expect.stringMatching(lacks) }, changes: true });

  const rollout = await openRollout(lab, { acceptUnsupported: false, fixes }, say);
  const { report } = await underLoad(lab, () => rollout.run());
  expect(report.failures).toEqual({});
  expect(report.failed).toBe(0);
  expect(await hands.levelAt("node2", "/wikis/app")).toContain(SECOND);
  expect(await rollout.look()).toEqual({ deviations: undefined, changes: false });
  const log = await lab.run("dmgr", ["ls", `${lab.cell?.connectionsRoot}/version/log`]);
  expect(log.stdout.trim().split("\n")).toHaveLength(2);
});
