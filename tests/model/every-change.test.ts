import { everywhere, KINDS, recover, SETTINGS, watched } from "./watched.js";

/** Generous, since the machine may be busy: every index is a whole rollout and its recovery. */
jest.setTimeout(300_000);

/** Two clusters, so that a node can be stopped in part; with four nodes one, which makes the same steps. */
const CELLS = [
  [2, () => watched(2)],
  [3, () => watched(3)],
  [4, () => watched(4, undefined, ["AppsCluster"])],
] as const;

describe.each(CELLS)("promises 6 and 10: %i nodes, a fault at every change", (_nodes, cellOf) => {
  test.each(SETTINGS.flatMap(([name, settings]) => KINDS.map((kind) => [kind, name, settings] as const)))(
    "%s, then %s",
    async (kind, _name, settings) => {
      expect(await everywhere(cellOf, kind, settings, recover)).toBeGreaterThan(60);
    },
  );
});

describe("what the operator asks for, at every change", () => {
  test.each([2, 3])("%i nodes: the process dies, and the rollout is told to go back", async (nodes) => {
    await everywhere(
      () => watched(nodes),
      "killed after",
      {},
      async (driver) => {
        driver.cell.request = { request: "roll back", reason: "the fix is not wanted any more" };
        await recover(driver);
      },
    );
  });
});
