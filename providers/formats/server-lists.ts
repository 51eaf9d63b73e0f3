import type { Edit } from "./splice.js";
import { attributeOf, type XmlElement } from "./xml.js";

/** A `<Server Name="…"/>` inside PrimaryServers or BackupServers. */
export interface Reference {
  readonly name: string;
  readonly element: XmlElement;
}

export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** The two lists of a ServerCluster, in whichever order they stand. */
export function listsOf(cluster: XmlElement): { readonly primary?: XmlElement; readonly backup?: XmlElement } {
  return { primary: childrenOf(cluster, "PrimaryServers")[0], backup: childrenOf(cluster, "BackupServers")[0] };
}

export function referencesOf(list: XmlElement | undefined): readonly Reference[] {
  return childrenOf(list, "Server").map((element) => ({ name: attributeOf(element, "Name") ?? "", element }));
}

/** Which servers a cluster's lists are to name, by name and in order. */
export interface WantedLists {
  primary: readonly string[];
  backup: readonly string[];
}

export const isList = (element: XmlElement): boolean =>
  element.name === "PrimaryServers" || element.name === "BackupServers";

/** Names in the two lists as they stand, also when both are empty. */
export function listedNames(cluster: XmlElement): { primary: string[]; backup: string[] } {
  const { primary, backup } = listsOf(cluster);
  return {
    primary: referencesOf(primary).map(({ name }) => name),
    backup: referencesOf(backup).map(({ name }) => name),
  };
}

/**
 * The smallest edits that give one ServerCluster the wanted lists, sorted by place. A reference moves with its own spelling
 * and takes the place of one that leaves; comments stay where they are.
 *
 * @param text the file as latin1
 * @param cluster without structural problems (see `readPluginConfig`)
 * @param wanted names of its members, at least one primary
 */
export function listEdits(text: string, cluster: XmlElement, wanted: WantedLists): readonly Edit[] {
  const editor = new ClusterEditor(text, cluster);
  const { primary, backup } = listsOf(cluster);
  if (!primary && backup && wanted.backup.length === 0) return [editor.replaceByPrimaries(backup, wanted.primary)];
  return [...editor.edits("PrimaryServers", wanted.primary), ...editor.edits("BackupServers", wanted.backup)].sort(
    (a, b) => a.start - b.start,
  );
}

type ListName = "PrimaryServers" | "BackupServers";

/** Where an element stands: the line end and indentation before it, "" when it does not begin its line. */
interface Layout {
  readonly list: string;
  readonly reference: string;
  readonly closing: string;
}

class ClusterEditor {
  private readonly lists: Record<ListName, XmlElement | undefined>;
  private readonly spellings: ReadonlyMap<string, string>;

  constructor(
    private readonly text: string,
    private readonly cluster: XmlElement,
  ) {
    const { primary, backup } = listsOf(cluster);
    this.lists = { PrimaryServers: primary, BackupServers: backup };
    const plain = childrenOf(cluster, "Server").map((server): [string, string] => [
      attributeOf(server, "Name") ?? "",
      `<Server Name=${this.quotedName(server)}/>`,
    ]);
    const own = [primary, backup].flatMap((list) =>
      referencesOf(list).map(({ name, element }): [string, string] => [name, text.slice(element.start, element.end)]),
    );
    this.spellings = new Map([...plain, ...own]);
  }

  edits(name: ListName, wanted: readonly string[]): readonly Edit[] {
    const list = this.lists[name];
    const references = referencesOf(list);
    if (!list) return wanted.length > 0 ? [this.create(name, wanted)] : [];
    if (references.length === 0) return wanted.length > 0 ? [this.fill(list, wanted)] : [];
    if (wanted.length === 0) return [{ start: this.blankStart(list.start), end: list.end, text: "" }];
    return this.change(references, wanted);
  }

  /** The only list was that of the backups, and there are to be primaries only. */
  replaceByPrimaries(backup: XmlElement, wanted: readonly string[]): Edit {
    return { ...spanOf(backup), text: this.written("PrimaryServers", wanted, this.layout()) };
  }

  /** Replaces, removes and adds references around those that stay. */
  private change(references: readonly Reference[], wanted: readonly string[]): readonly Edit[] {
    const staying = longestCommonOrder(
      references.map(({ name }) => name),
      wanted,
    );
    const edits: Edit[] = [];
    const breaks = references.map(({ element }) => this.breakBefore(element.start));
    const lineBreak = breaks.find((each) => each !== "") ?? "";
    let at = 0;
    let next = 0;
    while (at < references.length || next < wanted.length) {
      const leaving: XmlElement[] = [];
      for (let each = references[at]; each && !staying.has(each.name); each = references[++at])
        leaving.push(each.element);
      const coming: string[] = [];
      for (let name = wanted[next]; name !== undefined && !staying.has(name); name = wanted[++next]) coming.push(name);
      leaving.forEach((element, index) => {
        const name = coming[index];
        edits.push(name === undefined ? this.remove(element) : { ...spanOf(element), text: this.spelling(name) });
      });
      const added = coming.slice(leaving.length).map((name) => this.spelling(name));
      const previous = leaving.at(-1) ?? references[at - 1]?.element;
      const following = references[at]?.element;
      if (added.length > 0 && previous)
        edits.push(insertion(this.behindComments(previous.end), added.map((each) => lineBreak + each).join("")));
      else if (added.length > 0 && following)
        edits.push(insertion(following.start, added.map((each) => each + lineBreak).join("")));
      at++;
      next++;
    }
    return edits;
  }

