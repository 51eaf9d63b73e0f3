import fc from "fast-check";
import { XMLValidator } from "fast-xml-parser";
import { ProblemError } from "../../providers/common/problem.js";
import { splice } from "../../providers/formats/splice.js";
import { attributeOf, MAX_XML_BYTES, MAX_XML_DEPTH, readXml, type XmlElement } from "../../providers/formats/xml.js";

const read = (text: string) => readXml(Buffer.from(text, "latin1"), "f.xml");

function refusal(bytes: Uint8Array | string): string {
  try {
    readXml(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, "f.xml");
  } catch (error) {
    expect(error).toBeInstanceOf(ProblemError);
    expect((error as ProblemError).cause).toBe("malformed");
    return (error as ProblemError).message;
  }
  throw new Error("it was accepted");
}

describe("positions", () => {
  const text = `<?xml version="1.0"?><!--glued--><a x="1">\r\n <b  y = '2'\r\n/>text<!-- <z/> --><![CDATA[<z/>]]><?pi <z/> ?><b></b ></a>\r\n`;

  test.each([
    ["LF", text.replaceAll("\r\n", "\n")],
    ["CRLF", text],
    ["a byte order mark", `\xef\xbb\xbf${text}`],
  ])("elements and values are where they are said to be, with %s", (_name, bytes) => {
    const { root } = read(bytes);
    expect(bytes.slice(root.start, root.end)).toBe(bytes.slice(bytes.indexOf("<a"), bytes.indexOf("</a>") + 4));
    expect(root.children.map((child) => bytes.slice(child.start, child.end))).toEqual([
      bytes.slice(bytes.indexOf("<b"), bytes.indexOf("/>") + 2),
      "<b></b >",
    ]);
    const [first, second] = root.children as [XmlElement, XmlElement];
    const [y] = first.attributes;
    expect(y && bytes.slice(y.valueStart, y.valueEnd)).toBe("2");
    expect([first.openEnd, first.closeStart]).toEqual([first.end, first.end]);
    expect(bytes.slice(second.openEnd, second.closeStart)).toBe("");
    expect(bytes.slice(second.closeStart, second.end)).toBe("</b >");
  });

  test("lines are counted over LF, CRLF and CR", () => {
    const document = read("<a>\n\r\n\r<b/></a>");
    expect(document.lineOf(0)).toBe(1);
    expect(document.lineOf(document.root.children[0]?.start ?? 0)).toBe(4);
  });
});

describe("values", () => {
  const value = (text: string) => attributeOf(read(text).root, "v");

  test.each([
    ["references", `<a v="&lt;&amp;&#65;&#x42;&quot;&apos;&gt;"/>`, `<&AB"'>`],
    ["white space", `<a v="1\r\n2\t3&#10;4"/>`, "1 2 3\n4"],
    ["the other quote", `<a v='"'/>`, '"'],
    ["UTF-8 by default", `<a v="\xc3\xa9"/>`, "é"],
    ["ISO-8859-1", `<?xml version="1.0" encoding="ISO-8859-1"?><a v="\xe9\x85"/>`, "é\u0085"],
    ["windows-1252", `<?xml version="1.0" encoding='windows-1252'?><a v="\x80"/>`, "€"],
    ["a greater-than sign", `<a v="a>b"/>`, "a>b"],
  ])("%s are decoded", (_name, text, expected) => {
    expect(value(text)).toBe(expected);
  });
});

