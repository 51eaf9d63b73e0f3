import { everyPair } from "./pairs.js";
import { neverRefreshed, SETTINGS } from "./watched.js";

test("promise 6: by directive, killed at every change, and its recovery killed at every change too: resume", async () => {
  expect(await everyPair(SETTINGS[0][1], () => neverRefreshed(2, ["AppsCluster"]))).toBeGreaterThan(1_500);
}, 900_000);
