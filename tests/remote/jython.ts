import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..");
const JARS = join(ROOT, ".toolchain", "jython");
export const STUBS = join(__dirname, "stubs");
const RUN_MS = 120_000;

/** The interpreters that wsadmin has: 8.5.5 the first, 9.0 the second. */
export const VERSIONS = ["2.1", "2.7.4"] as const;
export type Version = (typeof VERSIONS)[number];

const JAR: Readonly<Record<Version, string>> = { "2.1": "jython-2.1.jar", "2.7.4": "jython-standalone-2.7.4.jar" };

/** Both are there; otherwise tests that need them are skipped, and set-up has said why. */
export const hasJython = VERSIONS.every((version) => existsSync(join(JARS, JAR[version])));

/** The command that runs a program in one of them. @param cache a folder that 2.1 may write to */
export function jythonCommand(version: Version, cache: string): string[] {
  const common = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dpython.home=."];
  return [
    ...common,
    ...(version === "2.1" ? [`-Dpython.cachedir=${cache}`] : ["-Dpython.cachedir.skip=true"]),
    ...["-cp", join(JARS, JAR[version]), "org.python.util.jython"],
  ];
}

/** What boot.py prints for `name=script=request` cases. */
export function runCases(version: Version, folder: string, cases: readonly string[]): string {
  const [program = "", ...args] = jythonCommand(version, join(folder, "cache"));
  const boot = [join(STUBS, "boot.py"), join(STUBS, "cell.py"), ...cases];
  return execFileSync(program, [...args, ...boot], { cwd: folder, encoding: "utf8", timeout: RUN_MS, stdio: "pipe" });
}
