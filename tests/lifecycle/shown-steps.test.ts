import { withSettings } from "../../policy/settings.js";
import { failureOf } from "../support/failure.js";
import { lineCut } from "../support/memory-host.js";
import { liveNote, noteBench, noteInputs } from "../support/note-bench.js";
import { noteKind } from "../support/note-kind.js";

const written = (bench: ReturnType<typeof noteBench>) => bench.host.written.filter((line) => !line.includes("/lock"));

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
    expect(liveNote(stopped.properties)).toMatchObject({ text: "another text", title: null });

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
    expect(liveNote(changed).text).toBe("new");
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
