import { type Problem, ProblemError } from "../common/problem.js";
import { type ConfLine, readHttpdConf } from "../formats/httpd-conf.js";
import type { FileContent, FileReader } from "./host.js";
import { HttpdPaths } from "./httpd-paths.js";

/** httpd's own limit (AP_MAX_INCLUDE_DEPTH); a file that includes itself ends here too. */
const MAX_INCLUDE_DEPTH = 20;

/** Where a web server's configuration starts. */
export interface HttpdServer {
  /** What messages call the host. */
  host: string;
  /** httpd's compiled-in or -d directory; a ServerRoot directive overrides it. Absolute. */
  serverRoot: string;
  /** The main configuration file. Absolute, or relative to serverRoot. */
  httpdConf: string;
  /**
   * Names given on the command line (-D NAME). When absent they are not known, and a directive that depends on one is not
   * guessed at; [] = there are none.
   */
  defines?: string[];
  /** Environment variables that `${NAME}` refers to, e.g. APACHE_LOG_DIR from envvars. */
  variables?: Record<string, string>;
}

/** Whether httpd acts on a line; undefined = cannot be told from the files. */
export type InForce = boolean | undefined;

/** One occurrence of the directive that is searched. */
export interface Occurrence {
  readonly file: string;
  readonly content: FileContent;
  readonly line: ConfLine;
  readonly inForce: InForce;
  /** Why it is not in force, or why that cannot be told. */
  readonly reason: string;
  /** The innermost section that is no condition, across files, e.g. `<VirtualHost *:443>`. */
  readonly container?: ConfLine;
}

/**
 * Reads a configuration as httpd does at start: file after file, following Include and IncludeOptional, with what LoadModule,
 * Define and ServerRoot said so far. Sources: httpd documentation, core and mod_so ("Include", "IfModule", "IfDefine",
 * "IfFile", "Define").
 */
export class HttpdWalk {
  readonly occurrences: Occurrence[] = [];
  /** Includes that could not be followed, where that may not matter. */
  readonly notFollowed: string[] = [];
  private readonly paths: HttpdPaths;
  private serverRoot: string;
  private readonly modules = new Set(ALWAYS_LINKED);
  private readonly variables: Map<string, string>;
  private readonly defined: Set<string>;
  /** Modules and names that a condition which cannot be told may have loaded or defined. */
  private readonly uncertain = new Set<string>();
  private readonly contents = new Map<string, FileContent>();
  private readonly lines = new Map<string, readonly ConfLine[]>();

  constructor(
    private readonly files: FileReader,
    private readonly server: HttpdServer,
    private readonly directive: string,
  ) {
    this.paths = new HttpdPaths(files, server.serverRoot);
    this.serverRoot = server.serverRoot;
    this.variables = new Map(Object.entries(server.variables ?? {}));
    this.defined = new Set(server.defines);
  }

  async run(): Promise<void> {
    const main = this.paths.resolve(this.serverRoot, this.server.httpdConf);
    await this.readFile(main, { inForce: true, reason: "", chain: [], place: this.server.host });
  }

  /** A path argument as httpd resolves it once everything was read. */
  resolvePath(path: string, where: string): string {
    return this.paths.resolve(this.serverRoot, this.expandVariables(path, where));
  }

  private async readFile(file: string, from: Context): Promise<void> {
    if (from.chain.length > MAX_INCLUDE_DEPTH) {
      throw new ProblemError("refused", {
        where: from.place,
        found: `includes nested more than ${MAX_INCLUDE_DEPTH} deep: ${[...from.chain.slice(-3), file].join(" → ")}`,
        why: "The web server would refuse this, too",
        next: "A file must not include itself, or a directory that holds it",
      });
    }
    const content = await this.load(file, from.place);
    const conditions = new Map<ConfLine, Verdict>();
    const chain = [...from.chain, file];
    for (const line of this.lines.get(file) ?? []) {
      const place = `${this.server.host} ${file}:${line.line}`;
      let verdict: Verdict = from;
      for (const section of line.sections) verdict = both(verdict, conditions.get(section) ?? UNCONDITIONAL);
      if (line.kind === "open") conditions.set(line, await this.condition(line, verdict, place));
      const container = line.sections.findLast((section) => !isCondition(section)) ?? from.container;
      await this.act(line, { ...verdict, chain, place, container }, file, content);
    }
  }

  private async load(file: string, place: string): Promise<FileContent> {
    const known = this.contents.get(file);
    if (known) return known;
    const content = await this.files.read(file);
    if (!content) {
      throw new ProblemError("missing", {
        where: place,
        found: `there is no file ${file}`,
        why: "The web server would not start with this configuration",
        next: "Correct the path, or create the file",
      });
    }
    this.contents.set(file, content);
    this.lines.set(file, readHttpdConf(content.bytes, `${this.server.host} ${file}`));
    return content;
  }

  private async act(line: ConfLine, context: Context, file: string, content: FileContent): Promise<void> {
    const name = line.name.toLowerCase();
    if (name === this.directive.toLowerCase() && (line.kind === "directive" || line.kind === "comment")) {
      const commented = line.kind === "comment";
      const { inForce, reason, container } = commented
        ? { ...context, inForce: false, reason: "commented out" }
        : context;
      this.occurrences.push({ file, content, line, inForce, reason, container });
      return;
    }
    if (line.kind !== "directive" || context.inForce === false) return;
    const argument = line.words[0]?.value;
    if (argument === undefined) return;
    if (name === "include" || name === "includeoptional") await this.include(argument, name, context);
    else if (name === "loadmodule") this.loadModule(argument, line.words[1]?.value, context.inForce);
    else if (name === "define") this.define(argument, line.words[1]?.value, context);
    else if (name === "undefine") this.undefine(argument, context.inForce);
    else if (name === "serverroot") this.setServerRoot(argument, context);
  }

