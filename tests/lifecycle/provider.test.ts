import { unknownValue } from "@pulumi/pulumi/runtime/rpc";
import { withSettings } from "../../policy/settings.js";
import { UNKNOWN } from "../../providers/lifecycle/unknown.js";
import { failureOf } from "../support/failure.js";
import { lineCut, type MemoryHost } from "../support/memory-host.js";
import { connection, liveNote, noteBench, noteHost, noteInputs } from "../support/note-bench.js";

const deviationsOf = (inputs: Record<string, unknown> | undefined) =>
  (inputs?.deviations ?? {}) as Record<string, string>;

describe("check", () => {
  test("fills in defaults and reports every problem at once, each with its path", async () => {
    const { provider } = noteBench();
    const good = await provider.check({}, noteInputs());
    expect(good.failures).toEqual([]);
    expect(withSettings({ ...good.inputs })).toMatchObject({
      mark: "-",
      onDestroy: "retain",
      connection: { port: 22 },
    });

    const bad = await provider.check(
      {},
      noteInputs({
        ...{ text: 7, tags: ["a", 2], txet: "x", connection: { ...connection, port: 99999 } },
        ...{ onDestroy: "burn", lockLease: "soon" },
      }),
    );
    expect(bad.failures?.map(({ property }) => property).sort()).toEqual([
      "connection.port",
      "lockLease",
      "onDestroy",
      "tags[1]",
      "text",
      "txet",
    ]);
    expect(bad.failures?.find(({ property }) => property === "txet")?.reason).toContain('did you mean "text"?');
    expect(bad.failures?.find(({ property }) => property === "text")?.reason).toMatch(/^is 7: /);
  });

  test("two names for one thing in one run are an error that names both", async () => {
    const { provider } = noteBench();
    await provider.check({}, noteInputs());
    const second = await provider.check({}, noteInputs({ owner: "shop/prod/note-b" }));
    expect(second.failures).toEqual([
      { property: "place", reason: expect.stringContaining("/notes/a is also managed by shop/prod/note-a") },
    ]);
    const again = await provider.check({}, noteInputs());
    expect(again.failures).toEqual([expect.objectContaining({ reason: expect.stringContaining("note-b") })]);
  });
});

describe("promise 18: unknown values never crash check or diff, nor are they validated", () => {
  test("our marker is the SDK's", () => expect(UNKNOWN).toBe(unknownValue));

  const paths: [string, Record<string, unknown>][] = [
    ...Object.keys(noteInputs({ title: "t", tags: ["x"], mark: "m" }))
      .filter((key) => key !== "__provider" && key !== "owner")
      .map((key): [string, Record<string, unknown>] => [key, { [key]: UNKNOWN }]),
    ["tags[0]", { tags: [UNKNOWN] }],
    ["connection.port", { connection: { ...connection, port: UNKNOWN } }],
    ["connection.auth.password", { connection: { ...connection, auth: { password: UNKNOWN } } }],
    ["connection.hostKey", { connection: { ...connection, hostKey: { pinned: UNKNOWN } } }],
  ];
  test.each(paths)("unknown at %s", async (_path, unknown) => {
    const bench = noteBench();
    const outs = await bench.create();
    const checked = await bench.provider.check(outs, noteInputs(unknown));
    expect(checked.failures).toEqual([]);
    const answer = await bench.provider.diff("/notes/a", outs, { ...checked.inputs });
    expect(answer.changes).toBe(true);
    expect(answer.replaces ?? []).toEqual([]);
  });

  test("what is known beside an unknown is still checked", async () => {
    const { provider } = noteBench();
    const result = await provider.check({}, noteInputs({ text: UNKNOWN, tags: [7] }));
    expect(result.failures).toEqual([{ property: "tags[0]", reason: expect.stringContaining("is 7") }]);
  });
});

describe("promise 1: after up there is nothing left to do", () => {
  test("create converges; a second up sends no write to the target", async () => {
    const bench = noteBench();
    const { id, outs = {} } = await bench.provider.create(await bench.check(noteInputs()));
    expect(id).toBe("/notes/a");
    expect(bench.host.text("/notes/a/text")).toBe("hello");
    const writes = bench.host.written.length;
    expect(await bench.up(outs)).toBeUndefined();
    expect(bench.host.written).toHaveLength(writes);
  });

  test("outputs are plain JSON without undefined", async () => {
    const outs = await noteBench().create();
    expect(JSON.parse(JSON.stringify(outs))).toEqual(outs);
    expect(outs.schemaVersion).toBe(2);
  });
});

