import { sqlScriptVersion } from "../../../providers/kinds/sql-script-version/kind.js";
import { lineCut, MemoryHost, type MemoryHostOptions, type Operation } from "../../support/memory-host.js";
import { modelledConnection, providerBench, reaching, type Stored } from "../../support/provider-bench.js";

const PATH = "/opt/wizard/connections.sql/homepage/db2/createDb.sql";
const SCRIPT = `-- Größe\r\nINSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA (COMPKEY, DBSCHEMAVER, RELEASEVER)\r\nVALUES ('HOMEPAGE', 704, '')@\r\n`;
const CORRECTED = SCRIPT.replace("704", "705");

const connection = modelledConnection("db1");

const inputs = (more: Stored = {}): Stored => ({
  host: "db1",
  path: PATH,
  component: "HOMEPAGE",
  connection,
  version: 705,
  from: [704],
  owner: "shop/prod/script",
  __provider: "pointer",
  lockLease: "5s",
  lockWait: "2s",
  ...more,
});

function benchOf(options: MemoryHostOptions = {}, content: string | Buffer = SCRIPT) {
  const host = new MemoryHost(connection, options);
  host.put(PATH, content, { mode: 0o640, uid: 1001 });
  return { host, ...providerBench(sqlScriptVersion, reaching(host), inputs) };
}

test("promise 1: corrected once; then the preview is empty and a second up writes nothing", async () => {
  const bench = benchOf();
  const outs = await bench.create();
  expect(bench.host.text(PATH)).toBe(CORRECTED);
  expect(bench.said[1]).toBe(`  1. db1:${PATH}:3: change the level of HOMEPAGE from 704 to 705`);
  expect(await bench.host.files.stat(PATH)).toMatchObject({ mode: 0o640, uid: 1001 });
  const written = [...bench.host.written];
  expect(await bench.preview(outs)).toMatchObject({ changes: false, lines: [] });
  expect(await bench.up(outs)).toBeUndefined();
  expect(bench.host.written).toEqual(written);
});

test("promise 3: put back by hand, the preview shows exactly that level", async () => {
  const bench = benchOf();
  const outs = await bench.create();
  bench.host.put(PATH, SCRIPT);
  const { found, changes } = await bench.preview(outs);
  const { live, kept, claim, schemaVersion, __provider, ...declared } = outs;
  expect([changes, found]).toEqual([true, { ...declared, version: "704" }]);
  await bench.up(outs);
  expect(bench.host.text(PATH)).toBe(CORRECTED);
});

test("a newer level: a note, no difference, nothing written", async () => {
  const bench = benchOf();
  const outs = await bench.create();
  bench.host.put(PATH, SCRIPT.replace("704", "710"));
  const { changes, lines } = await bench.preview(outs);
  expect(changes).toBe(false);
  expect(lines.join("\n")).toContain("the script inserts 710, newer than the declared 705; it is left as it is");
});

test.each(["704", "705", "710"])(
  "a statement that may reset the level is refused by its line when the script inserts %s",
  async (level) => {
    const text = `${SCRIPT.replace("704", level)}UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = 600@\r\n`;
    const bench = benchOf({}, text);
    await expect(bench.create()).rejects.toThrow(/createDb\.sql:4: UPDATE may change or remove the level/);
    expect(bench.host.text(PATH)).toBe(text);
  },
);

test("a statement that changes another row of the table is named, and is no difference", async () => {
  const other = "UPDATE HOMEPAGE.HOMEPAGE_SCHEMA SET DBSCHEMAVER = 704 WHERE COMPKEY = 'NEWS'@\r\n";
  const bench = benchOf({}, SCRIPT + other);
  const outs = await bench.create();
  expect(bench.said.join("\n")).toContain("line 4 changes the same table; it is left as it is");
  expect(await bench.preview(outs)).toMatchObject({ changes: false });
  expect(bench.host.text(PATH)).toBe(CORRECTED + other);
});

test("promise 9: restore on destroy gives back every byte; retain leaves it", async () => {
  const bench = benchOf();
  await bench.destroy(await bench.create());
  expect(bench.host.text(PATH)).toBe(CORRECTED);
  const again = benchOf();
  await again.destroy(await again.create(inputs({ onDestroy: "restore" })));
  expect(again.host.text(PATH)).toBe(SCRIPT);
  expect(again.host.paths().filter((path) => path.startsWith("/state/records"))).toEqual([]);
});

test("promise 9: restore never lowers a script that this resource did not write", async () => {
  const restore = { onDestroy: "restore" };
  const bench = benchOf();
  const outs = await bench.create(inputs(restore));
  const anew = SCRIPT.replace("704", "706");
  bench.host.put(PATH, anew);
  await bench.destroy(outs);
  expect(bench.host.text(PATH)).toBe(anew);
  expect(bench.said.join("\n")).toContain("not as this resource wrote it; its level 706 is left as it is");
  // The declared level already, but unpacked so: adopted with another, written by nobody here.
  const same = benchOf();
  const adopted = await same.create(inputs(restore));
  same.host.put(PATH, `${CORRECTED}-- of another release\n`);
  await same.destroy((await same.up(adopted)) ?? adopted);
  expect(same.host.text(PATH)).toBe(`${CORRECTED}-- of another release\n`);
});

