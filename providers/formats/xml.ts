import { isUtf8 } from "node:buffer";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { type Problem, ProblemError } from "../common/problem.js";
import { decodeBytes, firstInvalidUtf8, hex, isXmlCharacter } from "./xml-text.js";

/** Larger files are refused: no configuration file of the products comes near this. */
export const MAX_XML_BYTES = 64 * 1024 * 1024;
/** Elements nested deeper than this are refused. */
export const MAX_XML_DEPTH = 100;

/** `name="value"` in a start tag. All offsets are byte offsets in the file; ends are exclusive. */
export interface XmlAttribute {
  readonly name: string;
  /** Decoded: references resolved, line ends and tabs as the blanks that XML makes of them. */
  readonly value: string;
  /** What stands between the quotes. */
  readonly valueStart: number;
  readonly valueEnd: number;
}

export interface XmlElement {
  readonly name: string;
  readonly start: number;
  /** Behind the `>` of the start tag; equals `end` for `<a/>`. */
  readonly openEnd: number;
  /** Where the end tag begins; equals `end` for `<a/>`. */
  readonly closeStart: number;
  readonly end: number;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
}

export interface XmlDocument {
  /** The bytes as latin1 text, so that a string index is a byte offset whatever the encoding. */
  readonly text: string;
  readonly root: XmlElement;
  /** Line (from 1) of a byte offset. */
  lineOf(offset: number): number;
}

/** Value of an attribute, decoded. */
export function attributeOf(element: XmlElement, name: string): string | undefined {
  return element.attributes.find((attribute) => attribute.name === name)?.value;
}

/**
 * Reads XML for editing: every element and attribute value with its place in the bytes.
 *
 * Stricter than the parser it stands on (fast-xml-parser): each byte must be accounted for by XML's grammar, so that what is
 * edited and put live is what every other reader sees too. Elements come from that parser's positions; start tags, end tags,
 * text, comments, CDATA sections and processing instructions are checked here, so its validator is only asked for its words
 * when something is wrong (it passes two roots, `<` in attributes, undefined entities, control characters).
 *
 * Accepted: XML 1.0 without a DOCTYPE, in UTF-8, US-ASCII or a single-byte encoding named in the declaration, with or without
 * a byte order mark. Element and attribute names must be ASCII, as all products' are.
 *
 * @param where what messages call the file
 * @throws ProblemError "malformed" with the line
 */
export function readXml(bytes: Uint8Array, where: string): XmlDocument {
  return new XmlReader(bytes, where).read();
}

const UTF8_MARK = "\xef\xbb\xbf";
const DECLARATION =
  /<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([A-Za-z][A-Za-z0-9._-]*)"|'([A-Za-z][A-Za-z0-9._-]*)'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/y;
const SINGLE_BYTE = /^(?:us-ascii|iso-8859-(?:[1-9]|1[013-6])|windows-(?:125[0-8]|874)|koi8-[ru]|ibm866|macintosh)$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const FORBIDDEN_CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f]/;
const TAG_START = /<[A-Za-z_:][A-Za-z0-9_:.-]*/y;
const ATTRIBUTE_NAME = /[ \t\r\n]+[A-Za-z_:][A-Za-z0-9_:.-]*/y;
const EQUALS = /[ \t\r\n]*=[ \t\r\n]*["']/y;
const TAG_END = /[ \t\r\n]*\/?>/y;
const END_TAG = /[ \t\r\n]*>/y;
const REFERENCE = /&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,10})|#x([0-9A-Fa-f]{1,8}));/y;
const BLANK = /^[ \t\r\n]*$/;
const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const META: unique symbol = XMLParser.getMetaDataSymbol() as never;
const parser = new XMLParser({
  preserveOrder: true,
  captureMetaData: true,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  processEntities: false,
  parseTagValue: false,
  jPath: false,
  maxNestedTags: MAX_XML_DEPTH - 1,
});

/** What the parser answers for an element with `preserveOrder`: one key that names it, and its place under a symbol. */
type ParsedElement = { readonly [name: string]: unknown } & {
  readonly [META]: { readonly startIndex: number; readonly endIndex: number };
};

class XmlReader {
  private readonly text: string;
  private readonly markLength: number;
  private encoding = "utf-8";
  private lineStarts: number[] | undefined;
  private readonly names = new Map<string, string>();

