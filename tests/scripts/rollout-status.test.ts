import type { Kept } from "../../providers/kinds/interim-fixes/journal.js";
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
  holders: { webserver1: null },
};
const HOLD = {
  owner: "shop/test/fixes",
  by: "anna@desk",
  rollout: "r9",
  step: "drain node1",
  since: "2026-11-23T01:12Z",
};

const keptOfOpen = async (): Promise<Kept | undefined> => {
  const cell = watched(2);
  const driver = new Driver(cell, declaration(cell));
  await driver.up(killedAfter(/^install /));
  return driver.kept;
};

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

test("one whose update installer was lost says what is to be done", async () => {
  const kept = await keptOfOpen();
  if (kept?.journal) kept.journal.halfWay = { job: "j", problem: { where: "dmgr", found: "torn", next: "Restore it" } };
  expect(statusLines({ ...NOTHING, kept })).toContain("  half-way: dmgr: torn. Restore it.");
});
