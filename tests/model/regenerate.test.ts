import { ProblemError } from "../../providers/common/problem.js";
import type { PluginChange } from "../../providers/formats/plugin-changes.js";
import type { RoutedWebServer } from "../../providers/kinds/interim-fixes/estate.js";
import { NO_FAULTS } from "../support/memory-cell-parts.js";
import { Driver, declaration, killedAfter } from "./driver.js";
import { expectSettled, neverRefreshed, watched } from "./watched.js";

describe("promise 4: a generated plug-in file that lost what users reach is put in place on no web server", () => {
  test("it is listed and the rollout freezes; mapped again, the next run ends it", async () => {
    const cell = watched(2, ["web1", "web2"]);
    cell.unmapped.add("AppsCluster");
    const driver = new Driver(cell, declaration(cell));
    const { ended, message } = await driver.up();
    expect(ended).toBe("failed");
    for (const name of ["web1", "web2"]) {
      expect(message).toContain(
        `${name}: its plug-in file, as the deployment manager generates it now: it has no more`,
      );
    }
    expect(message).toMatch(/ServerCluster AppsCluster[\s\S]*Map the modules/);
    expect(cell.written.filter((change) => change.startsWith("write generated"))).toEqual([]);
    expect(cell.serving()).toHaveLength(2);
    cell.unmapped.clear();
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
  });
});

describe("what a newly generated file lacks goes where a person says that it is meant, and nothing else", () => {
  const frozen = (what: string) => ({ ended: "failed", message: expect.stringContaining(`it has no more: ${what}`) });
  const meant = { request: "resume", reason: "" } as const;

  test.each([
    ["in place", () => watched(2)],
    ["by directive", () => neverRefreshed(2)],
  ])("%s: not by itself, however often; then it ends", async (_, cellOf) => {
    const cell = cellOf();
    cell.unmappedPaths.add("/old/*");
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up()).toMatchObject(frozen("Uri /old/*"));
    expect(await driver.up()).toMatchObject(frozen("Uri /old/*"));
    expect(cell.written.filter((change) => change.startsWith("write generated"))).toEqual([]);
    cell.request = meant;
    expect(await driver.up(killedAfter(/^write generated/))).toMatchObject({ ended: "killed" });
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect(driver.said.join("\n")).toMatch(/gone from the newly generated file, as it is meant: Uri \/old/);
    expectSettled(driver);
  });

  test("what is lost besides by then is told once more; so is what is said of going on before anything was told", async () => {
    const cell = watched(2);
    cell.unmappedPaths.add("/old/*");
    const driver = new Driver(cell, declaration(cell));
    cell.request = meant;
    expect(await driver.up()).toMatchObject(frozen("Uri /old/*"));
    cell.unmappedPaths.add("/files/*");
    cell.request = meant;
    expect(await driver.up()).toMatchObject(frozen("Uri /old/*; Uri /files/*"));
    expect(await driver.up()).toMatchObject(frozen("Uri /old/*; Uri /files/*"));
    cell.request = meant;
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
  });

  test("a cluster that nobody would reach any more stays, whatever is said", async () => {
    const cell = watched(2);
    cell.unmapped.add("AppsCluster");
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up()).toMatchObject(frozen("ServerCluster AppsCluster"));
    cell.request = meant;
    const { ended, message } = await driver.up();
    expect([ended, message]).toEqual(["failed", expect.stringMatching(/first take AppsCluster out of the file/)]);
    expect(cell.written.filter((change) => change.startsWith("write generated"))).toEqual([]);
    expect(cell.serving()).toHaveLength(2);
  });
});

