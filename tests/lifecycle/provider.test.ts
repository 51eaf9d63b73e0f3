import { unknownValue } from "@pulumi/pulumi/runtime/rpc";
import { withSettings } from "../../policy/settings.js";
import type { AnyKind } from "../../providers/lifecycle/inputs.js";
import type { Plan, Step } from "../../providers/lifecycle/kind.js";
import { UNKNOWN } from "../../providers/lifecycle/unknown.js";
import { failureOf } from "../support/failure.js";
import { lineCut, type MemoryHostOptions } from "../support/memory-host.js";
import { connection, noteBench, noteInputs } from "../support/note-bench.js";
import { noteKind } from "../support/note-kind.js";
import type { Stored } from "../support/provider-bench.js";

const live = (outs: Stored | undefined) => JSON.parse(String(outs?.live)) as { text: string; title: string };

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
    expect(live(healed).text).toBe("hello");
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
    expect(live(stopped.properties)).toMatchObject({ text: "hello", title: "changed after the preview" });
    const gone = await bench.upWithoutRefresh(outs, noteInputs({ text: "new", onUnseenSteps: "go" }));
    expect(live(gone)).toMatchObject({ text: "new", title: "untitled" });
  });
});

describe("what counts as shown is the preview that a person read, not the update's own second look", () => {
  test("drift that appeared between the two stops up", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    const news = (await bench.provider.check(outs, noteInputs({ text: "new" }))).inputs as object;
    const preview = await bench.provider.read("/notes/a", outs);
    await bench.provider.diff("/notes/a", preview.props as object, news);

    bench.host.put("/notes/a/title", "changed while the preview was read");
    await bench.host.close();
    const second = await bench.provider.read("/notes/a", outs);
    await bench.provider.diff("/notes/a", second.props as object, news);
    await expect(bench.provider.update("/notes/a", second.props as object, news)).rejects.toThrow(
      "now due, and not shown: write the title",
    );
    expect(bench.host.text("/notes/a/text")).toBe("hello");
  });

  test("a step of the same name that would do something else counts as not shown", async () => {
    const kind: typeof noteKind = {
      ...noteKind,
      plan(desired, live, kept) {
        const plan = noteKind.plan(desired, live, kept);
        return { ...plan, steps: plan.steps.map((step) => ({ ...step, over: live.text })) };
      },
    };
    const bench = noteBench({}, undefined, kind);
    const outs = await bench.create();
    bench.host.put("/notes/a/text", "somebody else's");
    await expect(bench.upWithoutRefresh(outs, noteInputs({ text: "new" }))).rejects.toThrow(
      "now due, and not shown: write the text",
    );
  });
});

/** Its texts stand where `mark` says: a setting that `observe` uses, as a path or an address is. */
const movable: typeof noteKind = {
  ...noteKind,
  observe: ({ place }, settings, access) =>
    noteKind.observe({ place: placeOf(place, settings.mark) }, settings, access),
  apply(step, context) {
    const { identity, settings } = context.desired;
    const desired = { ...context.desired, identity: { place: placeOf(identity.place, settings.mark) } };
    return noteKind.apply(step, { ...context, desired });
  },
};
const placeOf = (place: string, mark: string) => (mark === "-" ? place : `${place}/${mark}`);

const written = (bench: ReturnType<typeof noteBench>) => bench.host.written.filter((line) => !line.includes("/lock"));

