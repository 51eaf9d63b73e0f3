import { missingProof, type Seen } from "../../../providers/kinds/interim-fixes/expansion.js";
import { Driver, declaration } from "../../model/driver.js";
import { everywhere, expectSettled, recover, watched } from "../../model/watched.js";
import { MemoryCell } from "../../support/memory-cell.js";

const MINUTE = 60_000;
const files = (age: number, content = "new") => ({ writtenAt: "2026-11-22T13:05:00.000Z", age, content });
const says = (distributed: Record<string, boolean | "unknown">, expanded: boolean | "unknown" = "unknown") => ({
  application: "Files",
  distributed,
  expanded: { node1: expanded },
  ready: "unknown" as const,
});
const archive = (writtenAt: string, digest = "new") => ({ writtenAt, digest });
/** Distributed by the deployment manager's word; expanded a minute ago, in a synchronization that began two minutes ago. */
const SEEN: Seen = {
  node: "node1",
  readiness: says({ node1: true, node2: "unknown" }),
  here: files(MINUTE),
  before: "new",
  master: files(10 * MINUTE, "archive"),
  proven: [],
  since: 2 * MINUTE,
};
const OLD = { here: files(60 * MINUTE, "old"), before: "old" };

describe("what is missing to the proof that an application is expanded on a node", () => {
  test.each<readonly [string, Partial<Seen>, RegExp | undefined]>([
    ["files written since the synchronization began", {}, undefined],
    ["files written before it, yet after the deployment manager's archive", { since: MINUTE / 2 }, undefined],
    [
      "the files of a node where it was proved, of about the archive's age",
      { since: MINUTE, here: files(10 * MINUTE + 20_000), proven: ["other", "new"] },
      undefined,
    ],
    ["the deployment manager says that it is expanded", { readiness: says({ node1: true }, true), ...OLD }, undefined],
    ["it says that it is not", { readiness: says({ node1: false }, false) }, /is not expanded/],
    ["it does not say that it is distributed", { readiness: says({ node1: "unknown" }, true) }, /does not say/],
    ["it says so of other nodes alone", { readiness: says({ node2: true }) }, /does not say/],
    ["it says nothing", { readiness: undefined }, /does not say/],
    ["its word alone, with files of before", OLD, /META-INF there was not written since 2026-11-22/],
    [
      "files of before, by name and size those of a node where it was proved",
      { ...OLD, proven: ["old"] },
      /META-INF there was not written since/,
    ],
    ["its word alone, and no archive to compare with", { ...OLD, master: {} }, /META-INF there was not written/],
    ["its word alone, and no files to be seen", { here: {} }, /cannot be seen/],
    [
      "files of before, expanded from a copy that is the deployment manager's archive",
      { ...OLD, copy: archive("2026-11-22T13:05:00.000Z"), original: archive("2026-11-22T14:00:00.000Z") },
      undefined,
    ],
    [
      "files of before, and a copy of that archive that came after them",
      { ...OLD, copy: archive("2026-11-22T13:05:00.001Z"), original: archive("2026-11-22T13:00:00.000Z") },
      /META-INF there was not written since/,
    ],
    [
      "files of before, expanded from a copy that is another archive",
      { ...OLD, copy: archive("2026-11-22T13:00:00.000Z", "old"), original: archive("2026-11-22T14:00:00.000Z") },
      /META-INF there was not written since/,
    ],
    [
      "files of before, and archives that cannot be read",
      { ...OLD, copy: undefined, original: undefined },
      /not written/,
    ],
    ["other files than at the look before", { before: "half of it" }, /still changing/],
    ["a first look", { before: undefined }, /still changing/],
    [
      "isAppReady says no, and every node has it",
      { readiness: { ...says({ node1: true, node2: true }, true), ready: false } },
      /isAppReady/,
    ],
    [
      "isAppReady says no, for another node's agent is down",
      { readiness: { ...says({ node1: true, node2: "unknown" }, true), ready: false } },
      undefined,
    ],
  ])("%s", (_name, given, missing) => {
    const found = missingProof({ ...SEEN, ...given });
    if (missing) expect(found).toMatch(missing);
    else expect(found).toBeUndefined();
  });
});

describe("promise 10: a node whose agent expands applications long after it calls itself synchronized", () => {
  test.each([
    ["says so", true],
    ["calls them distributed, and says nothing of the expansion", false],
  ])("the deployment manager %s: no member starts before", async (_name, tells) => {
    const cell = watched(3);
    cell.expansionMs = 4 * MINUTE;
    cell.tellsExpansion = tells;
    const driver = new Driver(cell, declaration(cell));
    expect(await driver.up()).toMatchObject({ ended: "converged", message: "" });
    expectSettled(driver);
  });

  test("one that never expands them freezes the rollout before its members start, and says what is missing", async () => {
    const cell = watched(2);
    cell.expansionMs = 48 * 60 * MINUTE;
    const { ended, message } = await new Driver(cell, declaration(cell)).up();
    expect([ended, message]).toEqual([
      "failed",
      expect.stringMatching(/waited 30m for .* node1 and expanded there \(files: its META-INF there was not written/),
    ]);
    expect(cell.written.filter((change) => /^start /.test(change))).toEqual([]);
    expect(cell.serving()).toEqual(["node2"]);
  });

  test.each([
    ["resumed", "resume"],
    ["taken back", "roll back"],
  ] as const)(
    "the installer puts back the very archives that it replaced: %s from every change",
    async (_name, request) => {
      const keepingArchives = () => {
        const cell = watched(2);
        cell.keepsArchives = true;
        return cell;
      };
      const changes = await everywhere(keepingArchives, "killed after", {}, async (driver) => {
        driver.cell.request = { request, reason: "the fix is not wanted any more" };
        await recover(driver);
      });
      expect(changes).toBeGreaterThan(60);
    },
  );

  test("isAppReady's no of an application that every node is said to have is no proof", async () => {
    const cell = watched(2);
    cell.tellsExpansion = true;
    cell.ready = false;
    expect((await new Driver(cell, declaration(cell)).up()).message).toMatch(
      /node2 and expanded there \(files: it is not ready, says AdminApp.isAppReady\)/,
    );
  });

  test("nothing begins where neither the deployment manager nor files would tell of the expansion", async () => {
    const cell = new MemoryCell(2);
    const blind = (id: string) => {
      const estate = cell.estate(id);
      const seen = estate.applicationFiles;
      return {
        ...estate,
        applicationFiles: async (...of: Parameters<typeof seen>) => (of[0] === "node2" ? {} : seen(...of)),
      };
    };
    const driver = new Driver(cell, declaration(cell), blind);
    expect((await driver.plan()).refusals).toMatchObject([{ where: "node2", found: expect.stringContaining("files") }]);
    cell.tellsExpansion = true;
    expect(await driver.up()).toMatchObject({ ended: "converged" });
  });
});
