import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../../lab/lab.js";
import { type HostName, IHS_ROOT, STATE_DIRECTORY } from "../../lab/topology.js";

/** A file of a host of the lab, as this machine calls it. */
export const hostFile = (lab: Lab, host: HostName, path: string): string => `${lab.hosts[host].root}${path}`;

/** Written by the web server while it serves. */
const OF_THE_SERVER = /\/logs\//;

/**
 * What every file and folder of the web server and of our state directory is on a host: who asks twice, and gets the same,
 * knows that nothing was written, replaced or touched in between. Paths are as the host has them.
 */
export function fingerprints(lab: Lab, host: HostName): Record<string, string> {
  const root = lab.hosts[host].root;
  const prefix = lab.web.serverRoot.slice(0, -IHS_ROOT.length);
  const seen: Record<string, string> = {};
  const visit = (path: string): void => {
    const file = `${root}${path}`;
    const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    if (!stat || OF_THE_SERVER.test(`${path}/`)) return;
    const content = stat.isSymbolicLink() ? readlinkSync(file) : stat.isFile() ? digest(file) : "folder";
    seen[path] = [stat.ino, stat.mtimeNs, stat.mode, stat.uid, stat.gid, content].join(" ");
    if (stat.isDirectory()) for (const name of readdirSync(file)) visit(join(path, name));
  };
  visit(lab.web.serverRoot);
  visit(`${prefix}${STATE_DIRECTORY}`);
  return seen;
}

const digest = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");

/** Without what a run always writes: our state directory, which holds lock and records. */
export function withoutState(fingerprint: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fingerprint).filter(([path]) => !path.includes(STATE_DIRECTORY)));
}