describe("promise 3: a changed setting that the look depends on", () => {
  test("is named in the preview; what only the new look finds stops up before its first write, and the next preview is true", async () => {
    const bench = noteBench({}, undefined, movable);
    const outs = await bench.create();
    bench.host.put("/notes/a/moved/text", "another text");
    const moved = noteInputs({ mark: "moved" });
    const before = written(bench);
    const stopped = await failureOf(bench.up(outs, moved));
    expect(bench.said.join("\n")).toMatch(/note: changed: mark\. This is by a look with the former settings/);
    expect(stopped.message).toMatch(
      /the preview had looked with the former settings \(changed: mark\); now due, and not shown: write the text; write the title.*Run up again/,
    );
    expect(written(bench)).toEqual(before);
    expect(withSettings(stopped.properties)).toMatchObject({ mark: "moved" });
    expect(live(stopped.properties)).toMatchObject({ text: "another text", title: null });

    const next = noteBench({}, bench.host, movable);
    const healed = (await next.up(stopped.properties, moved)) ?? {};
    expect(next.said.join("\n")).not.toContain("former settings");
    expect(bench.host.text("/notes/a/moved/text")).toBe("hello");
    expect(await next.up(healed, moved)).toBeUndefined();
  });

  test("takes one up where the new look finds nothing more to do than was shown", async () => {
    const bench = noteBench({}, undefined, movable);
    const outs = await bench.create();
    bench.host.put("/notes/a/moved/text", "hello");
    bench.host.put("/notes/a/moved/title", "untitled");
    const same = await bench.up(outs, noteInputs({ mark: "moved" }));
    expect(withSettings(same ?? {})).toMatchObject({ mark: "moved" });
    const changed = await bench.up(outs, noteInputs({ mark: "moved", text: "new" }));
    expect(live(changed).text).toBe("new");
    expect(bench.host.text("/notes/a/moved/text")).toBe("new");
  });

  test("ends a refusal of the former look: the first up shows what is due, the second does it", async () => {
    const bench = noteBench({}, undefined, movable);
    const outs = await bench.create();
    bench.host.put("/notes/a/frozen", "");
    bench.host.put("/notes/a/text", "drifted");
    bench.host.mkdir("/notes/a/moved");
    await bench.host.close();
    const stopped = await failureOf(bench.up(outs, noteInputs({ mark: "moved" })));
    expect(bench.said.join("\n")).toContain("the note is frozen");
    expect(stopped.message).toContain("now due, and not shown: write the text");
    await bench.up(stopped.properties, noteInputs({ mark: "moved" }));
    expect(bench.host.text("/notes/a/moved/text")).toBe("hello");
  });

  test("brings a refusal of the new look into the next preview", async () => {
    const bench = noteBench({}, undefined, movable);
    const outs = await bench.create();
    bench.host.put("/notes/a/moved/frozen", "");
    const before = written(bench);
    const stopped = await failureOf(bench.up(outs, noteInputs({ mark: "moved" })));
    expect(stopped.message).toContain("the note is frozen");
    expect(written(bench)).toEqual(before);
    const preview = noteBench({}, bench.host, movable);
    const { props } = await preview.provider.read("/notes/a", stopped.properties);
    const news = (await preview.provider.check({}, noteInputs({ mark: "moved" }))).inputs as object;
    await preview.provider.diff("/notes/a", props as object, news);
    expect(preview.said.join("\n")).toContain("refused: /notes/a: the note is frozen");
  });
});

test("promise 7: a plan that cannot end within the deadline is refused in the preview, and by up before its first write", async () => {
  const kind: typeof noteKind = {
    ...noteKind,
    plan(desired, seen, kept) {
      const { steps, ...rest } = noteKind.plan(desired, seen, kept);
      return { ...rest, steps: steps.map((step) => ({ ...step, atLeastMs: step.key === "announce" ? 0 : 30_000 })) };
    },
  };
  const bench = noteBench({}, undefined, kind);
  const outs = await bench.create(noteInputs({ title: "found" }));
  const before = written(bench);
  const both = { text: "new", title: "new", deadline: "60s" };
  await expect(bench.upWithoutRefresh(outs, noteInputs(both))).rejects.toThrow(
    /take at least 60 s: write the text; write the title/,
  );
  expect(bench.said.join("\n")).toMatch(/refused: .*less than the deadline of 60s/);
  expect(written(bench)).toEqual(before);
  expect(await bench.upWithoutRefresh(outs, noteInputs({ ...both, deadline: "61s" }))).toBeDefined();
});

