import { rm } from "node:fs/promises";
import { ENGINE_TEST_MS, Engine } from "../support/engine.js";
import { hostFile } from "../support/engine-files.js";

jest.setTimeout(ENGINE_TEST_MS);

let engine: Engine;

beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine.stop());

/** What shows, on the host, that the step was done. */
const flag = () => `${engine.lab.hosts.web1.connection.stateDirectory}/help-desk-told`;

test("a step for a person stops up with its instructions, and what waits for it is not begun until it shows", async () => {
  const { lab } = engine;
  await engine.configure((values) => ({
    ...values,
    routing: { primaryNode: "node2" },
    manualSteps: {
      "tell-the-help-desk": {
        host: "web1",
        instructions: "Tell the help desk.\nThen leave the flag.",
        verify: { file: { path: flag() } },
        before: ["routing"],
      },
    },
  }));
  const refused = await engine.expect(1, ["up", "--yes", "--skip-preview"]);
  expect(refused).toMatch(/web1: tell-the-help-desk: it does not show: web1:\S+help-desk-told is not there/);
  expect(refused).toContain("Then leave the flag.");
  expect(engine.named()).toBe(lab.web.pluginFile);
  expect(await engine.served()).toBe("node1");

  await lab.writeFile("web1", flag(), "told\n");
  await engine.up();
  expect(await engine.served()).toBe("node2");
});

test("promises 1 and 3: done, the preview is empty; undone behind our back that step differs, and nothing else", async () => {
  await engine.settled();
  await rm(hostFile(engine.lab, "web1", flag()));
  const drift = await engine.drift();
  expect(Object.keys(drift)).toEqual([expect.stringContaining("tell-the-help-desk")]);
  expect(JSON.stringify(drift)).toContain("is not there");
});

test("promise 17: destroyed, what waited for the step goes first, through the components that they stand in", async () => {
  await engine.configure((values) => ({ ...values, run: { ...(values.run as object), onDestroy: "restore" } }));
  await engine.lab.writeFile("web1", flag(), "told\n");
  await engine.up();
  const output = await engine.expect(0, ["destroy", "--yes"]);
  const [, told = ""] = output.split("Diagnostics:");
  const restored = told.lastIndexOf("] done in");
  expect(restored).toBeGreaterThan(0);
  expect(told.indexOf("undoing it is a step for a person too")).toBeGreaterThan(restored);
  expect(await engine.served()).toBe("node1");
});
