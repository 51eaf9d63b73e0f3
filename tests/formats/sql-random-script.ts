import fc from "fast-check";
import type { SqlToken } from "../../providers/formats/sql-tokens.js";

/** A token before it is written: as it stands in the script, and what it is read as. */
interface Word {
  readonly kind: SqlToken["kind"];
  readonly written: string;
  readonly text: string;
  readonly isLevel?: true;
}

/** How a random script is written down. None of it may matter for what is found. */
interface Style {
  readonly lineEnd: "\n" | "\r\n" | "\r";
  readonly upper: boolean;
  /** Between two tokens, in turn. */
  readonly gaps: readonly string[];
  /** Before a statement, in turn: lines for the command line processor among them. */
  readonly leads: readonly string[];
}

interface Part {
  /** Absent for the first part: then nothing but the lines' ends says it. */
  readonly named?: string;
  readonly terminator: string;
  readonly statements: readonly (readonly Word[])[];
}

export interface RandomScript {
  readonly parts: readonly Part[];
  readonly style: Style;
  readonly isLastOneEnded: boolean;
  readonly encoding: "latin1" | "utf8" | "utf8 with a mark";
}

/** A script as text, and what is in it, known from how it was made. */
export interface Written {
  readonly text: string;
  readonly tokens: readonly SqlToken[];
  /** Of each statement, without its terminator. */
  readonly statements: readonly (readonly SqlToken[])[];
  readonly terminators: readonly string[];
  /** The literals with the level that is looked for. */
  readonly levels: readonly SqlToken[];
}

const LOOK_ALIKE = "INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA VALUES ('HOMEPAGE', 704, '')";

/** What means something elsewhere, and nothing within a literal, a quoted name or a comment. */
const hostile = fc.oneof(
  fc.constantFrom(
    `${LOOK_ALIKE}@`,
    `x@\n${LOOK_ALIKE};\n`,
    "it's",
    "--#SET TERMINATOR !",
    "\n--#SET TERMINATOR !\n",
    "db2 -td@ -vf createDb.sql",
    "SET SCHEMA NEWS@",
    "BEGIN",
    "",
  ),
  fc.string({ unit: fc.constantFrom(..."'\"@;!^~-#()., \n70é", "HOMEPAGE"), maxLength: 12 }),
);
const inOneLine = hostile.map((text) => text.replaceAll("\n", " "));

const gap = fc.oneof(
  fc.constantFrom("", "", " ", "\t", "\n", " \n  "),
  inOneLine.map((text) => `-- ${text}\n`),
  hostile.map((text) => `/* ${text} */`),
);
const lead = fc.oneof(
  fc.constantFrom("\n", "\n\n", "  "),
  gap.filter((text) => text !== ""),
  inOneLine.map((text) => `\nECHO ${text}\n`),
  inOneLine.map((text) => `\n !db2 ${text}\n`),
);

const style: fc.Arbitrary<Style> = fc.record({
  lineEnd: fc.constantFrom("\n", "\r\n", "\r"),
  upper: fc.boolean(),
  gaps: fc.array(gap, { minLength: 1, maxLength: 7 }),
  leads: fc.array(lead, { minLength: 1, maxLength: 4 }),
});

const literal = (text: string): Word => ({ kind: "string", written: `'${text.replaceAll("'", "''")}'`, text });
const quoted = (text: string): Word => ({ kind: "quoted", written: `"${text.replaceAll('"', '""')}"`, text });

/** Words, numbers and symbols as in SQL, one blank between words. */
const sql = (text: string): Word[] =>
  (text.match(/\w+|[^\w\s]/g) ?? []).map((written) => ({
    kind: /^\d/.test(written) ? "number" : /^\w/.test(written) ? "word" : "symbol",
    written,
    text: written,
  }));

const other: fc.Arbitrary<readonly Word[]> = fc.oneof(
  fc.constant(sql("COMMIT")),
  hostile.map((text) => [...sql("INSERT INTO A.B VALUES ("), literal(text), ...sql(", 704)")]),
  hostile.map((text) => [...sql("COMMENT ON COLUMN A."), quoted(text), ...sql(". C IS"), literal(text)]),
  fc.constant([
    ...sql("INSERT INTO HOMEPAGE.HOMEPAGE_SCHEMA (COMPKEY, DBSCHEMAVER) VALUES ("),
    literal("NEWS"),
    ...sql(", 704)"),
  ]),
  fc.constant(
    [...sql("INSERT INTO NEWS.HOMEPAGE_SCHEMA VALUES ("), literal("HOMEPAGE"), ...sql(", 704,"), literal("")].concat(
      sql(")"),
    ),
  ),
);
/** With statements in it, and the character that ends these. */
const compound = fc
  .tuple(hostile, fc.constantFrom("END", "END;"))
  .map(([text, end]) => [...sql("BEGIN ATOMIC SET X ="), literal(text), ...sql(`; SET Y = 704; ${end}`)]);

const statementsFor = (terminator: string): fc.Arbitrary<readonly (readonly Word[])[]> =>
  fc.array(terminator === ";" ? other : fc.oneof({ weight: 5, arbitrary: other }, compound), { maxLength: 4 });

const part = (terminator: string, isNamed: boolean): fc.Arbitrary<Part> =>
  statementsFor(terminator).map((statements) => ({
    terminator,
    statements,
    ...(isNamed ? { named: terminator } : {}),
  }));