describe("promise 21: after a preview that could not look", () => {
  const cutOff = { now: false };
  const bench = async () => {
    const made = noteBench({
      beforeOperation: () => {
        if (cutOff.now) throw lineCut("web1");
      },
    });
    return { ...made, outs: await made.create() };
  };
  /** As `pulumi up` does it: a preview, then, in another process, the look and the update. */
  const previewedBlindly = async (made: Awaited<ReturnType<typeof bench>>, inputs = noteInputs()) => {
    await made.host.close();
    cutOff.now = true;
    const blind = await made.provider.read("/notes/a", made.outs);
    const news = { ...((await made.provider.check(made.outs, inputs)).inputs as object), __provider: "pointer" };
    await made.provider.diff("/notes/a", blind.props as object, news);
    cutOff.now = false;
    await made.host.close();
    const { props } = await made.provider.read("/notes/a", made.outs);
    await made.provider.diff("/notes/a", props as object, news);
    return made.provider.update("/notes/a", props as object, news);
  };

  test("up does nothing that was not shown, and says why", async () => {
    const made = await bench();
    made.host.put("/notes/a/text", "drifted");
    const before = written(made);
    const stopped = await failureOf(previewedBlindly(made));
    expect(stopped.message).toContain(
      "it could not be looked at in the preview; now due, and not shown: write the text",
    );
    expect(written(made)).toEqual(before);
    await made.up(stopped.properties);
    expect(made.host.text("/notes/a/text")).toBe("hello");
  });

  test("a change that was shown on the last known state is done, if it is just that", async () => {
    const made = await bench();
    await previewedBlindly(made, noteInputs({ text: "new" }));
    expect(made.host.text("/notes/a/text")).toBe("new");
  });
});

describe("the record on the target", () => {
  const recordOf = (bench: ReturnType<typeof noteBench>) =>
    bench.host.paths().filter((path) => path.startsWith("/state/records/"))[0] ?? "";

  test("one that was lost shows in the preview and is written anew, with the before-image that the state remembers", async () => {
    const bench = noteBench();
    bench.host.put("/notes/a/text", "found");
    const outs = await bench.create(noteInputs({ onDestroy: "restore" }));
    bench.host.delete(recordOf(bench));
    await bench.host.close();
    const { inputs } = await bench.provider.read("/notes/a", outs);
    expect(deviationsOf(inputs)).toEqual({ record: "the target has lost its record; up writes it anew" });
    const again = await bench.up(outs, noteInputs({ onDestroy: "restore" }));
    expect(again).toBeDefined();
    await bench.destroy(again ?? {});
    expect(bench.host.text("/notes/a/text")).toBe("found");
  });

  test("restore works from what the state remembers; with nothing remembered it fails instead of doing nothing", async () => {
    const bench = noteBench();
    bench.host.put("/notes/a/text", "found");
    const outs = await bench.create(noteInputs({ onDestroy: "restore" }));
    bench.host.delete(recordOf(bench));
    await expect(bench.provider.delete("/notes/a", { ...outs, kept: {} })).rejects.toThrow(
      "nothing is recorded about what was there before",
    );
    await bench.provider.delete("/notes/a", outs);
    expect(bench.host.text("/notes/a/text")).toBe("found");
  });

  test("says when, by whom and why the last run went on outside the maintenance window", async () => {
    const bench = noteBench();
    const today = new Date().getUTCDay();
    const window = { days: [today === 1 ? "Thu" : "Mon"], from: "00:00", to: "00:01", timeZone: "UTC" };
    process.env.PULUMI_CONNECTIONS_OUTSIDE_WINDOW = "agreed";
    try {
      await bench.create(noteInputs({ maintenanceWindow: window }));
    } finally {
      delete process.env.PULUMI_CONNECTIONS_OUTSIDE_WINDOW;
    }
    const record = JSON.parse(bench.host.text(recordOf(bench)) ?? "");
    expect(record).toMatchObject({ lastRun: { outsideWindow: "agreed", by: expect.stringContaining("@") } });
    expect(record).not.toHaveProperty("run");
  });

  test("promise 17: is found by what the thing is, whatever the configuration calls it", async () => {
    const kind: typeof noteKind = { ...noteKind, recordKey: () => "the same note" };
    const bench = noteBench({}, undefined, kind);
    bench.host.put("/notes/a/text", "found");
    const old = await bench.create(noteInputs({ onDestroy: "restore" }));
    const host = bench.host;
    const renamed = noteBench({}, host, { ...kind, identify: () => "another label" });
    await renamed.create(noteInputs({ onDestroy: "restore" }));
    await renamed.provider.delete("/notes/a", old);
    expect(host.text("/notes/a/text")).toBe("hello");
    expect(host.paths().filter((path) => path.startsWith("/state/records/"))).toHaveLength(1);
  });
});

test("a lease too short for a slow line is refused", async () => {
  const { failures } = await noteBench().provider.check({}, noteInputs({ lockLease: "1s" }));
  expect(failures).toEqual([expect.objectContaining({ property: "lockLease" })]);
});

