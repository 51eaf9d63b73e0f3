import { ProblemError } from "../../providers/common/problem.js";
import { acquireLock, type Lock, type LockRequest } from "../../providers/lifecycle/lock.js";
import { lineCut, MemoryHost } from "../support/memory-host.js";
import { connection, noteBench, noteInputs } from "../support/note-bench.js";

const request = (more: Partial<LockRequest> = {}): LockRequest => ({
  owner: "shop/prod/a",
  why: "reconcile test",
  waitMs: 60,
  leaseMs: 60,
  onWait: () => {},
  ...more,
});

/** A lock left by a process of another machine, which gives no sign of life any more. */
const deadLock = (owner: string, leaseMs = 50) =>
  JSON.stringify({
    token: "dead",
    owner,
    by: "ann@elsewhere",
    since: "2026-01-01T00:00:00.000Z",
    why: "reconcile ihs:PluginRouting web1",
    leaseMs,
    beat: 3,
    process: { machine: "elsewhere", pid: 1 },
  });

/** Stays shut until it is opened by hand. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe("promise 12: two operators cannot interleave on a host", () => {
  test("a second run gets an error naming holder, since when, why, and how to break a dead lock", async () => {
    const host = new MemoryHost(connection);
    host.put("/state/lock", deadLock("other/stack/x", 60_000));
    await expect(acquireLock(host, request())).rejects.toThrow(
      /held by ann@elsewhere since 2026-01-01T00:00:00.000Z for other\/stack\/x \(reconcile ihs:PluginRouting web1\).*delete \/state\/lock on web1/s,
    );
    expect(host.text("/state/lock")).toContain("dead");
  });

  test("a live holder is waited for", async () => {
    const host = new MemoryHost(connection);
    const first = await acquireLock(host, request());
    const order: string[] = [];
    const second = acquireLock(host, request({ owner: "other/stack/b", waitMs: 10_000 })).then((lock) => {
      order.push("second");
      return lock;
    });
    await first.assertHeld();
    order.push("first done");
    await first.release();
    await (await second).release();
    expect(order).toEqual(["first done", "second"]);
    expect(host.text("/state/lock")).toBeUndefined();
  });

  test("a holder that keeps giving signs of life is never taken for dead, however long it takes", async () => {
    const host = new MemoryHost(connection);
    const first = await acquireLock(host, request({ leaseMs: 60 }));
    await expect(acquireLock(host, request({ waitMs: 400 }))).rejects.toThrow(/held by/);
    await first.assertHeld();
    await first.release();
  });

  test("a machine that stood still for longer than the lease takes no live lock over when it wakes", async () => {
    let reads = 0;
    const afterOperation = ({ name }: { name: string }) => {
      // The waiting run has read the same beat for the second time, and then the machine stands still.
      if (name === "read" && ++reads === 2) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    };
    const host = new MemoryHost(connection, { afterOperation });
    const first = await acquireLock(host, request({ leaseMs: 60 }));
    await expect(acquireLock(host, request({ waitMs: 400, leaseMs: 30 }))).rejects.toThrow(/held by/);
    expect(reads).toBeGreaterThan(2);
    await first.assertHeld();
    await first.release();
  });

  test("the lock that a run holds already is entered by it at once, and given back by whoever took it", async () => {
    const host = new MemoryHost(connection);
    const outer = await acquireLock(host, request());
    const inner = await acquireLock(host, request({ waitMs: 0, within: outer }));
    await inner.assertHeld();
    await inner.release();
    await outer.assertHeld();
    const elsewhere = await acquireLock(new MemoryHost(connection), request({ within: outer }));
    expect(elsewhere.token).not.toBe(outer.token);
    await elsewhere.release();
    await outer.release();
    expect(host.text("/state/lock")).toBeUndefined();
  });

  test("a dead lock of the same stack is taken over; one of another stack is not", async () => {
    const host = new MemoryHost(connection);
    host.put("/state/lock", deadLock("shop/prod/other-resource"));
    const lock = await acquireLock(host, request({ waitMs: 10_000 }));
    await lock.assertHeld();
    await lock.release();
    host.put("/state/lock", deadLock("other/stack/x"));
    await expect(acquireLock(host, request({ waitMs: 200 }))).rejects.toThrow(/held by ann@elsewhere/);
  });

  test("a lock of a process of this machine that is gone is free at once", async () => {
    const host = new MemoryHost(connection);
    const first = await acquireLock(host, request({ leaseMs: 600_000 }));
    const present = JSON.parse(host.text("/state/lock") ?? "");
    // No process has the largest pid that Linux can give.
    host.put("/state/lock", JSON.stringify({ ...present, process: { ...present.process, pid: 4_194_304 } }));
    const second = await acquireLock(host, request({ waitMs: 5_000 }));
    await expect(first.assertHeld()).rejects.toThrow("the lock now belongs to another run");
    await first.release();
    await second.assertHeld();
    await second.release();
  });

  test("promise 7: a dead lock that may not be replaced is waited for no longer than any other, and the error says why", async () => {
    const next = "Set sudo for this connection, or log in as the owner of the file";
    const notOurs = new ProblemError("permission", { where: "web1:/state/lock", found: "it is ann's", next });
    let tries = 0;
    const host = new MemoryHost(connection, {
      beforeOperation: ({ name }) => {
        if (name !== "write") return;
        // Without a limit this would go on for ever, and keep the test runner from ending it.
        if (++tries > 1_000) host.put("/state/lock", deadLock("other/stack/x", 60_000));
        throw notOurs;
      },
    });
    host.put("/state/lock", deadLock("shop/prod/other-resource"));
    await expect(acquireLock(host, request({ waitMs: 300 }))).rejects.toThrow(
      /held by ann@elsewhere.*could not be taken over: .*it is ann's.*log in as the owner.*delete \/state\/lock on web1/s,
    );
    expect(host.text("/state/lock")).toContain("shop/prod/other-resource");
  });

  test("a lock that another run of this process holds is waited for longer than one of somebody else", async () => {
    let [looked, longEnough]: [number, () => void] = [0, () => undefined];
    const beyondWait = new Promise<void>((resolve) => {
      longEnough = resolve;
    });
    const waitMs = 20;
    const began = Date.now();
    const afterOperation = ({ name }: { name: string }) => {
      if (name === "read" && ++looked > 3 && Date.now() - began > 2 * waitMs) longEnough();
    };
    const host = new MemoryHost(connection, { afterOperation });
    const first = await acquireLock(host, request());
    const second = acquireLock(host, request({ owner: "shop/prod/b", waitMs, ownWaitMs: 60_000 }));
    await Promise.race([beyondWait, second]);
    await first.assertHeld();
    await first.release();
    await (await second).release();
    expect(host.text("/state/lock")).toBeUndefined();
  });

  test.each(["shop/prod/b", "other/stack/b"])(
    "a lock that another run of this process is just giving back is its own until the file is gone: %s",
    async (owner) => {
      const [twice, given] = [gate(), gate()];
      let looked = 0;
      const host = new MemoryHost(connection, {
        beforeOperation: async ({ name }) => {
          if (name !== "remove") return;
          given.open();
          await twice.opened;
        },
        afterOperation: ({ name }) => {
          if (name === "read" && ++looked === 3) twice.open();
        },
      });
      const first = await acquireLock(host, request({ leaseMs: 600_000 }));
      const released = first.release();
      await given.opened;
      const second = acquireLock(host, request({ owner, waitMs: 0, ownWaitMs: 60_000 }));
      await Promise.race([twice.opened, second]);
      await released;
      await (await second).release();
      expect(host.text("/state/lock")).toBeUndefined();
    },
  );

  test.each([
    ["before its file is read", "beforeOperation", "shop/prod/b"],
    ["before its file is read", "beforeOperation", "other/stack/b"],
    ["before the reading is answered", "afterOperation", "shop/prod/b"],
    ["before the reading is answered", "afterOperation", "other/stack/b"],
  ])("a lock that another run of this process gave back %s is free (%s, %s)", async (_when, hook, owner) => {
    const first: { lock?: Lock } = {};
    const host = new MemoryHost(connection, {
      [hook]: async ({ name }: { name: string }) => {
        const { lock } = first;
        if (name !== "read" || !lock) return;
        delete first.lock;
        await lock.release();
      },
    });
    first.lock = await acquireLock(host, request({ leaseMs: 600_000 }));
    const second = await acquireLock(host, request({ owner, waitMs: 0, ownWaitMs: 60_000 }));
    await second.assertHeld();
    await second.release();
    expect(host.written.filter((line) => line.startsWith("write"))).toEqual([]);
  });

  test.each([
    ["createExclusive", "shop/prod/b"],
    ["createExclusive", "other/stack/b"],
    ["write", "shop/prod/b"],
    ["write", "other/stack/b"],
  ])("a lock is this process's own before its %s is answered: %s", async (taking, owner) => {
    const twice = gate();
    const waiting: { second?: Promise<Lock> } = {};
    let looked = 0;
    const host = new MemoryHost(connection, {
      afterOperation: async ({ name }) => {
        if (name === "read" && waiting.second && ++looked === 2) twice.open();
        if (name !== taking || waiting.second) return;
        waiting.second = acquireLock(host, request({ owner, waitMs: 0, ownWaitMs: 60_000 }));
        await Promise.race([twice.opened, waiting.second]);
      },
    });
    if (taking === "write") {
      // Left behind by this process, so that it is replaced at once.
      const elsewhere = new MemoryHost(connection);
      const left = await acquireLock(elsewhere, request());
      host.put("/state/lock", elsewhere.text("/state/lock") ?? "");
      await left.release();
    }
    const first = await acquireLock(host, request({ waitMs: 60_000, leaseMs: 600_000 }));
    await first.assertHeld();
    await first.release();
    await (await waiting.second)?.release();
    expect(looked).toBeGreaterThan(1);
    expect(host.text("/state/lock")).toBeUndefined();
  });

  test.each([
    ["createExclusive", "afterOperation"],
    ["remove", "beforeOperation"],
  ])("a lock whose %s was cut off (%s) is left behind, and free at once", async (cutOff, hook) => {
    let cuts = 1;
    const host = new MemoryHost(connection, {
      [hook]: ({ name }: { name: string }) => {
        if (name === cutOff && cuts-- > 0) throw lineCut("web1");
      },
    });
    const run = async () => (await acquireLock(host, request({ waitMs: 0, leaseMs: 600_000 }))).release();
    await expect(run()).rejects.toThrow("the connection was cut");
    expect(host.text("/state/lock")).toBeDefined();
    await run();
    expect(host.text("/state/lock")).toBeUndefined();
  });

  describe("by a clock of its own", () => {
    let now: number;
    beforeEach(() => {
      now = 1_000_000;
      jest.spyOn(Date, "now").mockImplementation(() => now);
    });
    afterEach(() => jest.restoreAllMocks());

    test("somebody else's lock is waited for from when it was first seen, whatever was waited for before", async () => {
      const stranger = deadLock("other/stack/x", 600_000);
      let looked = 0;
      const host = new MemoryHost(connection, {
        beforeOperation: ({ name }) => {
          if (name === "read") turn();
        },
      });
      const first = await acquireLock(host, request({ leaseMs: 600_000 }));
      const ours = host.text("/state/lock") ?? "";
      const turns: [lock: string, passed: number][] = [
        [ours, 100_000],
        [stranger, 0],
        [stranger, 59_999],
        [ours, 1],
        [stranger, 0],
        [stranger, 59_999],
        [stranger, 1],
      ];
      const turn = () => {
        const [lock, passed] = turns[looked++] ?? [stranger, 0];
        host.put("/state/lock", lock);
        now += passed;
      };
      await expect(acquireLock(host, request({ waitMs: 60_000, ownWaitMs: 600_000 }))).rejects.toThrow(
        /held by ann@elsewhere.*waited 220 s/,
      );
      expect(looked).toBe(turns.length);
      await first.release();
    });

    test("a link to nowhere in the lock's place is waited for no longer than anything, and said", async () => {
      let looked = 0;
      const host = new MemoryHost(connection, {
        beforeOperation: ({ name }) => {
          if (name === "read" && ++looked === 2) now += 600_000;
        },
      });
      host.link("/state/lock", "/state/nowhere");
      const said: string[] = [];
      const waiting = request({ waitMs: 60_000, ownWaitMs: 600_000, onWait: (line) => said.push(line) });
      await expect(acquireLock(host, waiting)).rejects.toThrow(/link to nowhere in its place; waited 600 s/);
      expect(said).toEqual([expect.stringContaining("link to nowhere")]);
      expect(looked).toBe(2);
    });
  });

  test("an unreadable lock file is somebody's: it is not removed", async () => {
    const host = new MemoryHost(connection);
    host.put("/state/lock", "{");
    await expect(acquireLock(host, request())).rejects.toThrow("held by an unreadable lock file");
    expect(host.text("/state/lock")).toBe("{");
  });

  test("a run whose lock was taken over stops before its next step", async () => {
    const bench = noteBench({
      afterOperation: ({ name, path }) => {
        if (name === "write" && path === "/notes/a/text")
          bench.host.put("/state/lock", deadLock("other/stack/x", 60_000));
      },
    });
    await expect(bench.create()).rejects.toThrow("the lock now belongs to another run");
    expect(bench.host.text("/notes/a/text")).toBe("hello");
    expect(bench.host.text("/notes/a/title")).toBeUndefined();
    expect(bench.host.text("/state/lock")).toContain("other/stack/x");
  });

  test("two resources of one process on one host take turns", async () => {
    const bench = noteBench();
    bench.host.mkdir("/notes/b");
    await Promise.all([bench.create(), bench.create(noteInputs({ place: "/notes/b", owner: "shop/prod/b" }))]);
    const places = bench.host.written.flatMap((line) => /\/notes\/(.)/.exec(line)?.[1] ?? []);
    expect(places.join("")).toMatch(/^(a+b+|b+a+)$/);
  });

  test("who waits for its turn behind another one of its process says so, and what is at work there", async () => {
    jest.useFakeTimers({
      doNotFake: ["performance", "Date", "setTimeout", "setImmediate", "nextTick", "queueMicrotask"],
    });
    let begun: () => void = () => undefined;
    let letOn: () => void = () => undefined;
    const atWork = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const gate = new Promise<void>((resolve) => {
      letOn = resolve;
    });
    try {
      const bench = noteBench({
        beforeOperation: async ({ name, path }) => {
          if (name !== "write" || path !== "/notes/a/text") return;
          begun();
          await gate;
        },
      });
      bench.host.mkdir("/notes/b");
      const first = bench.create();
      await atWork;
      const second = bench.create(noteInputs({ place: "/notes/b", owner: "shop/prod/b" }));
      await new Promise((resolve) => setImmediate(resolve));
      jest.advanceTimersByTime(30_000);
      expect(bench.said).toContain("[web1] test:Note /notes/b waits for its turn; at work there: test:Note /notes/a");
      letOn();
      await Promise.all([first, second]);
      const said = bench.said.length;
      jest.advanceTimersByTime(300_000);
      expect(bench.said).toHaveLength(said);
    } finally {
      jest.useRealTimers();
    }
  });
});
