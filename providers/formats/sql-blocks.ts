import { isSymbol, isWord, type SqlToken } from "./sql-tokens.js";

const CONTROLS = ["IF", "WHILE", "FOR", "LOOP", "REPEAT"];

/**
 * Which BEGIN is open after each statement, for scripts in which the terminator also stands between the statements of a compound
 * one. In doubt a block stays open: END IF, END LOOP and their like close none, nor does an END that nothing ends after.
 */
export class OpenBlocks {
  /** BEGIN and CASE that have had no END yet. */
  #open: SqlToken[] = [];

  /** The line of the outermost open BEGIN. */
  get line(): number | undefined {
    return this.#open.find(isBegin)?.line;
  }

  /** @param between whether its terminator also ends statements within a compound one, as a semicolon does */
  after(statement: readonly SqlToken[], between: boolean): void {
    let depth = 0;
    for (const [index, token] of statement.entries()) {
      const next = statement[index + 1];
      if (isSymbol(token, "(")) depth++;
      if (isSymbol(token, ")")) depth--;
      const opens = isWord(token, "CASE") ? !isWord(statement[index - 1], "END") : depth === 0 && isBegin(token);
      // GENERATED ALWAYS AS ROW BEGIN names a column's role.
      if (opens && !isWord(statement[index - 1], "ROW")) this.#open.push(token);
      if (!isWord(token, "END") || CONTROLS.some((word) => isWord(next, word))) continue;
      const innermost = this.#open.at(-1);
      if (isWord(innermost, "CASE") || (depth === 0 && endsAt(statement, index))) this.#open.pop();
    }
    // No CASE goes on after a statement's end but in a compound one.
    if (!between || this.line === undefined) this.#open = [];
  }
}

const isBegin = (token: SqlToken): boolean => isWord(token, "BEGIN");

/** Whether a statement ends with the END at `index`, or with the label after it. */
function endsAt(statement: readonly SqlToken[], index: number): boolean {
  const ends = (token: SqlToken | undefined) => token === undefined || isSymbol(token, ";");
  return ends(statement[index + 1]) || (statement[index + 1]?.kind === "word" && ends(statement[index + 2]));
}
