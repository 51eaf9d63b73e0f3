import { everywhere, FAULTS, type Fault, isDone, stateOf } from "../support/fault.js";
import { lineCut, type MemoryHost } from "../support/memory-host.js";
import { noteBench, noteHost, noteInputs } from "../support/note-bench.js";

/** A note that was found, on a host where the fault strikes. */
function struckBench(fault: Fault) {
  const bench = noteBench(fault.host);
  bench.host.put("/notes/a/text", "found");
  return bench;
}

const noteOn = (host: MemoryHost) => [host.text("/notes/a/text"), host.text("/notes/a/title")];

describe("promise 6: interrupted anywhere, the next up converges", () => {
  test.each(FAULTS)("create: %s, at every index", async (_name, side, lasting) => {
    let unharmed = 0;
    const indices = await everywhere(side, lasting, async (fault) => {
      const bench = struckBench(fault);
      const creating = fault.during(() => bench.create());
      const stored = await stateOf(creating);
      if (!fault.reached) return;
      // One operation that fails costs a run nothing, unless it was lost before the first write.
      if (!lasting) (await isDone(creating)) ? unharmed++ : expect(noteOn(bench.host)).toEqual(["found", undefined]);
      const outs = stored ? ((await bench.up(stored)) ?? stored) : await bench.create();
      expect(noteOn(bench.host)).toEqual(["hello", "untitled"]);
      expect(bench.host.ran.length).toBeGreaterThanOrEqual(1);
      expect(await bench.up(outs)).toBeUndefined();
      // What was found at adoption is still known, whatever happened in between.
      await bench.destroy((await bench.upWithoutRefresh(outs, noteInputs({ onDestroy: "restore" }))) ?? {});
      expect(bench.host.text("/notes/a/text")).toBe("found");
    });
    expect(indices).toBeGreaterThan(8);
    if (!lasting) expect(unharmed).toBeGreaterThan(8);
  });

  test.each(FAULTS)("restore on destroy: %s, at every index", async (_name, side, lasting) => {
    let unharmed = 0;
    const indices = await everywhere(side, lasting, async (fault) => {
      const bench = struckBench(fault);
      const outs = await bench.create(noteInputs({ onDestroy: "restore" }));
      const done = await isDone(fault.during(() => bench.destroy(outs)));
      if (!fault.reached) return;
      if (!lasting) done ? unharmed++ : expect(noteOn(bench.host)).toEqual(["hello", "untitled"]);
      if (!done) await bench.destroy(outs);
      expect(bench.host.text("/notes/a/text")).toBe("found");
    });
    expect(indices).toBeGreaterThan(3);
    if (!lasting) expect(unharmed).toBeGreaterThan(3);
  });

  test("promise 20: a record whose write went unheard, and the look at it too, is known for our own", async () => {
    const outcomes: (true | string)[] = [];
    for (let index = 0; ; index++) {
      let written = -1;
      let deaf = false;
      const bench = noteBench({
        beforeOperation: ({ name }) => {
          if (!deaf || name !== "read") return;
          deaf = false;
          throw lineCut("web1");
        },
        afterOperation: ({ name, path }) => {
          if (name !== "write" || !path?.startsWith("/state/records/") || ++written !== index) return;
          deaf = true;
          throw lineCut("web1");
        },
      });
      const outcome = await bench.create().then(
        () => true as const,
        (error: Error) => error.message,
      );
      if (written < index) break;
      expect(deaf).toBe(false);
      outcomes.push(outcome);
    }
    // Before the first step and after the last there is nothing to look at again: the run ends, and says why.
    const cut = expect.stringContaining("the connection was cut");
    expect(outcomes).toEqual([cut, cut, true, true, true, cut]);
  });

  test("promise 20: after a lost answer the same run looks again and goes on", async () => {
    let lost = 0;
    const bench = noteBench({
      afterOperation: ({ name, path }) => {
        if (name === "write" && path === "/notes/a/text" && lost++ === 0) throw lineCut("web1");
      },
    });
    await bench.create();
    expect(bench.host.written.filter((line) => line === "write /notes/a/text")).toHaveLength(1);
    expect(bench.said.join("\n")).toContain("outcome unknown, looking again: web1: the connection was cut");
  });

  test("an update that failed half-way is stored with what it reached, and the next up goes on from there", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    let broken = true;
    const host = noteHost({
      beforeOperation: ({ name, path }) => {
        if (broken && name === "write" && path === "/notes/a/title") throw new Error("disk is full");
      },
    });
    for (const path of bench.host.paths()) host.put(path, bench.host.text(path) ?? "");
    const again = noteBench({}, host);
    const wanted = noteInputs({ text: "new", title: "New" });
    const error = await again.upWithoutRefresh(outs, wanted).catch((thrown) => thrown);
    expect(error).toMatchObject({
      id: "/notes/a",
      properties: { text: "new", __provider: "pointer", schemaVersion: 2 },
      reasons: [expect.stringContaining("disk is full")],
    });
    expect(JSON.parse(error.properties.live)).toMatchObject({ text: "new", title: "untitled" });
    broken = false;
    const healed = await again.upWithoutRefresh(error.properties, wanted);
    expect(JSON.parse(String(healed?.live))).toMatchObject({ text: "new", title: "New" });
  });
});
