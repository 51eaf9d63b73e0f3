import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Asked, type LoadOptions, type LoadReport, startLoad } from "../../lab/load.js";
import { waitFor } from "../../lab/running.js";

/** What the figures of a load mean, against a server that answers by a script. */
type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const page =
  (session: string, begins = false): Answer =>
  (response) => {
    if (begins) response.setHeader("set-cookie", `JSESSIONID=0000${session}:clone1; Path=/; HttpOnly`);
    response.end(JSON.stringify({ member: "node1_apps", session }));
  };
const cut: Answer = (response) => response.destroy();
const elsewhere: Answer = (response) => response.end("<html>a page of the web server</html>");
const unavailable: Answer = (response) => response.writeHead(503).end();

let server: Server;
afterEach(() => server.close());

/** Answers by the script, the last of it for ever; the report comes when the script was played and the last was repeated. */
async function played(script: readonly Answer[], options: LoadOptions): Promise<LoadReport> {
  let asked = 0;
  const load = startLoad(
    await asks((response, request) => script[Math.min(asked++, script.length - 1)]?.(response, request)),
    options,
  );
  await waitFor(() => asked > script.length + 2, 20_000, "the script to end");
  return load.stop();
}

async function asks(answer: Answer): Promise<Asked> {
  server = createServer((request, response) => answer(response, request));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  const web = { address: "127.0.0.1", port, publicName: "connections.example.com" };
  return { web, clusters: [{ name: "AppsCluster", probePath: "/" }] } as unknown as Asked;
}

const ONE_STICKY = { sticky: 1, users: 0 };

test("a request that was cut after its member had counted it fails, and loses no session", async () => {
  const report = await played([page("a", true), page("a"), cut, page("a")], ONE_STICKY);
  expect(report).toMatchObject({ failed: 1, lostSessions: 0 });
});

test("a session that a member does not know is lost once, also when requests failed in between", async () => {
  const report = await played([page("a", true), unavailable, cut, page("b", true), page("b")], ONE_STICKY);
  expect(report).toMatchObject({ failed: 2, lostSessions: 1 });
});

test("users without a cookie have no session to lose", async () => {
  const report = await played([page("a", true), page("b", true)], { sticky: 0, users: 1 });
  expect(report).toMatchObject({ failed: 0, lostSessions: 0 });
});

test("a page that no member wrote is a failed request, whatever its status", async () => {
  const report = await played([page("a", true), elsewhere, page("a")], ONE_STICKY);
  expect(report).toMatchObject({ failed: 1, failures: { "AppsCluster: status 200": 1 } });
});

test("one user who is not served waits, though the cluster serves others", async () => {
  let served = 0;
  const load = startLoad(
    await asks((response, request) => {
      if (!request.headers.cookie) return page("a", true)(response, request);
      served++;
      unavailable(response, request);
    }),
    { sticky: 1, users: 1 },
  );
  await waitFor(() => served > 10, 20_000, "refusals");
  const { failed, longestGapMs, longestWaitMs } = await load.stop();
  expect(failed).toBeGreaterThan(10);
  expect(longestWaitMs).toBeGreaterThan(longestGapMs);
});

test("a load that ended by itself is no measurement", async () => {
  const load = startLoad(await asks(page("a", true)), { ...ONE_STICKY, mostSeconds: 0 });
  await expect(load.stop()).rejects.toThrow(/ended by itself after 0 s/);
});
