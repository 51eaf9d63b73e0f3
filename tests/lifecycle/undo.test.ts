import { lineCut, type MemoryHost, type MemoryHostOptions } from "../support/memory-host.js";
import { noteBench, noteInputs } from "../support/note-bench.js";
import { noteKind } from "../support/note-kind.js";

/** Puts the text back and says so; `remembers` is what it answers to keep. */
const undoing = (remembers?: { announced: string }): typeof noteKind => ({
  ...noteKind,
  async undo(context) {
    const host = context.host(context.desired.settings.connection);
    const path = `${context.desired.identity.place}/text`;
    const present = await host.files.read(path);
    await host.files.write(path, Buffer.from(context.live.text ?? ""), { expected: present?.sha256 ?? "absent" });
    context.tell("the text is what it was");
    return remembers;
  },
});

function bench(options: MemoryHostOptions, kind = undoing()) {
  const made = noteBench(options, undefined, kind);
  made.host.put("/notes/a/text", "before");
  return made;
}

const failingAnnouncement: MemoryHostOptions = {
  onRun: () => {
    throw new Error("nobody listens");
  },
};

const recordOf = (host: MemoryHost) => {
  const [path = ""] = host.paths().filter((candidate) => candidate.startsWith("/state/records/"));
  return JSON.parse(host.text(path) ?? "{}");
};

describe("after a failed step", () => {
  test("what this run changed is put back, and the error tells the whole story", async () => {
    const { create, host } = bench(failingAnnouncement);
    await expect(create()).rejects.toThrow(/nobody listens.*the text is what it was/s);
    expect(host.text("/notes/a/text")).toBe("before");
  });

  test("what undo wants remembered is on the target and in the state", async () => {
    const made = bench(failingAnnouncement, undoing({ announced: "remembered" }));
    const error = await made.create().catch((thrown) => thrown);
    expect(JSON.parse(error.properties.kept)).toMatchObject({ announced: "remembered" });
    expect(recordOf(made.host).kept).toMatchObject({ announced: "remembered" });
  });

  test("the story is told also when undo fails half-way", async () => {
    const kind: typeof noteKind = {
      ...noteKind,
      async undo(context) {
        context.tell("one thing is back");
        throw lineCut("web1");
      },
    };
    await expect(bench(failingAnnouncement, kind).create()).rejects.toThrow(
      /nobody listens.*one thing is back.*putting things back failed too: the connection was cut/s,
    );
  });

  test("promise 12: a run that lost its lock touches nothing more, not even to undo", async () => {
    const stranger = JSON.stringify({
      token: "t",
      owner: "shop/prod/b",
      by: "ann@x",
      since: "",
      why: "",
      leaseMs: 60_000,
      beat: 0,
      process: { machine: "x", pid: 1 },
    });
    const made = bench({
      onRun: () => ({ exitCode: 0, stdout: "", stderr: "" }),
      afterOperation: ({ name, path }) => {
        if (name === "write" && path === "/notes/a/title") made.host.put("/state/lock", stranger);
      },
    });
    await expect(made.create()).rejects.toThrow("the lock now belongs to another run");
    expect(made.host.text("/notes/a/text")).toBe("hello");
  });

  test("promise 12: a record that another run has written meanwhile is not overwritten, and nothing is undone", async () => {
    const made = bench({
      onRun: () => ({ exitCode: 0, stdout: "", stderr: "" }),
      afterOperation: ({ name, path }) => {
        if (name !== "write" || path !== "/notes/a/title") return;
        const [record = ""] = made.host.paths().filter((candidate) => candidate.startsWith("/state/records/"));
        made.host.put(record, `${made.host.text(record)} `);
      },
    });
    await expect(made.create()).rejects.toThrow(/records/);
    expect(made.host.text("/notes/a/text")).toBe("hello");
  });

  test("a deadline that passes is named, and what was done is put back", async () => {
    const kind: typeof noteKind = {
      ...undoing(),
      async apply(step, context) {
        if (step.key !== "announce") return noteKind.apply(step, context);
        await new Promise((_resolve, reject) =>
          context.signal.addEventListener("abort", () => reject(context.signal.reason)),
        );
        return undefined;
      },
    };
    const made = bench({}, kind);
    await expect(made.create(noteInputs({ deadline: "200ms" }))).rejects.toThrow(
      /not done within the deadline of 200ms.*the text is what it was/s,
    );
    expect(made.host.text("/notes/a/text")).toBe("before");
  });

  test("a refusal that a second look brings stops the run and is told", async () => {
    let lost = false;
    const made = bench({
      onRun: () => ({ exitCode: 0, stdout: "", stderr: "" }),
      afterOperation: ({ name, path }) => {
        if (lost || name !== "write" || path !== "/notes/a/text") return;
        lost = true;
        made.host.put("/notes/a/frozen", "");
        throw lineCut("web1");
      },
    });
    await expect(made.create()).rejects.toThrow(/the note is frozen.*the text is what it was/s);
  });
});
