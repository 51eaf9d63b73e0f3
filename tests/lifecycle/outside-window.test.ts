import type { AnyKind } from "../../providers/lifecycle/inputs.js";
import type { Plan, Step } from "../../providers/lifecycle/kind.js";
import { lineCut, type MemoryHostOptions } from "../support/memory-host.js";
import { liveNote, noteBench, noteInputs } from "../support/note-bench.js";
import { noteKind } from "../support/note-kind.js";
import type { Stored } from "../support/provider-bench.js";

const never = { days: ["Mon"], from: "00:00", to: "00:01", timeZone: "UTC" };
const outside = new Date().getUTCDay() === 1 ? { ...never, days: ["Thu"] } : never;

test("a preview says that the maintenance window would refuse", async () => {
  const bench = noteBench();
  const outs = await bench.create();
  const news = (await bench.provider.check(outs, noteInputs({ text: "new", maintenanceWindow: outside })))
    .inputs as object;
  await bench.provider.diff("/notes/a", outs, news);
  expect(bench.said.join("\n")).toMatch(/refused: test:Note .*inside the maintenance window/);
});

describe("maintenance window", () => {
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
    expect(liveNote(outs).text).toBe("hello");
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
