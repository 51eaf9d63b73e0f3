import fc from "fast-check";
import { ProblemError } from "../../providers/common/problem.js";
import { type ConfLine, type ConfWord, readHttpdConf, replaceArgument } from "../../providers/formats/httpd-conf.js";

const read = (text: string) => readHttpdConf(Buffer.from(text, "latin1"), "web1 /conf/httpd.conf");
const brief = (line: ConfLine) => [line.line, line.kind, line.name, ...line.words.map((word) => word.value)];

describe("reading", () => {
  test.each<[string, string, unknown[][]]>([
    [
      "blanks and tabs",
      "\t Listen \t80 \r\n\n  ServerName  a",
      [
        [1, "directive", "Listen", "80"],
        [3, "directive", "ServerName", "a"],
      ],
    ],
    [
      "comments",
      "  # WebSpherePluginConfig /x\n##Listen 80",
      [
        [1, "comment", "WebSpherePluginConfig"],
        [2, "comment", "Listen"],
      ],
    ],
    ["a hash sign behind a directive is an argument", "Listen 80 # x", [[1, "directive", "Listen", "80", "#", "x"]]],
    [
      "continuation lines",
      "LoadModule a \\\n  b \\\r\n c\nListen 80",
      [
        [1, "directive", "LoadModule", "a", "b", "c"],
        [4, "directive", "Listen", "80"],
      ],
    ],
    [
      "a comment that goes on hides the next line",
      "# old \\\nListen 80\nListen 81",
      [
        [1, "comment", "old"],
        [3, "directive", "Listen", "81"],
      ],
    ],
    ["a word cut by a continuation", "Listen 8\\\n0", [[1, "directive", "Listen", "80"]]],
    ["a backslash at the end of the file", "Listen 80\\", [[1, "directive", "Listen", "80\\"]]],
    ["quotes", `A "b c" 'd "e' "f \\" g"h`, [[1, "directive", "A", "b c", 'd "e', 'f " g', "h"]]],
    [
      "Windows paths",
      `A "C:\\IBM\\x" C:\\IBM/y "\\\\\\\\srv\\\\share"`,
      [[1, "directive", "A", "C:\\IBM\\x", "C:\\IBM/y", "\\\\srv\\share"]],
    ],
    [
      "a quote without end",
      `ErrorDocument 500 "Sorry, no\nListen 80`,
      [
        [1, "directive", "ErrorDocument", "500", "Sorry, no"],
        [2, "directive", "Listen", "80"],
      ],
    ],
    ["UTF-8 and other bytes", "A /\xc3\xa9 /\xe9", [[1, "directive", "A", "/é", "/é"]]],
  ])("%s", (_name, text, expected) => {
    expect(read(text).map(brief)).toEqual(expected);
  });

  test("sections and what is in them", () => {
    const lines = read(
      "<IfModule !mod_ssl.c>\n <VirtualHost *:80 [::1]:80>\n  A 1\n </virtualhost>\n</IfModule>\nB 2\n",
    );
    expect(
      lines.map((line) => [line.kind, line.name, line.rest, line.sections.map((section) => section.line)]),
    ).toEqual([
      ["open", "IfModule", "!mod_ssl.c", []],
      ["open", "VirtualHost", "*:80 [::1]:80", [1]],
      ["directive", "A", "1", [1, 2]],
      ["close", "virtualhost", "", [1]],
      ["close", "IfModule", "", []],
      ["directive", "B", "2", []],
    ]);
  });

  test.each([
    ["a section that is not closed", "\n<IfModule a>\n", /:2: <IfModule> is not closed/],
    ["an end without beginning", "Listen 80\n</IfModule>", /:2: <\/IfModule>.*no section is open/],
    [
      "crossed sections",
      "<IfModule a>\n<IfDefine b>\n</IfModule>\n</IfDefine>",
      /:3: <\/IfModule>.*<\/IfDefine>, opened on line 2/,
    ],
    ["a section without >", "<IfModule a\n", /:1: "<IfModule" without ">"/],
    ["NUL bytes", "L\0i\0s\0", /NUL/],
  ])("promise 19: %s is refused with its line", (_name, text, message) => {
    expect(() => read(text)).toThrow(ProblemError);
    expect(() => read(text)).toThrow(message);
  });
});

describe("promise 4: replacing an argument changes its bytes alone", () => {
  const first = (bytes: Uint8Array, line = 0) => readHttpdConf(bytes, "f")[line]?.words[0] as ConfWord;
  const replaced = (text: string, value: string, line = 0) => {
    const bytes = Buffer.from(text, "latin1");
    return replaceArgument(bytes, first(bytes, line), value).toString("latin1");
  };

  test.each([
    ["bare", "A\t /old  \r\nB", "/new", "A\t /new  \r\nB"],
    ["double quotes", '\tA  "/old" # x\n', "/new", '\tA  "/new" # x\n'],
    ["single quotes", "A '/old'", "/new", "A '/new'"],
    ["bare that needs quotes now", "A /old\n", "/new dir/x", 'A "/new dir/x"\n'],
    ["quotes in the value", 'A "/old"', '/a"b', 'A "/a\\"b"'],
    ["a bare Windows path", "A C:/old", "C:\\new\\x.xml", "A C:\\new\\x.xml"],
    ["a Windows path that ends in a backslash", "A C:/old", "C:\\new\\", 'A "C:\\new\\\\"'],
    ["a share", 'A "C:/old"', "\\\\srv\\x", 'A "\\\\\\srv\\x"'],
    ["an argument on a continuation line", "A \\\r\n  /old \\\r\n\r\nB", "/new", "A \\\r\n  /new \\\r\n\r\nB"],
    ["an argument cut by a continuation", "A /o\\\nld\nB", "/new", "A /new\nB"],
    ["bytes of another encoding around it", "# \xe9\nA /old # \xff", "/new", "# \xe9\nA /new # \xff"],
  ])("%s", (_name, before, value, after) => {
    expect(replaced(before, value, before.startsWith("#") ? 1 : 0)).toBe(after);
  });

  test("whatever the value and the quotes, it reads back as it was given and the rest is the same", () => {
    const path = fc.string({
      unit: fc.constantFrom("\\", '"', "'", " ", "a", "/", "é", "#", "$", "<", ">", "{"),
      maxLength: 12,
    });
    fc.assert(
      fc.property(path, fc.constantFrom("", '"', "'"), fc.constantFrom("\n", "\r\n", ""), (value, quote, lineEnd) => {
        const before = Buffer.from(`# x${lineEnd || "\n"}  A ${quote}/old${quote}${lineEnd}`);
        const after = replaceArgument(before, first(before, 1), value);
        expect(first(after, 1).value).toBe(value);
        expect(readHttpdConf(after, "f")).toHaveLength(2);
        expect(after.subarray(0, 8)).toEqual(before.subarray(0, 8));
        expect(after.toString().endsWith(lineEnd)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test.each(["/a\nListen 81", "/a\r", "/a\0", "\x1b[2J"])(
    "promise 19: a value with control characters is refused: %j",
    (value) => {
      expect(() => replaced("A /old", value)).toThrow(/control characters/);
    },
  );
});
