import type { Kept } from "../../../providers/kinds/interim-fixes/journal.js";
import type { Live } from "../../../providers/kinds/interim-fixes/live.js";
import { keptFromDestroy, plan, release } from "../../../providers/kinds/interim-fixes/plan.js";
import { Driver, declaration, killedAfter } from "../../model/driver.js";
import { MemoryCell } from "../../support/memory-cell.js";

const KEPT: Kept = { journal: null, found: [], wentBack: null, durations: {} };

interface Given {
  readonly settings?: Record<string, unknown>;
  readonly aspects?: Record<string, unknown>;
  readonly live?: (live: Live) => Live;
  readonly kept?: Kept;
}

async function refused({ settings, aspects, live: change = (live) => live, kept = KEPT }: Given): Promise<string> {
  const cell = new MemoryCell(2);
  const desired = declaration(cell, settings, aspects);
  const live = change(await new Driver(cell, desired).observe("preview"));
  const { steps, refusals } = plan(desired, live, kept);
  expect(steps).toEqual([]);
  return refusals.map(({ where, found }) => `${where}: ${found}`).join("\n");
}

const fix = (more: Record<string, unknown>, id = "LO66666") => ({ fixes: { [id]: { readme: "reviewed", ...more } } });
const node1 =
  (change: object) =>
  (live: Live): Live => ({
    ...live,
    nodes: live.nodes.map((node, index) => (index === 0 ? { ...node, ...change } : node)),
  });
const installer =
  (change: object) =>
  (live: Live): Live => ({ ...live, installer: { ...live.installer, ...change } });
const manager =
  (change: object) =>
  (live: Live): Live => ({
    ...live,
    deploymentManager: { ...live.deploymentManager, ...change },
  });
const webServer =
  (change: object) =>
  (live: Live): Live => ({
    ...live,
    webServers: live.webServers.map((each) => ({ ...each, ...change })),
  });

const ofCell = (...servers: readonly string[]) => servers.map((server) => ({ node: "web", server }));

