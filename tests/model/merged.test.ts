import { Driver, declaration } from "./driver.js";
import { watched } from "./watched.js";

describe("promise 17: what somebody merged into a plug-in file, or set there by hand, is not overwritten", () => {
  test.each([
    [
      "merged before the rollout: it stays, and that is said",
      true,
      /webserver1: its plug-in file stays as it is.* it lacks Uri \/new\/\*: merge .* backups\/[0-9a-f]{64} in the state directory of dmgr/,
    ],
    [
      "as generated: the newly generated one is put in place",
      false,
      /webserver1: the newly generated file is in place/,
    ],
  ])("%s", async (_, merged, said) => {
    const cell = watched(2);
    const [webServer] = cell.webServers;
    if (!webServer) throw new Error("no web server");
    webServer.merged = merged;
    // An installation is no reason for the deployment manager to overwrite the file: both automatisms are off.
    webServer.generation = webServer.propagation = "manual";
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up()).toMatchObject({ ended: "converged" });
    expect(webServer.merged).toBe(merged);
    expect(driver.said.join("\n")).toMatch(said);
    expect([...cell.violations]).toEqual([]);
  });
});
