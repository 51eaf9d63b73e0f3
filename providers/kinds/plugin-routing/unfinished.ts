import { isProven } from "./goal.js";
import type { Kept, Live } from "./live.js";

type Previous = NonNullable<Kept["previous"]>;

/**
 * What to go back to. A run that follows one that never reached its proof goes back to where that one started, not to the
 * half-way state it found; what a person put there meanwhile is no half-way state, and stays. Only what was in force at
 * that start counts as proven there: a run whose one purpose was a proof has none to go back to.
 */
export function previousOf(kept: Kept, live: Live): Previous {
  return (
    unfinishedRun(kept, live) ?? {
      ...(live.directive ? { directive: live.directive } : {}),
      files: {},
      proven: isProven(live, kept) ? kept.proven : null,
      towards: [],
    }
  );
}

/** The run whose traces `live` shows: the directive and each file are as it found them or as it left them. */
export function unfinishedRun(kept: Kept, live: Live): Previous | undefined {
  const { previous, proven } = kept;
  if (proven !== null || !previous) return undefined;
  const path = live.directive?.path;
  const known = path !== undefined && [previous.directive?.path, ...previous.towards].includes(path);
  const untouched = Object.entries(previous.files).every(([file, before]) => {
    const now = shaOf(live, file);
    return now === before || isOurDoing(kept, file, now);
  });
  return known && untouched ? previous : undefined;
}

/** What it left behind that users may feel, one sentence each; none = it left nothing. */
export function leftHalfDone(kept: Kept, live: Live): string[] {
  const previous = unfinishedRun(kept, live);
  if (!previous) return [];
  const { directive, files } = previous;
  return [
    ...(directive?.path === live.directive?.path ? [] : [`WebSpherePluginConfig names ${live.directive?.path}`]),
    ...Object.entries(files)
      .filter(([file, before]) => shaOf(live, file) !== before)
      .map(([file, before]) => (before === "absent" ? `${file} is new` : `${file} has other content`)),
  ];
}

/** Written by us, or put back by us as it was before. */
export function isOurDoing({ written, found, inPlace }: Kept, path: string, sha256: string | undefined): boolean {
  if (sha256 === undefined) return false;
  return (
    written[path]?.some((version) => version.sha256 === sha256) === true ||
    found.files[path] === sha256 ||
    (inPlace?.path === path && inPlace.generated.sha256 === sha256)
  );
}

const shaOf = ({ generated, files }: Live, path: string): string =>
  (path === generated.path ? generated : files[path])?.sha256 ?? "absent";