const REFUSED: readonly (readonly [string, Given, RegExp])[] = [
  [
    "HCL's missing support is not accepted",
    { settings: { acceptUnsupported: false } },
    /installs fixes while servers run/,
  ],
  ["a fix that is not offered", { aspects: fix({}, "LO66667") }, /does not offer it; did you mean LO66666\?/],
  ["notes that nobody reviewed", { aspects: fix({ readme: undefined }) }, /nobody says that the fix's notes were read/],
  ["a cumulative refresh", { aspects: fix({}, "HC8.0_CR14") }, /a cumulative refresh, not an interim fix/],
  ["a fix that needs another one", { aspects: fix({ needs: ["LO77777"] }) }, /needs LO77777, not installed/],
  [
    "a fix that needs another one, as the installer's list says",
    { live: installer({ requires: { LO66666: ["LO77777"] } }) },
    /needs LO77777, not installed/,
  ],
  ["customizations that nobody backs up", { settings: { backUp: [] } }, /backUp: no folder is named/],
  [
    "a fix that changes a database",
    { aspects: fix({ changes: ["database"] }) },
    /it changes database, which all nodes share/,
  ],
  ["an id both wanted and absent", { aspects: { ...fix({}), absent: ["LO66666"] } }, /LO66666 stands in fixes too/],
  ["an installer that is running", { live: installer({ running: "yes" }) }, /update installer: one is running/],
  ["an installer in an unknown state", { live: installer({ running: "unknown" }) }, /cannot be told/],
  [
    "a member that does not run",
    { live: node1({ members: [{ server: "a", cluster: "AppsCluster", state: "stopped" }] }) },
    /not every member runs: a stopped/,
  ],
  [
    "a member in an unknown state",
    {
      live: node1({
        members: [{ server: "a", cluster: "AppsCluster", state: "unknown", because: "process running, ports closed" }],
      }),
    },
    /a unknown \(process running, ports closed\)/,
  ],
  ["a first node without its agent", { live: node1({ agent: "stopped" }) }, /node1: its node agent is stopped/],
  [
    "a node with another configuration",
    { live: node1({ synchronized: "no" }) },
    /does not have the deployment manager's configuration/,
  ],
  ["one node", { live: (live) => ({ ...live, nodes: live.nodes.slice(0, 1) }) }, /nodes: a single node/],
  [
    "a cluster on one node that is probed, so expected to be rolled",
    {
      settings: { memberProbes: { AppsCluster: { path: "/" }, InfraCluster: { path: "/" }, Docs: { path: "/" } } },
      live: (live) => ({ ...live, clusters: { ...live.clusters, Docs: ["node2"] } }),
    },
    /Docs: all of its members run on node2/,
  ],
  [
    "a cluster on a node that is not declared",
    { live: (live) => ({ ...live, clusters: { AppsCluster: ["node1", "node2", "node9"] } }) },
    /members on node9/,
  ],
  ["a cluster without a probe", { settings: { memberProbes: {} } }, /memberProbes.AppsCluster: no probe is declared/],
  [
    "untouched clusters that do not exist",
    { settings: { untouched: ["AppCluster"] } },
    /no cluster AppCluster; did you mean AppsCluster/,
  ],
  [
    "a web server that is not declared",
    { live: (live) => ({ ...live, webServersOfCell: ofCell("webserver1", "webserver2") }) },
    /a web server webserver2 of node web that is not declared/,
  ],
  ["a web server that is down", { live: webServer({ running: "no" }) }, /webserver1: it is not running/],
  [
    "routing in place by a plug-in that never reads its file again",
    { settings: { switchRouting: "in-place" }, live: webServer({ refreshInterval: -1 }) },
    /RefreshInterval is -1/,
  ],
  [
    "routing in place of a file that may be overwritten",
    { settings: { switchRouting: "in-place" }, live: webServer({ automatic: "unknown" }) },
    /in-place, but whether plug-in files of webserver1 are overwritten cannot be told/,
  ],
  [
    "another rollout's hold",
    { live: webServer({ hold: { by: "anna", rollout: "r1", step: "s", since: "t" } }) },
    /held by rollout r1 of anna/,
  ],
  ["a SOAP limit that cuts the installer off", { live: manager({ soapRequestTimeout: 180 }) }, /requestTimeout: 180 s/],
  ["a SOAP limit that is not known", { live: manager({ soapRequestTimeout: null }) }, /requestTimeout: not known/],
  [
    "new LTPA keys due in the window",
    { live: manager({ keyGenerationDue: "2026-11-24" }) },
    /automatic generation is due on 2026-11-24/,
  ],
  ["a deployment manager that cannot be asked", { live: manager({ running: "unknown" }) }, /in an unknown state/],
];

test("promise 12: another rollout's hold says how to see whose it is, and what to remove where if nobody's", async () => {
  const cell = new MemoryCell(2);
  const desired = declaration(cell);
  const hold = {
    owner: "shop/test/fixes",
    by: "anna",
    rollout: "r1",
    step: "s",
    since: "t",
    file: "/s/h.json on web1",
  };
  const { refusals } = plan(desired, webServer({ hold })(await new Driver(cell, desired).observe("preview")), KEPT);
  expect(refusals[0]?.next).toMatch(
    /rollout -- status --stack test, in the project shop.*grep -l r1 records\/\*.*do anna, .*remove \/s\/h\.json on web1/,
  );
});

describe("a rollout does not begin with", () => {
  test.each(REFUSED)("%s", async (_name, given, message) => {
    expect(await refused(given)).toMatch(message);
  });

  const NO_LESS_OFFLINE: readonly (readonly [string, Given["live"], RegExp])[] = [
    ["a SOAP limit that cuts the installer off", manager({ soapRequestTimeout: 180 }), /requestTimeout: 180 s/],
    ["new LTPA keys due in the window", manager({ keyGenerationDue: "2026-11-24" }), /generation is due/],
    ["a node with another configuration", node1({ synchronized: "no" }), /does not have the deployment manager's/],
  ];
  test.each(NO_LESS_OFFLINE)(
    "%s, offline too: that has nothing to do with who serves",
    async (_name, live, message) => {
      expect(await refused({ settings: { strategy: "offline" }, ...(live && { live }) })).toMatch(message);
    },
  );

  test("promise 13: another declaration than the open rollout's", async () => {
    const cell = new MemoryCell(2);
    const driver = new Driver(cell, declaration(cell));
    cell.badFix = true;
    await driver.up();
    driver.desired = declaration(cell, {}, fix({}, "LO77777"));
    expect((await driver.plan()).refusals[0]?.found).toMatch(
      /the declaration was changed while rollout .* is unfinished/,
    );
  });
});

test("a SOAP limit of 0 or of half an hour is long enough, and web servers that nobody uses may be ignored", async () => {
  const cell = new MemoryCell(2);
  const desired = declaration(cell, { ignoreWebServers: ["webserver2"] });
  const live = await new Driver(cell, desired).observe("preview");
  for (const soapRequestTimeout of [0, 1_800]) {
    const seen = { ...manager({ soapRequestTimeout })(live), webServersOfCell: ofCell("webserver1", "webserver2") };
    expect(plan(desired, seen, KEPT).refusals).toEqual([]);
  }
});

test("the version stamp is renewed last, when every node carries the fix", async () => {
  const cell = new MemoryCell(3);
  const { steps } = await new Driver(
    cell,
    declaration(cell, { versionStamp: "/config/LotusConnections-config.xml" }),
  ).plan();
  const keys = steps.map(({ key }) => key);
  const last = Math.max(...cell.nodes.map(({ name }) => keys.indexOf(`probe-members ${name}`)));
  expect(last).toBeGreaterThan(0);
  expect(keys.indexOf("stamp")).toBeGreaterThan(last);
});

test("what a rollout leaves alone is named: untouched clusters and servers of no cluster", async () => {
  const cell = new MemoryCell(2);
  const desired = declaration(cell, { untouched: ["InfraCluster"] });
  const live = await new Driver(cell, desired).observe("preview");
  const { notes } = plan(desired, { ...live, standAlone: ["ccm of node1"] }, KEPT);
  expect(notes.join()).toMatch(/untouched: InfraCluster, ccm of node1; should the fix change/);
  const clusters = { ...live.clusters, Docs: ["node2"], Cognos: [] };
  const alone = plan(desired, { ...live, clusters }, KEPT);
  expect(alone.refusals).toEqual([]);
  expect(alone.notes.join()).toMatch(
    /untouched: InfraCluster, Cognos \(it has no member\), Docs \(its members run on node2 only\); should the fix change/,
  );
});

test("what all nodes share and nobody compares is noted", async () => {
  const cell = new MemoryCell(2);
  const notes = async (settings: Record<string, unknown>) =>
    (await new Driver(cell, declaration(cell, settings)).plan()).notes.join();
  expect(await notes({})).toMatch(/shared names no folder/);
  expect(await notes({ shared: ["/data/provision"] })).not.toMatch(/shared names no folder/);
});

test("all reasons are said at once", async () => {
  const found = await refused({ settings: { acceptUnsupported: false }, aspects: fix({ readme: undefined }, "LO1") });
  expect(found.split("\n").length).toBeGreaterThanOrEqual(3);
});

test("the durations of the last run stand in the plan", async () => {
  const cell = new MemoryCell(2);
  const desired = declaration(cell);
  const live = await new Driver(cell, desired).observe("preview");
  const { steps } = plan(desired, live, { ...KEPT, durations: { install: 310_000, "back-up": 45_000 } });
  expect(steps.map(({ title }) => title)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^install .* \(last time 5 min\)$/),
      expect.stringMatching(/\(last time 45 s\)$/),
    ]),
  );
});

