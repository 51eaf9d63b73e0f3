import { closeAllDatabases } from "../targets/db2/database.js";
import { closeAllHosts, openHost } from "../targets/hosts.js";
import { beforeLeaving } from "./interrupt.js";
import type { Access } from "./kind.js";
import { snapshotReader } from "./snapshot-reader.js";

// A database may be reached through a host, so it goes first.
beforeLeaving(() => closeAllDatabases().finally(closeAllHosts));

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
