import { ProblemError } from "../../providers/common/problem.js";
import { pastTurning } from "../../providers/kinds/interim-fixes/turning.js";
import { NO_FAULTS } from "../support/memory-cell-parts.js";
import { Driver, declaration, killedAfter } from "./driver.js";
import { expectSettled, watched } from "./watched.js";

/** A rollout of which nothing is left but to give the routing free, or to be closed. */
async function diedAfter(change: RegExp) {
  const cell = watched(2);
  const driver = new Driver(cell, declaration(cell, { onInterrupted: "roll back", onFailure: "roll back" }));
  expect(await driver.up(killedAfter(change))).toMatchObject({ ended: "killed" });
  expect(driver.kept?.journal).toMatchObject({ direction: "forward", finallyChecked: true });
  return driver;
}

describe.each([/^release webserver1$/, /^clear$/])(
  "promise 6: checked for the last time (%s), a rollout is closed",
  (change) => {
    test.each(["onInterrupted", "roll-back"])("and who wants it back (%s) is told why it is not", async (how) => {
      const driver = await diedAfter(change);
      const { cell } = driver;
      if (how === "roll-back") {
        driver.desired = declaration(cell);
        cell.request = { request: "roll back", reason: "asked" };
      }
      const { steps, notes } = await driver.plan();
      expect(steps.map(({ key }) => key)).not.toContain("turn-back");
      expect(notes).toContainEqual(
        expect.stringMatching(/checked for the last time: it is closed, and not taken back/),
      );
      expect(pastTurning(driver.kept?.journal ?? null)).toMatchObject({
        next: expect.stringMatching(/^Run pulumi up/),
      });
      expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
      expect([...cell.fixes]).toEqual(["LO66666"]);
      expectSettled(driver);
    });
  },
);

test("promise 6: a step that fails after the last check asks for no way back, which there is not", async () => {
  const driver = await diedAfter(/^release webserver1$/);
  const { cell } = driver;
  const before = (name: string) => {
    if (name === "clear") throw new ProblemError("refused", { where: "dmgr", found: "the disk is full" });
  };
  expect(await driver.up({ ...NO_FAULTS, before })).toMatchObject({
    ended: "failed",
    message: expect.stringMatching(/the disk is full/),
  });
  expect(cell.request).toBeUndefined();
  expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
  expectSettled(driver);
});

test("promise 6: before that it can go back, and on its way back there is nothing to refuse", async () => {
  const cell = watched(2);
  const driver = new Driver(cell, declaration(cell, { onInterrupted: "roll back" }));
  await driver.up(killedAfter(/^install /));
  expect(pastTurning(driver.kept?.journal ?? null)).toBeUndefined();
  expect((await driver.plan()).notes.join()).not.toMatch(/not taken back/);
});
