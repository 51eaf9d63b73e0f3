import { failureOf } from "../../support/failure.js";
import { copyOf, GENERATED, HTTPD_CONF, routingBench, routingInputs, type Stored, WebServerModel } from "./bench.js";

jest.setTimeout(30_000);

let web: WebServerModel;
let bench: ReturnType<typeof routingBench>;
let outs: Stored;
const COPY = copyOf("node10");

beforeEach(async () => {
  web = await new WebServerModel().start();
  // Processes with a file that they cannot use answer nothing of the applications'.
  web.diesOnBadFile = false;
  bench = routingBench(web);
  outs = await bench.create();
});
afterEach(() => web.stop());

/** Breaks the file that the web server follows; processes that start from then on have no routing. */
async function damaged(how: string): Promise<void> {
  if (how === "missing") web.host.delete(COPY);
  else web.host.put(COPY, "<Config><ServerCluster");
  await web.load();
}

describe("a web server whose plug-in file is damaged is mended, though users get no answers before", () => {
  test.each(["missing", "cut off"])("%s", async (how) => {
    await damaged(how);
    expect(web.primaries("AppsCluster")).toBeUndefined();
    const healed = await bench.up(outs);
    expect(bench.said.join("\n")).toMatch(
      /going on though not every probe is green, since \S*node10\.xml, which the web server follows, (is missing|cannot be used): .*status 404/,
    );
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    expect(await bench.up(healed ?? {})).toBeUndefined();
  });

  test.each(["missing", "cut off"])("%s, and going back to as generated", async (how) => {
    await damaged(how);
    await bench.up(outs, routingInputs(web, { primaryNode: "as generated" }));
    expect(web.host.text(HTTPD_CONF)).toContain(`Config "${GENERATED}"`);
    expect(web.primaries("InfraCluster")).toBeDefined();
  });
});

describe("promise 8: what is damaged is never put back, nor loaded", () => {
  test.each(["missing", "cut off"])("%s, and the application is down too", async (how) => {
    await damaged(how);
    web.status = 500;
    const { message: said } = await failureOf(bench.up(outs));
    expect(said).toMatch(/nothing is put back: before this run, \S*node10\.xml, which the web server follows, /);
    expect(web.primaries("AppsCluster")).toEqual(["node10_apps_server1"]);
    expect(web.host.text(COPY)).toContain("<Config");

    web.status = 200;
    await bench.up(outs);
    expect(await bench.drift(outs)).toMatchObject({ primaryNode: "node10", deviations: {} });
  });

  test("a sound file in force and red probes: nothing is changed, as ever", async () => {
    web.status = 500;
    const written = web.host.written.length;
    const { message: said } = await failureOf(bench.up(outs, routingInputs(web, { primaryNode: "node1" })));
    expect(said).toContain("Nothing has been changed: with probes that fail before, nothing could be proved after");
    expect(web.host.written.slice(written).filter((line) => !line.includes("/state"))).toEqual([]);
  });
});
