import { parseArgs } from "node:util";
import { nearest } from "../../providers/common/nearest.js";
import { ProblemError } from "../../providers/common/problem.js";
import { isLevel, mayRise } from "../../providers/formats/schema-level.js";
import { COMPONENTS, type Component, SCHEMA_TABLES } from "../../providers/formats/schema-tables.js";
import { bumpScript, readScriptLevel } from "../../providers/formats/sql-script.js";
import { readCopy } from "./read-copy.js";
import type { TryVerb } from "./verb.js";

const USAGE = "FILE --component COMPONENT --from LEVEL[,LEVEL] --to LEVEL";

/** Which literal of a database script says the schema level, and the one line that would change. */
export const sql: TryVerb = {
  usage: USAGE,
  summary: "the one line of this database script that would change for COMPONENT's schema level to be LEVEL",

  async run(args, print) {
    const { file, component, from, to } = readOptions(args);
    const bytes = await readCopy(file, "a database script");
    const found = readScriptLevel(bytes, component, file);
    print(`${file}: line ${found.line} inserts level ${found.level} for ${component}; ${endings(found.terminators)}`);
    for (const line of found.otherWrites) {
      print(`Note: line ${line} changes ${SCHEMA_TABLES[component].table} too, and would stay as it is.`);
    }
    const bumped = bumpScript(bytes, { component, from, to }, file);
    print(bumped.changed ? diffOf(file, bumped) : "Nothing to change.");
    return 0;
  },
};

const endings = (terminators: readonly string[]): string => `statements end with ${terminators.join(", later ")}`;

/** A unified diff without context: the line stands for itself, and its bytes are shown as UTF-8 where they are. */
function diffOf(file: string, { line, before, after }: { line: number; before: string; after: string }): string {
  const at = `@@ -${line} +${line} @@`;
  return [`--- ${file}`, `+++ ${file}`, at, `-${readable(before)}`, `+${readable(after)}`].join("\n");
}

function readable(line: string): string {
  const utf8 = Buffer.from(line, "latin1").toString("utf8");
  return utf8.includes("\ufffd") ? line : utf8;
}

interface Options {
  readonly file: string;
  readonly component: Component;
  readonly from: readonly string[];
  readonly to: string;
}

function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const [file, extra] = positionals;
  if (file === undefined) throw usageError("no FILE");
  if (extra !== undefined) throw usageError(`a second file, ${extra}`);
  if (!values.component) throw usageError("no --component COMPONENT");
  if (!values.from) throw usageError("no --from LEVEL");
  if (!values.to) throw usageError("no --to LEVEL");
  const from = values.from.split(",").map((level) => level.trim());
  for (const level of [...from, values.to]) {
    if (!isLevel(level)) throw usageError(`${JSON.stringify(level)}, which is no level such as 705 or 710.10`);
  }
  for (const level of from) {
    if (!mayRise(level, values.to)) {
      throw usageError(`--from ${level}, which is not below ${values.to}; no level is ever lowered`);
    }
  }
  return { file, component: componentOf(values.component), from, to: values.to };
}

/** By its name; who writes the database's or schema's name is told the component's. */
function componentOf(text: string): Component {
  const wanted = text.toUpperCase();
  const component = COMPONENTS.find((name) => name === wanted);
  if (component) return component;
  const meant = COMPONENTS.filter((name) => {
    const { database, schema } = SCHEMA_TABLES[name];
    return [database, schema].includes(wanted);
  });
  const hint = meant.length > 0 ? meant.join(" or ") : nearest(text, COMPONENTS);
  throw new ProblemError("invalid-input", {
    where: "npm run try -- sql --component",
    found: `no component is called ${JSON.stringify(text)}`,
    allowed: COMPONENTS.join(", "),
    ...(hint ? { next: `Did you mean ${hint}?` } : {}),
  });
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { component: { type: "string" }, from: { type: "string" }, to: { type: "string" } },
    });
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

const usageError = (found: string): ProblemError =>
  new ProblemError("invalid-input", { where: "npm run try -- sql", found, allowed: USAGE });
