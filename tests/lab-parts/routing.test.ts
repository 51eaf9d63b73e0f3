import { readFile } from "node:fs/promises";
import { restartGracefully } from "../../lab/graceful.js";
import { type Lab, startLab } from "../../lab/lab.js";
import { waitFor } from "../../lab/running.js";
import { ask, clusterOf, newUsers, swapped } from "./asking.js";

jest.setTimeout(60_000);

let lab: Lab;
let original: string;
beforeAll(async () => {
  lab = await startLab();
  original = await lab.readFile("web1", lab.web.pluginFile);
});
afterAll(() => lab.stop());

const setPluginFile = async (text: string) => {
  await lab.writeFile("web1", lab.web.pluginFile, text);
  await restartGracefully(lab);
};

test("the plug-in file has the shape that a cell generates", () => {
  expect(original).toMatch(
    /^<\?xml version="1.0" encoding="ISO-8859-1"\?><!--HTTP server plugin config file for the cell /,
  );
  expect(original.endsWith("</Config>")).toBe(true);
  expect(original).not.toMatch(/\r|\t/);
  for (const [tag = ""] of original.matchAll(/<[A-Z][^>]*>/g)) {
    const names = [...tag.matchAll(/ ([A-Za-z0-9]+)="/g)].map((match) => match[1]);
    expect(names).toEqual([...names].sort());
  }
  expect(original.match(/<BackupServers>/g)).toHaveLength(2);
});

test("httpd.conf has a commented twin directly above the live directive", async () => {
  const conf = await lab.readFile("web1", lab.web.httpdConf);
  expect(conf).toMatch(/\n#WebSpherePluginConfig .*\nWebSpherePluginConfig "/);
});

test("new users: the primaries only, by weight where there are several", async () => {
  const apps = clusterOf(lab, "AppsCluster");
  const push = clusterOf(lab, "PushCluster");
  expect(await newUsers(lab, apps.probePath, 12)).toEqual({ [apps.first.name]: 12 });
  const spread = await newUsers(lab, push.probePath, 40);
  expect(Object.keys(spread).sort()).toEqual([push.first.name, push.second.name]);
  // Two or more processes each count for themselves: equal weights are equal only up to one round in each.
  expect(Math.abs((spread[push.first.name] ?? 0) - (spread[push.second.name] ?? 0))).toBeLessThanOrEqual(8);
});

test("weights are followed", async () => {
  const { probePath, first, second } = clusterOf(lab, "PushCluster");
  const own = new RegExp(`(LoadBalanceWeight=")2("[^>]*Name="${first.name}")`);
  await setPluginFile(original.replace(own, "$16$2"));
  const spread = await newUsers(lab, probePath, 64);
  expect(spread[first.name]).toBeGreaterThan(2 * (spread[second.name] ?? 0));
  await setPluginFile(original);
});

test("the session cookie has WebSphere's shape and the CloneID of the member", async () => {
  const { probePath, first } = clusterOf(lab, "AppsCluster");
  const page = await ask(lab, probePath);
  expect(page.cookies[0]).toMatch(new RegExp(`^JSESSIONID=0000[A-Za-z0-9_-]{23}:${first.cloneId}$`));
});

test("affinity beats weight: a user stays where the cookie says", async () => {
  const { probePath } = clusterOf(lab, "PushCluster");
  const page = await ask(lab, probePath);
  for (let hits = 2; hits < 10; hits++) {
    expect((await ask(lab, probePath, { cookie: page.cookies[0] })).json).toMatchObject({
      member: page.json.member,
      hits,
    });
  }
});

test("the access log names the server and why it was chosen", async () => {
  const { probePath, first } = clusterOf(lab, "InfraCluster");
  await ask(lab, `${probePath}?logged`);
  await waitFor(async () => (await lab.readFile("web1", lab.web.accessLog)).includes("?logged"), 5_000, "the log line");
  const line = (await lab.readFile("web1", lab.web.accessLog)).split("\n").find((one) => one.includes("?logged"));
  expect(line).toContain(`"${first.name}" "primary"`);
});

test("URLs of no cluster, and names of no virtual host, are the web server's own", async () => {
  expect((await ask(lab, "/")).text).toContain("IBM HTTP Server");
  expect((await ask(lab, "/nothing")).status).toBe(404);
  expect((await ask(lab, "/files/app", { host: `${lab.web.publicName}:9` })).status).toBe(404);
  expect((await ask(lab, "/files/app", { host: lab.web.publicName })).status).toBe(200);
});

test("backups serve only when no primary can; the session is lost and that shows", async () => {
  const { probePath, first, second } = clusterOf(lab, "InfraCluster");
  const page = await ask(lab, probePath);
  await lab.fault(`member-down:${first.name}`, true);
  const after = await ask(lab, probePath, { cookie: page.cookies[0] });
  expect(after.json).toMatchObject({ member: second.name, hits: 1 });
  expect(after.json.session).not.toBe(page.json.session);
  expect(await lab.readFile("web1", lab.web.pluginLog)).toContain(`Marking ${first.name} down`);
  await lab.fault(`member-down:${second.name}`, true);
  expect((await ask(lab, probePath)).status).toBe(503);
  await lab.fault(`member-down:${first.name}`, false);
  await lab.fault(`member-down:${second.name}`, false);
  await restartGracefully(lab); // new processes, which have marked nobody down
  expect((await ask(lab, probePath)).json.member).toBe(first.name);
});

test("faults of a member: error, slow, no cookie", async () => {
  const { probePath, first } = clusterOf(lab, "AppsCluster");
  await lab.fault(`member-error:${first.name}`, true);
  expect((await ask(lab, probePath)).status).toBe(500);
  await lab.fault(`member-error:${first.name}`, false);
  await lab.fault(`member-no-cookie:${first.name}`, true);
  expect((await ask(lab, probePath)).cookies).toEqual([]);
  await lab.fault(`member-no-cookie:${first.name}`, false);
  await lab.fault(`member-slow:${first.name}`, true);
  const order: string[] = [];
  const slow = ask(lab, probePath).then((page) => order.push(`slow ${page.status}`));
  await ask(lab, clusterOf(lab, "InfraCluster").probePath).then((page) => order.push(`quick ${page.status}`));
  await slow;
  expect(order).toEqual(["quick 200", "slow 200"]);
  await lab.fault(`member-slow:${first.name}`, false);
  expect((await ask(lab, probePath)).cookies).toHaveLength(1);
});

test("protected pages want a login; its token is good on the other node too", async () => {
  const { first } = clusterOf(lab, "AppsCluster");
  const asked = await ask(lab, "/files/protected/page");
  expect(asked).toMatchObject({ status: 302, location: "/files/login" });
  const wrong = await ask(lab, "/files/j_security_check", {
    form: { j_username: lab.testUser.name, j_password: "no" },
  });
  expect(wrong).toMatchObject({ status: 302, location: "/files/login?error=true", cookies: [] });
  const password = (await readFile(lab.testUser.passwordFile, "utf8")).trim();
  const form = { j_username: lab.testUser.name, j_password: password };
  const right = await ask(lab, "/files/j_security_check", { cookie: asked.cookies[0], form });
  expect(right.location).toBe("/files/protected/page");
  const token = right.cookies.find((cookie) => cookie.startsWith("LtpaToken2="));
  await lab.fault(`member-down:${first.name}`, true);
  const other = await ask(lab, "/files/protected/page", { cookie: token });
  expect(other.json).toMatchObject({ user: lab.testUser.name });
  expect(other.json.member).not.toBe(first.name);
  const forged = await ask(lab, "/files/protected/page", { cookie: `${token}x` });
  expect(forged.status).toBe(302);
  await lab.fault(`member-down:${first.name}`, false);
  await restartGracefully(lab);
});

test("a graceful restart reads the plug-in file again, under the same parent process", async () => {
  const { probePath, first, second } = clusterOf(lab, "AppsCluster");
  const pidFile = `${lab.web.serverRoot}/logs/httpd.pid`;
  const parent = await lab.readFile("web1", pidFile);
  await setPluginFile(swapped(original));
  expect(await newUsers(lab, probePath, 10)).toEqual({ [second.name]: 10 });
  await setPluginFile(original);
  expect(await newUsers(lab, probePath, 10)).toEqual({ [first.name]: 10 });
  expect(await lab.readFile("web1", pidFile)).toBe(parent);
});

test("the file is read again in place after RefreshInterval; a bad one is logged and the old configuration stays", async () => {
  const { probePath, first, second } = clusterOf(lab, "AppsCluster");
  const quick = original.replace('RefreshInterval="60"', 'RefreshInterval="1"');
  await setPluginFile(quick);
  expect(await newUsers(lab, probePath, 4)).toEqual({ [first.name]: 4 });
  await lab.writeFile("web1", lab.web.pluginFile, swapped(quick));
  await waitFor(async () => second.name in (await newUsers(lab, probePath, 4)), 20_000, "the new routing");
  await lab.writeFile("web1", lab.web.pluginFile, quick.slice(0, 3_000));
  const rejected = async () => {
    expect((await ask(lab, probePath)).status).toBe(200);
    return (await lab.readFile("web1", lab.web.pluginLog)).includes("Failed parsing the plugin config file");
  };
  await waitFor(rejected, 20_000, "the bad file to be rejected");
  await setPluginFile(original);
});

test("faults of apachectl: it lies, it fails, it never ends", async () => {
  const run = () => lab.run("web1", [lab.web.apachectl, "graceful"]);
  const restarts = async () =>
    (await lab.readFile("web1", `${lab.web.serverRoot}/logs/error_log`)).split("resuming normal operations").length;
  const before = await restarts();
  await lab.fault("apachectl-lies", true);
  expect((await run()).exitCode).toBe(0);
  await lab.fault("apachectl-lies", false);
  await lab.fault("apachectl-fails", true);
  expect(await run()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("could not signal") });
  await lab.fault("apachectl-fails", false);
  await lab.fault("apachectl-hang", true);
  expect((await lab.run("web1", ["timeout", "1", lab.web.apachectl, "graceful"])).exitCode).toBe(124);
  await lab.fault("apachectl-hang", false);
  expect(await restarts()).toBe(before);
  await restartGracefully(lab);
  await waitFor(async () => (await restarts()) === before + 1, 10_000, "the restart to be logged");
});
