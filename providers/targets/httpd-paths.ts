import { posix, win32 } from "node:path";
import { ProblemError } from "../common/problem.js";
import type { FileReader } from "./host.js";

/** More files than this behind one Include are no configuration. */
const MAX_FILES = 2_000;
/** httpd's own limit (AP_MAX_INCLUDE_DIR_DEPTH); a link to a folder above itself ends here too. */
const MAX_FOLDER_DEPTH = 20;

/** Paths of a web server's configuration, in the notation of the host: Windows when the server root begins with a drive. */
export class HttpdPaths {
  private readonly style: typeof posix | typeof win32;

  constructor(
    private readonly files: FileReader,
    serverRoot: string,
  ) {
    this.style = /^([A-Za-z]:|\\\\|\/\/[^/])/.test(serverRoot) ? win32 : posix;
  }

  /** `path` as httpd resolves it: relative ones start at the server root. */
  resolve(serverRoot: string, path: string): string {
    return this.style.isAbsolute(path) ? this.style.normalize(path) : this.style.join(serverRoot, path);
  }

  hasWildcard(path: string): boolean {
    return /[*?[]/.test(path);
  }

  /**
   * The files that an Include of this absolute path reads, in httpd's order: a directory stands for all files below it,
   * wildcards may stand in any part, names are sorted.
   *
   * @throws ProblemError "refused" when they are too many, or too deep: what was left out could hold the directive in force
   */
  async expand(path: string): Promise<readonly string[]> {
    const { root } = this.style.parse(path);
    let found: readonly string[] = [root];
    for (const part of path
      .slice(root.length)
      .split(this.style.sep)
      .filter((each) => each !== "")) {
      found = this.hasWildcard(part)
        ? (await Promise.all(found.map((directory) => this.matching(directory, part)))).flat()
        : found.map((directory) => this.style.join(directory, part));
    }
    const files: string[] = [];
    for (const each of found) await this.collect(each, files, 0);
    return files;
  }

  private async matching(directory: string, pattern: string): Promise<readonly string[]> {
    const expression = wildcardExpression(pattern, this.style === win32);
    const names = (await this.files.list(directory)) ?? [];
    return names.filter((name) => expression.test(name)).map((name) => this.style.join(directory, name));
  }

  private async collect(path: string, files: string[], depth: number): Promise<void> {
    const stat = await this.files.stat(path);
    if (!stat) return;
    if (depth > MAX_FOLDER_DEPTH) throw tooMany(path, `folders nested more than ${MAX_FOLDER_DEPTH} deep`);
    if (stat.kind !== "directory") {
      if (files.push(path) > MAX_FILES) throw tooMany(path, `more than ${MAX_FILES} files behind one Include`);
      return;
    }
    for (const name of (await this.files.list(path)) ?? [])
      await this.collect(this.style.join(path, name), files, depth + 1);
  }
}

const tooMany = (where: string, found: string): ProblemError =>
  new ProblemError("refused", {
    where,
    found,
    allowed: `at most ${MAX_FILES} files, in folders at most ${MAX_FOLDER_DEPTH} deep`,
    why: "A directive in a file that was not read could be the one in force",
    next: "Let the Include name the files that belong to the web server alone; a folder must not hold a link to one above it",
  });

/** fnmatch's wildcards as httpd uses them: a leading period must be written. */
function wildcardExpression(pattern: string, ignoreCase: boolean): RegExp {
  const body = pattern.replace(/\[[!^]?\]?[^\]]*\]|[\s\S]/g, (token) => {
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.length > 1)
      return `[${token
        .slice(1, -1)
        .replace(/^!/, "^")
        .replace(/[\\[\]]/g, "\\$&")}]`;
    return token.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  });
  return new RegExp(`^${/^[*?[]/.test(pattern) ? "(?!\\.)" : ""}${body}$`, ignoreCase ? "is" : "s");
}
