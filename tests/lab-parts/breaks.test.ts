import { BREAKS, breakNamed } from "../../lab/breaks.js";
import { db2LabProblem } from "../../lab/db2/build.js";
import { restartGracefully } from "../../lab/graceful.js";
import { type Lab, startLab } from "../../lab/lab.js";
import { startLoad } from "../../lab/load.js";
import { waitFor } from "../../lab/running.js";
import { ask, clusterOf, newUsers } from "./asking.js";

jest.setTimeout(60_000);

const withoutDb2 = db2LabProblem();
if (withoutDb2) console.warn(`Skipped: ${withoutDb2}`);

let lab: Lab;
let generated: string;
beforeAll(async () => {
  lab = await startLab({ db2: !withoutDb2 });
  generated = await lab.readFile("web1", lab.web.pluginFile);
});
afterAll(() => lab.stop());

async function breakIt(...words: string[]) {
  const { thing, args } = breakNamed(words);
  await thing.break(lab, args);
  return () => thing.mend(lab, args);
}

test("routing: the cluster's users move, the others stay; mend takes it back byte for byte", async () => {
  const apps = clusterOf(lab, "AppsCluster");
  const infra = clusterOf(lab, "InfraCluster");
  const mend = await breakIt("routing", "AppsCluster");
  expect(await newUsers(lab, apps.probePath, 4)).toEqual({ [apps.second.name]: 4 });
  expect(await newUsers(lab, infra.probePath, 4)).toEqual({ [infra.first.name]: 4 });
  await mend();
  expect(await newUsers(lab, apps.probePath, 4)).toEqual({ [apps.first.name]: 4 });
  expect(await lab.readFile("web1", lab.web.pluginFile)).toBe(generated);
});

test("routing of a cluster without backups: node1's member becomes one", async () => {
  const push = clusterOf(lab, "PushCluster");
  const mend = await breakIt("routing", "PushCluster");
  expect(await newUsers(lab, push.probePath, 4)).toEqual({ [push.second.name]: 4 });
  await mend();
  expect(await lab.readFile("web1", lab.web.pluginFile)).toBe(generated);
});

test("directive, copy, malformed: they meet the file in force, not only the generated one", async () => {
  const apps = clusterOf(lab, "AppsCluster");
  const conf = await lab.readFile("web1", lab.web.httpdConf);
  const copy = lab.web.pluginFile.replace("plugin-cfg.xml", "plugin-cfg-primary-node2.xml");
  const lists = /(<PrimaryServers>)([\s\S]*?)(<\/PrimaryServers>\s*<BackupServers>)([\s\S]*?)(<\/BackupServers>)/g;
  const routed = generated.replace(lists, "$1$4$3$2$5");
  await lab.writeFile("web1", copy, routed);
  const pointed = conf.replace(/^WebSpherePluginConfig .*$/m, `WebSpherePluginConfig "${copy}"`);
  await lab.writeFile("web1", lab.web.httpdConf, pointed);
  await restartGracefully(lab);
  expect(await newUsers(lab, apps.probePath, 4)).toEqual({ [apps.second.name]: 4 });

  const mendDirective = await breakIt("directive");
  expect(await lab.readFile("web1", lab.web.httpdConf)).toBe(conf);
  expect(await newUsers(lab, apps.probePath, 4)).toEqual({ [apps.first.name]: 4 });
  await mendDirective();
  expect(await newUsers(lab, apps.probePath, 4)).toEqual({ [apps.second.name]: 4 });

  const mendCopy = await breakIt("copy");
  expect(await lab.readFile("web1", copy)).toContain("changed by hand");
  await mendCopy();
  const mendMalformed = await breakIt("malformed");
  expect(await lab.readFile("web1", copy)).toBe(routed.slice(0, Math.floor(routed.length / 2)));
  await mendMalformed();
  expect(await lab.readFile("web1", copy)).toBe(routed);
  expect(await lab.readFile("web1", lab.web.pluginFile)).toBe(generated);
  await lab.writeFile("web1", lab.web.httpdConf, conf);
  await restartGracefully(lab);
});

test("stale: the generated file changes, not its routing; a later change by somebody else is not undone", async () => {
  const mend = await breakIt("stale");
  const now = await lab.readFile("web1", lab.web.pluginFile);
  expect(now).toContain('ConnectTimeout="10"');
  expect(now.replaceAll('ConnectTimeout="10"', 'ConnectTimeout="5"').replace(/generated on [^>]*>/, "")).toBe(
    generated.replace(/generated on [^>]*>/, ""),
  );
  await lab.writeFile("web1", lab.web.pluginFile, `${now}\n`);
  expect(await mend()).toContain("left as it is");
  expect(await lab.readFile("web1", lab.web.pluginFile)).toBe(`${now}\n`);
  await lab.writeFile("web1", lab.web.pluginFile, generated);
});

