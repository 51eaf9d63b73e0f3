import { isUtf8 } from "node:buffer";
import { ProblemError } from "../common/problem.js";
import { type Edit, splice } from "./splice.js";

/** Larger files are refused: people write these by hand. */
export const MAX_CONF_BYTES = 16 * 1024 * 1024;

/** One argument, with its place in the bytes (quotes included; ends are exclusive). */
export interface ConfWord {
  /** Without quotes and escapes; `${NAME}` not yet replaced. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
  readonly quote: "" | '"' | "'";
}

/** One logical line: continuation lines (`\` before the line end) count as part of the one they continue. */
export interface ConfLine {
  readonly kind: "directive" | "open" | "close" | "comment";
  /** First line, from 1. */
  readonly line: number;
  /** As written, without `<`, `</` or `#`. Compare without regard to case. */
  readonly name: string;
  /** A directive's arguments; empty for the other kinds. */
  readonly words: readonly ConfWord[];
  /** What stands behind the name; of sections up to the `>`. */
  readonly rest: string;
  /** The sections around this line in this file, outermost first. */
  readonly sections: readonly ConfLine[];
}

/**
 * Reads one file of an Apache httpd 2.2/2.4 (IBM HTTP Server) configuration. Empty lines are left out. Rules as in the
 * documentation's "Configuration Files" and as httpd's own reader applies them: a line that ends with a backslash goes on in
 * the next one, comment lines too; words are separated by blanks and tabs; `"` and `'` quote, and in any word `\\` stands for
 * one backslash and, in quotes, `\"` for the quote; every other backslash is itself, so Windows paths need no doubling. A
 * quote without end reaches to the end of the line (`ErrorDocument 500 "Sorry` is legal).
 *
 * @throws ProblemError "malformed": sections that do not match, NUL bytes, more than 16 MiB
 */
export function readHttpdConf(bytes: Uint8Array, where: string): readonly ConfLine[] {
  if (bytes.length > MAX_CONF_BYTES) throw malformed(where, `${bytes.length} bytes`, `at most ${MAX_CONF_BYTES} bytes`);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  if (text.includes("\0")) throw malformed(where, "a NUL byte; this is no text in an 8-bit encoding");
  const lines: ConfLine[] = [];
  const open: ConfLine[] = [];
  for (const logical of logicalLines(text)) {
    const line = readLine(logical, [...open], where);
    if (!line) continue;
    lines.push(line);
    if (line.kind === "open") open.push(line);
    if (line.kind !== "close") continue;
    const opened = open.pop();
    if (opened?.name.toLowerCase() !== line.name.toLowerCase()) {
      const expected = opened ? `</${opened.name}>, opened on line ${opened.line}` : "no section is open";
      throw malformed(`${where}:${line.line}`, `</${line.name}>`, expected);
    }
  }
  const unclosed = open.at(-1);
  if (unclosed) throw malformed(`${where}:${unclosed.line}`, `<${unclosed.name}> is not closed in this file`);
  return lines;
}

/**
 * The same file with another value for one argument; only that argument's bytes differ. The kind of quotes is kept; quotes
 * are added when the value needs them.
 *
 * @param word of `readHttpdConf` for the same bytes
 * @throws ProblemError "invalid-input" when the value holds line ends or other control characters
 */
export function replaceArgument(bytes: Uint8Array, word: ConfWord, value: string): Buffer {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\0-\x1f\x7f]/.test(value)) {
    throw new ProblemError("invalid-input", {
      where: "value for a web server directive",
      found: JSON.stringify(value),
      allowed: "one line without control characters",
    });
  }
  const latin1 = Buffer.from(value, "utf8").toString("latin1");
  const quote = word.quote || (/^$|[ "']|\\$/.test(latin1) ? '"' : "");
  const edit: Edit = { start: word.start, end: word.end, text: quote + escapeWord(latin1, quote) + quote };
  return splice(bytes, [edit]);
}

/** A line as httpd sees it, and where its characters are in the file. */
interface LogicalLine {
  readonly text: string;
  readonly line: number;
  /** Where each piece of a continued line begins, in the text and in the file. */
  readonly pieces: readonly { readonly at: number; readonly offset: number }[];
}

function* logicalLines(text: string): Generator<LogicalLine> {
  let offset = 0;
  let line = 1;
  while (offset < text.length) {
    const first = line;
    const pieces: { at: number; offset: number }[] = [];
    let joined = "";
    for (let goesOn = true; goesOn && offset < text.length; line++) {
      const feed = text.indexOf("\n", offset);
      const next = feed < 0 ? text.length : feed + 1;
      const content = text.slice(offset, next).replace(/\r?\n$/, "");
      goesOn = content.endsWith("\\") && next > offset + content.length;
      pieces.push({ at: joined.length, offset });
      joined += goesOn ? content.slice(0, -1) : content;
      offset = next;
    }
    yield { text: joined, line: first, pieces };
  }
}

function readLine(logical: LogicalLine, sections: readonly ConfLine[], where: string): ConfLine | undefined {
  const match = /^[ \t\v\f\r]*(#[# \t]*|<\/|<)?([^ \t\v\f\r]*)(.*)$/s.exec(logical.text);
  const mark = match?.[1]?.charAt(0) ?? "";
  const name = match?.[2] ?? "";
  const rest = match?.[3] ?? "";
  const base = { line: logical.line, words: [], sections };
  if (mark === "#") return { ...base, kind: "comment", name, rest: rest.trim() };
  if (name === "" && mark === "") return undefined;
  if (mark === "<") {
    const closing = match?.[1] === "</";
    const inside = (name + rest).replace(/>[^>]*$/, "");
    if (inside === name + rest) throw malformed(`${where}:${logical.line}`, `"<${name}" without ">"`);
    const sectionName = /^[^ \t\v\f\r]*/.exec(inside)?.[0] ?? "";
    const argument = inside.slice(sectionName.length).trim();
    const around = closing ? sections.slice(0, -1) : sections;
    return { ...base, kind: closing ? "close" : "open", name: sectionName, rest: argument, sections: around };
  }
  const words = readWords(logical, logical.text.length - rest.length);
  return { ...base, kind: "directive", name, words, rest: rest.trim() };
}

function readWords(logical: LogicalLine, from: number): readonly ConfWord[] {
  const { text } = logical;
  const words: ConfWord[] = [];
  for (let at = skipBlanks(text, from); at < text.length; at = skipBlanks(text, at)) {
    const start = at;
    const first = text.charAt(at);
    const quote = first === '"' || first === "'" ? first : "";
    if (quote) at++;
    let value = "";
    for (; at < text.length && !(quote ? text[at] === quote : /[ \t\v\f\r]/.test(text.charAt(at))); at++) {
      const next = text[at + 1];
      if (text[at] === "\\" && (next === "\\" || (quote && next === quote))) at++;
      value += text[at];
    }
    if (quote && at < text.length) at++;
    words.push({
      value: decode(value),
      start: fileOffset(logical, start),
      end: fileOffset(logical, at - 1) + 1,
      quote,
    });
  }
  return words;
}

/** httpd takes paths as bytes; hosts name files in UTF-8, older ones in ISO-8859-1. */
function decode(latin1: string): string {
  const bytes = Buffer.from(latin1, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : latin1;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (/[ \t\v\f\r]/.test(text.charAt(at))) at++;
  return at;
}

function fileOffset(logical: LogicalLine, at: number): number {
  const piece = logical.pieces.findLast((each) => each.at <= at);
  return piece ? piece.offset + at - piece.at : at;
}

/** Doubles the backslashes that httpd would take for an escape: before a backslash, before the quote, and at the end. */
function escapeWord(value: string, quote: string): string {
  let text = "";
  for (let at = 0; at < value.length; at++) {
    const character = value.charAt(at);
    const next = value.charAt(at + 1);
    if (character === "\\" && (next === "\\" || (quote && (next === quote || next === "")))) text += "\\\\";
    else text += quote && character === quote ? `\\${quote}` : character;
  }
  return text;
}

function malformed(where: string, found: string, allowed?: string): ProblemError {
  return new ProblemError("malformed", { where, found, allowed, why: "The web server would refuse this file, too" });
}
