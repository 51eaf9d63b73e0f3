import { stepsLeft } from "../../providers/lifecycle/record.js";
import type { MemoryCell } from "../support/memory-cell.js";
import { GENERATED } from "../support/memory-cell-parts.js";
import { Driver, declaration } from "./driver.js";
import {
  everywhere,
  expectSettled,
  KINDS,
  neverRefreshed,
  overwritten,
  recover,
  SETTINGS,
  watched,
} from "./watched.js";

/** Generous, since the machine may be busy: every index is a whole rollout and its recovery. */
jest.setTimeout(300_000);

const titlesOf = async (cell: MemoryCell, settings: Record<string, unknown> = {}): Promise<readonly string[]> => {
  const { steps } = await new Driver(cell, declaration(cell, settings)).plan();
  return steps.filter(({ key }) => key.startsWith("route")).map(({ title, impact }) => `${title} [${impact}]`);
};

describe("how routing is switched is chosen by what the web server runs, and the plan says why", () => {
  const event = (cell: MemoryCell) => {
    for (const webServer of cell.webServers) webServer.mpm = "event";
    return cell;
  };
  test.each([
    ["in place by default", () => watched(2), {}],
    ["a file that is never read again", () => neverRefreshed(2), {}],
    ["a file that may be overwritten, under mpm_event", () => event(overwritten(2)), {}],
    ["directive as declared", () => watched(2), { switchRouting: "directive" }],
    ["two web servers, one of them never reads its file again", () => mixed(), {}],
  ] as const)("%s", async (_name, cellOf, settings) => {
    expect((await titlesOf(cellOf(), settings))[0]).toMatchSnapshot();
  });

  test.each([
    ["a file that is never read again", () => neverRefreshed(2), /RefreshInterval is -1/],
    ["a file that may be overwritten", () => overwritten(2), /whether plug-in files of webserver1 are overwritten/],
  ] as const)("in-place as declared is refused for %s", async (_name, cellOf, found) => {
    const cell = cellOf();
    const { refusals } = await new Driver(cell, declaration(cell, { switchRouting: "in-place" })).plan();
    expect(refusals).toEqual([expect.objectContaining({ found: expect.stringMatching(found) })]);
  });
});

function mixed(): MemoryCell {
  const cell = watched(2, ["web1", "web2"]);
  const [, second] = cell.webServers;
  if (second) second.refreshInterval = -1;
  return cell;
}

describe.each([
  // What is generated at the end is loaded by a reload of its own where no process would ever read it.
  ["never read again", (nodes: number) => neverRefreshed(nodes, ["AppsCluster"]), 2],
  ["may be overwritten", (nodes: number) => overwritten(nodes, ["AppsCluster"]), 1],
] as const)("promise 10: by directive, since the plug-in file is or %s", (_why, cellOf, beyondOnePerNode) => {
  test.each([2, 3])(
    "%i nodes: all but one serve at every instant, and nothing of the copies is left",
    async (nodes) => {
      const cell = cellOf(nodes);
      const driver = new Driver(cell, declaration(cell));
      expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
      expectSettled(driver);
      expect(cell.webServers.map(({ reloads }) => reloads)).toEqual([nodes + beyondOnePerNode]);
      expect((await driver.plan()).steps).toEqual([]);
    },
  );

  test.each(SETTINGS.flatMap(([name, settings]) => KINDS.map((kind) => [kind, name, settings] as const)))(
    "promise 6: 2 nodes, %s at every change, then %s",
    async (kind, _name, settings) => {
      expect(await everywhere(() => cellOf(2), kind, settings, recover)).toBeGreaterThan(50);
    },
  );
});

test("promise 6: one web server in place and one by directive, killed after every change", async () => {
  expect(await everywhere(mixed, "killed after", {}, recover)).toBeGreaterThan(60);
});

describe("a reload that users notice happens in no step that says they would not", () => {
  /** The rollout goes through; answers the impact of the step that was under way at each reload, as the plan had it. */
  async function impactsOfReloads(cell: MemoryCell, settings: Record<string, unknown> = {}) {
    const driver = new Driver(cell, declaration(cell, settings));
    const { steps } = await driver.plan();
    const impacts: string[] = [];
    cell.changeInvariants.push((change) => {
      const { run } = driver.record ?? {};
      const [key] = run ? stepsLeft(run) : [];
      if (change.startsWith("reload ")) impacts.push(`${key}: ${steps.find((step) => step.key === key)?.impact}`);
      return undefined;
    });
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    return impacts;
  }

  test("the newly generated file, which no process would read by itself", async () => {
    expect(await impactsOfReloads(neverRefreshed(2))).toEqual([
      "route without node1: degraded capacity",
      "route without node2: degraded capacity",
      "route as found: degraded capacity",
      "regenerate: degraded capacity",
    ]);
    const cell = neverRefreshed(2);
    for (const webServer of cell.webServers) webServer.mpm = "event";
    expect((await impactsOfReloads(cell)).at(-1)).toBe("regenerate: disconnects users");
  });

  test("what somebody did to a web server while the installer ran: looked at anew, and routed by a step of its own", async () => {
    const cell = overwritten(2);
    // Users meet stopped members until then, by no doing of ours.
    cell.invariants.length = 0;
    cell.changeInvariants.push((change) => {
      for (const webServer of change.startsWith("install ") ? cell.webServers : []) {
        webServer.loaded = GENERATED;
        webServer.followed = webServer.file;
      }
      return undefined;
    });
    expect((await impactsOfReloads(cell)).slice(0, 3)).toEqual([
      "route without node1: degraded capacity",
      "route without node1: degraded capacity",
      "route without node2: degraded capacity",
    ]);
  });
});
