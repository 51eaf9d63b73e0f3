import { resolve } from "node:path";
import { withSettings } from "../../policy/settings.js";
import { pointerText, typeToken } from "../../providers/lifecycle/pointer.js";
import { UNKNOWN } from "../../providers/lifecycle/unknown.js";
import { ProviderProcess } from "../support/provider-process.js";

const ROOT = resolve(__dirname, "..", "..");
/** Nothing listens there. */
const NOWHERE = { address: "127.0.0.1", port: 1, user: "admin", auth: { keyFile: "/nonexistent" } };

const level = (): Record<string, unknown> => ({
  database: "homepage",
  component: "HOMEPAGE",
  connection: {
    name: "homepage",
    host: "127.0.0.1",
    port: 1,
    database: "HOMEPAGE",
    user: "db2inst1",
    password: { env: "SCHEMA_LEVELS_TEST_PASSWORD" },
    marker: { database: "HOMEPAGE" },
  },
  home: { name: "web1", ...NOWHERE },
  contentProof: {
    statement: {
      by: "Jane Doe",
      date: "2026-05-01",
      host: "127.0.0.1",
      port: 1,
      database: "HOMEPAGE",
      component: "HOMEPAGE",
      level: 705,
    },
  },
  version: 705,
  from: [704],
  owner: "shop/prod/level",
  __provider: pointerText("connections:SchemaVersion"),
});

const script = (): Record<string, unknown> => ({
  host: "web1",
  path: "/opt/wizards/createDb.sql",
  component: "HOMEPAGE",
  connection: { name: "web1", ...NOWHERE },
  version: 705,
  from: [704],
  owner: "shop/prod/script",
  __provider: pointerText("connections:SqlScriptVersion"),
});

test("the types, frozen once released", () => {
  expect(["connections:SchemaVersion", "connections:SqlScriptVersion"].map(typeToken)).toEqual([
    "pulumi-nodejs:dynamic/connections:SchemaVersion",
    "pulumi-nodejs:dynamic/connections:SqlScriptVersion",
  ]);
});

describe.each([
  ["connections:SchemaVersion", level, "database"],
  ["connections:SqlScriptVersion", script, "host"],
] as const)("%s in the SDK's real provider process", (_type, inputsOf, identity) => {
  let provider: ProviderProcess;
  beforeAll(async () => {
    provider = await ProviderProcess.start(ROOT);
  });
  afterAll(() => provider.stop());

  test("check, diff, create, read and delete reach our code", async () => {
    const { inputs, failures } = await provider.check(inputsOf());
    expect(failures).toEqual([]);
    expect(withSettings(inputs)).toMatchObject({ version: "705", from: ["704"], onDestroy: "retain" });
    await expect(provider.create(inputs)).rejects.toThrow(/web1/);
    const stored = { ...inputs, live: {}, kept: {}, claim: "c", schemaVersion: 1 };
    const read = await provider.read("id", stored);
    expect(read.inputs.deviations).toEqual({ unobserved: expect.stringContaining("could not be looked at") });
    expect((await provider.diff("id", stored, { ...inputs, [identity]: "other" })).replaces).toEqual([identity]);
    await provider.delete("id", stored);
    await provider.hasPrinted(/retained; its record stays behind/);
  });

  test("promise 18: unknowns at every input path survive the wire", async () => {
    for (const key of Object.keys(inputsOf()).filter((name) => name !== "__provider" && name !== "owner")) {
      const { inputs, failures } = await provider.check({ ...inputsOf(), [key]: UNKNOWN });
      expect([key, failures]).toEqual([key, []]);
      const stored = { ...inputsOf(), live: {}, kept: {}, claim: "c", schemaVersion: 1 };
      expect((await provider.diff("id", stored, inputs)).changes).toBe(true);
    }
  });
});
