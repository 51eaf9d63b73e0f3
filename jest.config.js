/** Sources run through swc (no type check: `npm run lint` does that); dynamic imports of our own package resolve to dist/. */
module.exports = {
  testEnvironment: "node",
  // Bounds what hangs; how fast something is stands in bench/, and machines are busy.
  testTimeout: 60_000,
  // Most tests wait for processes of their own: two at a time keep two cores busy.
  maxWorkers: 2,
  roots: ["<rootDir>/tests"],
  testMatch: ["**/*.test.ts"],
  modulePathIgnorePatterns: ["<rootDir>/dist/"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: {
    "\\.ts$": [
      "@swc/jest",
      { jsc: { parser: { syntax: "typescript" }, target: "es2023" }, module: { type: "commonjs" } },
    ],
  },
};
