import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type PluginCluster, readPluginConfig, routePlugin } from "../../providers/formats/plugin-cfg.js";

const FIXTURES = join(__dirname, "../fixtures/plugin-cfg");
export const medium = readFileSync(join(FIXTURES, "nd-medium.xml"));
export const handEdited = readFileSync(join(FIXTURES, "hand-edited.xml"));

export const read = (text: string | Buffer) => readPluginConfig(Buffer.from(text), "plugin-cfg.xml");
export const clusterOf = (bytes: Buffer, name: string) =>
  read(bytes).clusters.find((cluster) => cluster.name === name) as PluginCluster;
export const route = (bytes: Buffer, name: string, primary: string[], backup: string[]) =>
  routePlugin(bytes, "plugin-cfg.xml", new Map([[name, { primary, backup }]]));
