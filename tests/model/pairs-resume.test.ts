import { everyPair } from "./pairs.js";
import { SETTINGS } from "./watched.js";

test("promise 6: killed at every change, and its recovery killed at every change too: resume", async () => {
  expect(await everyPair(SETTINGS[0][1])).toBeGreaterThan(1_500);
}, 900_000);
