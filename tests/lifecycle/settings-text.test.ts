import { compact, expand } from "../../providers/lifecycle/settings-text.js";
import { UNKNOWN } from "../../providers/lifecycle/unknown.js";
import { noteBench, noteInputs } from "../support/note-bench.js";
import { noteKind } from "../support/note-kind.js";

const asText = (more: Record<string, unknown> = {}) => ({ ...compact(noteKind, noteInputs(more)) });

test("settings are one text, identity and aspects have keys of their own; and back", () => {
  expect(Object.keys(asText()).sort()).toEqual(["__provider", "owner", "place", "settings", "text"]);
  expect(expand(noteKind, asText({ mark: "m" }))).toEqual(noteInputs({ mark: "m" }));
  expect(compact(noteKind, asText())).toEqual(asText());
});

test("equal settings are an equal text, whatever the order of their keys at any depth", () => {
  const { connection, ...others } = noteInputs({ mark: "m" });
  const turned = (value: object): Record<string, unknown> => Object.fromEntries(Object.entries(value).reverse());
  expect(compact(noteKind, turned({ ...others, connection: turned(connection as object) }))).toEqual(
    asText({ mark: "m" }),
  );
});

test("check, diff, create and update take settings as one text like settings under their keys", async () => {
  const bench = noteBench();
  const outs = await bench.create(asText());
  expect(await bench.upWithoutRefresh(outs, noteInputs())).toBeUndefined();
  const after = await bench.upWithoutRefresh(outs, asText({ mark: "m" }));
  expect(after).toBeDefined();
  expect(await bench.up(after ?? {}, noteInputs({ mark: "m" }))).toBeUndefined();
});

test("a wrong setting in the text is reported at its own path, and so is a text that is none", async () => {
  const { provider } = noteBench();
  const wrong = await provider.check({}, asText({ lockWait: "soon" }));
  expect(wrong.failures).toEqual([{ property: "lockWait", reason: expect.stringContaining('is "soon"') }]);
  const { failures } = await provider.check({}, { ...asText(), settings: "[1" });
  expect(failures?.map(({ property }) => property)).toEqual(["connection", "settings"]);
});

test("promise 18: a text that is not known yet is no problem, and a change", async () => {
  const bench = noteBench();
  const outs = await bench.create();
  const { inputs, failures } = await bench.provider.check(outs, { ...asText(), settings: UNKNOWN });
  expect(failures).toEqual([]);
  expect(inputs).toMatchObject({ settings: UNKNOWN, text: "hello" });
  expect(await bench.provider.diff("/notes/a", outs, inputs as object)).toEqual({ changes: true });
});

test("promise 14: of settings that change only the names are said: any of them may be a secret", async () => {
  const bench = noteBench();
  const outs = await bench.create(asText({ mark: "canary-old" }));
  await bench.upWithoutRefresh(outs, asText({ mark: "canary-new", takeOverFrom: "canary/canary" }));
  expect(bench.said.join("\n")).toContain("note: changed: mark.");
  expect(bench.said.join("\n")).toMatch(/note: changed: takeOverFrom$/m);
  expect(bench.said.join("\n")).not.toContain("canary");
});