  constructor(
    private readonly bytes: Uint8Array,
    private readonly where: string,
  ) {
    if (bytes.length > MAX_XML_BYTES)
      throw new ProblemError("malformed", {
        where,
        found: `${bytes.length} bytes`,
        allowed: `at most ${MAX_XML_BYTES} bytes`,
      });
    this.text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    this.markLength = this.text.startsWith(UTF8_MARK) ? UTF8_MARK.length : 0;
  }

  read(): XmlDocument {
    const rootStart = this.checkProlog();
    this.checkCharacters();
    const body = this.text.slice(this.markLength);
    try {
      const root = this.root(this.parse(body), rootStart);
      return { text: this.text, root, lineOf: (offset) => this.lineOf(offset) };
    } catch (error) {
      // Everything the validator objects to was refused above already; about unbalanced tags it has the better words.
      const verdict = XMLValidator.validate(body);
      if (verdict === true) throw error;
      throw new ProblemError("malformed", this.problem(`:${verdict.err.line}`, verdict.err.msg));
    }
  }

  private root(parsed: unknown, rootStart: number): XmlElement {
    const [first, second] = elementsOf(parsed);
    if (first === undefined || this.startOf(first) !== rootStart)
      this.fail(rootStart, "no root element that could be read");
    const root = this.element(first);
    if (second) this.fail(this.startOf(second), "a second root element", "one root element");
    this.checkBetween(root.end, this.text.length, "outside the root element");
    return root;
  }

  /** Checks encoding, declaration and everything before the root element; answers where that starts. */
  private checkProlog(): number {
    const { text } = this;
    if (/^(?:\xfe\xff|\xff\xfe|\0|.\0)/s.test(text))
      this.fail(0, "UTF-16 or UTF-32", "UTF-8 or a single-byte encoding", "Save the file as UTF-8.");
    let at = this.markLength;
    if (/^<\?xml[ \t\r\n?]/.test(text.slice(at, at + 6))) at = this.readDeclaration(at);
    for (;;) {
      const next = text.indexOf("<", at);
      if (next < 0) this.fail(at, text.length === this.markLength ? "an empty file" : "no root element", "XML");
      this.checkText(at, next, "outside the root element");
      at = next;
      if (text.startsWith("<!DOCTYPE", at))
        this.fail(
          at,
          "a DOCTYPE",
          "XML without a document type",
          "Entities and defaults declared there could change the meaning of what is edited; remove it.",
        );
      const behind = this.behindMisc(at);
      if (behind === undefined) return at;
      at = behind;
    }
  }

  private readDeclaration(at: number): number {
    DECLARATION.lastIndex = at;
    const match = DECLARATION.exec(this.text);
    if (!match) this.fail(at, "an XML declaration that cannot be read", '<?xml version="1.0" encoding="…"?>');
    this.encoding = (match[1] ?? match[2] ?? "utf-8").toLowerCase();
    if (this.encoding !== "utf-8" && !SINGLE_BYTE.test(this.encoding))
      this.fail(at, `encoding ${this.encoding}`, "UTF-8, US-ASCII, ISO-8859-n, windows-125n, KOI8-R, IBM866");
    if (this.encoding !== "utf-8" && this.markLength > 0)
      this.fail(at, `a UTF-8 byte order mark, but encoding ${this.encoding} in the declaration`, "one of the two");
    return DECLARATION.lastIndex;
  }

  private checkCharacters(): void {
    const control = FORBIDDEN_CONTROL.exec(this.text);
    if (control) this.fail(control.index, `control character 0x${hex(control[0])}`, "tab, line feed, carriage return");
    if (this.encoding === "utf-8" && !isUtf8(this.bytes)) {
      this.fail(
        firstInvalidUtf8(this.bytes),
        "bytes that are not UTF-8",
        'UTF-8, or a declaration with the encoding in use, e.g. encoding="ISO-8859-1"',
      );
    }
    if (this.encoding === "us-ascii") {
      const foreign = /[\x80-\xff]/.exec(this.text);
      if (foreign) this.fail(foreign.index, `byte 0x${hex(foreign[0])} in a file declared as US-ASCII`);
    }
  }

