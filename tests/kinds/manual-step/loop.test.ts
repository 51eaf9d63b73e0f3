import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { sha256 } from "../../../providers/common/json.js";
import { manualStep } from "../../../providers/kinds/manual-step/kind.js";
import { lineCut, MemoryHost, type MemoryHostOptions } from "../../support/memory-host.js";
import { modelledConnection, providerBench, reaching, type Stored } from "../../support/provider-bench.js";

const FILE = "/opt/flag";
const INSTRUCTIONS = "Open the console.\n  Switch the flag on.";
const DONE = { by: "Jane", on: "2026-11-20" };

const connection = modelledConnection("dmgr");
const inputs = (more: Stored = {}): Stored => ({
  host: "dmgr",
  step: "LO66666 flag",
  connection,
  instructions: INSTRUCTIONS,
  owner: "shop/prod/flag",
  __provider: "pointer",
  lockLease: "5s",
  lockWait: "2s",
  ...more,
});

function benchOf(options: MemoryHostOptions = {}) {
  const host = new MemoryHost(connection, options);
  return { host, ...providerBench(manualStep, reaching(host), inputs) };
}

const records = (host: MemoryHost) => host.paths().filter((path) => path.includes("/records/"));

describe("a step that nothing shows", () => {
  test("stops up with its instructions until somebody says that it was done", async () => {
    const bench = benchOf();
    const refused = bench.create(inputs());
    await expect(refused).rejects.toThrow(/dmgr: LO66666 flag: nobody says that it was done/);
    await expect(refused).rejects.toThrow(/\n {4}Open the console\.\n {4}Switch the flag on\.\n {4}Then say so: done:/);
    expect(records(bench.host)).toEqual([]);

    const outs = await bench.create(inputs({ done: DONE }));
    expect(bench.said).toContain("  1. remember that Jane did it on 2026-11-20");
    expect(JSON.parse(String(outs.kept))).toEqual({ confirmed: { ...DONE, instructions: sha256(INSTRUCTIONS) } });
  });

  test("promise 1: done, the preview is empty and a second up writes nothing", async () => {
    const bench = benchOf();
    const outs = await bench.create(inputs({ done: DONE }));
    const written = [...bench.host.written];
    expect(await bench.preview(outs, inputs({ done: DONE }))).toMatchObject({ changes: false, lines: [] });
    expect(await bench.up(outs, inputs({ done: DONE }))).toBeUndefined();
    expect(bench.host.written).toEqual(written);
  });

  test("a word that was given for other instructions counts no more, and is renewed", async () => {
    const bench = benchOf();
    const outs = await bench.create(inputs({ done: DONE }));
    const changed = { instructions: "Switch the flag off again." };
    const { changes, lines } = await bench.preview(outs, inputs({ ...changed, done: DONE }));
    expect(changes).toBe(true);
    expect(lines.join("\n")).toMatch(/refused: .*the instructions were changed since Jane did it on 2026-11-20/);
    expect(lines.join("\n")).toContain("Switch the flag off again.");
    await expect(bench.up(outs, inputs({ ...changed, done: DONE }))).rejects.toThrow(/instructions were changed/);
    const renewed = inputs({ ...changed, done: { by: "Jane", on: "2026-11-21" } });
    const after = (await bench.up(outs, renewed)) ?? {};
    expect(await bench.preview(after, renewed)).toMatchObject({ changes: false });
  });

  test("a word that is taken back is missing again", async () => {
    const bench = benchOf();
    const outs = await bench.create(inputs({ done: DONE }));
    await expect(bench.up(outs, inputs())).rejects.toThrow(/nobody says that it was done/);
  });

  test("tomorrow's work was not done, and a date is a date", async () => {
    const inAWeek = new Date(Date.now() + 7 * 24 * 3_600_000).toISOString().slice(0, 10);
    for (const [on, message] of [
      [inAWeek, /is in the future/],
      ["23 November", /date/],
    ] as const) {
      await expect(benchOf().check(inputs({ done: { by: "Jane", on } }))).rejects.toThrow(message);
    }
  });
});

