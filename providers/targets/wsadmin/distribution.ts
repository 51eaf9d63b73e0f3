import type { Tri } from "./cell.js";

/** Object names follow each other on lines of their own, or behind "+". */
const BETWEEN = /\+(?=WebSphere:)|[\r\n]+/;

/** "unknown" too for a word that is not known here. */
function triOf(word: string | undefined): Tri {
  return word === "true" || word === "false" ? word === "true" : "unknown";
}

/**
 * What AdminApp.getDeployStatus says of each node, in lines such as
 * `WebSphere:cell=cell01,node=node01,distribution=true,expansion=skipped`; names may hold blanks. Other lines are messages.
 */
export function parseDeployStatus(status: string): Record<string, Tri> {
  const found = status.split(BETWEEN).flatMap((line): [string, Tri][] => {
    const node = /[:,]node=([^,]+)/.exec(line)?.[1]?.trim();
    const word = /,distribution=(\w+)/.exec(line)?.[1];
    return node && word ? [[node, triOf(word)]] : [];
  });
  return Object.fromEntries(found);
}