test("promise 2: a preview's reads change nothing", async () => {
  const bench = noteBench();
  const outs = await bench.create();
  const before = [...bench.host.written];
  bench.host.put("/notes/a/text", "drifted");
  const { props } = await bench.provider.read("/notes/a", outs);
  await bench.provider.diff("/notes/a", props as object, noteInputs());
  expect(bench.host.written).toEqual(before);
});

describe("promise 3: drift shows as that setting and nothing else", () => {
  test("an aspect reads as observed; what inputs cannot say is a sentence under its own path", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    const clean = await bench.provider.read("/notes/a", outs);
    const { live: _l, kept: _k, claim: _c, schemaVersion: _v, ...inputs } = outs;
    expect({ ...clean.inputs, __provider: "pointer" }).toEqual(inputs);

    bench.host.put("/notes/a/text", "drifted");
    await bench.host.close();
    const drifted = await noteBench({}, bench.host).provider.read("/notes/a", outs);
    expect({ ...drifted.inputs, __provider: "pointer" }).toEqual({ ...inputs, text: "drifted" });

    bench.host.put("/notes/a/text", "hello");
    bench.host.put("/notes/a/title", "mine");
    await bench.host.close();
    const titled = await noteBench({}, bench.host).provider.read("/notes/a", outs);
    expect(titled.inputs?.deviations).toEqual({ title: 'is "mine"' });
  });

  test("a drifted setting is healed by up, and the plan is printed once", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    bench.host.put("/notes/a/text", "drifted");
    await bench.host.close();
    const healed = await bench.up(outs);
    expect(bench.host.text("/notes/a/text")).toBe("hello");
    expect(liveNote(healed).text).toBe("hello");
    expect(healed).toBeDefined();
    expect(healed).not.toHaveProperty("deviations");
    expect(bench.said.join("\n")).toContain("1. write the text");
  });
});

test("a settings-only change rewrites outputs and sends no step", async () => {
  const bench = noteBench();
  const outs = await bench.create();
  const writes = bench.host.written.filter((line) => !line.includes("/state/"));
  const changed = await bench.up(outs, noteInputs({ mark: "new" }));
  expect(withSettings(changed ?? {})).toMatchObject({ mark: "new" });
  expect(bench.said.join("\n")).toContain("note: changed: mark.");
  expect(bench.host.written.filter((line) => !line.includes("/state/"))).toEqual(writes);
});

test("a change of identity is a replace", async () => {
  const bench = noteBench();
  const outs = await bench.create();
  const { inputs } = await bench.provider.check(outs, noteInputs({ place: "/notes/b" }));
  expect(await bench.provider.diff("/notes/a", outs, inputs as object)).toEqual({ changes: true, replaces: ["place"] });
});

describe("promise 21: a sick target hides nothing and is never taken for no drift", () => {
  test("an unreachable target keeps the last known state and says so; diff answers changes", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    const sick = noteBench({
      beforeOperation: () => {
        throw lineCut("web1");
      },
    });
    const { inputs, props } = await sick.provider.read("/notes/a", outs);
    expect(inputs?.text).toBe("hello");
    expect(deviationsOf(inputs).unobserved).toContain("the connection was cut");
    expect((await sick.provider.diff("/notes/a", props as object, noteInputs())).changes).toBe(true);
    await expect(sick.provider.update("/notes/a", props as object, noteInputs())).rejects.toThrow(
      "the connection was cut",
    );
  });

  test("a record that is not ours to understand is reported, not guessed at", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    const [record = ""] = bench.host.paths().filter((path) => path.startsWith("/state/records/"));
    bench.host.put(record, "{");
    await bench.host.close();
    const { inputs } = await bench.provider.read("/notes/a", outs);
    expect(deviationsOf(inputs).unobserved).toContain("not the record of this resource");
  });
});