  private parse(body: string): unknown {
    try {
      return parser.parse(body);
    } catch (error) {
      const found = error instanceof Error ? error.message : String(error);
      throw new ProblemError("malformed", {
        ...this.problem("", /nested/i.test(found) ? "elements nested too deeply" : found),
        allowed: /nested/i.test(found) ? `at most ${MAX_XML_DEPTH} levels` : undefined,
      });
    }
  }

  private element(parsed: ParsedElement): XmlElement {
    const { text } = this;
    const start = this.startOf(parsed);
    const end = parsed[META].endIndex + this.markLength;
    TAG_START.lastIndex = start;
    if (!TAG_START.test(text)) this.fail(start, "a start tag that cannot be read", "an ASCII name");
    const name = this.name(text.slice(start + 1, TAG_START.lastIndex));
    const attributes: XmlAttribute[] = [];
    TAG_END.lastIndex = this.readAttributes(TAG_START.lastIndex, attributes);
    if (!TAG_END.test(text))
      this.fail(TAG_END.lastIndex || start, `<${name} …> cannot be read`, 'name="value" and ">"');
    const openEnd = TAG_END.lastIndex;
    if (text[openEnd - 2] === "/") {
      if (openEnd !== end) this.fail(start, `<${name}/> that cannot be read`);
      return { name, start, openEnd, closeStart: end, end, attributes, children: [] };
    }
    const closeStart = text.lastIndexOf("</", end - 1);
    END_TAG.lastIndex = closeStart + 2 + name.length;
    if (
      closeStart < openEnd ||
      !text.startsWith(name, closeStart + 2) ||
      !END_TAG.test(text) ||
      END_TAG.lastIndex !== end
    )
      this.fail(start, `<${name}> without its own end tag`);
    const children: XmlElement[] = [];
    let at = openEnd;
    for (const child of elementsOf(parsed[name])) {
      const element = this.element(child);
      this.checkBetween(at, element.start);
      at = element.end;
      children.push(element);
    }
    this.checkBetween(at, closeStart);
    return { name, start, openEnd, closeStart, end, attributes, children };
  }

  private startOf(parsed: ParsedElement): number {
    return parsed[META].startIndex + this.markLength;
  }

  /** One string object a name, however often it stands in the file. */
  private name(text: string): string {
    const known = this.names.get(text);
    if (known === undefined) this.names.set(text, text);
    return known ?? text;
  }

  /** Puts a start tag's attributes into `list`; answers where they end. */
  private readAttributes(from: number, list: XmlAttribute[]): number {
    const { text } = this;
    let end = from;
    for (;;) {
      ATTRIBUTE_NAME.lastIndex = end;
      if (!ATTRIBUTE_NAME.test(text)) return end;
      const nameEnd = ATTRIBUTE_NAME.lastIndex;
      const name = this.name(text.slice(end, nameEnd).trimStart());
      EQUALS.lastIndex = nameEnd;
      if (!EQUALS.test(text)) this.fail(nameEnd, `attribute ${name} without a quoted value`, `${name}="…"`);
      const valueStart = EQUALS.lastIndex;
      const valueEnd = text.indexOf(text.charAt(valueStart - 1), valueStart);
      if (valueEnd < 0) this.fail(valueStart, `attribute ${name} without end`, "a closing quote");
      const raw = text.slice(valueStart, valueEnd);
      if (raw.includes("<")) this.fail(valueStart, `"<" in attribute ${name}`, "&lt;");
      if (list.some((other) => other.name === name)) this.fail(valueStart, `attribute ${name} twice`, "once");
      list.push({ name, value: this.decode(raw, valueStart), valueStart, valueEnd });
      end = valueEnd + 1;
    }
  }

  /** Checks what stands between two elements: text, comments, CDATA sections, processing instructions. */
  private checkBetween(from: number, to: number, outside?: string): void {
    let at = from;
    while (at < to) {
      const next = this.text.indexOf("<", at);
      const textEnd = next < 0 || next > to ? to : next;
      this.checkText(at, textEnd, outside);
      if (textEnd === to) return;
      const behind = this.behindMisc(textEnd) ?? (outside ? undefined : this.behindCdata(textEnd));
      if (behind === undefined || behind > to) this.fail(textEnd, `"${this.text.slice(textEnd, textEnd + 12)}"`);
      at = behind;
    }
  }

