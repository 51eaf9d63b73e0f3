import { formatProblem } from "../../../providers/common/problem.js";
import type { Live } from "../../../providers/kinds/schema-version/live.js";
import type { Row } from "../../../providers/targets/db2/database.js";
import { refusalOf } from "../../support/failure.js";
import {
  catalogProbe,
  DatabaseModel,
  HOMEPAGE,
  home,
  PROBE,
  refusal,
  type Stored,
  schemaBench,
  schemaInputs,
  statement,
} from "./bench.js";

const LCUSER = { AUTHID: "LCUSER", APPL_NAME: "db2jcc_application", CLIENT_NNAME: "was1", CONNECTIONS: 20 };
const MONITOR = { AUTHID: "MON", APPL_NAME: "db2mon", CLIENT_NNAME: "ops2", CONNECTIONS: 1 };
const connectionWithout = (key: string) => {
  const { [key]: _left, ...connection } = schemaInputs().connection as Stored;
  return { connection };
};

describe("each safeguard that is not met is a refusal with what resolves it", () => {
  test.each<[string, Stored, (model: DatabaseModel) => void, RegExp]>([
    [
      "no marker",
      connectionWithout("marker"),
      () => {},
      /nothing is declared that only the right database has.*marker: \{database/,
    ],
    [
      "an empty marker",
      { connection: { ...(schemaInputs().connection as Stored), marker: {} } },
      () => {},
      /Set marker/,
    ],
    ["no proof", { contentProof: undefined }, () => {}, /no contentProof is declared.*catalogProbe/],
    [
      "a probe for another level",
      { contentProof: catalogProbe({ level: 704 }) },
      () => {},
      /contentProof is about level 704/,
    ],
    [
      "a probe that gives something else",
      {},
      (model) => (model.probe = [{ "1": 0 }]),
      /the catalog probe gave "0"\. Allowed: "1"/,
    ],
    ["a probe of two rows", {}, (model) => (model.probe = [{ "1": 1 }, { "1": 1 }]), /2 rows of 1 values/],
    ["a probe of a missing table", {}, (model) => model.database.answers.delete(PROBE), /the catalog probe failed/],
    ["no backup", {}, (model) => (model.backups = []), /no complete backup.*db2 backup database.*waived/],
    [
      "an old backup",
      { backup: { maxAge: "4h" } },
      () => {},
      /began at 2026-05-01 06:00:00, 6 hours ago\. Allowed: at most 4h/,
    ],
    ["a backup of days ago", {}, (model) => (model.now = "2026-05-09 12:00:00.000000"), /8 days ago/],
    [
      "a time that cannot be read",
      {},
      (model) => (model.backups = [{ START_TIME: "yesterday", OPERATIONTYPE: "F" }]),
      /no time that can be read/,
    ],
    [
      "connected servers",
      {},
      (model) => (model.connected = [LCUSER]),
      /connected: db2jcc_application of LCUSER on was1 \(20 connections\).*Stop the component's servers.*whileRunning/,
    ],
    ["a list without ourselves", {}, (model) => (model.own = []), /does not even show this program's own connection/],
    [
      "a declared server",
      { servers: { applications: [{ user: "lcuser" }] } },
      (model) => (model.connected = [LCUSER]),
      /connected: db2jcc_application/,
    ],
    [
      "a misspelt server",
      { servers: { applications: [{ user: "lcusr" }] } },
      (model) => (model.connected = [LCUSER]),
      /connected: db2jcc_application of LCUSER on was1 \(20 connections\) \(in neither servers\.applications nor servers\.others\)/,
    ],
    [
      "somebody unknown beside a declared other",
      { servers: { others: [{ program: "db2mon" }] } },
      (model) => (model.connected = [LCUSER, MONITOR]),
      /connected: db2jcc_application of LCUSER on was1 \(20 connections\)\. Allowed: .*servers\.others/,
    ],
    [
      "a server that others would match too",
      { servers: { applications: [{ user: "lcuser" }], others: [{ client: "was1" }] } },
      (model) => (model.connected = [LCUSER]),
      /connected: db2jcc_application of LCUSER/,
    ],
    [
      "a backup of the future",
      {},
      (model) => (model.backups = [{ START_TIME: "20260501130000", OPERATIONTYPE: "F" }]),
      /began at 2026-05-01 13:00:00, 60 minutes after the server's present time.*clock/,
    ],
    [
      "a backup that is six minutes ahead",
      {},
      (model) => (model.backups = [{ START_TIME: "20260501120600", OPERATIONTYPE: "F" }]),
      /6 minutes after the server's present time/,
    ],
    [
      "a level that is not foreseen",
      { from: [703] },
      () => {},
      /DBSCHEMAVER is 704\. Allowed: 703.*add the level to from/,
    ],
    [
      "a dotted level in a column of numbers",
      { version: "705.1", contentProof: catalogProbe({ level: "705.1" }) },
      () => {},
      /DBSCHEMAVER is INTEGER/,
    ],
    ["another database's connection", { database: "other" }, () => {}, /the connection is that of homepage/],
    ["postVersion without such a column", { postVersion: "1.2", postFrom: ["1.1"] }, () => {}, /has no POSTSCHEMAVER/],
  ])("%s", async (_name, more, arrange, message) => expect(await refusal(more, arrange)).toMatch(message));

  test("several at once are told at once", async () => {
    const all = await refusal({ contentProof: undefined, from: [1], ...connectionWithout("marker") });
    expect(all).toMatch(/DBSCHEMAVER is 704[\s\S]*nothing is declared[\s\S]*no contentProof/);
  });

  test.each<[string, Stored, (model: DatabaseModel) => void, string]>([
    [
      "a waived backup",
      { backup: { waived: { reason: "a copy" } } },
      (model) => (model.backups = []),
      "no backup is asked for: a copy",
    ],
    [
      "servers that may run",
      { servers: { whileRunning: true } },
      (model) => (model.connected = [LCUSER]),
      "whileRunning",
    ],
    [
      "connections that are no servers",
      { servers: { applications: [{ program: "java" }], others: [{ program: "DB2MON" }] } },
      (model) => (model.connected = [MONITOR]),
      "no server is connected; declared as others, and not counted: db2mon of MON on ops2 (1 connection)",
    ],
    [
      "a backup just now, by another clock",
      {},
      (model) => (model.backups = [{ START_TIME: "20260501120400", OPERATIONTYPE: "F" }]),
      "began at 2026-05-01 12:04:00, 0 minutes ago",
    ],
  ])("%s: raised, and the preview names it", async (_name, more, arrange, note) => {
    const model = new DatabaseModel();
    arrange(model);
    const bench = schemaBench(model);
    await bench.create(schemaInputs(more));
    expect(model.level).toBe(705);
    expect(bench.said.join("\n")).toContain(note);
  });
});

test("promise 2: the catalog probe is asked in a transaction that is rolled back", async () => {
  const model = new DatabaseModel();
  const bench = schemaBench(model);
  const outs = await bench.create();
  const before = model.database.rolledBack;
  await bench.preview(outs);
  expect([before > 0, model.database.rolledBack - before]).toEqual([true, 1]);
});

describe("which backup counts: one that the database can be restored from", () => {
  const at = (hour: string, OPERATIONTYPE: string, LOCATION: string | null = "/backup") => ({
    START_TIME: `202605010${hour}0000`,
    OPERATIONTYPE,
    LOCATION,
  });

  test.each<[string, Row[], RegExp]>([
    ["to the null device", [at("6", "N", "/dev/null ")], /no complete backup.*: the newest .* went to \/dev\/null/],
    ["to the null device of Windows", [at("6", "N", "NUL")], /went to NUL/],
    ["incremental, without a full one", [at("6", "O"), at("5", "E")], /online, incremental, .* needs a full one/],
    [
      "delta, on a full one that went nowhere",
      [at("6", "E"), at("5", "F", "/dev/null"), at("4", "F")].map((row, index) =>
        index === 2 ? { ...row, START_TIME: "20260401000000" } : row,
      ),
      /began at 2026-04-01 00:00:00, 30 days ago/,
    ],
  ])("%s: none", async (_what, backups, message) => {
    expect(await refusal({}, (model) => (model.backups = backups))).toMatch(message);
  });

  test.each<[string, Row[], string]>([
    [
      "the full one before one to nowhere",
      [at("6", "N", "/dev/null"), at("5", "N")],
      "(online, full) began at 2026-05-01 05",
    ],
    [
      "an incremental one, and the full one it needs is named",
      [at("6", "O"), at("5", "E"), at("4", "F")],
      "(online, incremental, on the full one of 2026-05-01 04:00:00) began at 2026-05-01 06",
    ],
  ])("%s", async (_what, backups, note) => {
    const model = new DatabaseModel();
    model.backups = backups;
    const bench = schemaBench(model);
    await bench.create();
    expect(bench.said.join("\n")).toContain(note);
    expect(model.level).toBe(705);
  });
});

describe("POSTSCHEMAVER together with the version", () => {
  const COLUMNS = { SCHEMA_VERSION: "VARCHAR(16)", POSTSCHEMAVER: "VARCHAR(16)" };
  const files = async (row: Record<string, string | null>, more: Stored) => {
    const model = new DatabaseModel();
    model.database.put("FILES.PRODUCT", COLUMNS, row);
    const inputs = schemaInputs({
      component: "FILES",
      version: "147.3",
      from: ["147.2"],
      contentProof: catalogProbe({ level: "147.3", postLevel: "147.3" }),
      ...more,
    });
    const error = await refusalOf(schemaBench(model).create(inputs));
    return error ?? { row: model.database.rows("FILES.PRODUCT")[0], writes: model.database.written.length };
  };
  const declared = { postVersion: "147.3", postFrom: ["147.2"] };

  test("both in one UPDATE", async () => {
    expect(await files({ SCHEMA_VERSION: "147.2", POSTSCHEMAVER: "147.2" }, declared)).toEqual({
      row: { SCHEMA_VERSION: "147.3", POSTSCHEMAVER: "147.3" },
      writes: 1,
    });
  });
  test("only the one that is lower, where the other one is as declared", async () => {
    expect(await files({ SCHEMA_VERSION: "147.3", POSTSCHEMAVER: "147.2" }, declared)).toEqual({
      row: { SCHEMA_VERSION: "147.3", POSTSCHEMAVER: "147.3" },
      writes: 1,
    });
  });
  test.each([
    [
      { SCHEMA_VERSION: "147.10", POSTSCHEMAVER: "147.2" },
      "SCHEMA_VERSION is 147.10, newer than the declared 147.3, and POSTSCHEMAVER is 147.2, older than the declared 147.3",
    ],
    [
      { SCHEMA_VERSION: "147.2", POSTSCHEMAVER: "150" },
      "SCHEMA_VERSION is 147.2, older than the declared 147.3, and POSTSCHEMAVER is 150, newer than the declared 147.3",
    ],
    [{ SCHEMA_VERSION: "147.10", POSTSCHEMAVER: null }, "newer than the declared 147.3, and POSTSCHEMAVER is empty"],
    [{ SCHEMA_VERSION: "147.3", POSTSCHEMAVER: "150" }, "SCHEMA_VERSION is 147.3 as declared"],
  ])("one is newer than declared: nothing is written, whatever the other one is: %j", async (row, note) => {
    const proofs = [
      catalogProbe({ level: "147.3", postLevel: "147.3" }),
      statement({ component: "FILES", level: "147.3", postLevel: "147.3" }),
    ];
    for (const contentProof of proofs) {
      const model = new DatabaseModel();
      model.database.put("FILES.PRODUCT", COLUMNS, row);
      const inputs = schemaInputs({
        component: "FILES",
        version: "147.3",
        from: ["147.2"],
        ...declared,
        contentProof,
      });
      const bench = schemaBench(model);
      const outs = await bench.create(inputs);
      expect((await bench.preview(outs, inputs)).changes).toBe(false);
      expect(bench.said.join("\n")).toContain(note);
      expect(bench.said.join("\n")).toContain("both are left as they are");
      expect(bench.said.join("\n")).not.toMatch(/: set FILES|refused/);
      expect([model.database.written, model.database.rows("FILES.PRODUCT")]).toEqual([[], [row]]);
    }
  });
  test("not declared where it exists: refused", async () => {
    expect(await files({ SCHEMA_VERSION: "147.2", POSTSCHEMAVER: "147.2" }, {})).toMatch(
      /POSTSCHEMAVER too \(147\.2\)/,
    );
  });
  test("empty, or not foreseen: refused", async () => {
    expect(await files({ SCHEMA_VERSION: "147.2", POSTSCHEMAVER: null }, declared)).toMatch(/POSTSCHEMAVER is empty/);
    expect(await files({ SCHEMA_VERSION: "147.2", POSTSCHEMAVER: "147.1" }, declared)).toMatch(
      /POSTSCHEMAVER is 147\.1\. Allowed: 147\.2/,
    );
  });
  test("proved for the version alone: refused", async () => {
    const half = { ...declared, contentProof: statement({ component: "FILES", level: "147.3" }) };
    expect(await files({ SCHEMA_VERSION: "147.2", POSTSCHEMAVER: "147.2" }, half)).toMatch(/about no postLevel/);
  });
});

test("the level is there and its content is not: a note, since nothing here can mend it", async () => {
  const model = new DatabaseModel();
  const bench = schemaBench(model);
  const outs = await bench.create();
  model.probe = [{ "1": 0 }];
  const { changes, lines } = await bench.preview(outs);
  expect(changes).toBe(false);
  expect(lines.join("\n")).toMatch(/note: .*the level is there, but the catalog probe for 705 gave "0" instead of "1"/);
});

test("promise 21: no row any more is a deviation, and the level stays as declared", async () => {
  const model = new DatabaseModel();
  const bench = schemaBench(model);
  const outs = await bench.create();
  model.database.drop(HOMEPAGE);
  const { changes, found } = await bench.preview(outs);
  expect([changes, found.version]).toEqual([true, "705"]);
  expect(found.deviations).toEqual({ row: "homepage HOMEPAGE.HOMEPAGE_SCHEMA: there is no such table" });
});

test("an edit of the settings is planned with what is known, and what is not known lets nothing pass", async () => {
  const model = new DatabaseModel();
  model.level = 705;
  const bench = schemaBench(model);
  const watched = schemaInputs({ contentProof: undefined });
  const outs = await bench.create(watched);
  model.level = 704;
  const { lines } = await bench.preview(outs);
  expect(lines.join("\n")).toMatch(
    /1\. homepage: set[\s\S]*refused: .*what the catalog probe gives has not been looked at[\s\S]*refused: .*whether there is a recent backup has not[\s\S]*refused: .*whether servers are connected has not/,
  );
  // And up does look, before anything is written.
  model.connected = [LCUSER];
  await expect(schemaBench(model).up(outs)).rejects.toThrow(/connected: db2jcc/);
  expect(model.level).toBe(704);
  model.connected = [];
  await schemaBench(model).up(outs);
  expect(model.level).toBe(705);
});

test.each(["probe", "backup", "servers"] as const)("no raise is planned on a look that lacks %s", async (fact) => {
  const model = new DatabaseModel();
  model.level = 705;
  const outs = await schemaBench(model).create();
  model.level = 704;
  const { props } = await schemaBench(model).preview(outs);
  const { kind } = schemaBench(model);
  const inputs = schemaInputs();
  const desired = {
    identity: kind.identity.parse({ database: inputs.database, component: inputs.component }),
    settings: kind.settings.parse({ connection: inputs.connection, home, contentProof: inputs.contentProof }),
    aspects: kind.aspects.parse({ version: inputs.version, from: inputs.from }),
  };
  const live = JSON.parse(String(props.live)) as Live;
  const kept = { found: {}, spent: [] };
  expect(kind.plan(desired, live, kept).refusals).toEqual([]);
  const { [fact]: _gone, ...lacking } = live;
  const { refusals } = kind.plan(desired, lacking, kept);
  expect(refusals.map(formatProblem).join()).toMatch(/has not been looked at yet/);
});

test("the kind itself refuses to restore", () => {
  const { kind } = schemaBench(new DatabaseModel());
  const desired = { identity: { database: "d", component: "HOMEPAGE" }, settings: {}, aspects: {} };
  const { steps, refusals } = kind.release(desired as never, { problems: [] }, { found: {}, spent: [] });
  expect([steps, refusals.map(formatProblem).join()]).toEqual([[], expect.stringContaining("Set onDestroy: retain")]);
});
