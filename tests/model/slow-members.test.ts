import type { Estate } from "../../providers/kinds/interim-fixes/estate.js";
import { Driver, declaration } from "./driver.js";
import { expectSettled, watched } from "./watched.js";

describe("promise 10: an application that answers some time after its server started is waited for", () => {
  test("50 s: no reason to go back", async () => {
    const cell = watched(2);
    cell.readyAfterMs = 50_000;
    const driver = new Driver(cell, declaration(cell, { onFailure: "roll back" }));
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expect(driver.kept?.wentBack).toBeNull();
    expectSettled(driver);
    expect(driver.said.join("\n")).toMatch(
      /waiting for node1_InfraCluster of node1 to answer \(the last time: no answer\): 3\d s of at most 20m/,
    );
  });

  test("never: the rollout freezes at limits.start, with what was answered last", async () => {
    const cell = watched(2);
    cell.badFix = true;
    const driver = new Driver(cell, declaration(cell, { limits: { start: "7m" } }));
    const { ended, message } = await driver.up();
    expect(ended).toBe("failed");
    expect(message).toMatch(/waited 7m for node1_AppsCluster of node1 to answer \(the last time: status 500\)/);
    expect(cell.serving()).toEqual(["node2"]);
  });

  test("warm is who answered right so many times in a row", async () => {
    const cell = watched(2);
    const answers: boolean[] = [];
    const driver = new Driver(cell, declaration(cell), (id) => {
      const estate = cell.estate(id);
      const askMember: Estate["askMember"] = async (member) => {
        const answer = await estate.askMember(member);
        const isLate = member.server === "node1_AppsCluster" && cell.written.includes("start node1_AppsCluster");
        if (!isLate || cell.written.includes("stop node2_AppsCluster")) return answer;
        const isRight = answers.length > 20 || answers.length % 3 !== 0;
        answers.push(isRight);
        return { ...answer, isRight };
      };
      return { ...estate, askMember };
    });
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    const { warmUp } = driver.desired.settings.memberProbes.AppsCluster ?? {};
    // The last wrong one is followed by `warmUp` right ones and the one that counts.
    expect(answers.slice(18)).toEqual([false, ...Array(1 + (warmUp ?? 0)).fill(true)]);
  });
});