test("promise 17: destroying uninstalls nothing, and an open rollout has to be ended first", async () => {
  const cell = new MemoryCell(2);
  const driver = new Driver(cell, declaration(cell));
  expect(release()).toMatchObject({ steps: [], refusals: [] });
  expect(keptFromDestroy(KEPT)).toBeUndefined();
  cell.badFix = true;
  await driver.up();
  expect(keptFromDestroy(driver.kept ?? KEPT)?.found).toMatch(/rollout .* is unfinished/);
});

test.each([
  ["goes on", "resume"],
  ["goes back", "roll back"],
] as const)(
  "a rollout that a version began which wrote journal 1 %s, and is of today's from there on",
  async (_, request) => {
    const cell = new MemoryCell(2);
    const driver = new Driver(cell, declaration(cell));
    await driver.up(killedAfter(/^stop node1_InfraCluster/));
    driver.rewriteJournal(
      ({ foundations: { alone: _alone, clusters: _clusters, ...foundations }, files: _files, ...rest }) => ({
        ...rest,
        version: 1,
        foundations,
      }),
    );
    cell.request = { request, reason: "as asked" };
    await driver.up(killedAfter(/^start agent node2/));
    expect(driver.kept?.journal?.version).toBe(2);
    await driver.up();
    expect(driver.kept?.journal).toBeNull();
    expect([...cell.fixes]).toEqual(request === "resume" ? ["LO66666"] : []);
  },
);

test.each([
  ["an older version", undefined, "journal without a version"],
  ["a newer version", 3, "journal 3"],
])(
  "promise 13: an open rollout that %s recorded is neither gone on with nor forgotten",
  async (_name, version, found) => {
    const cell = new MemoryCell(2);
    const driver = new Driver(cell, declaration(cell));
    cell.badFix = true;
    await driver.up();
    const { kept } = driver;
    const strange = { ...kept, journal: { ...kept?.journal, version, foundations: undefined } } as unknown as Kept;
    const { steps, refusals } = plan(driver.desired, await driver.observe("preview"), strange);
    expect([steps, refusals]).toEqual([[], [expect.objectContaining({ found: expect.stringContaining(found) })]]);
    expect(keptFromDestroy(strange)?.found).toMatch(/is unfinished/);
  },
);
