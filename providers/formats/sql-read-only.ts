import { ProblemError } from "../common/problem.js";
import { isSymbol, isWord, readSqlTokens } from "./sql-tokens.js";

/** Words that make a SELECT change something or hold locks: data-change table references, FOR UPDATE, sequences. */
const CHANGING = ["INSERT", "UPDATE", "DELETE", "MERGE", "CALL", "INTO", "NEXT", "NEXTVAL", "LOCK", "LOCKS"] as const;

/**
 * Why a text is not one single SELECT that changes nothing and takes no parameters; undefined when it is one.
 *
 * It is no proof for functions that a SELECT may call: whoever writes such a function knows what it does.
 */
export function readOnlyProblem(sql: string): string | undefined {
  let tokens: ReturnType<typeof readSqlTokens>;
  try {
    tokens = readSqlTokens(sql, "the statement");
  } catch (error) {
    if (error instanceof ProblemError) return `it cannot be read: ${error.problems[0]?.found}`;
    throw error;
  }
  if (!isWord(tokens[0], "SELECT")) return "it must begin with SELECT";
  if (tokens.some((token) => isSymbol(token, ";") || isSymbol(token, "@"))) {
    return "it must be one statement, without a terminator";
  }
  if (tokens.some((token) => isSymbol(token, "?"))) return "it must have no parameters";
  const changing = CHANGING.find((word) => tokens.some((token) => isWord(token, word)));
  return changing === undefined ? undefined : `it must change nothing, and ${changing} is in it`;
}