describe("a step that a file shows", () => {
  const asked = (more: Stored = {}) => inputs({ verify: { file: { path: FILE } }, ...more });

  test("is done when it is there, whoever says what; gone, it is drift with the instructions", async () => {
    const bench = benchOf();
    await expect(bench.create(asked())).rejects.toThrow(/it does not show: dmgr:\/opt\/flag is not there/);
    await expect(bench.create(asked({ done: DONE }))).rejects.toThrow(
      /Jane did it on 2026-11-20, but it does not show/,
    );
    bench.host.put(FILE, "on");
    const outs = await bench.create(asked());
    expect(await bench.preview(outs, asked())).toMatchObject({ changes: false, lines: [] });

    await bench.host.files.remove(FILE, { expected: "any" });
    const { changes, found, lines } = await bench.preview(outs, asked());
    expect(changes).toBe(true);
    expect(found.deviations).toEqual({ verification: "dmgr:/opt/flag is not there" });
    expect(lines.join("\n")).toContain("Switch the flag on.");
    await expect(bench.up(outs, asked())).rejects.toThrow(/it does not show/);
    bench.host.put(FILE, "on");
    expect(await bench.preview(outs, asked())).toMatchObject({ changes: false });
  });

  test("where it shows, new instructions need nobody's new word", async () => {
    const bench = benchOf();
    bench.host.put(FILE, "on");
    const outs = await bench.create(asked({ done: DONE }));
    const reworded = asked({ done: DONE, instructions: "Switch the flag on, please." });
    const after = (await bench.up(outs, reworded)) ?? {};
    expect(await bench.preview(after, reworded)).toMatchObject({ changes: false });
  });

  test("its content counts where that is declared, and a folder has none", async () => {
    const bench = benchOf();
    const digest = (text: string) => asked({ verify: { file: { path: FILE, sha256: sha256(text) } } });
    bench.host.put(FILE, "off");
    await expect(bench.create(digest("on"))).rejects.toThrow(/has SHA-256 .*, expected/);
    await bench.create(digest("off"));
    await bench.host.files.makeDirectory("/opt/folder");
    const folder = { file: { path: "/opt/folder", sha256: sha256("") } };
    await expect(benchOf().create(asked({ verify: folder }))).rejects.toThrow(/is not there/);
    await expect(bench.create(asked({ verify: folder }))).rejects.toThrow(/is not a file/);
  });

  test("promise 21: a host out of reach is said as that, not as a step that was undone", async () => {
    let cut = false;
    const bench = benchOf({
      beforeOperation: () => {
        if (cut) throw lineCut("dmgr");
      },
    });
    bench.host.put(FILE, "on");
    const outs = await bench.create(asked());
    cut = true;
    const { found } = await bench.preview(outs, asked());
    expect(Object.keys(found.deviations as object)).toEqual(["unobserved"]);
  });
});

describe("a step that a page shows", () => {
  let server: Server;
  let answer: { status: number; body: string };
  beforeEach(async () => {
    answer = { status: 200, body: "flag=on" };
    server = createServer((_request, response) => response.writeHead(answer.status).end(answer.body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => new Promise<void>((resolve) => void server.close(() => resolve())));

  const http = () => ({ address: "127.0.0.1", port: (server.address() as AddressInfo).port, path: "/flag" });

  test("by its status and text; what answers otherwise, or not at all, shows nothing", async () => {
    const bench = benchOf();
    const news = inputs({ verify: { http: { ...http(), expectText: "flag=on", timeout: "2s" } } });
    const outs = await bench.create(news);
    for (const [change, message] of [
      [{ status: 404, body: "flag=on" }, /answered 404, expected 200/],
      [{ status: 200, body: "flag=off" }, /does not hold "flag=on"/],
    ] as const) {
      answer = change;
      expect((await bench.preview(outs, news)).lines.join()).toMatch(message);
    }
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    const { changes, lines } = await bench.preview(outs, news);
    expect([changes, lines.join()]).toEqual([true, expect.stringMatching(/ECONNREFUSED/)]);
  });

  test("page and file have to show it both", async () => {
    const bench = benchOf();
    const news = inputs({ verify: { http: http(), file: { path: FILE } } });
    await expect(bench.create(news)).rejects.toThrow(/\/opt\/flag is not there/);
    bench.host.put(FILE, "on");
    await bench.create(news);
  });
});

test("promise 17: destroying forgets it, and what was done stays", async () => {
  const bench = benchOf();
  const news = inputs({ done: DONE, onDestroy: "restore" });
  const outs = await bench.create(news);
  expect(records(bench.host)).toHaveLength(1);
  await bench.destroy(outs);
  expect(records(bench.host)).toEqual([]);
  expect(bench.said.join("\n")).toContain("undoing it is a step for a person too");
});

test("promise 13: another host's connection is refused", async () => {
  await expect(benchOf().create(inputs({ host: "web1", done: DONE }))).rejects.toThrow(
    /the connection is that of dmgr/,
  );
});
