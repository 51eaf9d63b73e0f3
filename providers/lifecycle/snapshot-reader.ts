import type { FileReader, Host } from "../targets/host.js";

/** A host's files as its snapshot knows them. */
export function snapshotReader(host: Host): FileReader {
  return {
    read: (path) => host.snapshot(`read ${path}`, () => host.files.read(path)),
    stat: (path) => host.snapshot(`stat ${path}`, () => host.files.stat(path)),
    list: (directory) => host.snapshot(`list ${directory}`, () => host.files.list(directory)),
    realPath: (path) => host.snapshot(`realPath ${path}`, () => host.files.realPath(path)),
  };
}
