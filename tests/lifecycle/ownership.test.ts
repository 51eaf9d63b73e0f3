import { noteBench, noteInputs } from "../support/note-bench.js";

const managed = (written: readonly string[]) => written.filter((line) => !line.includes(" /state"));

describe("promise 17: renaming, moving and replacing write nothing; destroy retains or restores as declared", () => {
  test("a renamed resource (a create under the new name, then a delete of the old) writes nothing", async () => {
    const bench = noteBench();
    bench.host.put("/notes/a/text", "found");
    const old = await bench.create(noteInputs({ onDestroy: "restore" }));
    const before = managed(bench.host.written);
    const renamed = noteBench({}, bench.host);
    await renamed.create(noteInputs({ owner: "shop/prod/renamed", onDestroy: "restore" }));
    await renamed.provider.delete("/notes/a", old);
    expect(managed(bench.host.written)).toEqual(before);
    expect(renamed.said.join("\n")).toContain("left alone, it now belongs to shop/prod/renamed");
    expect(bench.host.text("/notes/a/text")).toBe("hello");
  });

  test("replacing under the same name does not let the delete of the old undo the new", async () => {
    const bench = noteBench();
    bench.host.put("/notes/a/text", "found");
    const old = await bench.create(noteInputs({ onDestroy: "restore" }));
    const replacement = await noteBench({}, bench.host).create(noteInputs({ onDestroy: "restore" }));
    await bench.provider.delete("/notes/a", old);
    expect(bench.host.text("/notes/a/text")).toBe("hello");
    await bench.provider.delete("/notes/a", replacement);
    expect(bench.host.text("/notes/a/text")).toBe("found");
  });

  test("retain is the default: destroy changes nothing and forgets the record", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    const before = managed(bench.host.written);
    await bench.provider.delete("/notes/a", outs);
    expect(managed(bench.host.written)).toEqual(before);
    expect(bench.host.paths().filter((path) => path.startsWith("/state/records"))).toEqual([]);
    expect(bench.said.join("\n")).toContain("retained as it is (onDestroy: retain)");
  });

  test("a thing of another stack is refused, before any write, until the configuration says to take it over", async () => {
    const bench = noteBench();
    await bench.create(noteInputs({ owner: "other/stack/x" }));
    const before = managed(bench.host.written);
    const mine = noteBench({}, bench.host);
    await expect(mine.create(noteInputs({ text: "mine" }))).rejects.toThrow(
      /managed by other\/stack\/x.*takeOverFrom: other\/stack/s,
    );
    expect(managed(bench.host.written)).toEqual(before);
    await mine.create(noteInputs({ text: "mine", takeOverFrom: "other/stack" }));
    expect(bench.host.text("/notes/a/text")).toBe("mine");
  });

  test("a preview shows that another owner has taken the thing over", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    await noteBench({}, bench.host).create(noteInputs({ owner: "other/stack/x", takeOverFrom: "shop/prod" }));
    const { inputs } = await bench.provider.read("/notes/a", outs);
    expect(inputs?.deviations).toEqual({ owner: "now managed by other/stack/x" });
  });

  test("what exists already is adopted, and the log says so", async () => {
    const bench = noteBench();
    bench.host.put("/notes/a/text", "hello");
    bench.host.put("/notes/a/title", "untitled");
    await bench.create();
    expect(managed(bench.host.written)).toEqual([]);
    bench.host.put("/notes/b/text", "other");
    await bench.create(noteInputs({ place: "/notes/b" }));
    expect(bench.said.join("\n")).toContain("test:Note /notes/b (adopted as found)");
  });

  test("what was found at adoption can be restored though nothing had to be written then", async () => {
    const bench = noteBench();
    bench.host.put("/notes/a/text", "hello");
    const outs = await bench.create(noteInputs({ onDestroy: "restore" }));
    bench.host.put("/notes/a/text", "changed by somebody");
    await bench.provider.delete("/notes/a", outs);
    expect(bench.host.text("/notes/a/text")).toBe("hello");
  });

  test("a stack whose host is gone can be destroyed when it retains, and says what stays behind", async () => {
    const bench = noteBench();
    const outs = await bench.create();
    const { ProblemError } = await import("../../providers/common/problem.js");
    const gone = noteBench({
      beforeOperation: () => {
        throw new ProblemError("unreachable", { where: "web1", found: "connection refused" });
      },
    });
    await gone.provider.delete("/notes/a", outs);
    expect(gone.said.join("\n")).toContain("retained; its record stays behind: web1: connection refused");
    await expect(gone.provider.delete("/notes/a", { ...outs, onDestroy: "restore" })).rejects.toThrow(
      "connection refused",
    );
  });
});
