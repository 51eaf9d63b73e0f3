import { compareLevels, levelSchema } from "../../providers/formats/schema-level.js";
import { matchReleases, RELEASES } from "../../providers/formats/schema-releases.js";
import { COMPONENTS } from "../../providers/formats/schema-tables.js";

describe("levels", () => {
  test.each([
    ["710.10", "710.9", 1],
    ["710.9", "710.10", -1],
    ["704", "705", -1],
    ["710", "710.1", -1],
    ["710.0", "710", 0],
    ["0704", "704", 0],
    ["147.3", "147.10", -1],
  ])("%s against %s", (a, b, sign) => expect(Math.sign(compareLevels(a, b))).toBe(sign));

  test("a dotted number must be in quotes: 710.10 as a number is another level", () => {
    expect(levelSchema.parse(705)).toBe("705");
    expect(levelSchema.parse("710.10")).toBe("710.10");
    for (const wrong of [710.1, -1, "", "7.", "v705", "705 ", null, "1e3"]) {
      expect(levelSchema.safeParse(wrong).success).toBe(false);
    }
  });

  test("a set of levels is recognised, and what differs in it is named", () => {
    const cr2 = RELEASES.find(({ name }) => name === "5.0 CR2")?.levels ?? {};
    expect(Object.keys(cr2).sort()).toEqual([...COMPONENTS].sort());
    expect(matchReleases(cr2)[0]).toMatchObject({ release: "5.0 CR2", differ: [] });
    expect(matchReleases({ ...cr2, BLOGS: "70" })[0]).toMatchObject({
      release: "5.0 CR2",
      differ: [{ component: "BLOGS", found: "70", expected: "72" }],
    });
    expect(matchReleases({ HOMEPAGE: "9999" })).toEqual([]);
  });
});
