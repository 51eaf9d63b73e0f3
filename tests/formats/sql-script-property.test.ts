import fc from "fast-check";
import { readScriptLevel } from "../../providers/formats/sql-script.js";
import { readSqlScript } from "../../providers/formats/sql-statements.js";
import { readSqlTokens, type SqlToken } from "../../providers/formats/sql-tokens.js";
import { bump, problemOf } from "./sql-bump.js";
import { type RandomScript, randomScript, target, withStatements, written } from "./sql-random-script.js";

const MARK = "\ufeff";
const place = fc.nat(30);
const RUNS = { numRuns: 300 };

/** As a file, and where a character of the text stands in it. */
function inFile({ encoding }: RandomScript, text: string) {
  const mark = encoding === "utf8 with a mark" ? MARK : "";
  const code = encoding === "latin1" ? "latin1" : "utf8";
  return {
    bytes: Buffer.from(mark + text, code),
    at: (position: number) => Buffer.byteLength(mark + text.slice(0, position), code),
  };
}

test("what is read of a script is what was written into it: each token, each statement, each terminator", () => {
  fc.assert(
    fc.property(randomScript, target, place, (script, wanted, at) => {
      const { text, tokens, statements, terminators } = written(withStatements(script, wanted, at));
      expect(readSqlTokens(text, "x")).toEqual(tokens);
      const read = readSqlScript(text, "x");
      expect(read.statements.map((statement) => statement.tokens)).toEqual(statements);
      expect(read.terminators).toEqual(terminators);
    }),
    RUNS,
  );
});

test("promise 4: the digits of the one literal change, no other byte does, and editing twice is editing once", () => {
  fc.assert(
    fc.property(randomScript, target, place, (script, wanted, at) => {
      const whole = withStatements(script, wanted, at);
      const { text, levels } = written(whole);
      const [literal] = levels as [SqlToken];
      const file = inFile(whole, text);
      const start = file.at(literal.start + (literal.kind === "string" ? 1 : 0));

      const { bytes, changed, line } = bump(file.bytes);
      expect({ changed, line }).toEqual({ changed: true, line: literal.line });
      expect(
        bytes.equals(
          Buffer.concat([file.bytes.subarray(0, start), Buffer.from("705"), file.bytes.subarray(start + 3)]),
        ),
      ).toBe(true);
      expect(readScriptLevel(bytes, "HOMEPAGE", "x")).toMatchObject({ level: "705", start, end: start + 3 });
      const again = bump(bytes);
      expect([again.changed, again.bytes]).toEqual([false, bytes]);
    }),
    RUNS,
  );
});

test("a script that only looks as if it inserted the level is refused, and so is one that inserts it twice", () => {
  fc.assert(
    fc.property(randomScript, target, place, place, (script, wanted, at, again) => {
      const without = written(script);
      expect(problemOf(inFile(script, without.text).bytes)).toContain(
        "no statement is an INSERT of the row 'HOMEPAGE'",
      );
      const twice = withStatements(withStatements(script, wanted, at), wanted, again);
      const { text } = written(twice);
      expect(problemOf(inFile(twice, text).bytes)).toMatch(
        /createDb\.sql:\d+: 2 times an INSERT of the row 'HOMEPAGE'/,
      );
    }),
    RUNS,
  );
});
