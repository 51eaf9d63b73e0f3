import type { MemoryCell } from "../support/memory-cell.js";
import { type Faults, NO_FAULTS } from "../support/memory-cell-parts.js";
import { Driver, declaration, FaultAt, killedAfter } from "./driver.js";
import { expectSettled, neverRefreshed, overwritten, watched } from "./watched.js";

jest.setTimeout(300_000);

const ROUTES = /^\[\S+ \d+\/\d+\] (route and )?prove by CloneIDs on every web server that/;
const NUMBERED = /^\[\S+ \d+\/\d+\]/;
const CHANGES = /^(route|write|point|reload) /;

/** Of each step that was said to route or to prove: whether it said that it only proves, and what it changed. */
async function routingStepsOf(driver: Driver, faults: Faults = NO_FAULTS) {
  const from = driver.said.length;
  const steps: { readonly proves: boolean; readonly changes: string[] }[] = [];
  let at = from;
  let underWay = "";
  const follow = () => {
    for (; at < driver.said.length; at++) {
      const line = driver.said[at] ?? "";
      const number = NUMBERED.exec(line)?.[0] ?? underWay;
      if (ROUTES.test(line)) steps.push({ proves: !line.includes("route and prove"), changes: [] });
      // What a step says while it works bears the number of its title.
      else if (number !== underWay) steps.push({ proves: false, changes: ["not about routing"] });
      underWay = number;
    }
  };
  const after = (change: string) => {
    follow();
    if (CHANGES.test(change)) steps.at(-1)?.changes.push(change);
    faults.after(change);
  };
  const outcome = await driver.up({ ...faults, after, before: (change) => faults.before(change) });
  follow();
  return { ...outcome, steps: steps.filter(({ changes }) => changes[0] !== "not about routing") };
}

describe("a run that goes on says of each routing step what it will cost", () => {
  test.each<[string, () => MemoryCell]>([
    ["in place", () => watched(2)],
    ["by directive", () => neverRefreshed(2)],
    ["by directive, and overwritten", () => overwritten(2)],
  ])(
    "%s, whatever change the first one died after: what only proves has no impact and changes nothing",
    async (_name, cellOf) => {
      let proofs = 0;
      for (let index = 0; index < 500; index++) {
        const driver = new Driver(cellOf(), declaration(cellOf()));
        const fault = new FaultAt(index, "killed after");
        await driver.up(fault);
        if (!fault.reached) {
          expect(proofs).toBeGreaterThan(5);
          return;
        }
        for (const step of (await driver.plan()).steps.filter((each) => each.do === "route")) {
          const proves = !step.title.startsWith("route and ");
          expect([index, step.title, step.impact === "none"]).toEqual([index, step.title, proves]);
        }
        const { ended, steps } = await routingStepsOf(driver);
        expect([index, ended]).toEqual([index, "converged"]);
        for (const { proves, changes } of steps) expect([index, changes.length === 0]).toEqual([index, proves]);
        proofs += steps.filter(({ proves }) => proves).length;
        expectSettled(driver);
      }
      throw new Error("a rollout without an end");
    },
  );

  test("a file that somebody rewrote since the plan was made is not written in a step without an impact", async () => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    await driver.up(killedAfter(/^route webserver1$/));
    const [first] = (await driver.plan()).steps.filter((step) => step.do === "route");
    expect(first).toMatchObject({ impact: "none" });
    let due = true;
    const watchedFor = {
      ...NO_FAULTS,
      alive: () => {
        if (!due || !ROUTES.test(driver.said.at(-1) ?? "")) return;
        due = false;
        cell.propagate(cell.webServer("webserver1"));
      },
    };
    const { steps, ended } = await routingStepsOf(driver, watchedFor);
    expect([ended, due]).toEqual(["converged", false]);
    expect(steps.slice(0, 2).map(({ proves, changes }) => [proves, changes])).toEqual([
      [true, []],
      [false, ["route webserver1"]],
    ]);
  });
});
