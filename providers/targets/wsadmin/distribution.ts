import type { Tri } from "./cell.js";

/** Object names follow each other on lines of their own, or behind "+". */
const BETWEEN = /\+(?=WebSphere:)|[\r\n]+/;

/** What is said of one node. */
export interface NodeStatus {
  /** Distributed, and not said to be still expanding. */
  readonly distributed: Tri;
  /** "unknown" for expansion=skipped and =unknown, and where nothing is said: none of these proves anything. */
  readonly expanded: Tri;
}

function triOf(word: string | undefined): Tri {
  return word === "true" || word === "false" ? word === "true" : "unknown";
}

/**
 * What AdminApp.getDeployStatus says of each node, in lines such as
 * `WebSphere:cell=cell01,node=node01,distribution=true,expansion=skipped`; names may hold blanks. Other lines are messages.
 */
export function parseDeployStatus(status: string): Record<string, NodeStatus> {
  const found = status.split(BETWEEN).flatMap((line): [string, NodeStatus][] => {
    const node = /[:,]node=([^,]+)/.exec(line)?.[1]?.trim();
    const word = /,distribution=(\w+)/.exec(line)?.[1];
    if (!node || !word) return [];
    const expanded = triOf(/,expansion=(\w+)/.exec(line)?.[1]);
    const said = triOf(word);
    return [[node, { distributed: said === true && expanded === false ? false : said, expanded }]];
  });
  return Object.fromEntries(found);
}
