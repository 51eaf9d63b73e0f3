import { differingPaths, pathText, shownValue, valueAt } from "../../providers/common/values.js";

test.each<[unknown, string]>([
  [3, "3"],
  [null, "null"],
  ["text", '"text"'],
  [["a", "b"], "a list of 2"],
  [{ a: 1, b: "secret" }, "keys a, b"],
  [{}, "keys none"],
  [undefined, "undefined"],
  ["x".repeat(200), `"${"x".repeat(76)}…`],
])("%j is shown as %s", (value, text) => expect(shownValue(value, ["port"])).toBe(text));

test.each([
  [["connection", "auth", "password"], "canary"],
  [["verify", "testUser", "password", "env"], "canary"],
  [["connection", "auth", "passphrase", "command", 0], "canary"],
  [["connection", "auth"], { pasword: "canary" }],
  [["connection", "auth", "password"], ["canary"]],
])("promise 14: what stands at %j is not shown", (path, value) =>
  expect(shownValue(value, path)).not.toContain("canary"),
);

test("paths are written as people write them", () => {
  expect(pathText(["hosts", "web1", "hostKey", "pinned", 0])).toBe("hosts.web1.hostKey.pinned[0]");
  expect(pathText([])).toBe("");
});

test("what is not there is undefined, an object's own parts included", () => {
  expect(valueAt({ a: { b: [7] } }, ["a", "b", 0])).toBe(7);
  expect(valueAt({ a: 1 }, ["a", "b", "c"])).toBeUndefined();
  expect(valueAt({}, ["constructor"])).toBeUndefined();
});

test.each<[unknown, unknown, readonly string[]]>([
  [{ a: 1, b: { c: [1, { d: 2 }] } }, { b: { c: [1, { d: 2 }] }, a: 1 }, []],
  [{ a: 1, b: { c: [1, { d: 2 }] } }, { a: 2, b: { c: [1, { d: 3 }] } }, ["a", "b.c[1].d"]],
  [{ a: [1, 2], b: 1 }, { a: [1], c: { d: 1 } }, ["a", "b", "c"]],
  [{ a: { b: 1 } }, { a: [1] }, ["a"]],
])("%j and %j differ at %j", (a, b, paths) => expect(differingPaths(a, b).map(pathText)).toEqual(paths));
