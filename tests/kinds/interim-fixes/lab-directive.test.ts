import { restartGracefully } from "../../../lab/graceful.js";
import { FIX, levels, openRollout, underLoad } from "../../../lab/was/rollout.js";
import { labOfEachTest, say } from "./lab-of-each-test.js";

const startLab = labOfEachTest();

test("promise 10: where the plug-in never reads its file again, a fix is rolled by copies and reloads; no application fails a request", async () => {
  const lab = await startLab();
  const { pluginFile, httpdConf } = lab.web;
  const never = (await lab.readFile("web1", pluginFile)).replace(/RefreshInterval="\d+"/, 'RefreshInterval="-1"');
  await lab.writeFile("web1", pluginFile, never);
  await restartGracefully(lab);
  const conf = await lab.readFile("web1", httpdConf);
  const said: string[] = [];
  const rollout = await openRollout(lab, {}, (line) => {
    said.push(line);
    say(line);
  });
  const { report } = await underLoad(lab, () => rollout.run());
  expect(said).toContainEqual(
    expect.stringMatching(/by directive and graceful reload: RefreshInterval is -1.*under mpm_worker/),
  );
  // A graceful reload may reset a connection even under mpm_worker; anything else would be our doing.
  expect(Object.keys(report.failures).filter((failure) => !/ECONNRESET|socket hang up/.test(failure))).toEqual([]);
  expect(await levels(lab)).toEqual({ node1: FIX, node2: FIX });

  expect(await lab.readFile("web1", httpdConf)).toBe(conf);
  const beside = await lab.run("web1", ["ls", pluginFile.slice(0, pluginFile.lastIndexOf("/"))]);
  expect(beside.stdout).not.toContain("rollout");
  expect(await rollout.look()).toEqual({ deviations: undefined, changes: false });
});