  private checkText(from: number, to: number, outside?: string): void {
    const text = this.text.slice(from, to);
    if (BLANK.test(text)) return;
    if (outside) this.fail(from + text.search(/[^ \t\r\n]/), `text ${outside}`, "comments and white space there");
    const end = text.indexOf("]]>");
    if (end >= 0) this.fail(from + end, '"]]>" in text', "]]&gt;");
    this.decode(text, from);
  }

  /** End of the comment or processing instruction at `at`; undefined when there is none. */
  private behindMisc(at: number): number | undefined {
    const { text } = this;
    if (text.startsWith("<!--", at)) {
      const dashes = text.indexOf("--", at + 4);
      if (dashes < 0) this.fail(at, "a comment without end", "-->");
      if (text[dashes + 2] !== ">") this.fail(dashes, '"--" inside a comment', '"--" only in "-->"');
      return dashes + 3;
    }
    if (text.startsWith("<?", at)) {
      const end = text.indexOf("?>", at + 2);
      if (end < 0) this.fail(at, "a processing instruction without end", "?>");
      const target = /^[A-Za-z_:][A-Za-z0-9_:.-]*(?=[ \t\r\n]|$)/.exec(text.slice(at + 2, end))?.[0];
      if (target === undefined || target.toLowerCase() === "xml")
        this.fail(at, "a processing instruction that cannot be read", "an XML declaration only at the very start");
      return end + 2;
    }
    return undefined;
  }

  private behindCdata(at: number): number | undefined {
    if (!this.text.startsWith("<![CDATA[", at)) return undefined;
    const end = this.text.indexOf("]]>", at + 9);
    if (end < 0) this.fail(at, "a CDATA section without end", "]]>");
    return end + 3;
  }

  /** Text of raw bytes: encoding undone, references resolved, white space as in an attribute value. */
  private decode(raw: string, at: number): string {
    if (/^[ -%'-~]*$/.test(raw)) return raw;
    let value = "";
    let from = 0;
    for (let next = raw.indexOf("&"); next >= 0; next = raw.indexOf("&", from)) {
      REFERENCE.lastIndex = next;
      const match = REFERENCE.exec(raw);
      if (!match)
        this.fail(
          at + next,
          `"${raw.slice(next, next + 16)}"`,
          "&amp; &lt; &gt; &quot; &apos; and character references",
        );
      value += this.plain(raw.slice(from, next));
      value += match[1] ? NAMED[match[1]] : this.character(at + next, match[2], match[3]);
      from = REFERENCE.lastIndex;
    }
    return value + this.plain(raw.slice(from));
  }

  private plain(raw: string): string {
    const text = raw.replace(/\r\n|[\t\r\n]/g, " ");
    return /^[ -~]*$/.test(text) ? text : decodeBytes(Buffer.from(text, "latin1"), this.encoding);
  }

  private character(at: number, decimal: string | undefined, hexadecimal: string | undefined): string {
    const code = decimal ? Number.parseInt(decimal, 10) : Number.parseInt(hexadecimal as string, 16);
    if (!isXmlCharacter(code)) this.fail(at, `a reference to character ${code}`, "characters that XML 1.0 knows");
    return String.fromCodePoint(code);
  }

  private lineOf(offset: number): number {
    const starts = this.startsOfLines();
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  private startsOfLines(): readonly number[] {
    if (this.lineStarts) return this.lineStarts;
    const starts = [0];
    const lineEnd = /\r\n?|\n/g;
    while (lineEnd.test(this.text)) starts.push(lineEnd.lastIndex);
    this.lineStarts = starts;
    return starts;
  }

  private problem(place: string, found: string): Problem {
    return {
      where: `${this.where}${place}`,
      found,
      why: "Nothing is edited in a file that not every reader would read in the same way",
    };
  }

  private fail(offset: number, found: string, allowed?: string, next?: string): never {
    throw new ProblemError("malformed", { ...this.problem(`:${this.lineOf(offset)}`, found), allowed, next });
  }
}

/** The elements among what the parser answered; text has no positions and is checked against the bytes. */
function elementsOf(nodes: unknown): readonly ParsedElement[] {
  return Array.isArray(nodes) ? nodes.filter((node) => META in node) : [];
}
