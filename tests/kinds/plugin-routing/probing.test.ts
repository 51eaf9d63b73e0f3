import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { routingBench, routingInputs, WebServerModel } from "./bench.js";

jest.setTimeout(30_000);

const ACCESS_LOG = "/opt/IBM/HTTPServer/logs/access_log";

let web: WebServerModel;
let bench: ReturnType<typeof routingBench>;

beforeEach(async () => {
  web = await new WebServerModel().start();
  bench = routingBench(web);
});
afterEach(() => web.stop());

const managed = () => web.host.written.filter((line) => !line.includes("/state"));
const verifying = (more: object) => {
  const { verify } = routingInputs(web) as { verify: object };
  return routingInputs(web, { verify: { ...verify, ...more } });
};

describe("promise 13: connectTo leads to the web server that is managed", () => {
  test("a request that its access log does not show is another web server's: refused before any write", async () => {
    const other = await new WebServerModel().start();
    try {
      const inputs = verifying({ accessLog: ACCESS_LOG, connectTo: { address: "127.0.0.1", port: other.port } });
      await expect(bench.create(inputs)).rejects.toThrow(/was answered, but is not in .*access_log on web1.*connectTo/);
      expect(managed()).toEqual([]);
    } finally {
      await other.stop();
    }
  });

  test("its own shows it", async () => {
    await bench.create(verifying({ accessLog: ACCESS_LOG }));
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
  });
});

test("promise 19: a page that no request can name is an error of the configuration, found in the preview", async () => {
  const failuresOf = async (more: object) => (await bench.provider.check({}, verifying(more))).failures;
  const paths = ["/\u00fcbersicht", "/a b", "/a#b", "/a\u0007", "no-slash"];
  for (const probeUrl of paths) {
    const failures = await failuresOf({ clusters: { AppsCluster: { probeUrl } } });
    expect(failures).toEqual([expect.objectContaining({ property: "verify.clusters.AppsCluster.probeUrl" })]);
  }
  const testUser = { user: "probe", password: { env: "SECRET" }, loginPath: "/\u00fcber/j_security_check" };
  expect(await failuresOf({ testUser })).toEqual([expect.objectContaining({ property: "verify.testUser.loginPath" })]);
  expect(await failuresOf({ clusters: { AppsCluster: { probeUrl: "/%C3%BC/?a=b&c=~'(d)" } } })).toEqual([]);
});

describe("the access log", () => {
  const byLog = () => {
    const proof = { accessLog: ACCESS_LOG };
    return verifying({
      clusters: {
        AppsCluster: { probeUrl: "/AppsCluster/app", proof },
        InfraCluster: { probeUrl: "/InfraCluster/app", proof },
      },
    });
  };

  test("of a long one only what is new is read, and a line that is written after the answer is waited for", async () => {
    web.host.put(ACCESS_LOG, "an old line\n".repeat(200_000));
    const put = web.host.put.bind(web.host);
    web.host.put = (path, content, attributes) => {
      if (path !== ACCESS_LOG) return put(path, content, attributes);
      setTimeout(() => put(path, `${web.host.text(path)}${String(content).split("\n").at(-2)}\n`), 150);
    };
    await bench.create(byLog());
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    const asked = web.host.ran.filter(([program]) => program === "tail").map(([, , bytes]) => Number(bytes));
    expect(Math.max(...asked)).toBeLessThan(1024 * 1024);
  });
});

describe("the test user", () => {
  let login: Server;
  let logins = 0;
  let token: string | undefined;
  const testUser = { user: "probe", password: { env: "PROBE_PASSWORD" }, loginPath: "/login" };

  beforeEach(async () => {
    logins = 0;
    token = "LtpaToken2=token; Path=/";
    process.env.PROBE_PASSWORD = "secret";
    login = createServer((request, response) => {
      if (request.url !== "/login") return void response.writeHead(500).end();
      logins++;
      if (token) response.setHeader("Set-Cookie", token);
      response.writeHead(302).end();
    });
    await new Promise<void>((done) => login.listen(0, "127.0.0.1", done));
  });
  afterEach(async () => {
    delete process.env.PROBE_PASSWORD;
    login.closeAllConnections();
    await new Promise<void>((done) => login.close(() => done()));
  });

  test("its password without TLS is warned of in every preview", async () => {
    const outs = await bench.create();
    await bench.up(outs, verifying({ testUser })).catch(() => undefined);
    expect(bench.said.join("\n")).toContain("note: verify.testUser logs in without TLS");
    expect(bench.said.join("\n")).not.toContain("secret");
  });

  /** A proof with this user, of a web server that answers nothing else right; it ends after so many rounds. */
  async function proof(most: number, settleMs: number): Promise<void> {
    const { prove } = await import("../../../providers/targets/plugin/verify.js");
    const { pluginRouting } = await import("../../../providers/kinds/plugin-routing/kind.js");
    const port = (login.address() as AddressInfo).port;
    const { verify } = verifying({ testUser, connectTo: { address: "127.0.0.1", port }, samples: 1 }) as {
      verify: object;
    };
    let rounds = 0;
    const proving = {
      host: web.host,
      verify: pluginRouting.settings.shape.verify?.parse(verify) as never,
      clusters: ["AppsCluster"],
      level: "reachable" as const,
      inWords: "answered",
      signal: new AbortController().signal,
      alive: async () => {
        if (++rounds > most) throw new Error("enough rounds");
      },
      progress: () => undefined,
    };
    await prove(proving, settleMs);
  }

  test("logs in once for all rounds of a proof", async () => {
    await expect(proof(3, 60_000)).rejects.toThrow("enough rounds");
    expect(logins).toBe(1);
  });

  test("a refused login is tried once more in a proof, however many rounds it has: directories lock accounts", async () => {
    token = undefined;
    await expect(proof(10_000, 600)).rejects.toThrow("the login of probe answered 302 and no LtpaToken2 cookie");
    expect(logins).toBeGreaterThan(0);
    expect(logins).toBeLessThanOrEqual(2);
    await expect(proof(20, 60_000)).rejects.toThrow("enough rounds");
    expect(logins).toBeLessThanOrEqual(3);
  });
});

describe("whether the web server runs", () => {
  test("a /proc that shows no process of others tells nothing: neither refused nor called down", async () => {
    for (const path of ["/proc/4242", "/proc/1"]) web.host.delete(path);
    const mkdir = web.host.mkdir.bind(web.host);
    web.host.mkdir = (path) => (path.startsWith("/proc/") ? undefined : mkdir(path));
    await bench.create();
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
  });
});
