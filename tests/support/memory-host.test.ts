import { sha256 } from "../../providers/common/json.js";
import { connectionSchema } from "../../providers/targets/connection.js";
import { lineCut, MemoryHost } from "./memory-host.js";

const CONNECTION = connectionSchema.parse({ name: "web1", address: "localhost", user: "me", auth: { agent: true } });

describe("the modelled host", () => {
  test("logs what changed something, and nothing else", async () => {
    const host = new MemoryHost(CONNECTION, { onRun: () => ({ exitCode: 0, stdout: "fine\n", stderr: "" }) });
    host.put("/etc/a", "old");
    await host.files.read("/etc/a");
    await host.run(["apachectl", "-t"], { what: "test", timeoutMs: 1 });
    expect(host.written).toEqual([]);
    await host.files.write("/etc/a", Buffer.from("new"), { expected: sha256("old") });
    await host.jobs.run("j1", ["long"], { what: "long", timeoutMs: 1 });
    expect(host.written).toEqual(["write /etc/a", "job j1"]);
    expect(host.text("/etc/a")).toBe("new");
  });

  test.each(["beforeOperation", "afterOperation"] as const)(
    "%s that throws is a crash point on its side of the effect",
    async (hook) => {
      const host = new MemoryHost(CONNECTION, {
        [hook]: (operation: { name: string }) => {
          if (operation.name === "write") throw lineCut("web1");
        },
      });
      await expect(host.files.write("/x", Buffer.from("1"), { expected: "absent" })).rejects.toMatchObject({
        cause: "unknown-outcome",
      });
      expect(host.text("/x")).toBe(hook === "beforeOperation" ? undefined : "1");
    },
  );
});
