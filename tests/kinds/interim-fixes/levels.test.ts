import type { Kept } from "../../../providers/kinds/interim-fixes/journal.js";
import { interimFixes } from "../../../providers/kinds/interim-fixes/kind.js";
import {
  type Distributed,
  filesLevel,
  lagText,
  memberLevel,
  type NodeFiles,
  startOf,
} from "../../../providers/kinds/interim-fixes/levels.js";
import type { Level, Live, LiveMember } from "../../../providers/kinds/interim-fixes/live.js";
import { expandedTo } from "../../../providers/kinds/interim-fixes/look-at-levels.js";
import { plan } from "../../../providers/kinds/interim-fixes/plan.js";
import { Driver, declaration } from "../../model/driver.js";
import { MemoryCell } from "../../support/memory-cell.js";

const HOUR = 3_600_000;
const files = (age: number, content: string) => ({ writtenAt: "2026-11-22T13:05:00.000Z", age, content });
const NODE: Distributed = {
  word: "unknown",
  agent: "running",
  synchronized: "yes",
  here: files(5 * HOUR, "old"),
  master: files(1 * HOUR, "archive"),
  proven: ["new"],
};

describe("whether a node has an application as the deployment manager has it", () => {
  test.each<readonly [string, Partial<Distributed>, Level]>([
    ["the deployment manager says so", { word: true }, "current"],
    ["it says no, and the node does not call itself synchronized", { word: false, synchronized: "no" }, "behind"],
    ["it says no of a node that is synchronized: being expanded, or never distributed", { word: false }, "unknown"],
    ["it says no, and whether it is synchronized is not known", { word: false, synchronized: "unknown" }, "unknown"],
    ["no word, and the same files as a node that has it", { here: files(HOUR, "new") }, "current"],
    [
      "no word, and files of the same names and sizes, older than the deployment manager's",
      { agent: "stopped", here: files(5 * HOUR, "new") },
      "unknown",
    ],
    ["no word, the agent down, and files older than the deployment manager's", { agent: "stopped" }, "behind"],
    ["no word, though the agent runs: files alone prove nothing", {}, "unknown"],
    ["no word, and the agent in an unknown state", { agent: "unknown" }, "unknown"],
    [
      "no word, the agent down, and newer files that no other node has",
      { agent: "stopped", here: files(1, "x") },
      "unknown",
    ],
    [
      "no word, the agent down, and files of about the same time on two hosts",
      { agent: "stopped", here: files(HOUR + 20_000, "old") },
      "unknown",
    ],
    ["no word and no files", { agent: "stopped", here: {} }, "unknown"],
    ["no word, and the deployment manager's archive cannot be seen", { agent: "stopped", master: {} }, "unknown"],
    ["no word, no files, and no files on a node that has it either", { here: {}, proven: [undefined] }, "unknown"],
  ])("%s", (_name, given, level) => expect(filesLevel({ ...NODE, ...given })).toBe(level));
});

describe("when a member started", () => {
  const at = (time: string) => `2026-11-20T${time}.000Z`;
  test.each([
    ["of its process", at("08:00:00"), undefined, at("08:00:00")],
    ["of its server, where no process is seen", undefined, at("08:02:00"), at("08:02:00")],
    ["of its process, which comes before its server", at("08:00:00"), at("08:02:00"), at("08:00:00")],
    ["nobody tells", undefined, undefined, null],
    ["a server that is older than its process is another one's", at("08:00:00"), at("07:00:00"), null],
  ])("%s", (_name, ofProcess, ofServer, start) => expect(startOf(ofProcess, ofServer)).toBe(start));
});

const RUNS = { state: "running", startedAt: "2026-11-20T08:00:00.000Z" } as const;
const application = (level: Level, writtenAt: string | undefined, name = "Files"): NodeFiles => ({
  application: name,
  level,
  writtenAt,
  masterWrittenAt: "2026-11-22T12:00:00.000Z",
});
const EARLIER = "2026-11-19T08:00:00.000Z";
const LATER = "2026-11-22T13:05:00.000Z";

