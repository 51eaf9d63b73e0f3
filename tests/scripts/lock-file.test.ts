import { readFileSync } from "node:fs";
import { resolve } from "node:path";

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const lock = JSON.parse(readFileSync(resolve(__dirname, "../../package-lock.json"), "utf8")) as {
  packages: Readonly<Record<string, Entry>>;
};

test("the lock file names every optional package, also those for other platforms, or npm ci refuses it", () => {
  // A registry that lacks a platform's package makes `npm install` drop it from the lock file without a word.
  const missing = Object.entries(lock.packages).flatMap(([folder, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) => !lock.packages[`node_modules/${name}`] && !lock.packages[`${folder}/node_modules/${name}`],
    ),
  );
  expect(missing).toEqual([]);
});

test("the lock file ties nobody to one registry", () => {
  expect(Object.keys(lock.packages).filter((folder) => lock.packages[folder]?.resolved)).toEqual([]);
});
