import { MemoryCell } from "../support/memory-cell.js";
import { Driver, declaration, FaultAt } from "./driver.js";

/** All but one node serve, and nobody is sent to one that does not: at every instant of the model's clock. */
function watched(nodes: number, webServers?: readonly string[]): MemoryCell {
  const cell = new MemoryCell(nodes, undefined, webServers);
  cell.invariants.push(
    ({ nodes: all }) => {
      const serving = cell.serving();
      if (serving.length < all.length - 1) throw new Error(`only ${serving.join(", ")} serve`);
    },
    () => {
      const dead = cell.routedServers().filter((server) => !cell.serves(cell.member(server)));
      if (dead.length > 0) throw new Error(`users are sent to ${dead.join(", ")}`);
    },
    () => {
      if (new Set(cell.installerRuns).size !== cell.installerRuns.length) throw new Error("the installer ran twice");
    },
  );
  return cell;
}

/** Everything that is not a fix is as it was; every member runs what the master configuration has. */
function expectSettled(driver: Driver): void {
  const { cell, kept } = driver;
  expect(kept?.journal).toBeNull();
  expect(cell.serving()).toHaveLength(cell.nodes.length);
  for (const node of cell.nodes) {
    expect(node.agent).toBe("started");
    for (const member of node.members) expect(member.level).toBe(cell.level);
  }
  for (const webServer of cell.webServers) {
    expect(webServer.hold).toBeNull();
    expect([webServer.generation, webServer.propagation]).toEqual(["automatic", "automatic"]);
    expect(Object.values(webServer.file).every(({ backup }) => backup.length === 0)).toBe(true);
  }
  expect([...cell.fixes]).toEqual(kept?.wentBack ? [] : ["LO66666"]);
}

/** Runs `up` until it converges or has gone back; a few runs have to do. */
async function recover(driver: Driver): Promise<void> {
  let last = "";
  for (let run = 0; run < 4; run++) {
    const { ended, message } = await driver.up();
    last = message;
    if (ended === "converged" || driver.kept?.wentBack) return expectSettled(driver);
  }
  throw new Error(`still not converged: ${last}`);
}

describe.each([2, 3, 4])("promise 10: %i nodes", (nodes) => {
  test("a rollout in the safe order keeps all but one node serving at every instant", async () => {
    const driver = new Driver(watched(nodes), declaration(new MemoryCell(nodes)));
    const outcome = await driver.up();
    expect(outcome).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
    expect((await driver.plan()).steps).toEqual([]);
  });
});

test("the steps of a rollout over two nodes, in order", async () => {
  const cell = watched(2);
  const { steps } = await new Driver(cell, declaration(cell)).plan();
  expect(steps.map(({ title, impact }) => `${title} [${impact}]`)).toMatchSnapshot();
});