describe("whether a member runs what the deployment manager has", () => {
  test.each<readonly [string, Partial<LiveMember>, readonly NodeFiles[], Level, RegExp]>([
    ["started after its node got it", {}, [application("current", EARLIER)], "current", /^$/],
    ["without applications", {}, [], "current", /^$/],
    [
      "started before",
      {},
      [application("current", LATER)],
      "behind",
      /^runs since 2026-11-20 08:00 UTC, before Files was distributed there \(2026-11-22 13:05 UTC\): it may lack LO66666$/,
    ],
    [
      "started within the precision of its start",
      {},
      [application("current", "2026-11-20T08:00:01.500Z")],
      "current",
      /^$/,
    ],
    [
      "its node does not have it",
      {},
      [application("current", LATER, "Blogs"), application("behind", EARLIER)],
      "behind",
      /^its node does not have Files as the deployment manager has it \(2026-11-22 12:00 UTC\): it may lack LO66666$/,
    ],
    [
      "stopped, on a node that does not have it",
      { state: "stopped" },
      [application("behind", EARLIER)],
      "unknown",
      /it is stopped/,
    ],
    ["stopped", { state: "stopped", startedAt: null }, [application("current", EARLIER)], "unknown", /it is stopped/],
    ["in an unknown state", { state: "unknown" }, [application("current", EARLIER)], "unknown", /cannot be told/],
    ["its start not known", { startedAt: null }, [application("current", EARLIER)], "unknown", /when it started/],
    [
      "its start not known to older versions",
      { startedAt: undefined },
      [application("current", EARLIER)],
      "unknown",
      /when it started/,
    ],
    ["its node's files not known", {}, [application("unknown", EARLIER)], "unknown", /whether its node has Files as/],
    ["when its node got them not known", {}, [application("current", undefined)], "unknown", /when its node got Files/],
    [
      "known to be behind in one, not known in another",
      {},
      [application("unknown", undefined, "Blogs"), application("current", LATER)],
      "behind",
      /before Files was/,
    ],
    [
      "many",
      {},
      ["a", "b", "c", "d", "e"].map((name) => application("current", LATER, name)),
      "behind",
      /before a, b, c and 2 more were distributed/,
    ],
  ])("%s", (_name, given, applications, level, words) => {
    const member = { server: "s", cluster: "c", ...RUNS, ...given } as LiveMember;
    const found = memberLevel(member, applications);
    expect(found.level).toBe(level);
    expect(lagText({ ...member, ...found }, ["LO66666"]) ?? found.doubt ?? "").toMatch(words);
  });
});

describe("where a node expands applications", () => {
  const at = { node: "node1", profile: "/opt/profile" };
  const cell = (value?: string, scope = {}) => ({
    cell: "cell1",
    variables: value === undefined ? [] : [{ name: "APP_INSTALL_ROOT", value, scope }],
  });
  test.each([
    ["by default", cell(), "/opt/profile/installedApps/cell1"],
    ["as the variable says", cell(`\${USER_INSTALL_ROOT}/apps`, { node: "node1" }), "/opt/profile/apps/cell1"],
    ["of the cell", cell("/apps"), "/apps/cell1"],
    ["another node's variable", cell("/apps", { node: "node2" }), "/opt/profile/installedApps/cell1"],
    ["a reference to nothing", cell(`\${NOWHERE}/apps`), undefined],
  ])("%s", (_name, topology, folder) => expect(expandedTo(at, topology)).toBe(folder));
});

describe("what a preview shows of members", () => {
  const KEPT: Kept = { journal: null, found: [], wentBack: null, durations: {} };
  async function shown(change: (cell: MemoryCell) => void, aspects = {}, alter = (live: Live) => live) {
    const cell = new MemoryCell(2);
    cell.fixes.add("LO66666");
    change(cell);
    const desired = declaration(cell, { acceptUnsupported: false }, aspects);
    const live = alter(await new Driver(cell, desired).observe("preview"));
    const { steps, refusals, notes } = plan(desired, live, KEPT);
    const { deviations } = interimFixes.describe(desired, live, KEPT);
    return { deviations, notes: notes.join("\n"), due: steps.length > 0, refusals };
  }
  /** Distributed an hour ago, and not restarted since. */
  const redistribute = ({ nodes, now }: MemoryCell) => {
    for (const node of nodes.slice(1)) node.distributedAt = now - HOUR;
  };

  test("promise 1: nothing of those that run what is installed", async () => {
    expect(await shown(() => undefined)).toEqual({ deviations: {}, notes: "", due: false, refusals: [] });
  });

  test("promise 3: a line for each member that does not, by name; applications of other clusters are no matter of its", async () => {
    const { deviations, due } = await shown(redistribute);
    expect(Object.keys(deviations)).toEqual(["node2 node2_AppsCluster"]);
    expect(deviations["node2 node2_AppsCluster"]).toMatch(
      /^runs since .* before files was distributed there .*LO66666$/,
    );
    expect(due).toBe(true);
  });

  test("promise 21: what is not known is noted, is no deviation, and nothing is done about it", async () => {
    const unknown = (live: Live): Live => ({
      ...live,
      nodes: live.nodes.map((node) => ({
        ...node,
        members: node.members.map((member) => ({ ...member, level: "unknown", doubt: "nobody knows" })),
      })),
    });
    const { deviations, due, notes } = await shown(() => undefined, {}, unknown);
    expect([deviations, due]).toEqual([{}, false]);
    expect(notes).toMatch(/not known whether the fixes are in force in node1 node1_AppsCluster, .*: nobody knows/);
  });

  test("members are nobody's concern while no fix is declared", async () => {
    expect(await shown(redistribute, { fixes: {} })).toMatchObject({ deviations: {}, due: false });
    expect(await shown(redistribute, { fixes: {}, absent: ["LO1"] })).toMatchObject({ due: true });
  });

  test("they are brought to it only while all nodes can serve: a stopped member refuses", async () => {
    const { refusals, due } = await shown((cell) => {
      redistribute(cell);
      cell.member("node1_AppsCluster").state = "stopped";
    });
    expect(due).toBe(false);
    expect(refusals.map(({ where, found }) => `${where}: ${found}`)).toEqual([
      "node1: not every member runs: node1_AppsCluster stopped",
    ]);
  });
});