  private async include(argument: string, name: string, context: Context): Promise<void> {
    if (context.inForce === undefined && this.unknownVariable(argument) !== undefined) {
      this.notFollowed.push(`${context.place} Include ${argument} was not followed (${context.reason})`);
      return;
    }
    const path = this.paths.resolve(this.serverRoot, this.expandVariables(argument, context.place));
    const files = await this.paths.expand(path);
    // A wildcard without match is fine for httpd 2.2 and an error that `apachectl -t` shows for 2.4: nothing to read here.
    if (files.length === 0 && name === "include" && !this.paths.hasWildcard(path) && context.inForce) {
      if (await this.files.stat(path)) return;
      await this.load(path, context.place);
    }
    for (const file of files) await this.readFile(file, context);
  }

  private loadModule(symbol: string, file: string | undefined, inForce: InForce): void {
    if (!inForce) {
      this.uncertain.add(symbol);
      return;
    }
    this.modules.add(symbol);
    // A shared object is named after its source file by convention; the plug-in's sources are not public.
    const base = /([^/\\]+)\.(?:so|dll)$/i.exec(file ?? "")?.[1];
    if (base && !PLUGIN_MODULE.test(symbol)) this.modules.add(`${base}.c`);
  }

  private define(name: string, value: string | undefined, context: Context): void {
    this.undefine(name, context.inForce);
    if (!context.inForce) return;
    this.defined.add(name);
    if (value !== undefined) this.variables.set(name, this.expandVariables(value, context.place));
  }

  private undefine(name: string, inForce: InForce): void {
    this.defined.delete(name);
    this.variables.delete(name);
    if (inForce) this.uncertain.delete(name);
    else this.uncertain.add(name);
  }

  private setServerRoot(argument: string, context: Context): void {
    if (!context.inForce) {
      throw new ProblemError("refused", {
        where: context.place,
        found: `a ServerRoot that may or may not be in force: ${context.reason}`,
        why: "Every relative path depends on it",
        next: "Move it out of the condition",
      });
    }
    this.serverRoot = this.paths.resolve(this.serverRoot, this.expandVariables(argument, context.place));
  }

  private async condition(section: ConfLine, around: Verdict, place: string): Promise<Verdict> {
    if (around.inForce === false || !isCondition(section)) return UNCONDITIONAL;
    const negated = section.rest.startsWith("!");
    const subject = section.rest
      .replace(/^!/, "")
      .replace(/^"(.*)"$/, "$1")
      .trim();
    const holds = await this.holds(section.name.toLowerCase(), subject, place);
    const title = `<${section.name}${section.rest ? ` ${section.rest}` : ""}>`;
    if (holds === undefined)
      return { inForce: undefined, reason: `whether ${title} holds cannot be told from the files` };
    const inForce = holds !== negated;
    return { inForce, reason: inForce ? "" : `inside ${title}, which does not hold` };
  }

  private async holds(kind: string, subject: string, place: string): Promise<InForce> {
    if (kind === "ifmodule") return this.hasModule(subject);
    if (kind === "ifdefine") {
      if (this.defined.has(subject)) return true;
      return this.server.defines && !this.uncertain.has(subject) ? false : undefined;
    }
    if (kind === "iffile") {
      const path = this.paths.resolve(this.serverRoot, this.expandVariables(subject, place));
      return (await this.files.stat(path)) !== undefined;
    }
    return undefined;
  }

  /** Modules may be linked into httpd without a LoadModule; the WebSphere plug-in never is. */
  private hasModule(name: string): InForce {
    if (this.modules.has(name)) return true;
    if (this.uncertain.has(name)) return undefined;
    return PLUGIN_MODULE.test(name) ? false : undefined;
  }

  private expandVariables(text: string, where: string): string {
    const unknown = this.unknownVariable(text);
    if (unknown !== undefined) {
      throw new ProblemError("refused", {
        where,
        found: `\${${unknown}} in ${JSON.stringify(text)}, which no Define sets`,
        why: "The path cannot be known without it",
        next: `If it comes from the web server's environment (envvars), give its value in "variables"`,
      });
    }
    return text.replace(VARIABLE, (_all, name: string) => this.variables.get(name) ?? "");
  }

  private unknownVariable(text: string): string | undefined {
    return [...text.matchAll(VARIABLE)].map((match) => match[1] ?? "").find((name) => !this.variables.has(name));
  }
}

const PLUGIN_MODULE = /^was_ap\d\d_module$/;
const VARIABLE = /\$\{([^}:]+)\}/g;

/** Linked into every httpd, by symbol and by source file. */
const ALWAYS_LINKED = ["core_module", "core.c", "http_core.c", "so_module", "mod_so.c"];

const CONDITIONS = new Set(["ifmodule", "ifdefine", "iffile", "ifversion", "ifdirective", "ifsection", "macro"]);
const isCondition = (section: ConfLine): boolean => CONDITIONS.has(section.name.toLowerCase());

interface Verdict {
  readonly inForce: InForce;
  readonly reason: string;
}

interface Context extends Verdict {
  /** Files from the main one to this one. */
  readonly chain: readonly string[];
  readonly place: Problem["where"];
  readonly container?: ConfLine;
}

const UNCONDITIONAL: Verdict = { inForce: true, reason: "" };

function both(outer: Verdict, inner: Verdict): Verdict {
  if (outer.inForce === false || inner.inForce === true) return outer;
  return inner;
}
