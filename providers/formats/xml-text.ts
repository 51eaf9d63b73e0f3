import { isUtf8 } from "node:buffer";

/** Whether XML 1.0 knows the character with this code point. */
export const isXmlCharacter = (code: number): boolean =>
  code === 9 ||
  code === 10 ||
  code === 13 ||
  (code >= 0x20 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff);

/** Text of bytes in an encoding that was checked before. */
export function decodeBytes(bytes: Buffer, encoding: string): string {
  // TextDecoder takes ISO-8859-1 for windows-1252, as browsers do; in XML it is what it says.
  if (encoding === "iso-8859-1") return bytes.toString("latin1");
  return new TextDecoder(encoding).decode(bytes);
}

/** Start of the first line that is not valid UTF-8 (a line end is never part of another character). */
export function firstInvalidUtf8(bytes: Uint8Array): number {
  let start = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
    if (!isUtf8(bytes.subarray(start, end))) return start;
    start = end + 1;
  }
  return start;
}

/** "0a" for a line feed. */
export function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, "0");
}