test("member, cookie, ssh, httpd", async () => {
  const { probePath, first } = clusterOf(lab, "InfraCluster");
  const mendCookie = await breakIt("cookie", "node1", "InfraCluster");
  expect(await ask(lab, probePath)).toMatchObject({ status: 200, cookies: [] });
  await mendCookie();
  const mendMember = await breakIt("member", "node1", "InfraCluster");
  expect((await ask(lab, probePath)).json.member).not.toBe(first.name);
  await mendMember();
  const mendSsh = await breakIt("ssh", "web1");
  await lab.run("web1", ["true"]); // the lab itself goes past the fault
  await mendSsh();
  const mendHttpd = await breakIt("httpd");
  const serves = () =>
    ask(lab, "/").then(
      (page) => page.status === 200,
      () => false,
    );
  await waitFor(async () => !(await serves()), 10_000, "the web server to stop");
  await mendHttpd();
  await waitFor(serves, 10_000, "the web server to start");
});

(withoutDb2 ? test.skip : test)("schema-level: the number changes; a later change is not undone", async () => {
  const level = async () => (await lab.db2?.sql("SELECT DBSCHEMAVER FROM HOMEPAGE.HOMEPAGE_SCHEMA"))?.[0]?.DBSCHEMAVER;
  const mend = await breakIt("schema-level", "701");
  expect(await level()).toBe("701");
  await mend();
  expect(await level()).toBe("704");
  const tooLate = await breakIt("schema-level", "706");
  await lab.db2?.sql("UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = 705");
  expect(await tooLate()).toContain("left as it is");
  expect(await level()).toBe("705");
});

test("schema-level in a lab without a Db2 server: what is missing, and how to get it", async () => {
  const { thing, args } = breakNamed(["schema-level", "704"]);
  await expect(thing.break({ ...lab, db2: undefined }, args)).rejects.toThrow(/no Db2 server.*--db2 yes/);
});

test("distribution in a lab without a cell: what is missing, and how to get it", async () => {
  const { thing, args } = breakNamed(["distribution", "node1"]);
  await expect(thing.break(lab, args)).rejects.toThrow(/no cell.*--cell 2.1/);
});

test("what is typed wrong is answered with what is allowed", () => {
  expect(() => breakNamed([])).toThrow(/no thing was named.*directive/);
  expect(() => breakNamed(["constructor"])).toThrow(/no thing "constructor"/);
  expect(() => breakNamed(["member", "node1"])).toThrow(/member NODE CLUSTER.*node1\|node2.*AppsCluster/);
  expect(() => breakNamed(["httpd", "now"])).toThrow(/now/);
  for (const [name, thing] of Object.entries(BREAKS)) expect(thing.usage.split(" ")[0]).toBe(name);
});

describe("users on the lab", () => {
  const moved = async (load: ReturnType<typeof startLoad>, count: number) => {
    const target = load.answered() + count;
    await waitFor(() => load.answered() >= target, 30_000, `${count} more answers`);
  };

  test.each([{ keepAlive: false }, { keepAlive: true }])("nothing is lost while nothing happens, %j", async (how) => {
    const load = startLoad(lab, how);
    await moved(load, 200);
    const report = await load.stop();
    expect(report).toMatchObject({ failed: 0, lostSessions: 0, examples: [] });
    expect(report.requests).toBeGreaterThanOrEqual(200);
    const { first } = clusterOf(lab, "AppsCluster");
    expect(Object.keys(report.newUsers.AppsCluster ?? {})).toEqual([first.cloneId]);
  });

  test("a lost session and a failed request are counted, and said", async () => {
    const { first } = clusterOf(lab, "AppsCluster");
    const load = startLoad(lab, { users: 0, sticky: 1 });
    await moved(load, 30);
    await lab.fault(`member-error:${first.name}`, true);
    await moved(load, 10);
    await lab.fault(`member-error:${first.name}`, false);
    await moved(load, 10);
    await lab.fault(`member-down:${first.name}`, true);
    await moved(load, 30);
    await lab.fault(`member-down:${first.name}`, false);
    const report = await load.stop();
    expect(report.failed).toBeGreaterThan(0);
    expect(report.lostSessions).toBe(1);
    expect(report.longestGapMs).toBeGreaterThan(0);
    expect(report.examples.join("\n")).toMatch(/status 500[\s\S]*session lost, now on node2_AppsCluster/);
  });
});
