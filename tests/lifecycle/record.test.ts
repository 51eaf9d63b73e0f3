import { noteBench, noteInputs } from "../support/note-bench.js";
import { noteKind } from "../support/note-kind.js";

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
    expect(inputs?.deviations).toEqual({ record: "the target has lost its record; up writes it anew" });
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
