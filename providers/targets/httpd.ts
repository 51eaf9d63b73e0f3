import { sha256 } from "../common/json.js";
import { type Problem, ProblemError } from "../common/problem.js";
import { type ConfLine, type ConfWord, readHttpdConf, replaceArgument } from "../formats/httpd-conf.js";
import type { FileReader } from "./host.js";
import { type HttpdServer, HttpdWalk, type Occurrence } from "./httpd-walk.js";

export type { HttpdServer } from "./httpd-walk.js";

const DIRECTIVE = "WebSpherePluginConfig";

/** The one `WebSpherePluginConfig` that is in force. */
export interface HttpdDirective {
  file: string;
  line: number;
  /** As written, without quotes. */
  value: string;
  /** Absolute: relative values start at the ServerRoot. */
  path: string;
  /** Of `file`, as it was read. */
  fileSha256: string;
  /** Commented or inactive ones, as "file:line reason". */
  alsoFound: string[];
}

/**
 * Finds the directive that tells the WebSphere plug-in its configuration file, wherever httpd would read it from.
 *
 * @throws ProblemError "refused" when none or several are in force, when that cannot be told from the files, or when it
 *   holds for one VirtualHost only; "missing" when a file is not there; "malformed" when one cannot be read
 */
export async function findPluginDirective(files: FileReader, server: HttpdServer): Promise<HttpdDirective> {
  const walk = new HttpdWalk(files, server, DIRECTIVE);
  await walk.run();
  const all = distinct(walk.occurrences);
  const uncertain = all.filter(({ inForce }) => inForce === undefined);
  const live = all.filter(({ inForce }) => inForce);
  const others = all.filter(({ inForce }) => !inForce).map((each) => `${placeOf(each)} ${each.reason}`);
  if (uncertain.length > 0) throw new ProblemError("refused", uncertainProblems(server, uncertain));
  const [found] = live;
  if (!found || live.length > 1)
    throw new ProblemError("refused", countProblem(server, live, [...others, ...walk.notFollowed]));
  if (found.container) throw new ProblemError("refused", containerProblem(server, found, found.container));
  const { value } = argumentOf(found.line, `${server.host} ${placeOf(found)}`);
  return {
    file: found.file,
    line: found.line.line,
    value,
    path: walk.resolvePath(value, `${server.host} ${placeOf(found)}`),
    fileSha256: found.content.sha256,
    alsoFound: others,
  };
}

/**
 * The directive's file with another path in the directive; nothing else differs. `${NAME}` in the new path would be replaced
 * by httpd as ever.
 *
 * @param bytes of `directive.file`, unchanged since it was found
 * @throws ProblemError "changed-meanwhile" when they are not
 */
export function pointDirective(bytes: Uint8Array, directive: HttpdDirective, newPath: string): Buffer {
  const where = `${directive.file}:${directive.line}`;
  if (sha256(bytes) !== directive.fileSha256) {
    throw new ProblemError("changed-meanwhile", {
      where: directive.file,
      found: "it was changed since it was read",
      why: "The edit was planned for another content",
      next: "Run again",
    });
  }
  const edited = replaceArgument(bytes, argumentOf(lineAt(bytes, directive), where), newPath);
  const written = argumentOf(lineAt(edited, directive), where).value;
  if (written !== newPath) {
    throw new ProblemError("refused", {
      where,
      found: `${JSON.stringify(newPath)} would be read as ${JSON.stringify(written)}`,
      allowed: "a path that can be written in a directive",
    });
  }
  return edited;
}

function lineAt(bytes: Uint8Array, directive: HttpdDirective): ConfLine {
  const lines = readHttpdConf(bytes, directive.file);
  const line = lines.find((each) => each.line === directive.line && each.kind === "directive");
  if (line?.name.toLowerCase() === DIRECTIVE.toLowerCase()) return line;
  throw new ProblemError("changed-meanwhile", {
    where: `${directive.file}:${directive.line}`,
    found: `no ${DIRECTIVE} on this line`,
  });
}

function argumentOf(line: ConfLine, where: string): ConfWord {
  const [word, extra] = line.words;
  if (word && word.value !== "" && !extra) return word;
  throw new ProblemError("malformed", { where, found: `${line.name} ${line.rest}`, allowed: "one path" });
}

/** A file that is included twice says the same thing twice; in force once is in force. */
function distinct(occurrences: readonly Occurrence[]): readonly Occurrence[] {
  const rank = (each: Occurrence): number => (each.inForce ? 2 : each.inForce === undefined ? 1 : 0);
  const byPlace = new Map<string, Occurrence>();
  for (const each of occurrences) {
    const known = byPlace.get(placeOf(each));
    if (!known || rank(each) > rank(known)) byPlace.set(placeOf(each), each);
  }
  return [...byPlace.values()];
}

const placeOf = (each: Occurrence): string => `${each.file}:${each.line.line}`;

function countProblem(server: HttpdServer, live: readonly Occurrence[], others: readonly string[]): Problem {
  const listed = live.map((each) => `${placeOf(each)} (${each.line.rest})`);
  const seen = others.length > 0 ? `. Not in force: ${others.join("; ")}` : "";
  return {
    where: `${server.host} ${server.httpdConf}`,
    found:
      listed.length > 0
        ? `${live.length} ${DIRECTIVE} in force: ${listed.join(", ")}`
        : `no ${DIRECTIVE} in force${seen}`,
    allowed: "exactly one, read by this httpd.conf or a file that it includes",
    why: "Which plug-in file is in use would otherwise be a guess",
    next:
      listed.length > 0 ? "Remove or comment out the others" : "Check server root and httpd.conf, or add the directive",
  };
}

function uncertainProblems(server: HttpdServer, uncertain: readonly Occurrence[]): Problem[] {
  return uncertain.map((each) => ({
    where: `${server.host} ${placeOf(each)}`,
    found: `${DIRECTIVE} that may or may not be in force: ${each.reason}`,
    allowed:
      "a directive outside of conditions, or inside <IfModule> of a module that a LoadModule line loads before it",
    next: "Move it out of the condition; for <IfDefine>, list the names given with -D in defines ([] for none)",
  }));
}

function containerProblem(server: HttpdServer, found: Occurrence, container: ConfLine): Problem {
  const title = `<${container.name}${container.rest ? ` ${container.rest}` : ""}>`;
  const perHost = container.name.toLowerCase() === "virtualhost";
  return {
    where: `${server.host} ${placeOf(found)}`,
    found: `${DIRECTIVE} inside ${title}`,
    allowed: "on the level of the whole server",
    why: perHost
      ? "It would switch one virtual host and leave the others where they are"
      : "The web server does not accept it there",
    next: "Move it out of the section",
  };
}
