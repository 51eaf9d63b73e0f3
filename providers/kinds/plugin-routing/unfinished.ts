import type { Kept, Live } from "./live.js";

type Previous = NonNullable<Kept["previous"]>;

/**
 * What to go back to. A run that follows one that never reached its proof goes back to where that one started, not to the
 * half-way state it found; what a person put there meanwhile is no half-way state, and stays.
 */
export function previousOf(kept: Kept, live: Live): Previous {
  return (
    unfinishedRun(kept, live) ?? {
      ...(live.directive ? { directive: live.directive } : {}),
      files: {},
      proven: kept.proven,
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

/** Whether it left something behind that users may feel. */
export function isHalfDone(kept: Kept, live: Live): boolean {
  const previous = unfinishedRun(kept, live);
  if (!previous) return false;
  return (
    previous.directive?.path !== live.directive?.path ||
    Object.entries(previous.files).some(([file, before]) => shaOf(live, file) !== before)
  );
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
