import { ProblemError } from "../../providers/common/problem.js";
import { type Faults, NO_FAULTS } from "../support/memory-cell-parts.js";
import { Driver, declaration, killedAfter } from "./driver.js";
import { everywhere, expectSettled, watched } from "./watched.js";

/** Generous, since the machine may be busy: every index is a whole rollout, twice. */
jest.setTimeout(300_000);

/** Longer than any command takes, the installer too: it ends while nobody looks. */
const MEANWHILE_MS = 600_000;

/** Goes on; `turn` is done once the last node has everything. Waiting for what no command brings about would be said. */
async function upAndTurn(driver: Driver, turn: () => void, faults: Faults = NO_FAULTS): Promise<void> {
  let due = true;
  const before = (change: string) => {
    faults.before(change);
    if (!due || driver.kept?.journal?.nodes.node2 !== "proven") return;
    due = false;
    turn();
  };
  const { ended, message } = await driver.up({ ...NO_FAULTS, before, after: (change) => faults.after(change) });
  // After its final check the rollout only ends; what was changed after that is left to the next one.
  if (/still differs: begin the rollout/.test(message)) await driver.up();
  else if (ended !== "converged" && !driver.kept?.wentBack) throw new Error(message);
  expect(driver.said.filter((line) => /waited .* for /.test(line))).toEqual([]);
  driver.cell.violations.delete("the installer ran twice"); // as it has to, when somebody undid its work
  expectSettled(driver);
}

/** Every command of the rollout is due a second time then, whatever became of the first one. */
const TURNS = [
  [
    "goes back",
    ({ cell }: Driver) => {
      cell.request = { request: "roll back", reason: "the fix is not wanted any more" };
    },
  ],
  ["does its work again, which somebody undid", ({ cell }: Driver) => cell.fixes.clear()],
] as const;

describe("promise 6: a rollout whose process dies after any change, is taken up, and near its end", () => {
  test.each(
    TURNS.flatMap(([name, turn]) => [
      [name, "at once", 0, turn] as const,
      [name, "when its commands have ended", MEANWHILE_MS, turn] as const,
    ]),
  )("%s (taken up %s): each command is run anew, and none is left behind", async (_name, _when, ms, turn) => {
    const indices = await everywhere(
      () => watched(2),
      "killed after",
      {},
      async (driver) => {
        driver.cell.advance(ms);
        await upAndTurn(driver, () => turn(driver));
      },
    );
    expect(indices).toBeGreaterThan(60);
  });
});

test.each(TURNS)(
  "promise 6: a rollout that loses the answer to any command and later %s: each command is run anew",
  async (_name, turn) => {
    const begun = await commandsOf();
    for (const lost of begun) {
      const cell = watched(2);
      const driver = new Driver(cell, declaration(cell));
      let due = true;
      const after = (change: string) => {
        if (change !== lost || !due) return;
        due = false;
        throw new ProblemError("unknown-outcome", { where: "line", found: "the answer was lost" });
      };
      await upAndTurn(driver, () => turn(driver), { ...NO_FAULTS, after });
      expect([lost, due]).toEqual([lost, false]);
    }
    expect(begun.length).toBeGreaterThan(8);
  },
);

/** The changes of a rollout that are commands of nodes. */
async function commandsOf(): Promise<readonly string[]> {
  const cell = watched(2);
  await new Driver(cell, declaration(cell)).up();
  return cell.written.filter((change) => /^(start|stop) /.test(change));
}

test.each([/^stop agent node2$/, /^stop node1_AppsCluster$/, /^start node1_AppsCluster$/, /^start agent node2$/])(
  "promise 6: a command that was lost with its host (%s) is run again where its effect is not there",
  async (change) => {
    const cell = watched(2);
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up(killedAfter(change))).toMatchObject({ ended: "killed" });
    for (const { host, job } of cell.commands) host.setJob(job, "lost");
    cell.commands.clear();
    if (change.test("stop node1_AppsCluster")) cell.member("node1_AppsCluster").state = "started"; // with the host
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
    expect(cell.written.filter((each) => change.test(each))).toHaveLength(2);
  },
);
