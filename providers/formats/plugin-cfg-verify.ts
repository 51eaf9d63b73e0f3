import { ProblemError } from "../common/problem.js";
import { childrenOf, isList, listedNames, type WantedLists } from "./server-lists.js";
import type { Edit } from "./splice.js";
import { attributeOf, readXml, type XmlDocument, type XmlElement } from "./xml.js";

/** What is to happen to the lists of one ServerCluster. */
export interface ListChange {
  readonly cluster: XmlElement;
  readonly wanted: WantedLists;
  /** Sorted by place. */
  readonly edits: readonly Edit[];
}

/**
 * Proves that an edited plug-in file differs from the one before in the wanted lists and in nothing else. The part of each
 * changed cluster that holds its lists is read again, strictly, and must hold exactly them and otherwise what it held; all
 * bytes around these parts must be the same. Each part is a whole number of elements, so a file that was well-formed with
 * the old parts is so with the new ones, and the rest of it need not be read twice.
 *
 * @param changes in file order
 * @throws ProblemError when anything else is found
 */
export function verifyEdited(
  before: XmlDocument,
  bytes: Uint8Array,
  edited: Buffer,
  changes: readonly ListChange[],
  where: string,
): void {
  const parts = changes.map(({ cluster }) => partWithLists(cluster));
  const excerpt: Uint8Array[] = [bytes.subarray(0, before.root.openEnd)];
  let at = 0;
  let atEdited = 0;
  let wrong: XmlElement | undefined;
  changes.forEach(({ cluster, edits }, index) => {
    const { from, to } = parts[index] as Part;
    const fromEdited = atEdited + from - at;
    const toEdited = fromEdited + to - from + grownBy(edits);
    if (edited.compare(bytes, at, from, atEdited, fromEdited) !== 0) wrong ??= cluster;
    excerpt.push(OPEN, edited.subarray(fromEdited, toEdited), CLOSE);
    at = to;
    atEdited = toEdited;
  });
  const sameEnd = edited.subarray(atEdited).compare(bytes.subarray(at)) === 0;
  const after = readXml(Buffer.concat([...excerpt, Buffer.from(`</${before.root.name}>`)]), where);
  wrong ??= changes.find(({ cluster, wanted }, index) => {
    const found = after.root.children[index];
    if (!found) return true;
    const { primary, backup } = listedNames(found);
    const { from, to } = parts[index] as Part;
    const rest = withoutLists(before.text, from, to, cluster);
    return (
      !sameOrder(primary, wanted.primary) ||
      !sameOrder(backup, wanted.backup) ||
      withoutLists(after.text, found.openEnd, found.closeStart, found) !== rest
    );
  })?.cluster;
  if (!wrong && sameEnd && after.root.children.length === changes.length) return;
  throw new ProblemError("refused", {
    where,
    found: `the edited text does not read back as wanted (${(wrong && attributeOf(wrong, "Name")) ?? "outside the lists"})`,
    why: "It is not used: what is put live must differ in the wanted lists and in nothing else",
    next: "Report this with the file, its host names and paths replaced",
  });
}

export const sameOrder = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, index) => name === b[index]);

/** Bytes of a cluster between two of its children, or its tags, with every list between them. */
interface Part {
  readonly from: number;
  readonly to: number;
}

const OPEN = Buffer.from("<ServerCluster>");
const CLOSE = Buffer.from("</ServerCluster>");

function partWithLists(cluster: XmlElement): Part {
  const first = cluster.children.findIndex(isList);
  const before = first < 0 ? childrenOf(cluster, "Server").at(-1) : cluster.children[first - 1];
  return { from: before?.end ?? cluster.openEnd, to: cluster.closeStart };
}

function grownBy(edits: readonly Edit[]): number {
  return edits.reduce((sum, edit) => sum + edit.text.length - (edit.end - edit.start), 0);
}

/** Text between two places without the cluster's lists and the white space before them. */
function withoutLists(text: string, from: number, to: number, cluster: XmlElement): string {
  let rest = "";
  let at = from;
  for (const list of cluster.children.filter(isList)) {
    rest += text.slice(at, list.start).replace(/[ \t\r\n]+$/, "");
    at = list.end;
  }
  return rest + text.slice(at, to);
}
