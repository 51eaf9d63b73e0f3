import { parseDeployStatus } from "../../../providers/targets/wsadmin/distribution.js";

const line = (node: string, rest: string) => `WebSphere:cell=My Cell,node=${node},${rest}`;

describe("what AdminApp.getDeployStatus says of each node", () => {
  test.each<readonly [string, string, Record<string, unknown>]>([
    [
      "lines among messages",
      `ADMA5071I: Distribution status check started for application Files.\n${line("n1", "distribution=true,expansion=skipped")}\r\n${line("n10", "distribution=false")}\nADMA5072I: completed, node=n1, distribution=true?`,
      { n1: true, n10: false },
    ],
    ["names with blanks and umlauts", line("Knoten 1 süd", "distribution=true"), { "Knoten 1 süd": true }],
    [
      "object names behind each other",
      `${line("node 1", "distribution=true")}+${line("node 2", "distribution=unknown")}`,
      { "node 1": true, "node 2": "unknown" },
    ],
    ["a word that is not known", line("n1", "distribution=pending"), { n1: "unknown" }],
    ["no node at all", "ADMA5071I: Distribution status check started for application node=.", {}],
    ["nothing", "", {}],
  ])("%s", (_name, status, nodes) => expect(parseDeployStatus(status)).toEqual(nodes));
});