test("promise 9: restore gives back what stood there before the first of several writes of ours", async () => {
  const bench = benchOf();
  const first = await bench.create(inputs({ onDestroy: "restore" }));
  const more = inputs({ onDestroy: "restore", version: 706, from: [704, 705] });
  const second = await bench.up(first, more);
  expect(bench.host.text(PATH)).toBe(SCRIPT.replace("704", "706"));
  await bench.destroy(second ?? {});
  expect(bench.host.text(PATH)).toBe(SCRIPT);
  // Unpacked anew between two writes: that script gets its own level back, not that of the adopted one.
  const other = benchOf();
  const outs = await other.create(inputs({ onDestroy: "restore", from: [703, 704] }));
  const anew = `${SCRIPT.replace("704", "703")}-- of another release\n`;
  other.host.put(PATH, anew);
  const again = await other.up(outs, inputs({ onDestroy: "restore", from: [703, 704] }));
  await other.destroy(again ?? {});
  expect(other.host.text(PATH)).toBe(anew);
});

test("promises 6 and 9: a run that died right after the write has lost nothing that restore needs", async () => {
  const restore = inputs({ onDestroy: "restore" });
  let on = true;
  const bench = benchOf({
    afterOperation: ({ name, path }) => {
      if (on && name === "write" && path === PATH) dead = true;
    },
    beforeOperation: () => {
      if (dead) throw lineCut("db1");
    },
  });
  let dead = false;
  const left = await bench.create(restore).catch((error: { properties?: Stored }) => error.properties ?? {});
  [on, dead] = [false, false];
  expect(bench.host.text(PATH)).toBe(CORRECTED);
  const outs = left.live ? ((await bench.up(left, restore)) ?? left) : await bench.create(restore);
  await bench.destroy(outs);
  expect(bench.host.text(PATH)).toBe(SCRIPT);
});

test.each<[string, string | Buffer | undefined, RegExp, Stored]>([
  ["no such file", undefined, /createDb\.sql: there is no such file/, {}],
  ["a level that may not be moved", SCRIPT.replace("704", "700"), /createDb\.sql:3: the script inserts 700/, {}],
  [
    "a number where the level has a dot",
    SCRIPT,
    /createDb\.sql:3: the script inserts level 704 .*as a number/,
    { version: "710.10" },
  ],
  ["UTF-16", Buffer.from(`\ufeff${SCRIPT}`, "utf16le"), /UTF-16/, {}],
  ["two of them", SCRIPT + SCRIPT, /lines 3, 6/, {}],
  ["none", "COMMIT@", /no statement is an INSERT/, {}],
])("promise 8: refused, and the script left alone: %s", async (_name, content, message, more) => {
  const declared = inputs(more);
  const bench = benchOf({}, content ?? "");
  if (content === undefined) bench.host.delete(PATH);
  const before = bench.host.text(PATH);
  await expect(bench.create(declared)).rejects.toThrow(message);
  expect(bench.host.text(PATH)).toBe(before);
  // In a preview of what is in the state already it is a deviation, and hides nothing else.
  const fine = benchOf();
  const outs = await fine.create();
  if (content === undefined) fine.host.delete(PATH);
  else fine.host.put(PATH, content);
  const { changes, found, lines } = await fine.preview(outs, declared);
  expect(changes).toBe(true);
  expect(`${JSON.stringify(found.deviations ?? {})}${lines.join("\n")}`).toMatch(message);
});

const CHANGES = ["write", "createExclusive", "makeDirectory", "remove"];

test.each(["before", "after"] as const)("promise 6: cut %s each operation, the next up converges", async (side) => {
  let reached = true;
  for (let index = 0; reached; index++) {
    expect(index).toBeLessThan(30);
    let seen = 0;
    let on = true;
    const strike = (operation: Operation) => {
      if (on && CHANGES.includes(operation.name) && seen++ >= index) throw lineCut("db1");
    };
    const bench = benchOf(side === "before" ? { beforeOperation: strike } : { afterOperation: strike });
    const first = await bench.create().catch((error: { properties?: Stored }) => error.properties ?? {});
    reached = seen > index;
    on = false;
    expect([SCRIPT, CORRECTED]).toContain(bench.host.text(PATH));
    const outs = first.live ? ((await bench.up(first)) ?? first) : await bench.create();
    expect(bench.host.text(PATH)).toBe(CORRECTED);
    expect(await bench.up(outs)).toBeUndefined();
  }
});

test("promise 12: the script changed between plan and write: theirs stays", async () => {
  const bench = benchOf({
    beforeOperation: ({ name, path }) => {
      if (name === "write" && path?.startsWith("/state/backups") && bench.host.text(PATH) === SCRIPT)
        bench.host.put(PATH, `${SCRIPT}-- theirs\n`);
    },
  });
  await expect(bench.create()).rejects.toThrow();
  expect(bench.host.text(PATH)).toBe(`${SCRIPT}-- theirs\n`);
});

test("promise 13: another host's connection is refused before any write", async () => {
  const bench = benchOf();
  await expect(bench.create(inputs({ host: "web1" }))).rejects.toThrow(
    /the connection is that of db1[\s\S]*Allowed: web1/,
  );
  expect(bench.host.text(PATH)).toBe(SCRIPT);
});