describe("promise 4: where the generated plug-in file is not proved, the one before it goes back, and is proved", () => {
  test.each([
    ["in place", () => watched(2)],
    ["by directive", () => neverRefreshed(2)],
  ])("%s", async (_, cellOf) => {
    const cell = cellOf();
    cell.badGenerated = true;
    const driver = new Driver(cell, declaration(cell));
    const { ended, message } = await driver.up();
    expect([ended, message]).toEqual([
      "failed",
      expect.stringMatching(/status 404[\s\S]*is in force again, and proved/),
    ]);
    expect(cell.webServers.map(({ generated, inForce }) => [generated, inForce])).toEqual([[0, 0]]);
    cell.badGenerated = false;
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
  });

  test("also of a run that died right after it had put the new one in place", async () => {
    const cell = watched(2);
    cell.badGenerated = true;
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up(killedAfter(/^write generated/))).toMatchObject({ ended: "killed" });
    expect(await driver.up()).toMatchObject({ message: expect.stringMatching(/is in force again, and proved/) });
    expect(cell.webServers[0]).toMatchObject({ generated: 0, inForce: 0 });
    expect(await driver.up()).toMatchObject({ message: expect.stringMatching(/is in force again, and proved/) });
    expect(cell.webServers[0]).toMatchObject({ generated: 0, inForce: 0 });
  });

  const OTHER: PluginChange = { what: "Config", how: "other", routing: true };
  test.each([
    ["the same is generated by then", true, []],
    ["the same, with attributes that are other than before", true, [OTHER]],
    ["more is generated by then", false, []],
  ])("also of a run that could not put it back: %s", async (_, isSame, others) => {
    const cell = watched(2);
    cell.badGenerated = true;
    let generatesMore = false;
    const driver = new Driver(cell, declaration(cell), (id) => {
      const estate = cell.estate(id);
      const webServer = (name: string): RoutedWebServer => {
        const all = estate.webServer(name);
        return {
          ...all,
          isAsGenerated: async (file) => !generatesMore && (await all.isAsGenerated(file)),
          alterations: async (...seen) =>
            (await all.alterations(...seen)).map((each) => ({ ...each, changes: [...each.changes, ...others] })),
        };
      };
      return { ...estate, webServer };
    });
    const cutOff = {
      ...NO_FAULTS,
      before(change: string) {
        if (change.startsWith("put back")) throw new ProblemError("unreachable", { where: "line", found: "cut" });
      },
    };
    expect(await driver.up(cutOff)).toMatchObject({ message: expect.stringMatching(/is not proved[\s\S]*line: cut/) });
    expect(cell.webServers[0]).toMatchObject({ generated: cell.level, inForce: cell.level });
    generatesMore = !isSame;
    expect(await driver.up()).toMatchObject({ message: expect.stringMatching(/is in force again, and proved/) });
    expect(cell.webServers[0]).toMatchObject({ generated: 0, inForce: 0 });
  });

  test("and where that is not proved either, both are said", async () => {
    const cell = watched(2);
    cell.badGenerated = true;
    const driver = new Driver(cell, declaration(cell));
    cell.changeInvariants.push((change) => {
      if (change.startsWith("put back")) cell.member("node2_InfraCluster").restartingUntil = cell.now + 3_600_000;
      return undefined;
    });
    const { message } = await driver.up();
    expect(message).toMatch(
      /status 404[\s\S]*was to be in force again, and is not proved[\s\S]*node2_InfraCluster: no answer/,
    );
  });
});

describe("promise 10: a cluster that was routed when the rollout began and is not any more is a red proof", () => {
  test.each([
    ["before users are moved", /^stop agent/, 0],
    ["right before the second member of a node stops", /^stop node1_/, 1],
  ])("%s", async (_, at, stopped) => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    cell.changeInvariants.push((change) => {
      // Somebody puts another file in force, which has the other cluster alone.
      if (at.test(change)) for (const { file } of cell.webServers) delete file.AppsCluster;
      return undefined;
    });
    expect(await driver.up()).toMatchObject({
      ended: "failed",
      message: expect.stringMatching(/no Route leads to AppsCluster/),
    });
    expect(cell.written.filter((change) => /^stop node\d_/.test(change))).toHaveLength(stopped);
  });
});
