import { isAtLeast, isSameMinor, parseVersion } from "../../../scripts/setup/versions.cjs";

test.each([
  ["v24.21.0\n", [24, 21, 0]],
  ["go version go1.26.8 linux/amd64", [1, 26, 8]],
  ["go version go1.26 linux/amd64", [1, 26, 0]],
  ["2:1.24~2", [1, 24, 0]],
  ["v3.259.0-alpha.1", [3, 259, 0]],
  ["", undefined],
  ["command not found", undefined],
])("the version in %j is %j", (text, version) => {
  expect(parseVersion(text)).toEqual(version);
});

test.each([
  ["go1.26.8", "1.25.11", true],
  ["go1.25.11", "1.25.11", true],
  ["go1.25.9", "1.25.11", false],
  ["go1.9", "1.21", false],
  ["v22.0.0", "22.0.0", true],
  ["v20.20.2", "22.0.0", false],
  ["2:1.19~1", "1.21", false],
  ["nothing", "1.21", false],
])("%s at least %s: %s", (found, wanted, answer) => {
  expect(isAtLeast(found, wanted)).toBe(answer);
});

test.each([
  ["v3.259.0", true],
  ["v3.259.7", true],
  ["v3.26.0", false],
  ["v3.2590.0", false],
  ["v4.259.0", false],
  ["", false],
])("a CLI %s fits the SDK 3.259.0: %s", (found, answer) => {
  expect(isSameMinor(found, "3.259.0")).toBe(answer);
});
