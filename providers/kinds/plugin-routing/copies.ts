import { activeFile } from "./goal.js";
import type { Kept, Live } from "./live.js";
import type { RoutingStep } from "./steps.js";

/** Our copies that nothing names: gone, or with what was found under their names. Those that somebody else changed stay. */
export function putAway(live: Live, kept: Kept, inUse: string | undefined): { steps: RoutingStep[]; notes: string[] } {
  const steps: RoutingStep[] = [];
  const notes: string[] = [];
  for (const [path, versions] of Object.entries(kept.written)) {
    const now = live.files[path]?.sha256 ?? "absent";
    const generated = versions.some(({ routing }) => routing);
    if (generated || path in kept.found.files || now === "absent") continue;
    if (!versions.some((version) => version.sha256 === now)) {
      notes.push(`${path} stays: somebody changed it since we wrote it`);
    } else if (live.neighbours.some((neighbour) => neighbour.files.includes(path))) {
      notes.push(`${path} stays: another web server on this host uses it`);
    } else if (path === inUse) {
      notes.push(`${path} stays: the directive named it when it was adopted`);
    } else {
      steps.push({ key: `remove ${path}`, title: `remove our copy ${path}`, impact: "none", path, expected: now });
    }
  }
  return { steps, notes };
}

/** Copies that were there at adoption, under names that we wrote to since. */
export function foundCopies(live: Live, kept: Kept): { steps: RoutingStep[]; notes: string[] } {
  const steps: RoutingStep[] = [];
  const notes: string[] = [];
  for (const [path, sha256] of Object.entries(kept.found.files)) {
    const expected = live.files[path]?.sha256 ?? "absent";
    if (expected === sha256 || !(path in kept.written)) continue;
    const other = live.neighbours.find((neighbour) => neighbour.files.includes(path));
    if (other) {
      notes.push(`${path} stays as it is: ${other.httpdConf}, managed by ${other.owner}, uses it`);
      continue;
    }
    const title = `put back ${path} as it was found`;
    const followed = activeFile(live)?.path === path;
    steps.push({ key: `restore ${path}`, title, impact: "none", path, expected, sha256, followed });
  }
  return { steps, notes };
}