/** Without the statement that is looked for. */
export const randomScript: fc.Arbitrary<RandomScript> = fc.record({
  parts: fc
    .tuple(
      fc.constantFrom("@", ";").chain((terminator) => part(terminator, false)),
      fc.array(
        fc.constantFrom("@", ";", "!", "^", "~", "%").chain((terminator) => part(terminator, true)),
        { maxLength: 3 },
      ),
    )
    .map(([first, more]) => [first, ...more]),
  style,
  isLastOneEnded: fc.boolean(),
  encoding: fc.constantFrom("latin1", "utf8", "utf8 with a mark"),
});

/** The statement that is looked for, in one of its spellings; 704 stands in it once as the level of HOMEPAGE. */
export const target: fc.Arbitrary<readonly (readonly Word[])[]> = fc
  .record({
    columns: fc.shuffledSubarray(["COMPKEY", "DBSCHEMAVER", "RELEASEVER"], { minLength: 3 }),
    areNamed: fc.boolean(),
    isBare: fc.boolean(),
    isQuoted: fc.boolean(),
    isText: fc.boolean(),
    rowsBefore: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ columns, areNamed, isBare, isQuoted, isText, rowsBefore }) => {
    const name = (text: string) => (isQuoted ? [quoted(text)] : sql(text));
    const order = areNamed ? columns : ["COMPKEY", "DBSCHEMAVER", "RELEASEVER"];
    const level = (key: string): Word => ({
      ...(isText ? literal("704") : { kind: "number", written: "704", text: "704" }),
      ...(key === "HOMEPAGE" ? { isLevel: true } : {}),
    });
    const row = (key: string) => [
      ...sql("("),
      ...order.flatMap((column, index) => [
        ...(index > 0 ? sql(",") : []),
        column === "COMPKEY" ? literal(key) : column === "RELEASEVER" ? literal("704") : level(key),
      ]),
      ...sql(")"),
    ];
    const insert = [
      ...sql("INSERT INTO"),
      ...(isBare ? [] : [...name("HOMEPAGE"), ...sql(".")]),
      ...name("HOMEPAGE_SCHEMA"),
      ...(areNamed
        ? [
            ...sql("("),
            ...order.flatMap((column, index) => [...(index > 0 ? sql(",") : []), ...name(column)]),
            ...sql(")"),
          ]
        : []),
      ...sql("VALUES"),
      ...Array.from({ length: rowsBefore }, () => [...row("NEWS"), ...sql(",")]).flat(),
      ...row("HOMEPAGE"),
    ];
    return isBare ? [[...sql("SET CURRENT SCHEMA ="), ...name("HOMEPAGE")], insert] : [insert];
  });

/** The script with more statements in it, at a place that is counted round its statements. */
export function withStatements(
  script: RandomScript,
  statements: readonly (readonly Word[])[],
  place: number,
): RandomScript {
  const at = place % script.parts.length;
  return {
    ...script,
    parts: script.parts.map((each, index) =>
      index === at
        ? { ...each, statements: each.statements.toSpliced(place % (each.statements.length + 1), 0, ...statements) }
        : each,
    ),
  };
}

const isWordLike = ({ kind }: Word): boolean => kind === "word" || kind === "number";

export function written({ parts, style: { lineEnd, upper, gaps, leads }, isLastOneEnded }: RandomScript): Written {
  let text = "";
  let [gapTurn, leadTurn] = [0, 0];
  const tokens: SqlToken[] = [];
  const levels: SqlToken[] = [];
  const statements: SqlToken[][] = [];
  const asItEndsLines = (piece: string) => piece.replaceAll("\n", lineEnd);
  const add = (word: Word): SqlToken => {
    const piece = asItEndsLines(word.kind === "word" && !upper ? word.written.toLowerCase() : word.written);
    const inner = word.kind === "string" || word.kind === "quoted" ? asItEndsLines(word.text) : piece;
    const line = (text.match(/\r\n|\r|\n/g) ?? []).length + 1;
    const token = { kind: word.kind, text: inner, start: text.length, end: text.length + piece.length, line };
    text += piece;
    tokens.push(token);
    if (word.isLevel) levels.push(token);
    return token;
  };
  for (const [index, { named, terminator, statements: ones }] of parts.entries()) {
    if (named !== undefined) {
      const directive = `--#SET TERMINATOR ${named}`;
      text += lineEnd;
      add({ kind: "directive", written: directive, text: directive });
      text += lineEnd;
    }
    for (const [position, words] of ones.entries()) {
      const next = leads[leadTurn++ % leads.length] as string;
      // The terminator itself would begin that line.
      text += asItEndsLines(terminator === "!" ? next.replace("\n !", "\nECHO ") : next);
      const statement = words.map((word, at) => {
        const previous = words[at - 1];
        if (previous) {
          const between = gaps[gapTurn++ % gaps.length] as string;
          text += asItEndsLines(between === "" && isWordLike(previous) && isWordLike(word) ? " " : between);
        }
        return add(word);
      });
      statements.push(statement);
      const isLast = index === parts.length - 1 && position === ones.length - 1;
      // Without a directive only the ends of lines tell the terminator.
      if (isLast && index > 0 && !isLastOneEnded) continue;
      text += asItEndsLines((gaps[gapTurn++ % gaps.length] as string).replace(/^$/, " "));
      add({ kind: "symbol", written: terminator, text: terminator });
    }
  }
  const terminators = [
    ...new Set(
      parts.map(({ terminator, statements: ones }, index) => (index === 0 && ones.length === 0 ? ";" : terminator)),
    ),
  ];
  return { text, tokens, statements, terminators, levels };
}