test("a preview says that the maintenance window would refuse", async () => {
  const bench = noteBench();
  const outs = await bench.create();
  const today = new Date().getUTCDay();
  const maintenanceWindow = { days: [today === 1 ? "Thu" : "Mon"], from: "00:00", to: "00:01", timeZone: "UTC" };
  const news = (await bench.provider.check(outs, noteInputs({ text: "new", maintenanceWindow }))).inputs as object;
  await bench.provider.diff("/notes/a", outs, news);
  expect(bench.said.join("\n")).toMatch(/refused: test:Note .*inside the maintenance window/);
});

test("a refresh, which compares with what was declared before, prints no plan and counts as none shown", async () => {
  const bench = noteBench();
  const outs = await bench.create();
  const preview = noteBench({}, bench.host);
  const former = noteInputs({ text: "declared before", mark: "former" });
  expect(await preview.provider.diff("/notes/a", outs, former)).toEqual({ changes: true });
  expect(preview.said).toEqual([]);
  await preview.provider.check(outs, former);
  await preview.provider.diff("/notes/a", outs, former);
  expect(preview.said.join("\n")).toContain("write the text");
});

test("drift and plan of one preview speak of the same declaration", async () => {
  const bench = noteBench();
  const outs = await bench.create();
  bench.host.put("/notes/a/title", "mine");
  await bench.host.close();
  const { props } = await bench.provider.read("/notes/a", outs);
  const news = (await bench.provider.check(outs, noteInputs({ title: "mine" }))).inputs as object;
  await bench.provider.diff("/notes/a", props as object, news);
  expect(bench.said.join("\n")).not.toContain('found: title: is "mine"');
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

describe("maintenance window", () => {
  const never = { days: ["Mon"], from: "00:00", to: "00:01", timeZone: "UTC" };
  const outside = new Date().getUTCDay() === 1 ? { ...never, days: ["Thu"] } : never;
  afterEach(() => {
    delete process.env.PULUMI_CONNECTIONS_OUTSIDE_WINDOW;
  });

  test("steps that users notice wait for it; the one-run override is logged", async () => {
    const bench = noteBench();
    await expect(bench.create(noteInputs({ maintenanceWindow: outside }))).rejects.toThrow(
      /outside the maintenance window|inside the maintenance window/,
    );
    expect(bench.host.text("/notes/a/text")).toBeUndefined();
    process.env.PULUMI_CONNECTIONS_OUTSIDE_WINDOW = "CHG-17 agreed with the board";
    const outs = await bench.create(noteInputs({ maintenanceWindow: outside }));
    expect(live(outs).text).toBe("hello");
    expect(bench.said.join("\n")).toContain("allowed once: CHG-17 agreed with the board");
  });

  test("steps that nobody notices do not", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    // What the readers know stays the same; only the file's text was changed and is put back.
    bench.host.put("/notes/a/text", "drifted");
    await bench.host.close();
    expect(await bench.up(outs, noteInputs({ maintenanceWindow: outside }))).toBeDefined();
    expect(bench.host.text("/notes/a/text")).toBe("hello");
  });

  test("a run that users were not to notice does nothing that they would, whatever it finds on a second look", async () => {
    let lost = false;
    const told: Step = { key: "announce", title: "tell the readers", impact: "disconnects users" };
    const kind = {
      ...noteKind,
      plan(...given: Parameters<typeof noteKind.plan>): Plan {
        const planned = noteKind.plan(...given);
        return lost ? { ...planned, steps: [...planned.steps, told] } : planned;
      },
    };
    const losing: MemoryHostOptions = {
      afterOperation({ name, path }) {
        if (lost || name !== "write" || path !== "/notes/a/text" || !outs) return;
        lost = true;
        throw lineCut("web1");
      },
    };
    const bench = noteBench(losing, undefined, kind as unknown as AnyKind);
    let outs: Stored | undefined;
    outs = await bench.create();
    bench.host.put("/notes/a/text", "drifted");
    await bench.host.close();
    const ran = bench.host.ran.length;
    await expect(bench.up(outs, noteInputs({ maintenanceWindow: outside }))).rejects.toThrow(
      /steps that users notice are due: tell the readers \[disconnects users\]/,
    );
    expect(bench.host.ran.length).toBe(ran);
  });
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
    const old = { ...withSettings(outs), live: live(outs), kept: JSON.parse(String(outs.kept)) };
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
