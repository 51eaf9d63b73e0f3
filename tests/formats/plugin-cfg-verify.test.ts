import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { ProblemError } from "../../providers/common/problem.js";
import { type ListChange, verifyEdited } from "../../providers/formats/plugin-cfg-verify.js";
import { childrenOf, listEdits } from "../../providers/formats/server-lists.js";
import { splice } from "../../providers/formats/splice.js";
import { attributeOf, readXml } from "../../providers/formats/xml.js";

const bytes = readFileSync(join(__dirname, "../fixtures/plugin-cfg/nd-medium.xml"));
const document = readXml(bytes, "f.xml");
const changes = ["AppsCluster", "PushCluster"].map((name): ListChange => {
  const cluster = childrenOf(document.root, "ServerCluster").find((each) => attributeOf(each, "Name") === name);
  if (!cluster) throw new Error(`no ${name}`);
  const wanted = { primary: [`node2_${name}_server2`], backup: [`node1_${name}_server1`] };
  return { cluster, wanted, edits: listEdits(document.text, cluster, wanted) };
});
const edited = splice(
  bytes,
  changes.flatMap((change) => change.edits),
);
const verify = (result: Buffer, planned = changes) => verifyEdited(document, bytes, result, planned, "f.xml");

describe("promise 8: an edit that went wrong is never handed out", () => {
  test("the right one passes", () => {
    expect(() => verify(edited)).not.toThrow();
  });

  test("any byte that differs from the right result, but for white space before a list, is found", () => {
    const text = edited.toString("latin1");
    const blanksBeforeLists = [...text.matchAll(/\s+(?=<(?:Primary|Backup)Servers)/g)];
    const exempt = (at: number) =>
      blanksBeforeLists.some((match) => at >= match.index && at < match.index + match[0].length);
    // Inside a list, blanks and the spelling of a reference are free; names, tags and everything outside are not.
    const inList = [...text.matchAll(/<(Primary|Backup)Servers>[^!]*?<\/\1Servers>/g)];
    const free = (at: number) =>
      /\s/.test(text.charAt(at)) && inList.some((match) => at >= match.index && at < match.index + match[0].length);
    fc.assert(
      fc.property(fc.nat(edited.length - 1), fc.constantFrom("x", "<", "&", '"', " "), (at, character) => {
        if (exempt(at) || free(at) || text.charAt(at) === character) return;
        const damaged = Buffer.from(edited);
        damaged.write(character, at, "latin1");
        expect(() => verify(damaged)).toThrow(ProblemError);
      }),
      { numRuns: 1_500 },
    );
  });

  test.each<[string, Buffer]>([
    ["nothing edited", bytes],
    ["cut short", edited.subarray(0, -3)],
    ["something at the end", Buffer.concat([edited, Buffer.from("<!-- -->")])],
  ])("%s is found", (_name, result) => {
    expect(() => verify(Buffer.from(result))).toThrow(ProblemError);
  });

  test("a byte beside the lists, in the part that is read again, is found", () => {
    const damaged = Buffer.from(edited);
    damaged.write("x", edited.indexOf("</ServerCluster>", edited.indexOf("AppsCluster")) - 1, "latin1");
    expect(() => verify(damaged)).toThrow(/does not read back as wanted \(AppsCluster\)/);
  });

  test("other servers than wanted are found", () => {
    const swapped = changes.map((change) => ({
      ...change,
      wanted: { primary: change.wanted.backup, backup: change.wanted.primary },
    }));
    expect(() => verify(edited, swapped)).toThrow(/does not read back as wanted \(AppsCluster\)/);
  });
});