describe("promise 19: hostile or broken XML is refused with its line", () => {
  const nested = (depth: number) => "<a>".repeat(depth) + "</a>".repeat(depth);

  test.each<[string, string | Uint8Array, RegExp]>([
    ["nothing", "", /f\.xml:1: an empty file/],
    ["only white space", " \n", /no root element/],
    ["no XML", "Listen 80\n", /text outside the root element|no root/],
    ["two roots", "<a/>\n<b/>", /f\.xml:2: .*(second root|multiple)/is],
    ["text behind the root", "<a/>\nx", /f\.xml:2/],
    ["an element without end", "<a>\n<b>", /f\.xml/],
    ["crossed tags", "<a><b></a></b>", /'b'/],
    ["another end tag", "<a></b>", /'a'/],
    ["an end tag too many", "<a></a></a>", /f\.xml/],
    ["an end tag in other case", "<a></A>", /f\.xml/],
    ["an attribute twice", `<a\n v="1" v="2"/>`, /f\.xml:2.*(twice|repeated)/],
    ["an attribute without quotes", "<a v=1/>", /f\.xml:1/],
    ["an attribute without value", "<a v/>", /f\.xml:1/],
    ["attributes without a blank between", `<a v="1"w="2"/>`, /f\.xml:1/],
    ["< in an attribute", `<a v="<"/>`, /"<" in attribute v/],
    ["a quote without end", `<a v="1/>`, /f\.xml/],
    ["an unknown entity", "<a>\n&host;</a>", /f\.xml:2: "&host;/],
    ["a bare ampersand in an attribute", `<a v="a&b"/>`, /"&b/],
    ["an unknown entity in an attribute", `<a v="&x;"/>`, /"&x;/],
    ["a reference to a control character", `<a v="&#0;"/>`, /character 0/],
    ["a reference beyond Unicode", `<a v="&#x110000;"/>`, /character 1114112/],
    ["]]> in text", "<a>]]></a>", /"\]\]>"/],
    ["-- in a comment", "<a><!-- x -- y --></a>", /"--" inside a comment/],
    ["a comment without end", "<a><!-- x</a>", /f\.xml/],
    ["CDATA without end", "<a><![CDATA[x</a>", /f\.xml/],
    ["CDATA outside the root", "<a/><![CDATA[x]]>", /f\.xml/],
    ["a declaration that is not first", ` <?xml version="1.0"?><a/>`, /f\.xml/],
    ["a second declaration", `<a><?xml version="1.0"?></a>`, /f\.xml/],
    ["XML 1.1", `<?xml version="1.1"?><a/>`, /declaration/],
    ["NUL", "<a>\n\0</a>", /f\.xml:2: control character 0x00/],
    ["escape", "<a>\x1b[2J</a>", /control character 0x1b/],
    ["UTF-16 with mark", Buffer.from("\ufeff<a/>", "utf16le"), /UTF-16/],
    ["UTF-16 without mark", Buffer.from("<a/>", "utf16le"), /UTF-16/],
    ["UTF-16 declared", `<?xml version="1.0" encoding="UTF-16"?><a/>`, /encoding utf-16/],
    ["a multi-byte encoding", `<?xml version="1.0" encoding="Shift_JIS"?><a/>`, /encoding shift_jis/],
    ["a mark that contradicts the declaration", `\xef\xbb\xbf<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, /mark/],
    ["bytes that are not UTF-8", `<a>\n<b v="\xe9"/></a>`, /f\.xml:2: bytes that are not UTF-8/],
    ["bytes that are not ASCII", `<?xml version="1.0" encoding="US-ASCII"?><a v="\xe9"/>`, /0xe9/],
    ["a DOCTYPE", "<!DOCTYPE a>\n<a/>", /a DOCTYPE/],
    ["an external entity", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, /a DOCTYPE/],
    ["a bomb", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>`, /a DOCTYPE/],
    ["a DOCTYPE inside", "<a><!DOCTYPE a></a>", /f\.xml/],
    ["nesting beyond the bound", nested(MAX_XML_DEPTH + 1), /nested too deeply.*100 levels/],
    ["nesting far beyond the bound", nested(200_000), /nested too deeply/],
    ["a name that is a prototype's", "<__proto__/>", /f\.xml/],
    ["a file beyond the bound", Buffer.alloc(MAX_XML_BYTES + 1, 32), /bytes.*at most/],
  ])("%s", (_name, bytes, message) => {
    expect(refusal(bytes)).toMatch(message);
  });

  test("what is large but legal is read: a huge attribute, many references, deep but not too deep", () => {
    expect(attributeOf(read(`<a v="${"x".repeat(5_000_000)}"/>`).root, "v")).toHaveLength(5_000_000);
    expect(attributeOf(read(`<a v="${"&lt;".repeat(50_000)}"/>`).root, "v")).toBe("<".repeat(50_000));
    expect(read(nested(MAX_XML_DEPTH)).root.children).toHaveLength(1);
  });

  test("nothing that the parser's validator refuses is accepted, nor anything that loses a byte", () => {
    const token = fc.constantFrom(
      "<a>",
      "</a>",
      "<b/>",
      "<b >",
      "</b>",
      "<",
      ">",
      "&",
      "&amp;",
      "<!--",
      "-->",
      "<![CDATA[",
      "]]>",
      "<?p",
      "?>",
      "x",
      `<c v="1">`,
      "</c>",
      `<c v='1' v="2"/>`,
      `"`,
      "'",
      "\n",
      " ",
      "/>",
      "=",
      "-",
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 14 }), (tokens) => {
        const text = `<a>${tokens.join("")}</a>`;
        const accepted = isAccepted(text);
        if (accepted) expect(XMLValidator.validate(text)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});

function isAccepted(text: string): boolean {
  try {
    read(text);
    return true;
  } catch (error) {
    if (error instanceof ProblemError) return false;
    throw error;
  }
}

describe("splice", () => {
  test("promise 4: everything outside the edits is the same", () => {
    const bytes = Buffer.from("\xe90123456789", "latin1");
    expect(
      splice(bytes, [
        { start: 1, end: 1, text: "<" },
        { start: 1, end: 3, text: "" },
        { start: 10, end: 11, text: "\xff" },
      ]),
    ).toEqual(Buffer.from("\xe9<2345678\xff", "latin1"));
    expect(splice(bytes, [])).toEqual(bytes);
  });

  test("edits that overlap, go backwards or leave the file are an error", () => {
    const bytes = Buffer.from("0123");
    expect(() =>
      splice(bytes, [
        { start: 0, end: 2, text: "" },
        { start: 1, end: 3, text: "" },
      ]),
    ).toThrow(RangeError);
    expect(() => splice(bytes, [{ start: 2, end: 1, text: "" }])).toThrow(RangeError);
    expect(() => splice(bytes, [{ start: 3, end: 5, text: "" }])).toThrow(RangeError);
  });
});
