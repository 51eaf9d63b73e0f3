import { lineCut, MemoryHost, type Operation } from "../support/memory-host.js";
import { connection, noteBench, noteInputs } from "../support/note-bench.js";

/** Operations that change something: only around them can a crash leave a half-done state. */
const CHANGES = new Set(["write", "createExclusive", "makeDirectory", "remove", "run"]);

/** Counts the changing operations on a host and makes one of them fail. */
function faultAt(index: number, fault: "never-happened" | "answer-lost", lasting: boolean) {
  let seen = -1;
  let dead = false;
  const strike = (operation: Operation, side: typeof fault) => {
    if (dead) throw lineCut("web1");
    if (!CHANGES.has(operation.name)) return;
    if (side === "never-happened") seen++;
    if (seen !== index || side !== fault) return;
    dead = lasting;
    throw lineCut("web1");
  };
  return {
    reached: () => seen >= index,
    options: {
      onRun: () => ({ exitCode: 0, stdout: "", stderr: "" }),
      beforeOperation: (operation: Operation) => strike(operation, "never-happened"),
      afterOperation: (operation: Operation) => strike(operation, "answer-lost"),
    },
  };
}

/** A host whose hooks can be taken away: the next run finds what the crash left. */
function crashingBench(fault: ReturnType<typeof faultAt>) {
  let active = true;
  const hooks = fault.options;
  const host = new MemoryHost(connection, {
    onRun: hooks.onRun,
    beforeOperation: (operation) => (active ? hooks.beforeOperation(operation) : undefined),
    afterOperation: (operation) => (active ? hooks.afterOperation(operation) : undefined),
  });
  host.put("/notes/a/text", "found");
  return { bench: noteBench({}, host), recover: () => (active = false) };
}

const noteOn = (host: MemoryHost) => [host.text("/notes/a/text"), host.text("/notes/a/title")];

const isDone = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );

async function outcome(work: Promise<{ outs: Record<string, unknown> }>): Promise<Record<string, unknown> | undefined> {
  return work.then(
    ({ outs }) => outs,
    (error: { id?: string; properties?: Record<string, unknown> }) => (error.id ? error.properties : undefined),
  );
}

describe("promise 6: interrupted anywhere, the next up converges", () => {
  const faults = [
    ["the process dies before the operation", "never-happened", true],
    ["the process dies after the operation", "answer-lost", true],
    ["the operation fails once", "never-happened", false],
    ["promise 20: the operation's answer is lost", "answer-lost", false],
  ] as const;

  test.each(faults)("create: %s, at every index", async (_name, fault, lasting) => {
    let index = 0;
    let unharmed = 0;
    for (; index < 100; index++) {
      const strike = faultAt(index, fault, lasting);
      const { bench, recover } = crashingBench(strike);
      const creating = bench.create();
      const stored = await outcome(creating);
      if (!strike.reached()) break;
      recover();
      // One operation that fails costs a run nothing, unless it was lost before the first write.
      if (!lasting) (await isDone(creating)) ? unharmed++ : expect(noteOn(bench.host)).toEqual(["found", undefined]);
      const { outs } = stored ? await bench.refreshAndUp(stored) : await bench.create();
      expect(bench.host.text("/notes/a/text")).toBe("hello");
      expect(bench.host.text("/notes/a/title")).toBe("untitled");
      expect(bench.host.ran.length).toBeGreaterThanOrEqual(1);
      expect((await bench.refreshAndUp(outs)).updated).toBe(false);
      // What was found at adoption is still known, whatever happened in between.
      const { outs: restored } = await bench.up(outs, noteInputs({ onDestroy: "restore" }));
      await bench.provider.delete("/notes/a", restored);
      expect(bench.host.text("/notes/a/text")).toBe("found");
    }
    expect(index).toBeGreaterThan(8);
    expect(index).toBeLessThan(100);
    if (!lasting) expect(unharmed).toBeGreaterThan(8);
  });

  test.each(faults)("restore on destroy: %s, at every index", async (_name, fault, lasting) => {
    let index = 0;
    let unharmed = 0;
    for (; index < 100; index++) {
      const strike = faultAt(index, fault, lasting);
      let active = false;
      const host = new MemoryHost(connection, {
        onRun: strike.options.onRun,
        beforeOperation: (operation) => (active ? strike.options.beforeOperation(operation) : undefined),
        afterOperation: (operation) => (active ? strike.options.afterOperation(operation) : undefined),
      });
      host.put("/notes/a/text", "found");
      const bench = noteBench({}, host);
      const { outs } = await bench.create(noteInputs({ onDestroy: "restore" }));
      active = true;
      const failed = !(await isDone(bench.provider.delete("/notes/a", outs)));
      active = false;
      if (!strike.reached()) break;
      if (!lasting) failed ? expect(noteOn(host)).toEqual(["hello", "untitled"]) : unharmed++;
      if (failed) await bench.provider.delete("/notes/a", outs);
      expect(host.text("/notes/a/text")).toBe("found");
    }
    expect(index).toBeGreaterThan(3);
    expect(index).toBeLessThan(100);
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
    const { outs } = await bench.create();
    let broken = true;
    const host = new MemoryHost(connection, {
      beforeOperation: ({ name, path }) => {
        if (broken && name === "write" && path === "/notes/a/title") throw new Error("disk is full");
      },
      onRun: () => ({ exitCode: 0, stdout: "", stderr: "" }),
    });
    for (const path of bench.host.paths()) host.put(path, bench.host.text(path) ?? "");
    const again = noteBench({}, host);
    const wanted = noteInputs({ text: "new", title: "New" });
    const error = await again.up(outs, wanted).catch((thrown) => thrown);
    expect(error).toMatchObject({
      id: "/notes/a",
      properties: { text: "new", __provider: "pointer", schemaVersion: 2 },
      reasons: [expect.stringContaining("disk is full")],
    });
    expect(JSON.parse(error.properties.live)).toMatchObject({ text: "new", title: "untitled" });
    broken = false;
    const healed = await again.up(error.properties, wanted);
    expect(JSON.parse(String(healed.outs.live))).toMatchObject({ text: "new", title: "New" });
  });
});
