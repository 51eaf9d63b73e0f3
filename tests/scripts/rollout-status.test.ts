import type { Kept } from "../../providers/kinds/interim-fixes/journal.js";
import type { Live } from "../../providers/kinds/interim-fixes/live.js";
import { type Status, statusLines } from "../../scripts/rollout/status.js";
import { Driver, declaration, killedAfter } from "../model/driver.js";
import { watched } from "../model/watched.js";

const NOTHING: Status = {
  id: "cell1:/opt/IBM/Connections",
  owner: undefined,
  kept: undefined,
  left: [],
  by: undefined,
  asked: undefined,
  live: undefined,
  servers: {},
  holders: { webserver1: null },
};
const HOLD = {
  owner: "shop/test/fixes",
  by: "anna@desk",
  rollout: "r9",
  step: "drain node1",
  since: "2026-11-23T01:12Z",
};

/** What the modelled cell calls its servers. */
const SERVERS = Object.fromEntries(
  watched(2).nodes.map(({ name, members }) => [name, members.map((each) => each.server)]),
);

const open = async (): Promise<Driver> => {
  const cell = watched(2);
  const driver = new Driver(cell, declaration(cell));
  await driver.up(killedAfter(/^install /));
  return driver;
};
const keptOfOpen = async (): Promise<Kept | undefined> => (await open()).kept;

test("promise 12: where nothing is open, it says whose rollout holds the routing, in which stack, since when and at what", () => {
  expect(statusLines(NOTHING)).toEqual(["cell1:/opt/IBM/Connections: no rollout is open"]);
  expect(statusLines({ ...NOTHING, holders: { webserver1: HOLD, webserver2: "no way to web2" } }).slice(1)).toEqual([
    '  webserver1: its routing is held by rollout r9 of shop/test/fixes, by anna@desk, since 2026-11-23T01:12Z, at "drain node1"',
    "  webserver2: whether its routing is held is not known: no way to web2",
  ]);
});

test("promise 12: an open one says whose it is, how far each node is, and what was asked", async () => {
  const kept = await keptOfOpen();
  const { rollout, startedAt } = kept?.journal ?? {};
  const open = { ...NOTHING, kept, owner: "shop/prod/fixes", by: "anna@desk", left: ["accept-changes"], asked: "stop" };
  expect(statusLines(open)).toEqual([
    `cell1:/opt/IBM/Connections: rollout ${rollout} of shop/prod/fixes, forward, begun ${startedAt} by anna@desk`,
    "  node1: not begun",
    "  node2: not begun",
    "  left: accept-changes",
    "  asked: stop",
  ]);
});

test("promise 10: an open one says what runs on each node, and where users are sent", async () => {
  const driver = await open();
  const { kept } = driver;
  const said = async () => {
    const live = (await driver.observe("cell1:/opt/IBM/Connections")) as Live;
    return statusLines({ ...NOTHING, kept, live, servers: SERVERS }).filter((line) => /^ {2}node/.test(line));
  };
  expect(await said()).toEqual([
    "  node1: not begun; agent running; members stopped; no users are sent to it",
    "  node2: not begun; agent stopped; members running; users are sent to it by webserver1",
  ]);
  const [member] = driver.cell.nodes[1]?.members ?? [];
  if (member) member.state = "stopped";
  expect((await said())[1]).toContain(
    "agent stopped; node2_AppsCluster stopped; node2_InfraCluster running; users are sent",
  );
  expect(statusLines({ ...NOTHING, kept, live: "no way to dmgr" })).toContain(
    "  what runs now is not known: no way to dmgr",
  );
});

test("one whose update installer was lost says what is to be done", async () => {
  const kept = await keptOfOpen();
  if (kept?.journal) kept.journal.halfWay = { job: "j", problem: { where: "dmgr", found: "torn", next: "Restore it" } };
  expect(statusLines({ ...NOTHING, kept })).toContain("  half-way: dmgr: torn. Restore it.");
});