describe("refusals", () => {
  test("show in the preview as a line and as a change, and stop up before the first write", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    bench.host.put("/notes/a/frozen", "");
    bench.host.put("/notes/a/text", "drifted");
    await bench.host.close();
    const { props } = await bench.provider.read("/notes/a", outs);
    const news = (await bench.provider.check(outs, noteInputs())).inputs as object;
    expect((await bench.provider.diff("/notes/a", props as object, news)).changes).toBe(true);
    expect(bench.said.join("\n")).toContain("refused: /notes/a: the note is frozen. Remove the file frozen.");
    const writes = bench.host.written.filter((line) => !line.includes("/state/lock"));
    await expect(bench.provider.update("/notes/a", props as object, news)).rejects.toThrow("the note is frozen");
    expect(bench.host.written.filter((line) => !line.includes("/state/lock"))).toEqual(writes);
    expect(bench.host.text("/notes/a/text")).toBe("drifted");
  });

  test("are all that an up says which its kind brought to another end", async () => {
    const host: MemoryHost = noteHost({
      onRun: () => {
        host.put("/notes/a/title", "as it was found");
        host.put("/notes/a/frozen", "");
        return { exitCode: 0, stdout: "", stderr: "" };
      },
    });
    const { message } = await failureOf(noteBench({}, host).create());
    expect(message).toContain("the note is frozen");
    expect(message).not.toContain("still differs");
  });

  test("a live system that changed after the preview stops up, unless onUnseenSteps is go", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    bench.host.put("/notes/a/title", "changed after the preview");
    const stopped = await failureOf(bench.upWithoutRefresh(outs, noteInputs({ text: "new" })));
    expect(stopped.message).toContain(
      "the live system changed since the preview; now due, and not shown: write the title",
    );
    expect(bench.host.text("/notes/a/text")).toBe("hello");
    // Also where nothing is refreshed the next preview knows what this run saw.
    expect(liveNote(stopped.properties)).toMatchObject({ text: "hello", title: "changed after the preview" });
    const gone = await bench.upWithoutRefresh(outs, noteInputs({ text: "new", onUnseenSteps: "go" }));
    expect(liveNote(gone)).toMatchObject({ text: "new", title: "untitled" });
  });
});

test("a lease too short for a slow line is refused", async () => {
  const { failures } = await noteBench().provider.check({}, noteInputs({ lockLease: "1s" }));
  expect(failures).toEqual([expect.objectContaining({ property: "lockLease" })]);
});

test("a connection that accepts any host key is named by every preview and every run", async () => {
  const insecure = noteInputs({ connection: { ...connection, hostKey: { insecureAcceptAny: true } } });
  const bench = noteBench();
  const outs = await bench.create(insecure);
  expect(bench.said.join("\n")).toContain("insecureAcceptAny");
  const preview = noteBench({}, bench.host);
  await preview.provider.diff("/notes/a", outs, (await preview.provider.check(outs, insecure)).inputs as object);
  expect(preview.said.join("\n")).toContain("insecureAcceptAny");
});

describe("promise 16: outputs of an older schema are read", () => {
  test("they preview empty when what they describe is still so", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    const { text, ...rest } = outs;
    const old = { ...rest, body: text, schemaVersion: 1 };
    expect(await bench.up(old)).toBeUndefined();
  });

  test("what is one text now may stand there as it did before: settings under their keys, the rest as objects", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    const old = { ...withSettings(outs), live: liveNote(outs), kept: JSON.parse(String(outs.kept)) };
    const { provider } = noteBench({}, bench.host);
    const { inputs } = await provider.check({}, noteInputs());
    expect(await provider.diff("/notes/a", old, inputs as object)).toEqual({ changes: false });
    const { props } = await provider.read("/notes/a", old);
    expect({ ...props, __provider: "pointer" }).toEqual(outs);
  });

  test.each([
    ["nothing at all", {}],
    ["rubbish", { live: 7, kept: "x", connection: null, schemaVersion: "?" }],
  ])("diff answers changes for %s and throws nothing", async (_name, olds) => {
    const { provider } = noteBench();
    const { inputs } = await provider.check({}, noteInputs());
    expect((await provider.diff("/notes/a", olds, inputs as object)).changes).toBe(true);
  });
});
