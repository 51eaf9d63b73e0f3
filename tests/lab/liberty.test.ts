import { readlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { libertyProblem } from "../../lab/liberty/build.js";
import { isAlive, waitFor } from "../../lab/running.js";
import { underLoad } from "../../lab/was/rollout.js";
import { ask, clusterOf } from "../lab-parts/asking.js";
import { familyOf } from "../lab-parts/family.js";
import { type Hands, handsOf } from "../lab-parts/was-hands.js";
import { ENGINE_TEST_MS, Engine } from "../support/engine.js";

/** The real engine, and cluster members that are real Open Liberty servers: IBM's own session cookies and form login. */
const problem = libertyProblem();
const suite = problem ? describe.skip : describe;
if (problem) console.warn(`Skipped: ${problem}`);

/** A real server starts in seconds, on a busy machine in many. */
const START_MS = 120_000;
const GONE_MS = 20_000;
/** Six servers have to start before anything else. */
const BEGIN_MS = 2 * ENGINE_TEST_MS;
/** As long as a cookie of a session is, which WebSphere begins with a cache id of four digits. */
const COOKIE = /^JSESSIONID=0000[\w-]{23}:(\w+)$/;

suite("against Open Liberty", () => {
  let engine: Engine;
  let hands: Hands;
  beforeAll(async () => {
    engine = await Engine.start({ cell: "2.1", liberty: true });
    hands = await handsOf(engine.lab);
  }, BEGIN_MS);
  afterAll(() => engine?.stop(), ENGINE_TEST_MS);

  const cluster = () => clusterOf(engine.lab, "AppsCluster");
  const newUser = async () => {
    const { probePath } = cluster();
    const { cookies, json } = await ask(engine.lab, probePath);
    return { cookie: cookies[0] ?? "", json };
  };
  const next = async (cookie: string) => ask(engine.lab, cluster().probePath, { cookie });

  test(
    "promise 11: what exists is adopted, CloneIDs in real cookies prove the move to node2, and a session begun before stays",
    async () => {
      const { first, second } = cluster();
      expect(await engine.up()).toContain("adopted as found");
      const early = await newUser();
      expect(COOKIE.exec(early.cookie)?.[1]).toBe(first.cloneId);

      await engine.route("node2");
      const moved = await engine.up();
      for (const { name } of engine.lab.clusters) expect(moved).toMatch(new RegExp(`${name}.*10/10 .*node2`));
      expect(moved).toMatch(/session begun on node1.* stays there until it ends/);
      expect(COOKIE.exec((await newUser()).cookie)?.[1]).toBe(second.cloneId);
      const later = await next(early.cookie);
      expect(later.json).toMatchObject({ member: first.name, session: early.json.session, hits: 2 });
      expect(later.cookies).toEqual([]);
      await engine.settled();
    },
    ENGINE_TEST_MS,
  );

  test(
    "promise 11: a member that stops fails no request; its users go on elsewhere in new sessions and return when it has started",
    async () => {
      const { first, second } = cluster();
      const user = await newUser();
      expect(user.json.member).toBe(second.name);
      const { report } = await underLoad(engine.lab, async () => {
        expect((await hands.command("node2", "stopServer", second.server)).stdout).toContain("ADMU4000I");
        const elsewhere = await next(user.cookie);
        expect(elsewhere).toMatchObject({ status: 200, json: { member: first.name, hits: 1 } });
        expect(elsewhere.json.session).not.toBe(user.json.session);
        expect(COOKIE.exec(elsewhere.cookies[0] ?? "")?.[1]).toBe(first.cloneId);

        expect((await hands.command("node2", "startServer", second.server)).stdout).toContain("ADMU3000I");
        const returned = async () => (await newUser()).json.member === second.name;
        await waitFor(returned, START_MS, `new users on ${second.name}`);
      });
      expect(report.failures).toEqual({});
      expect(report.lostSessions).toBeGreaterThan(0);
    },
    ENGINE_TEST_MS,
  );

  test(
    "probes that log in by a real form, with a real LTPA token that every node accepts, prove the way back",
    async () => {
      const { lab } = engine;
      const { first } = cluster();
      const asked = await ask(lab, "/files/protected/page");
      const here = `http://${lab.web.publicName}:${lab.web.port}`;
      expect(asked).toMatchObject({ status: 302, location: `${here}/files/login` });
      const password = (await readFile(lab.testUser.passwordFile, "utf8")).trim();
      const form = { j_username: lab.testUser.name, j_password: password };
      const { cookies } = await ask(lab, "/files/j_security_check", { cookie: asked.cookies[0], form });
      const token = cookies.find((one) => one.startsWith("LtpaToken2=")) ?? "";

      await engine.configure((values) => ({
        ...values,
        routing: { primaryNode: "node1" },
        probes: {
          ...(values.probes as object),
          testUser: {
            user: lab.testUser.name,
            password: { file: lab.testUser.passwordFile },
            loginPath: "/files/j_security_check",
          },
          clusters: Object.fromEntries(
            lab.clusters.map(({ name, probePath }) => [
              name,
              { probeUrl: probePath.replace(/^(\/[^/]+)\/.*$/, "$1/protected/page"), expectText: lab.testUser.name },
            ]),
          ),
        },
      }));
      expect(await engine.up()).toMatch(/AppsCluster.*10\/10 .*node1/);
      const other = await ask(lab, "/files/protected/page", { cookie: token });
      expect(other.json).toMatchObject({ member: first.name, user: lab.testUser.name });
    },
    ENGINE_TEST_MS,
  );

  test("a lab that is killed leaves no server behind, not even one that is held", async () => {
    const { lab } = engine;
    await lab.fault(`member-hang:${cluster().first.name}`, true);
    const family = await familyOf(lab);
    const servers = family.filter(({ pid }) => readlinkSync(`/proc/${pid}/exe`).endsWith("/java"));
    expect(servers.length).toBeGreaterThanOrEqual(lab.clusters.length * 2);
    process.kill(lab.processes[0]?.pid ?? 0, "SIGKILL");
    await waitFor(() => !family.some(isAlive), GONE_MS, "the end of every process");
  }, 60_000);
});
