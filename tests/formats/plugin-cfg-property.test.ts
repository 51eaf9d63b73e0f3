import { diffLines } from "diff";
import fc from "fast-check";
import { readPluginConfig, routePlugin } from "../../providers/formats/plugin-cfg.js";

/** How a random file is written down. Everything here is legal XML and none of it may change what is edited. */
interface Style {
  readonly lineEnd: "\n" | "\r\n" | "";
  readonly indent: string;
  readonly quote: '"' | "'";
  readonly encoding: "mark" | "utf-8" | "iso-8859-1";
  readonly emptyTag: "/>" | " />" | "></Server>" | "\n/>";
  readonly noise: readonly string[];
  readonly trailing: readonly string[];
}

interface Cluster {
  readonly members: number;
  /** Per member: in which list, or in none. */
  readonly roles: readonly ("primary" | "backup" | "none")[];
  readonly lists: "primary first" | "backup first";
  readonly emptyLists: "absent" | "closed" | "open";
  /** Per member: in which list it is to be; the first is always a primary. */
  readonly wanted: readonly ("primary" | "backup" | "none")[];
}

const NOISE = [
  "",
  "<!-- <ServerCluster><PrimaryServers><Server Name='old'/></PrimaryServers> -->",
  "<!---->",
  "<!-- \xe9 -->",
  "<?tool <Server/>?>",
];

const style: fc.Arbitrary<Style> = fc.record({
  lineEnd: fc.constantFrom("\n", "\r\n", ""),
  indent: fc.constantFrom("   ", "\t", "", "  \t"),
  quote: fc.constantFrom('"', "'"),
  encoding: fc.constantFrom("mark", "utf-8", "iso-8859-1"),
  emptyTag: fc.constantFrom("/>", " />", "></Server>", "\n/>"),
  noise: fc.array(fc.constantFrom(...NOISE), { minLength: 1, maxLength: 5 }),
  trailing: fc.array(fc.constantFrom("", " <!-- here -->"), { minLength: 1, maxLength: 3 }),
});

const role = fc.constantFrom("primary" as const, "backup" as const, "none" as const);
const cluster: fc.Arbitrary<Cluster> = fc.record({
  members: fc.integer({ min: 1, max: 5 }),
  roles: fc.array(role, { minLength: 5, maxLength: 5 }),
  lists: fc.constantFrom("primary first", "backup first"),
  emptyLists: fc.constantFrom("absent", "closed", "open"),
  wanted: fc.array(role, { minLength: 5, maxLength: 5 }),
});

const name = (clusterIndex: number, member: number) => `n${member}_c${clusterIndex}`;

function written(clusters: readonly Cluster[], form: Style): Buffer {
  let turn = 0;
  const next = (list: readonly string[]) => list[turn++ % list.length] as string;
  const line = (depth: number, text: string, trailing = "") =>
    `${form.lineEnd && form.lineEnd + form.indent.repeat(depth)}${text}${trailing}`;
  const q = form.quote;
  const list = (depth: number, tag: string, names: readonly string[], empty: Cluster["emptyLists"]) => {
    if (names.length === 0) {
      if (empty === "absent") return "";
      return line(depth, empty === "closed" ? `<${tag} />` : `<${tag}>${line(depth, "")}</${tag}>`);
    }
    const references = names.map((each) =>
      line(
        depth + 1,
        `<Server Name=${q}${each}${q}${form.emptyTag.replace("\n", form.lineEnd || "\n")}`,
        next(form.trailing),
      ),
    );
    return `${line(depth, `<${tag}>`)}${next(form.noise)}${references.join("")}${next(form.noise)}${line(depth, `</${tag}>`)}`;
  };
  const body = clusters.map((each, index) => {
    const names = Array.from({ length: each.members }, (_, member) => name(index, member));
    const of = (wanted: string) => names.filter((_, member) => each.roles[member] === wanted);
    const lists = [
      list(2, "PrimaryServers", of("primary"), each.emptyLists),
      list(2, "BackupServers", of("backup"), each.emptyLists),
    ];
    if (each.lists === "backup first") lists.reverse();
    const servers = names.map((server) => line(2, `<Server CloneID="x" Name=${q}${server}${q}/>`, next(form.trailing)));
    return [
      line(1, `<ServerCluster${form.lineEnd || " "}Name=${q}c${index}${q}>`),
      next(form.noise),
      ...servers,
      lists[0],
      next(form.noise),
      lists[1],
      line(1, "</ServerCluster>"),
      line(1, "<Text><![CDATA[<PrimaryServers>]]></Text>"),
    ].join("");
  });
  const declared = form.encoding === "iso-8859-1" ? "ISO-8859-1" : "UTF-8";
  const text = `<?xml version="1.0" encoding="${declared}"?><!--glued--><Config>${body.join("")}${form.lineEnd}</Config>`;
  if (form.encoding === "iso-8859-1") return Buffer.from(text, "latin1");
  return Buffer.from((form.encoding === "mark" ? "\ufeff" : "") + text, "utf8");
}

/** Everything but the lists, found in another way than the code under test does. */
function outsideLists(bytes: Buffer): string {
  const token =
    /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|\s*<(Primary|Backup)Servers\s*(?:\/>|>(?:<!--[\s\S]*?-->|<\?[\s\S]*?\?>|[^<]|<(?!\/\1Servers))*<\/\1Servers\s*>)/g;
  return bytes.toString("latin1").replace(token, (text, list: string | undefined) => (list ? "" : text));
}

test("promise 4: whatever the file looks like, an edit gives the wanted lists, leaves every other byte, and is done once", () => {
  fc.assert(
    fc.property(fc.array(cluster, { minLength: 1, maxLength: 3 }), style, (clusters, form) => {
      const before = written(clusters, form);
      const wanted = new Map(
        clusters.map((each, index) => {
          const names = Array.from({ length: each.members }, (_, member) => name(index, member));
          const of = (list: string) => names.filter((_, member) => member > 0 && each.wanted[member] === list);
          return [`c${index}`, { primary: [name(index, 0), ...of("primary")], backup: of("backup").reverse() }];
        }),
      );
      const after = routePlugin(before, "f", wanted);

      for (const { name: each, primary, backup } of readPluginConfig(after, "f").clusters) {
        expect([...primary].sort()).toEqual([...(wanted.get(each)?.primary ?? [])].sort());
        expect(backup).toEqual(wanted.get(each)?.backup);
      }
      expect(outsideLists(after)).toBe(outsideLists(before));
      expect(routePlugin(after, "f", wanted)).toEqual(after);
      expect(readPluginConfig(after, "f").restDigest).toBe(readPluginConfig(before, "f").restDigest);

      const otherLineEnds = form.lineEnd === "\r\n" ? /(^|[^\r])\n/ : /\r/;
      expect(after.toString("latin1")).not.toMatch(form.emptyTag === "\n/>" && !form.lineEnd ? /\r/ : otherLineEnds);
      if (form.lineEnd === "" || form.emptyTag === "\n/>") return;
      const reference =
        /^\s*(<Server [^>]*>(<\/Server>)?|<\/?(Primary|Backup)Servers ?\/?>|<!--.*-->|<\?tool <Server\/>\?>|\s)*\s*$/;
      for (const part of diffLines(before.toString("latin1"), after.toString("latin1"))) {
        if (!part.added && !part.removed) continue;
        for (const line of part.value.split("\n")) expect(line).toMatch(reference);
      }
    }),
    { numRuns: 400 },
  );
});
