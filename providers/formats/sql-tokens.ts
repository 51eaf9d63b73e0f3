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
  string: /'(?:[^']|'')*'/y,
  quoted: /"(?:[^"]|"")*"/y,
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
      if (/^--#SET\b/i.test(comment)) add("directive", comment);
      else at += comment.length;
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
    if (isFreeText(tokens, text, at)) {
      at = endOfLine(text, at);
      continue;
    }
    if (text[at] === "'" || text[at] === '"') {
      const kind = text[at] === "'" ? "string" : "quoted";
      const whole = match(PATTERNS[kind]);
      if (!whole) throw endless(kind === "string" ? "a literal" : "a quoted name");
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
function isFreeText(before: readonly SqlToken[], text: string, at: number): boolean {
  const lineStart = Math.max(text.lastIndexOf("\n", at - 1), text.lastIndexOf("\r", at - 1)) + 1;
  if (text.slice(lineStart, at).trim() !== "" || !/^(?:ECHO\b|!)/i.test(text.slice(at, at + 5))) return false;
  const last = before.at(-1);
  return last === undefined || last.kind === "directive" || isSymbol(last, "@") || isSymbol(last, ";");
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
