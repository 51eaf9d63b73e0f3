import { parseDeployStatus } from "../../../providers/targets/wsadmin/distribution.js";

const line = (node: string, rest: string) => `WebSphere:cell=My Cell,node=${node},${rest}`;

const said = (distributed: unknown, expanded: unknown = "unknown") => ({ distributed, expanded });

describe("what AdminApp.getDeployStatus says of each node", () => {
  test.each<readonly [string, string, Record<string, unknown>]>([
    [
      "lines among messages",
      `ADMA5071I: Distribution status check started for application Files.\n${line("n1", "distribution=true,expansion=skipped")}\r\n${line("n10", "distribution=false")}\nADMA5072I: completed, node=n1, distribution=true?`,
      { n1: said(true), n10: said(false) },
    ],
    ["names with blanks and umlauts", line("Knoten 1 süd", "distribution=true"), { "Knoten 1 süd": said(true) }],
    [
      "object names behind each other",
      `${line("node 1", "distribution=true")}+${line("node 2", "distribution=unknown,expansion=unknown")}`,
      { "node 1": said(true), "node 2": said("unknown") },
    ],
    ["a word that is not known", line("n1", "distribution=pending"), { n1: said("unknown") }],
    ["distributed and expanded", line("n1", "distribution=true,expansion=true"), { n1: said(true, true) }],
    [
      "distributed and still expanding: not distributed yet",
      line("n1", "distribution=true,expansion=false"),
      { n1: said(false, false) },
    ],
    ["no node at all", "ADMA5071I: Distribution status check started for application node=.", {}],
    ["nothing", "", {}],
  ])("%s", (_name, status, nodes) => expect(parseDeployStatus(status)).toEqual(nodes));
});
