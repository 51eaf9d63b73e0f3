import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { ProblemError } from "../../common/problem.js";

const PACKAGE = "ibm_db";
const BINDING = join("build", "Release", "odbc_bindings.node");
/** Where this project's own set-up puts the driver. */
const SET_UP = join(".toolchain", "db2", "driver", "node_modules", PACKAGE, "lib", "odbc.js");

/**
 * The driver's file: of the program's own packages, of ours, or of this checkout's set-up. undefined: there is none that is whole.
 *
 * @param program the folder whose packages come first
 * @param here where our own packages, and above that set-up's folder, are looked for
 */
export function findDriver(program = process.cwd(), here = __filename): string | undefined {
  const asPackage = [join(program, "package.json"), here].map(resolved);
  return [...asPackage, ...fromSetUp(here)].find((file) => file !== undefined && hasBinding(file));
}

/** @throws ProblemError `missing` with the ways to get it */
export function requireDriver(where: string): string {
  const found = findDriver();
  if (found) return found;
  throw driverMissing(where, "the Db2 driver (npm package ibm_db) is not installed, or its library is missing");
}

/**
 * Where what Node has compiled of the driver's JavaScript is kept, so that not each of its processes compiles it anew: among the packages
 * that the driver is of, where who can write could change the driver itself. Node keeps each user's and version's apart, writes whole
 * files, and checks them against the source. It is code alone, nothing that ever ran through it.
 *
 * @returns undefined for a driver that is no package
 */
export function compiledDriver(file: string): string | undefined {
  const packages = join(dirname(file), "..", "..");
  return basename(packages) === "node_modules" ? join(packages, ".cache", "pulumi-connections") : undefined;
}

export function driverMissing(where: string, found: string): ProblemError {
  return new ProblemError("missing", {
    where,
    found,
    next:
      "In a checkout of this project: npm run setup. Elsewhere: npm install ibm_db@4.0.1, which fetches IBM's CLI driver; without a way to " +
      "IBM's site, IBM_DB_INSTALLER_URL=FOLDER with its archive in it, or IBM_DB_HOME=FOLDER of an installed CLI driver, before that command",
  });
}

function resolved(from: string): string | undefined {
  try {
    return createRequire(from).resolve(PACKAGE);
  } catch {
    return undefined;
  }
}

function fromSetUp(here: string): readonly string[] {
  const files: string[] = [];
  for (let folder = dirname(here); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, SET_UP))) files.push(join(folder, SET_UP));
  }
  return files;
}

/** npm leaves a package without its library behind when IBM's site was not reachable, and calls that success. */
function hasBinding(file: string): boolean {
  return existsSync(join(dirname(file), "..", BINDING));
}
