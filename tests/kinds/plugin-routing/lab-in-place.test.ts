import { restartGracefully } from "../../../lab/graceful.js";
import { type Lab, startLab } from "../../../lab/lab.js";
import { startLoad } from "../../../lab/load.js";
import { waitFor } from "../../../lab/running.js";
import { closeAllHosts } from "../../../providers/targets/hosts.js";
import { labBench } from "./lab-bench.js";

/** mpm_event: the module under which a graceful reload resets connections that are kept alive. */
let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ mpm: "event" });
  const text = await lab.readFile("web1", lab.web.pluginFile);
  await lab.writeFile("web1", lab.web.pluginFile, text.replace('RefreshInterval="60"', 'RefreshInterval="1"'));
  await restartGracefully(lab);
}, 90_000);
afterAll(async () => {
  await closeAllHosts();
  await lab?.stop();
}, 30_000);

test("promise 11: in place, under load on connections that are kept alive, users move there and back without one failed request", async () => {
  const { said, provider, up } = labBench(lab);
  const inPlace = { switchRouting: "in-place" };
  const generated = await lab.readFile("web1", lab.web.pluginFile);
  const conf = await lab.readFile("web1", lab.web.httpdConf);
  const pid = await lab.readFile("web1", `${lab.web.serverRoot}/logs/httpd.pid`);
  const loadedAt = async () =>
    (await lab.run("web1", ["stat", "-c", "%y", `${lab.web.serverRoot}/logs/httpd.pid`])).stdout;
  const before = await loadedAt();
  const load = startLoad(lab, { sticky: 4, users: 2, keepAlive: true });
  await waitFor(() => load.answered() > 100, 20_000, "the load to begin");

  const there = await up(undefined, inPlace);
  expect(said.filter((line) => / on node2 /.test(line))).toHaveLength(lab.clusters.length);
  expect(await up(there, inPlace)).toBeUndefined();

  // A propagation in the middle of the day shows as that, and is healed.
  await lab.writeFile("web1", lab.web.pluginFile, generated);
  const { inputs: seen } = await provider.read("id", there ?? {});
  const lines = Object.values((seen as { deviations: Record<string, string> }).deviations);
  expect(lines).toHaveLength(lab.clusters.length);
  for (const line of lines) expect(line).toMatch(/generated again by a propagation; declared node2_/);
  const healed = await up(there, inPlace);

  const moved = await up(healed, { ...inPlace, primaryNode: "node1" });
  await provider.delete("id", (await up(moved, { ...inPlace, primaryNode: "node1", onDestroy: "restore" })) ?? {});
  const report = await load.stop();
  expect(report.failures).toEqual({});
  expect(report.failed).toBe(0);
  expect(report.requests).toBeGreaterThan(500);

  // Nothing was reloaded, and everything is as it was found.
  expect(await lab.readFile("web1", lab.web.pluginFile)).toBe(generated);
  expect(await lab.readFile("web1", lab.web.httpdConf)).toBe(conf);
  expect([await lab.readFile("web1", `${lab.web.serverRoot}/logs/httpd.pid`), await loadedAt()]).toEqual([pid, before]);
}, 180_000);
