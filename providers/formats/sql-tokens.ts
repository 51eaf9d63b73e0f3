import { ProblemError } from "../common/problem.js";

/** A piece of SQL text that is not white space. Positions are indices into the text that was given. */
export interface SqlToken {
  /**
   * "word" = keyword or ordinary identifier, "quoted" = delimited identifier, "string" = literal, "symbol" = one other
   * character, "directive" = a `--#SET …` line of the command line processor. Comments are no tokens.
   */
  readonly kind: "word" | "quoted" | "string" | "number" | "symbol" | "directive";
  /** As it stands; of "quoted" and "string" what is between the quotes, with doubled quotes as one. */
  readonly text: string;
  readonly start: number;
  /** After its last character. */
  readonly end: number;
  readonly line: number;
}

const PATTERNS = {
  space: /[\s\ufeff]+/y,
  word: /[\p{L}_#$\u0080-\u00ff][\p{L}\p{N}_#$\u0080-\u00ff]*/uy,
  number: /\d+(?:\.\d+)*/y,
  lineComment: /--[^\r\n]*/y,
  freeText: /(?:ECHO\b|!)/iy,
} as const;

/**
 * Reads SQL as Db2 does: literals with '' in them, "delimited" identifiers, `--` and bracketed comments. What stands inside
 * any of these is never a token of its own.
 *
 * `@` is a symbol, never part of a name: scripts of Connections end their statements with it.
 *
 * @throws ProblemError `malformed` with the line, for a literal, identifier or comment without an end, and for a comment
 *   within a comment, which not every reader of scripts takes alike.
 */
export function readSqlTokens(text: string, where: string): readonly SqlToken[] {
  const tokens: SqlToken[] = [];
  const lines = new LineCounter(text);
  let at = 0;
  /** The terminator that the last directive names. */
  let named: string | undefined;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const add = (kind: SqlToken["kind"], whole: string, inner = whole): void => {
    tokens.push({ kind, text: inner, start: at, end: at + whole.length, line: lines.at(at) });
    at += whole.length;
  };
  const endless = (what: string): ProblemError =>
    malformed(where, lines.at(at), `${what} begins here and does not end`);

  while (at < text.length) {
    const space = match(PATTERNS.space);
    if (space) {
      at += space.length;
      continue;
    }
    if (text.startsWith("--", at)) {
      const comment = match(PATTERNS.lineComment) ?? "--";
      if (/^--#SET\b/i.test(comment)) {
        add("directive", comment);
        named = terminatorNamedBy(comment) ?? named;
      } else at += comment.length;
      continue;
    }
    if (text.startsWith("/*", at)) {
      const end = text.indexOf("*/", at + 2);
      if (end < 0) throw endless("a comment");
      const inner = text.indexOf("/*", at + 2);
      if (inner >= 0 && inner < end) throw malformed(where, lines.at(inner), "a comment within a comment");
      at = end + 2;
      continue;
    }
    if (match(PATTERNS.freeText) && beginsLine(text, at) && mayBeFreeText(tokens.at(-1), text.charAt(at), named)) {
      at = endOfLine(text, at);
      continue;
    }
    if (text[at] === "'" || text[at] === '"') {
      const kind = text[at] === "'" ? "string" : "quoted";
      const end = endOfQuoted(text, at);
      if (end === undefined) throw endless(kind === "string" ? "a literal" : "a quoted name");
      const whole = text.slice(at, end);
      const quote = whole.charAt(0);
      add(kind, whole, whole.slice(1, -1).replaceAll(quote + quote, quote));
      continue;
    }
    const word = match(PATTERNS.word);
    if (word) {
      add("word", word);
      continue;
    }
    const number = match(PATTERNS.number);
    if (number) add("number", number);
    else add("symbol", String.fromCodePoint(text.codePointAt(at) ?? 0));
  }
  return tokens;
}

/** Whether a character is a letter of ordinary identifiers, as # and $ are: then it ends no word before it. */
export function isLetterOfNames(character: string): boolean {
  PATTERNS.word.lastIndex = 0;
  return PATTERNS.word.test(character);
}

/** Whether a token is this keyword; a quoted name never is. */
export const isWord = (token: SqlToken | undefined, word: string): boolean =>
  token?.kind === "word" && token.text.toUpperCase() === word;

export const isSymbol = (token: SqlToken | undefined, symbol: string): boolean =>
  token?.kind === "symbol" && token.text === symbol;

/**
 * `ECHO it's time` and `!command` are lines for the command line processor: an apostrophe there opens no literal. Known by
 * the word that begins a line, after a statement's end or at the very beginning.
 */
function mayBeFreeText(last: SqlToken | undefined, first: string, terminator: string | undefined): boolean {
  if (first === terminator) return false;
  if (last === undefined || last.kind === "directive") return true;
  return ["@", ";", terminator].some((sign) => sign !== undefined && isSymbol(last, sign));
}

/** What `--#SET TERMINATOR x` says, whether one can go by it or not. undefined for any other `--#SET`. */
export const terminatorNamedBy = (directive: string): string | undefined =>
  /^--#SET\s+TERMINATOR\s+(\S+)/i.exec(directive)?.[1];

/** Whether only blanks stand before it in its line. */
function beginsLine(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === " " || text[before] === "\t") before--;
  return before < 0 || text[before] === "\n" || text[before] === "\r";
}

/** After the quote that ends what begins at `at`. No regular expression: on a literal of 30 MB one runs out of memory to go back. */
function endOfQuoted(text: string, at: number): number | undefined {
  const quote = text.charAt(at);
  let end = text.indexOf(quote, at + 1);
  while (end >= 0 && text[end + 1] === quote) end = text.indexOf(quote, end + 2);
  return end < 0 ? undefined : end + 1;
}

function endOfLine(text: string, from: number): number {
  const rest = /[\r\n]/g;
  rest.lastIndex = from;
  return rest.exec(text)?.index ?? text.length;
}

const malformed = (where: string, line: number, found: string): ProblemError =>
  new ProblemError("malformed", {
    where: `${where}:${line}`,
    found,
    allowed: "SQL in which every literal, quoted name and comment ends, and no comment stands in another",
    why: "What comes after it could be taken for something that it is not",
  });

/** Line numbers of growing positions. LF, CRLF and CR end a line. */
class LineCounter {
  #line = 1;
  #from = 0;

  constructor(private readonly text: string) {}

  at(position: number): number {
    for (; this.#from < position; this.#from++) {
      const char = this.text[this.#from];
      if (char === "\n" || (char === "\r" && this.text[this.#from + 1] !== "\n")) this.#line++;
    }
    return this.#line;
  }
}
