import { restartGracefully } from "../../lab/graceful.js";
import { type Lab, startLab } from "../../lab/lab.js";
import { waitFor } from "../../lab/running.js";
import { ask, clusterOf, newUsers, swapped } from "./asking.js";

jest.setTimeout(60_000);

/** What nobody outside knows of the real plug-in, in both ways that are thinkable. */
describe.each([
  { backupAffinity: true, killOnParseError: false, mpm: "worker" as const },
  { backupAffinity: false, killOnParseError: true, mpm: "event" as const },
])("backupAffinity $backupAffinity, killOnParseError $killOnParseError, mpm $mpm", (options) => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab(options);
  });
  afterAll(() => lab.stop());

  test("the chosen processing model runs", async () => {
    const { stdout } = await lab.run("web1", [lab.web.apachectl, "-M"]);
    expect(stdout).toContain(`mpm_${options.mpm}_module`);
  });

  test("a session whose server became a backup", async () => {
    const { probePath, first, second } = clusterOf(lab, "AppsCluster");
    const page = await ask(lab, probePath);
    const original = await lab.readFile("web1", lab.web.pluginFile);
    await lab.writeFile("web1", lab.web.pluginFile, swapped(original));
    await restartGracefully(lab);
    expect(await newUsers(lab, probePath, 3)).toEqual({ [second.name]: 3 });
    const after = await ask(lab, probePath, { cookie: page.cookies[0] });
    expect(after.json).toMatchObject(
      options.backupAffinity ? { member: first.name, hits: 2 } : { member: second.name, hits: 1 },
    );
    await lab.writeFile("web1", lab.web.pluginFile, original);
    await restartGracefully(lab);
  });

  test("a graceful restart with a bad plug-in file: apachectl says nothing, the site is hurt", async () => {
    const { probePath } = clusterOf(lab, "AppsCluster");
    await lab.writeFile("web1", lab.web.pluginFile, "<Config><Server");
    expect((await lab.run("web1", [lab.web.apachectl, "configtest"])).exitCode).toBe(0);
    expect((await lab.run("web1", [lab.web.apachectl, "graceful"])).exitCode).toBe(0);
    const outcome = () =>
      ask(lab, probePath).then(
        (page) => `status ${page.status}`,
        (error: NodeJS.ErrnoException) => String(error.code),
      );
    const expected = options.killOnParseError ? "ECONNREFUSED" : "status 404";
    await waitFor(async () => (await outcome()) === expected, 10_000, expected);
    if (!options.killOnParseError) expect((await ask(lab, "/")).status).toBe(200);
  });
});