  private remove(element: XmlElement): Edit {
    const aloneOnLine = /[\r\n]/.test(this.text.charAt(this.behindBlanks(element.end)));
    const lineBreak = this.breakBefore(element.start);
    if (aloneOnLine) return { start: element.start - lineBreak.length, end: element.end, text: "" };
    return { start: element.start, end: lineBreak ? this.behindBlanks(element.end) : element.end, text: "" };
  }

  private create(name: ListName, wanted: readonly string[]): Edit {
    const layout = this.layout();
    const list = this.written(name, wanted, layout);
    if (this.lists.PrimaryServers)
      return insertion(this.behindComments(this.lists.PrimaryServers.end), layout.list + list);
    if (this.lists.BackupServers) return insertion(this.lists.BackupServers.start, list + layout.list);
    const lastServer = childrenOf(this.cluster, "Server").at(-1);
    return insertion(this.behindComments(lastServer?.end ?? this.cluster.openEnd), layout.list + list);
  }

  private fill(list: XmlElement, wanted: readonly string[]): Edit {
    const inner = this.inner(wanted, this.layout());
    if (list.openEnd < list.end)
      return { start: Math.max(list.openEnd, this.blankStart(list.closeStart)), end: list.closeStart, text: inner };
    return { start: this.blankStart(list.end - "/>".length), end: list.end, text: `>${inner}</${list.name}>` };
  }

  private written(name: ListName, wanted: readonly string[], layout: Layout): string {
    return `<${name}>${this.inner(wanted, layout)}</${name}>`;
  }

  private inner(wanted: readonly string[], layout: Layout): string {
    return wanted.map((name) => layout.reference + this.spelling(name)).join("") + layout.closing;
  }

  /** How this file sets a list: as the cluster's other list does, else as it indents the cluster's servers. */
  private layout(): Layout {
    const servers = childrenOf(this.cluster, "Server");
    const present = [this.lists.PrimaryServers, this.lists.BackupServers].filter((list) => list !== undefined);
    const beside = this.breakBefore((present[0] ?? servers.at(-1) ?? this.cluster).start);
    const sample = present.find((list) => referencesOf(list).length > 0);
    const reference = sample && referencesOf(sample)[0];
    if (sample && reference) {
      return {
        list: beside,
        reference: this.breakBefore(reference.element.start),
        closing: this.breakBefore(sample.closeStart),
      };
    }
    if (beside === "") return { list: "", reference: "", closing: "" };
    const outer = this.breakBefore(this.cluster.start);
    const inside = servers[0] ? this.breakBefore(servers[0].start) : "";
    const step = outer && inside.startsWith(outer) && inside.length > outer.length ? inside.slice(outer.length) : "   ";
    return { list: beside, reference: beside + step, closing: beside };
  }

  private spelling(name: string): string {
    const spelling = this.spellings.get(name);
    if (spelling === undefined) throw new RangeError(`${name} is not a member of this cluster`);
    return spelling;
  }

  private quotedName(server: XmlElement): string {
    const name = server.attributes.find((attribute) => attribute.name === "Name");
    return name ? this.text.slice(name.valueStart - 1, name.valueEnd + 1) : '""';
  }

  private breakBefore(offset: number): string {
    let start = offset;
    while (/[ \t]/.test(this.text.charAt(start - 1))) start--;
    const before = this.text.slice(Math.max(0, start - 2), start);
    if (before === "\r\n") return this.text.slice(start - 2, offset);
    return /[\r\n]$/.test(before) ? this.text.slice(start - 1, offset) : "";
  }

  private blankStart(offset: number): number {
    let start = offset;
    while (/[ \t\r\n]/.test(this.text.charAt(start - 1))) start--;
    return start;
  }

  private behindBlanks(offset: number): number {
    let end = offset;
    while (/[ \t]/.test(this.text.charAt(end))) end++;
    return end;
  }

  /** Behind the comments that end an element's line, so that they stay on it. */
  private behindComments(offset: number): number {
    const comments = /(?:[ \t]*<!--(?:(?!-->)[^\r\n])*-->)+(?=[ \t]*[\r\n])/y;
    comments.lastIndex = offset;
    return comments.test(this.text) ? comments.lastIndex : offset;
  }
}

const spanOf = (element: XmlElement): { start: number; end: number } => ({ start: element.start, end: element.end });
const insertion = (at: number, text: string): Edit => ({ start: at, end: at, text });

/** The most names that can stay where they are: a longest common subsequence (each name stands once in either list). */
function longestCommonOrder(current: readonly string[], wanted: readonly string[]): ReadonlySet<string> {
  const places = new Map(wanted.map((name, index) => [name, index]));
  // best[n] ends the sequence of length n + 1 whose last place in `wanted` is the lowest.
  const best: { readonly name: string; readonly place: number; readonly before?: Link }[] = [];
  for (const name of current) {
    const place = places.get(name);
    if (place === undefined) continue;
    let low = 0;
    let high = best.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((best[middle]?.place ?? Infinity) < place) low = middle + 1;
      else high = middle;
    }
    best[low] = { name, place, before: best[low - 1] };
  }
  const names = new Set<string>();
  for (let link: Link | undefined = best.at(-1); link; link = link.before) names.add(link.name);
  return names;
}

interface Link {
  readonly name: string;
  readonly before?: Link;
}
