import type { Journal, Kept } from "../../../providers/kinds/interim-fixes/journal.js";
import type { Lag, LiveMember, LiveNode } from "../../../providers/kinds/interim-fixes/live.js";
import { filesProved, filesTouched, judgedNodes, verdictOn } from "../../../providers/kinds/interim-fixes/touched.js";

const MARKS = { descriptors: "d1", files: "f1" };
const lag = (given: Partial<Lag> = {}): Lag => ({
  application: "Files",
  cause: "not restarted",
  since: "2026-11-22T13:05:00.000Z",
  marks: MARKS,
  written: false,
  ...given,
});

describe("promise 1: what a change of status of a node's files is", () => {
  const OTHERS = { descriptors: "d0", files: "f0" };
  const BESIDE = { descriptors: "d1", files: "f0" };
  test.each<readonly [string, Partial<Lag>, typeof MARKS | undefined, ReturnType<typeof verdictOn>]>([
    ["the same files as were proved", {}, MARKS, "only touched"],
    ["the same, whatever times an archive gave them", { written: true }, MARKS, "only touched"],
    ["other descriptors than were proved, with an archive's times", {}, OTHERS, "not restarted"],
    ["something else beside the same descriptors", {}, BESIDE, "cannot be told"],
    ["the same descriptors, written anew", { written: true }, BESIDE, "not restarted"],
    ["nothing was ever proved, and their content is as old as it was", {}, undefined, "cannot be told"],
    ["nothing was ever proved, and their content is newer", { written: true }, undefined, "not restarted"],
    ["as an older version saw it", { marks: undefined, written: undefined }, MARKS, "not restarted"],
    ["not distributed: no matter of times", { cause: "not distributed" }, MARKS, "not restarted"],
  ])("%s", (_name, given, proved, verdict) => expect(verdictOn(lag(given), proved)).toBe(verdict));
});

describe("members by what became of their node's files", () => {
  const KEPT: Kept = { journal: null, found: [], wentBack: null, durations: {} };
  const journal = (touched?: Kept["seen"]) => ({ found: { touched } }) as unknown as Journal;
  const node = (lags: Lag[], given: Partial<LiveMember> = {}): LiveNode => {
    const running = { startedAt: "2026-11-20T08:00:00.000Z", level: "behind", lags } as const;
    const member: LiveMember = { server: "s1", cluster: "c", state: "running", ...running, ...given };
    return { name: "node1", agent: "running", synchronized: "yes", members: [member], problems: [] };
  };
  const seen = { node1: { Files: MARKS } };
  const judged = (found: LiveNode, kept: Partial<Kept>) => judgedNodes([found], { ...KEPT, ...kept })[0]?.members[0];

  test("only touched: it runs what is there", () => {
    const member = judged(node([lag()]), { seen });
    expect(member).toMatchObject({ level: "current" });
    expect([member?.lags, member?.doubt]).toEqual([undefined, undefined]);
  });

  test("only touched, and something else of it is not known: so it stays", () => {
    expect(judged(node([lag()], { doubt: "why" }), { seen })).toMatchObject({ level: "unknown", doubt: "why" });
  });

  test("one application touched, another distributed: behind for that one, and no doubt besides", () => {
    const blogs = lag({ application: "Blogs", written: true });
    const member = judged(node([lag(), blogs], { doubt: "why" }), { seen });
    expect(member).toMatchObject({ level: "behind", lags: [blogs] });
    expect(member?.doubt).toBeUndefined();
  });

  test("nothing was ever proved: it is said that it cannot be told, and what ends that", () => {
    const member = judged(node([lag()]), {});
    expect(member?.level).toBe("unknown");
    expect(member?.lags).toBeUndefined();
    expect(member?.doubt).toMatch(
      /Files were touched after it started \(2026-11-22 13:05 UTC\), by a new distribution or/,
    );
    expect(member?.doubt).toMatch(/until it is started again$/);
  });

  test("another node's files prove nothing", () => {
    expect(judged(node([lag()]), { seen: { node2: { Files: MARKS } } })?.level).toBe("unknown");
  });

  test("while a rollout is open every change of status counts, whatever was proved before", () => {
    for (const kept of [{}, { seen }]) {
      expect(judged(node([lag()]), { ...kept, journal: journal() })).toMatchObject({ level: "behind", lags: [lag()] });
    }
  });

  test("a journal in another version's shape says nothing of them", () => {
    expect(judged(node([lag()]), { seen, journal: {} as Journal })?.level).toBe("behind");
  });

  test("… but for what it left alone at its begin, as long as that is the same", () => {
    expect(judged(node([lag()]), { seen, journal: journal(seen) })?.level).toBe("current");
    expect(judged(node([lag()]), { journal: journal(seen) })?.level).toBe("unknown");
    const other = lag({ marks: { ...MARKS, files: "f2" } });
    expect(judged(node([other]), { seen, journal: journal(seen) })?.level).toBe("behind");
  });

  test("what is left alone is what is not behind", () => {
    const nodes = [node([lag(), lag({ application: "Blogs", written: true })])];
    expect(filesTouched(nodes, KEPT)).toEqual({ node1: { Files: MARKS } });
    expect(filesTouched([node([lag({ written: true })])], KEPT)).toEqual({});
  });

  test("what was proved stays so until it is proved anew", () => {
    const blogs = { descriptors: "d2", files: "f2" };
    const before = { node1: { Files: MARKS, Blogs: MARKS }, gone: { Files: MARKS } };
    expect(filesProved([{ ...node([]), proved: { Blogs: blogs } }], before)).toEqual({
      node1: { Files: MARKS, Blogs: blogs },
    });
    expect(filesProved([node([])])).toEqual({ node1: {} });
  });
});
