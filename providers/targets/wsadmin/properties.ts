/** One text for java.util.Properties to load: ISO 8859-1 with escapes, so the encoding of the file does not matter. */
export function propertiesText(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${escaped(key).replaceAll(" ", "\\ ")}=${escaped(value).replace(/^ /, "\\ ")}\n`)
    .join("");
}

function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replace(/[=:#!]/g, "\\$&")
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
