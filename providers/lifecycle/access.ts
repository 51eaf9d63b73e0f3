import type { FileReader, Host } from "../targets/host.js";
import { openHost } from "../targets/hosts.js";
import type { Access } from "./kind.js";

/** Asks the hosts anew at every question: for `up`, under the lock. */
export const freshAccess: Access = {
  host: openHost,
  files: (connection) => openHost(connection).files,
};

/** Answers from the snapshot that all resources of this process share: for previews. */
export const cachedAccess: Access = {
  host: openHost,
  files: (connection) => snapshotReader(openHost(connection)),
};

export function snapshotReader(host: Host): FileReader {
  return {
    read: (path) => host.snapshot(`read ${path}`, () => host.files.read(path)),
    stat: (path) => host.snapshot(`stat ${path}`, () => host.files.stat(path)),
    list: (directory) => host.snapshot(`list ${directory}`, () => host.files.list(directory)),
    realPath: (path) => host.snapshot(`realPath ${path}`, () => host.files.realPath(path)),
  };
}
