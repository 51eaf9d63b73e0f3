import { sameJson } from "../common/json.js";
import { isList } from "./server-lists.js";
import { readXml, type XmlElement } from "./xml.js";

/**
 * The same elements with the same attributes in two plug-in files, in whatever order they were written; routing lists,
 * comments (the date of generation stands in one) and white space aside.
 *
 * @throws ProblemError `malformed`
 */
export const samePluginContent = (a: Uint8Array, b: Uint8Array, where: string): boolean =>
  sameJson(contentOf(readXml(a, where).root, []), contentOf(readXml(b, where).root, []));

function contentOf(element: XmlElement, above: readonly string[]): string[] {
  const attributes = element.attributes.map(({ name, value }) => `${name}=${value}`).sort();
  const place = [...above, JSON.stringify([element.name, ...attributes])];
  const below = element.children.filter((child) => !isList(child)).flatMap((child) => contentOf(child, place));
  return [place.join(" > "), ...below].sort();
}
