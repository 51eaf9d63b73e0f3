"use strict";

/**
 * The numbers of the first `1.2.3` (or `1.2`) in a text such as "v24.1.0" or "go version go1.26.8 linux/amd64".
 * @param {string} text
 * @returns {[number, number, number] | undefined} undefined when there is none
 */
function parseVersion(text) {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}

/**
 * Whether the version in `found` is the one in `wanted` or a later one; false when either holds none.
 * @param {string} found
 * @param {string} wanted
 */
function isAtLeast(found, wanted) {
  const have = parseVersion(found);
  const want = parseVersion(wanted);
  if (!have || !want) return false;
  const difference = have.map((part, index) => part - (want[index] ?? 0)).find((part) => part !== 0);
  return (difference ?? 0) >= 0;
}

/**
 * Whether two versions differ at most in their last number: the tools of one Pulumi minor release fit together.
 * @param {string} found
 * @param {string} wanted
 */
function isSameMinor(found, wanted) {
  const have = parseVersion(found);
  const want = parseVersion(wanted);
  return have !== undefined && want !== undefined && have[0] === want[0] && have[1] === want[1];
}

module.exports = { parseVersion, isAtLeast, isSameMinor };
